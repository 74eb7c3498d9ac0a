package uvlock

import (
	"cmp"
	"encoding/hex"
	"net/url"
	"path"
	"strings"

	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// source reads where a package comes from. The string is the source as it is
// written, by which edges name it.
func (r *reader) source(parent tomltree.Table) (lock.Source, string) {
	t := parent.Table("source")
	for _, key := range t.Keys() {
		text := t.String(key.Name)
		var s lock.Source
		switch key.Name {
		case "registry":
			s = r.registry(text, key.Line)
		case "git":
			s = r.git(text, key.Line)
		case "url":
			s = lock.Source{Origin: lock.Archive, URL: r.url(text, key.Line), Subdirectory: t.String("subdirectory")}
		case "path":
			s = lock.Source{Origin: lock.Archive, Path: path.Clean(text)}
		case "directory":
			s = lock.Source{Origin: lock.Directory, Path: path.Clean(text)}
		case "editable":
			s = lock.Source{Origin: lock.Directory, Path: path.Clean(text), Editable: true}
		case "virtual":
			s = lock.Source{Origin: lock.Virtual, Path: path.Clean(text)}
		default:
			continue
		}
		return s, key.Name + " " + text + " " + s.Subdirectory
	}
	r.doc.Errorf(parent.LineOf("source"), "%s has no source that is known", parent.String("name"))
	return lock.Source{}, ""
}

// registry reads an index, or a folder that is used like one.
func (r *reader) registry(text string, line int) lock.Source {
	if isURL(text) {
		return lock.Source{Origin: lock.Registry, URL: r.url(text, line)}
	}
	return lock.Source{Origin: lock.Registry, Path: path.Clean(text)}
}

func isURL(text string) bool { return strings.Contains(text, "://") }

// git reads "URL?subdirectory=…&rev=…#commit". What the query says about the
// branch, tag or revision was resolved to the commit.
func (r *reader) git(text string, line int) lock.Source {
	rest, commit, _ := strings.Cut(text, "#")
	address, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		r.doc.Errorf(line, "git = %q has a query that cannot be read: %w", r.url(text, line), err)
	}
	if !lock.IsCommit(commit) {
		r.doc.Errorf(line, "git = %q does not end with a full commit id", r.url(text, line))
	}
	s := lock.Source{
		Origin:       lock.Git,
		URL:          r.url(address, line),
		Commit:       commit,
		Subdirectory: values.Get("subdirectory"),
		Path:         values.Get("path"),
		LFS:          values.Get("lfs") == "true",
	}
	for _, key := range []string{"rev", "tag", "branch"} {
		if ref := values.Get(key); ref != "" {
			s.Ref = ref
		}
	}
	return s
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

// wheels reads the wheels of a package.
func (r *reader) wheels(p *lock.Package, t tomltree.Table) []lock.File {
	tables := t.Tables("wheels")
	if len(tables) == 0 {
		return nil
	}
	if p.Source.Origin == lock.Directory || p.Source.Origin == lock.Virtual {
		r.doc.Errorf(tables[0].Line(), "%s is a source tree and cannot have wheels", p.Name)
		return nil
	}
	version, err := pep440.Parse(p.Version)
	check := err == nil && p.Version != ""
	files := make([]lock.File, len(tables))
	for i, t := range tables {
		if files[i] = r.file(p, t); files[i].Name != "" {
			r.checkWheel(p, files[i], version, check)
		}
	}
	return files
}

// checkWheel refuses a wheel of another project or version than its package:
// what is installed would not be what the lock says. A wheel may add a local
// version, as PyTorch's indexes do ("2.3.0" → "2.3.0+cpu").
func (r *reader) checkWheel(p *lock.Package, f lock.File, version pep440.Version, checkVersion bool) {
	name, err := wheel.ParseFilename(f.Name)
	if err != nil {
		r.doc.Errorf(f.Line, "%s: %w", p, err)
		return
	}
	if name.Name != p.Name {
		r.doc.Errorf(f.Line, "the wheel %q is one of %s, but the package is %s", f.Name, name.Name, p.Name)
	}
	if !checkVersion || name.Version == p.Version {
		return
	}
	got, err := pep440.Parse(name.Version)
	if err != nil || got.Compare(version) != 0 && got.Public().Compare(version) != 0 {
		r.doc.Errorf(f.Line, "the wheel %q has version %s, but the package is %s", f.Name, name.Version, p)
	}
}

// sdist reads the source distribution of a package, nil if it has none.
func (r *reader) sdist(p *lock.Package, t tomltree.Table) *lock.File {
	if !t.Has("sdist") {
		return nil
	}
	f := r.file(p, t.Table("sdist"))
	return &f
}

// file reads a wheel or source distribution. It may name a URL, a path
// relative to a local index, a bare file name, or nothing: the last two are
// the file that the package's source is. The digest of a wheel's form that is
// compressed anew (zstd) is not read: that is another file.
func (r *reader) file(p *lock.Package, t tomltree.Table) lock.File {
	f := lock.File{Size: t.Int("size"), Line: t.Line()}
	switch {
	case p.Source.Origin == lock.Archive || p.Source.Origin == lock.Git:
		f.URL, f.Path = p.Source.URL, p.Source.Path
		f.Name = cmp.Or(t.String("filename"), lock.FileName(cmp.Or(t.String("url"), f.Path, f.URL)))
		if p.Source.Origin == lock.Git {
			f.URL = ""
		}
	case t.Has("url"):
		f.URL, _, _ = strings.Cut(r.url(t.String("url"), t.Line()), "#")
		f.Name = lock.FileName(f.URL)
	default:
		f.Path = path.Clean(t.String("path"))
		f.Name = lock.FileName(f.Path)
		if !path.IsAbs(f.Path) {
			f.Path = path.Join(p.Source.Path, f.Path)
		}
	}
	if f.Name == "" {
		r.doc.Errorf(f.Line, "a file of %s has no valid name", p)
	}
	if t.Has("hash") {
		f.Hashes = []lock.Hash{r.hash(t.String("hash"), t.LineOf("hash"))}
	}
	return f
}

// hash reads "sha256:…". uv writes the strongest digest that the index gave.
func (r *reader) hash(text string, line int) lock.Hash {
	lengths := map[string]int{"md5": 32, "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128}
	algorithm, digits, _ := strings.Cut(text, ":")
	if _, err := hex.DecodeString(digits); err != nil || lengths[algorithm] != len(digits) {
		r.doc.Errorf(line, "hash = %q is no digest", text)
	}
	return lock.Hash{Algorithm: algorithm, Hex: digits}
}
