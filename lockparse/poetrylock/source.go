package poetrylock

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// readSource reads where a package comes from; without a source that is PyPI.
func (r *reader) readSource(n *node, t tomltree.Table) {
	source := t.Table("source")
	text, line := source.String("url"), source.LineOf("url")
	n.kind = source.String("type")
	n.ref = source.String("reference")
	s := lock.Source{Subdirectory: source.String("subdirectory")}
	switch n.kind {
	case "", "legacy":
		s.Origin, s.URL = lock.Registry, r.url(text, line)
	case "git":
		s.Origin, s.URL = lock.Git, r.url(text, line)
		s.Ref, s.Commit = n.ref, source.String("resolved_reference")
		if s.Commit == "" { // up to lock-version 1.0 the reference is the commit
			s.Ref, s.Commit = "", n.ref
		}
		if !lock.IsCommit(s.Commit) {
			r.doc.Errorf(source.Line(), "%s has no full commit id, but %q", n.Name, s.Commit)
		}
		n.location = gitLocation(text)
	case "url":
		s.Origin, s.URL = lock.Archive, r.url(text, line)
		n.location = text
	case "file":
		s.Origin, s.Path = lock.Archive, path.Clean(text)
		n.location = s.Path
	case "directory":
		s.Origin, s.Path, s.Editable = lock.Directory, path.Clean(text), t.Bool("develop")
		n.location = s.Path
	default:
		r.doc.Errorf(source.LineOf("type"), "%s has a source of the unknown type %q", n.Name, n.kind)
	}
	if n.kind != "" && text == "" {
		r.doc.Errorf(source.Line(), "the source of %s has no url", n.Name)
	}
	n.Source = s
}

// url takes the credentials out of a URL, and warns once about them.
func (r *reader) url(text string, line int) string {
	stripped, secret := lock.StripCredentials(text)
	if secret && !r.warnedCredentials {
		r.warnedCredentials = true
		r.warn(line, "LockCredentials", "the lock has a URL with credentials, which are ignored",
			"remove them from the lock's history, and give them to the build as a secret")
	}
	return stripped
}

// readFiles reads the files of a package: with the package since lock-version
// 2.0, before that in one table for all. The oldest locks have digests
// without file names.
func (r *reader) readFiles(n *node, t tomltree.Table) {
	var files []lock.File
	switch {
	case t.Has("files"):
		files = r.files(t, "files")
	case r.metadata.Has("hashes"):
		hashes := r.metadata.Table("hashes")
		for _, text := range hashes.Texts(r.keyOf(hashes, n.Name)) {
			n.Hashes = append(n.Hashes, r.hash(text.Text, text.Line)...)
		}
		return
	default:
		table := r.metadata.Table("files")
		files = r.filesOf(n, r.files(table, r.keyOf(table, n.Name)))
	}
	switch n.Source.Origin {
	case lock.Registry:
		r.sort(n, files)
	case lock.Archive:
		r.archive(n, files)
	}
}

// keyOf finds the key of a package, whose name is written there as its index
// spells it.
func (r *reader) keyOf(t tomltree.Table, name string) string {
	if t.Has(name) {
		return name
	}
	if r.spellings == nil {
		r.spellings = make(map[string]string)
		for _, key := range t.Keys() {
			r.spellings[pep508.NormalizeName(key.Name)] = key.Name
		}
	}
	return r.spellings[name]
}

// files reads an array of files.
func (r *reader) files(t tomltree.Table, key string) []lock.File {
	tables := t.Tables(key)
	files := make([]lock.File, len(tables))
	for i, item := range tables {
		name := item.String("file")
		if lock.FileName(name) != name || name == "" {
			r.doc.Errorf(item.Line(), "file = %q is no name of a file", name)
		}
		files[i] = lock.File{Name: name, Line: item.Line()}
		if text := item.String("hash"); text != "" {
			files[i].Hashes = r.hash(text, item.Line())
		}
	}
	return files
}

// hash reads "sha256:…"; the oldest locks have SHA-256 without saying so.
func (r *reader) hash(text string, line int) []lock.Hash {
	algorithm, digest, ok := strings.Cut(text, ":")
	if !ok {
		algorithm, digest = "sha256", text
	}
	h, err := lock.NewHash(algorithm, digest)
	if err != nil {
		r.doc.Errorf(line, "hash: %w", err)
		return nil
	}
	return []lock.Hash{h}
}

// filesOf gives those files of a name that belong to one package of it: locks
// before 2.0 do not say which of several versions a file is of.
func (r *reader) filesOf(n *node, files []lock.File) []lock.File {
	if len(r.file.byName[n.Name]) < 2 || n.Source.Origin != lock.Registry {
		return files
	}
	return slices.DeleteFunc(slices.Clone(files), func(f lock.File) bool {
		v, ok := versionOf(f.Name)
		return !ok || v.Compare(n.version) != 0
	})
}

// versionOf gives the version in the name of a wheel or source distribution.
func versionOf(name string) (pep440.Version, bool) {
	text := ""
	if w, err := wheel.ParseFilename(name); err == nil {
		text = w.Version
	} else if s, err := wheel.ParseSdist(name); err == nil {
		text = s.Version
	}
	v, err := pep440.Parse(text)
	return v, err == nil
}

// sort puts the files of a release where they belong. Old releases also have
// installers and eggs, which are of no use.
func (r *reader) sort(n *node, files []lock.File) {
	best := len(sdistSuffixes())
	for _, f := range files {
		if strings.HasSuffix(f.Name, ".whl") {
			r.checkWheel(n, f)
			n.Wheels = append(n.Wheels, f)
			continue
		}
		rank := slices.IndexFunc(sdistSuffixes(), func(suffix string) bool { return strings.HasSuffix(f.Name, suffix) })
		if rank >= 0 && rank < best {
			best = rank
			n.Sdist = &f
		}
	}
}

// sdistSuffixes are those of source distributions, the best first.
func sdistSuffixes() []string {
	return []string{".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tar.Z", ".tar"}
}

// checkWheel refuses a wheel of another project or version than its package:
// what is installed would not be what the lock says. Names that are none are
// passed over, old releases have them. A file or URL may be newer than the
// lock: there the version is what the file says.
func (r *reader) checkWheel(n *node, f lock.File) {
	name, err := wheel.ParseFilename(f.Name)
	if err != nil {
		return
	}
	v, err := pep440.Parse(name.Version)
	otherVersion := err == nil && v.Compare(n.version) != 0 && n.Source.Origin == lock.Registry
	if name.Name != n.Name || otherVersion {
		r.doc.Errorf(f.Line, "the wheel %q is one of %s %s, but the package is %s", f.Name, name.Name, name.Version, n)
	}
}

// archive completes the one file of a package that is a file or a URL.
func (r *reader) archive(n *node, files []lock.File) {
	f := lock.File{
		Name: lock.FileName(cmp.Or(n.Source.URL, n.Source.Path)),
		Path: n.Source.Path,
		Line: n.At.Line,
	}
	f.URL, _, _ = strings.Cut(n.Source.URL, "#")
	if f.Name == "" {
		r.doc.Errorf(n.At.Line, "the source of %s does not end with the name of a file", n.Name)
	}
	for _, locked := range files {
		if locked.Name == f.Name || len(files) == 1 {
			f.Hashes = locked.Hashes
		}
	}
	if strings.HasSuffix(f.Name, ".whl") {
		r.checkWheel(n, f)
		n.Wheels = []lock.File{f}
		return
	}
	n.Sdist = &f
}
