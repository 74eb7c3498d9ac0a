package pdmlock

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

// source reads where a package comes from: an index if it does not say.
func (r *reader) source(n *node, t tomltree.Table) {
	for _, key := range []string{"git", "hg", "svn", "bzr"} {
		if t.Has(key) {
			r.repository(n, t, key)
			return
		}
	}
	s := lock.Source{Editable: t.Bool("editable"), Subdirectory: t.String("subdirectory")}
	switch {
	case t.Has("path"):
		s.Origin, s.Path = lock.Directory, path.Clean(t.String("path"))
		if isArchive(s.Path) {
			s.Origin = lock.Archive
		}
	case t.Has("url"):
		s.Origin = lock.Archive
		s.URL, _, _ = strings.Cut(r.url(t, "url"), "#")
	default:
		s = lock.Source{Origin: lock.Registry}
	}
	n.Source = s
}

// isArchive tells a file from a folder, by the endings that PDM knows.
func isArchive(name string) bool {
	return slices.ContainsFunc([]string{
		".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz",
	}, func(ending string) bool { return strings.HasSuffix(name, ending) })
}

func (r *reader) repository(n *node, t tomltree.Table, kind string) {
	n.Source = lock.Source{
		Origin:       lock.Git,
		URL:          r.url(t, kind),
		Ref:          t.String("ref"),
		Commit:       t.String("revision"),
		Subdirectory: t.String("subdirectory"),
	}
	at := r.doc.At(t.LineOf(kind))
	switch {
	case kind != "git":
		n.unfetchable = lock.NoArtifact.Errorf(at, "%s comes from a repository of type %q, and only \"git\" can be fetched", n.Package, kind).
			WithHint("lock a release of the package, or an archive of the revision")
	case !t.Has("revision"):
		n.unfetchable = lock.NoArtifact.Errorf(at, "%s comes from a repository without a revision: PDM locks none for what is editable", n.Package).
			WithHint("make the dependency not editable, and lock the project again")
	case !lock.IsCommit(n.Source.Commit):
		r.doc.Errorf(t.LineOf("revision"), "revision = %q is no full commit id", n.Source.Commit)
	}
}

// files reads the files of a package. Before format 4.3 they stood in a table
// of the whole lock, with their URLs whatever the strategy was.
func (r *reader) files(n *node, t tomltree.Table) {
	rows, withURL := t.Tables("files"), r.staticURLs
	if all := r.metadata.Table("files"); len(all.Keys()) > 0 {
		rows, withURL = all.Tables(t.String("name")+" "+n.Version), true
	}
	switch n.Source.Origin {
	case lock.Registry:
		for _, row := range rows {
			r.add(n, r.row(row, withURL))
		}
	case lock.Archive:
		f := lock.File{URL: n.Source.URL, Path: n.Source.Path, Line: t.Line()}
		f.Name = lock.FileName(cmp.Or(f.URL, f.Path))
		for _, row := range rows {
			f.Hashes = append(f.Hashes, r.hash(row)...)
		}
		r.add(n, f)
	}
}

// row reads a file of an index. A URL is refused, as by PDM, unless the lock
// says that it has them: it could be slipped in unseen.
func (r *reader) row(t tomltree.Table, withURL bool) lock.File {
	f := lock.File{Name: t.String("file"), Hashes: r.hash(t), Line: t.Line()}
	if t.Has("url") && !withURL {
		r.doc.Errorf(t.LineOf("url"), "the lock has a URL of a file, but not the strategy static_urls")
	}
	if f.Name == "" || t.Has("url") {
		f.URL, _, _ = strings.Cut(r.url(t, "url"), "#")
		f.Name = lock.FileName(f.URL)
	}
	if f.Name == "" || lock.FileName(f.Name) != f.Name {
		r.doc.Errorf(f.Line, "the file has no valid name")
	}
	return f
}

func (r *reader) hash(t tomltree.Table) []lock.Hash {
	if !t.Has("hash") {
		return nil
	}
	algorithm, digest, _ := strings.Cut(t.String("hash"), ":")
	h, err := lock.NewHash(algorithm, digest)
	if err != nil {
		r.doc.Errorf(t.LineOf("hash"), "hash: %w", err)
	}
	return []lock.Hash{h}
}

// add adds a file to a package, if it is one of its version: the oldest locks
// have those of all versions. Of several source distributions that of the form
// of today is taken. Names that no tool installs any more, such as those of
// eggs, are passed over.
func (r *reader) add(n *node, f lock.File) {
	if w, err := wheel.ParseFilename(f.Name); err == nil {
		if w.Name != n.Name {
			r.doc.Errorf(f.Line, "the wheel %q is one of %s, but the package is %s", f.Name, w.Name, n.Name)
		} else if n.hasVersion(w.Version) {
			n.Wheels = append(n.Wheels, f)
		}
		return
	}
	if n.Source.Origin == lock.Archive {
		n.Sdist = &f
		return
	}
	s, err := wheel.ParseSdist(f.Name)
	if err == nil && n.hasVersion(s.Version) && (n.Sdist == nil || strings.HasSuffix(f.Name, ".tar.gz")) {
		n.Sdist = &f
	}
}

// hasVersion says whether a file of a version is one of the package. It may
// add a local version, as PyTorch's indexes do ("2.3.0" → "2.3.0+cpu").
func (n *node) hasVersion(text string) bool {
	locked, errLocked := pep440.Parse(n.Version)
	version, err := pep440.Parse(text)
	return errLocked != nil || err == nil && (version.Compare(locked) == 0 || version.Public().Compare(locked) == 0)
}
