package pylock

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// entry reads a package.
func (r *reader) entry(t tomltree.Table) entry {
	p := &lock.Package{Name: r.required(t, "name", "the package"), Version: t.String("version"), At: r.doc.At(t.Line())}
	e := entry{Package: p}
	if t.IsString("name") {
		r.checkName(p.Name, t.LineOf("name"), "a package")
	}
	if t.Has("version") {
		if _, err := pep440.Parse(p.Version); err != nil {
			r.doc.Errorf(t.LineOf("version"), "version of %s: %w", p.Name, err)
		}
	}
	if t.Has("requires-python") {
		e.requires, e.requiresLine = r.specifiers(t, "requires-python"), t.LineOf("requires-python")
	}
	if t.Has("marker") {
		e.condition = condition{r.marker(t.String("marker"), t.LineOf("marker")), t.LineOf("marker")}
	}
	r.source(&e, t)
	r.informational(t)
	return e
}

// informational checks the keys that say nothing about what to install.
func (r *reader) informational(t tomltree.Table) {
	t.Tables("dependencies")
	t.Table("tool")
	for _, identity := range t.Tables("attestation-identities") {
		r.required(identity, "kind", "an attestation identity")
	}
}

// source reads where a package comes from: files, or exactly one source tree,
// archive or repository (the "Package" section of the specification).
func (r *reader) source(e *entry, t tomltree.Table) {
	var found []string
	for _, key := range []string{"vcs", "directory", "archive", "sdist", "wheels"} {
		if t.Has(key) && (key != "wheels" || len(t.Tables("wheels")) > 0) {
			found = append(found, key)
		}
	}
	name := cmp.Or(e.Name, "the package")
	switch {
	case len(found) == 0:
		r.doc.Errorf(t.Line(), "%s has neither files nor a source tree, archive or repository", name)
	case slices.Equal(found, []string{"vcs"}):
		r.vcs(e, t.Table("vcs"))
	case slices.Equal(found, []string{"directory"}):
		r.directory(e.Package, t.Table("directory"))
	case slices.Equal(found, []string{"archive"}):
		r.archive(e.Package, t.Table("archive"))
	case slices.ContainsFunc(found[:1], func(key string) bool { return key == "sdist" || key == "wheels" }):
		r.files(e.Package, t)
	default:
		r.doc.Errorf(t.LineOf(found[1]), "%s has both %s and %s", name, found[0], found[1])
	}
}

func (r *reader) vcs(e *entry, t tomltree.Table) {
	kind := r.required(t, "type", "the vcs")
	e.Source = lock.Source{
		Origin:       lock.Git,
		URL:          strings.TrimPrefix(r.url(t, "url"), "git+"),
		Ref:          t.String("requested-revision"),
		Commit:       r.required(t, "commit-id", "the vcs"),
		Subdirectory: t.String("subdirectory"),
	}
	switch {
	case kind != "git":
		e.unfetchable = lock.NoArtifact.Errorf(r.doc.At(t.LineOf("type")),
			"%s comes from a repository of type %q, and only \"git\" can be fetched", e.Package, kind).
			WithHint("lock a release of the package, or an archive of the revision")
	case e.Source.URL == "" && t.String("path") == "":
		r.doc.Errorf(t.Line(), "the vcs has neither url nor path")
	case e.Source.URL == "":
		e.unfetchable = lock.NoArtifact.Errorf(r.doc.At(t.LineOf("path")),
			"%s comes from a repository on disk, which cannot be fetched", e.Package).
			WithHint("lock it by its URL, or as a directory")
	case t.Has("commit-id") && !lock.IsCommit(e.Source.Commit):
		r.doc.Errorf(t.LineOf("commit-id"), "commit-id = %q is no full commit id", e.Source.Commit)
	}
}

func (r *reader) directory(p *lock.Package, t tomltree.Table) {
	p.Source = lock.Source{
		Origin:       lock.Directory,
		Path:         localPath(r.required(t, "path", "the directory")),
		Editable:     t.Bool("editable"),
		Subdirectory: t.String("subdirectory"),
	}
}

// archive reads a package that is one file, a wheel or a source distribution
// of any name.
func (r *reader) archive(p *lock.Package, t tomltree.Table) {
	f := r.file(t, "archive")
	p.Source = lock.Source{Origin: lock.Archive, URL: f.URL, Path: f.Path, Subdirectory: t.String("subdirectory")}
	if !strings.HasSuffix(f.Name, ".whl") {
		p.Sdist = &f
		return
	}
	r.checkWheel(p, f)
	p.Wheels = []lock.File{f}
}

func (r *reader) files(p *lock.Package, t tomltree.Table) {
	p.Source = lock.Source{Origin: lock.Registry, URL: r.url(t, "index")}
	for _, item := range t.Tables("wheels") {
		f := r.file(item, "wheel")
		r.checkWheel(p, f)
		p.Wheels = append(p.Wheels, f)
	}
	if t.Has("sdist") {
		f := r.file(t.Table("sdist"), "sdist")
		r.checkSdist(p, f)
		p.Sdist = &f
	}
}

// file reads a wheel, source distribution or archive. Of a file with both a
// URL and a path the URL is kept, unless it is one of this machine.
func (r *reader) file(t tomltree.Table, what string) lock.File {
	t.Time("upload-time")
	f := lock.File{Size: t.Int("size"), Hashes: r.hashes(t, what), Line: t.Line()}
	if f.Size < 0 {
		r.doc.Errorf(t.LineOf("size"), "size = %d is less than nothing", f.Size)
	}
	f.URL, _, _ = strings.Cut(r.url(t, "url"), "#")
	f.Path = localPath(t.String("path"))
	f.Name = fileName(t.String("name"), f.Path, f.URL)
	switch {
	case f.URL == "" && f.Path == "":
		r.doc.Errorf(t.Line(), "the %s has neither url nor path", what)
	case f.Name == "":
		r.doc.Errorf(t.Line(), "the %s has no valid file name", what)
	case f.Path != "" && strings.HasPrefix(f.URL, "file:"):
		f.URL = ""
	case f.URL != "":
		f.Path = ""
	}
	return f
}

// fileName gives the name of a file: the one that the lock gives it, else the
// one that its path or URL ends with. If that of the URL means the same, it is
// how the file is really called.
func fileName(name, location, url string) string {
	ofURL := lock.FileName(url)
	switch {
	case name == "":
		return cmp.Or(lock.FileName(location), ofURL)
	case lock.FileName(name) != name:
		return ""
	case sameFile(name, ofURL):
		return ofURL
	}
	return name
}

// sameFile says whether two names are spellings of one.
func sameFile(a, b string) bool {
	x, errX := wheel.ParseFilename(a)
	y, errY := wheel.ParseFilename(b)
	if errX == nil && errY == nil {
		return x.Name == y.Name && sameVersion(x.Version, y.Version) && x.Build == y.Build && slices.Equal(x.Tags, y.Tags)
	}
	s, errS := wheel.ParseSdist(a)
	u, errU := wheel.ParseSdist(b)
	return errS == nil && errU == nil && path.Ext(a) == path.Ext(b) && s.Name == u.Name && sameVersion(s.Version, u.Version)
}

func sameVersion(a, b string) bool {
	if a == b {
		return true
	}
	v, errV := pep440.Parse(a)
	w, errW := pep440.Parse(b)
	return errV == nil && errW == nil && v.Compare(w) == 0
}

// localPath cleans a path. Paths that were locked on Windows may have its
// separators.
func localPath(text string) string {
	if text == "" {
		return ""
	}
	return path.Clean(strings.ReplaceAll(text, `\`, "/"))
}

// hashes reads the digests of a file. uv writes the table empty where the
// index has none; such a file is refused when it is to be fetched, not before.
func (r *reader) hashes(t tomltree.Table, what string) []lock.Hash {
	if !t.Has("hashes") {
		r.doc.Errorf(t.Line(), "the %s has no hashes", what)
	}
	table := t.Table("hashes")
	var hashes []lock.Hash
	for _, key := range table.Keys() {
		h, err := lock.NewHash(key.Name, table.String(key.Name))
		if err != nil && table.IsString(key.Name) {
			r.doc.Errorf(key.Line, "%s: %w", key.Name, err)
		}
		hashes = append(hashes, h)
	}
	return hashes
}

// checkWheel refuses a wheel of another project or version than its package:
// what is installed would not be what the lock says.
func (r *reader) checkWheel(p *lock.Package, f lock.File) {
	if f.Name == "" {
		return
	}
	name, err := wheel.ParseFilename(f.Name)
	if err != nil {
		r.doc.Errorf(f.Line, "wheel of %s: %w", p, err)
		return
	}
	r.checkFile(p, f, name.Name, name.Version)
}

func (r *reader) checkSdist(p *lock.Package, f lock.File) {
	if f.Name == "" {
		return
	}
	name, err := wheel.ParseSdist(f.Name)
	if err != nil {
		r.doc.Errorf(f.Line, "sdist of %s: %w", p, err)
		return
	}
	r.checkFile(p, f, name.Name, name.Version)
}

func (r *reader) checkFile(p *lock.Package, f lock.File, name, version string) {
	if name != p.Name {
		r.doc.Errorf(f.Line, "the file %q is one of %s, but the package is %s", f.Name, name, p.Name)
	} else if p.Version != "" && !sameVersion(version, p.Version) {
		r.doc.Errorf(f.Line, "the file %q has version %s, but the package is %s", f.Name, version, p)
	}
}
