// Package pylock reads pylock.toml and pylock.NAME.toml, the lock files that
// tools share (PEP 751, the "pylock.toml" specification), and says which of
// their packages a target gets. The reference is packaging.pylock of
// pypa/packaging 26, which pip uses: what it refuses is refused here.
//
// A pylock.toml is a flat list: each package has a marker of its own, in which
// "extras" and "dependency_groups" are the sets that are asked for. What a
// package depends on is for readers only and never followed.
//
// Where the tools disagree: naming a group replaces the default groups, as in
// packaging and uv; an extra or group that the lock does not declare is an
// error, as in packaging; a wheel has the name that its URL has, because uv
// writes names that the file does not have; an empty table of hashes is read,
// because uv writes it.
package pylock

import (
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Format is the name of the format, and of its file.
const Format = "pylock.toml"

// document is a parsed lock: the Resolver of the format.
type document struct {
	source       *diag.Source
	packages     []entry
	extras       []string    // that may be asked for
	groups       []string    // that may be asked for
	defaults     []string    // the groups where none is named
	limited      bool        // the lock is for its environments only
	environments []condition // of which one must hold if limited
	limitLine    int
}

// condition is a marker and where it stands.
type condition struct {
	marker pep508.Marker
	line   int
}

// entry is a package of the lock and when it is installed.
type entry struct {
	*lock.Package
	condition
	requires     pep440.Specifiers
	requiresLine int
	unfetchable  error // why its source can be named but not fetched, nil if it can
}

// Parse reads a lock. The errors are *diag.Error with the reason Malformed or
// UnsupportedVersion; all mistakes of a lock are joined.
func Parse(src *diag.Source) (*lock.Lock, error) {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	r := newReader(doc, src)
	if err := r.checkVersion(doc.Root()); err != nil {
		return nil, err
	}
	r.read(doc.Root())
	if err := doc.Err(); err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	return r.lock, nil
}

// reader fills a lock from a document. What it finds wrong it notes in the
// document, and reads on.
type reader struct {
	doc      *tomltree.Document
	lock     *lock.Lock
	document *document
	markers  map[string]pep508.Marker // a lock repeats a few markers many times
	warned   bool                     // about credentials
}

func newReader(doc *tomltree.Document, src *diag.Source) *reader {
	d := &document{source: src}
	return &reader{
		doc:      doc,
		lock:     &lock.Lock{Format: Format, Source: src, Resolver: d},
		document: d,
		markers:  make(map[string]pep508.Marker),
	}
}

// checkVersion comes before all else: what an unknown version means is not
// ours to guess. A greater minor version only adds keys.
func (r *reader) checkVersion(root tomltree.Table) error {
	const key = "lock-version"
	text, at := r.required(root, key, "the lock"), r.doc.At(root.LineOf(key))
	if err := r.doc.Err(); err != nil {
		return lock.Malformed.Wrap(err)
	}
	version, err := pep440.Parse(text)
	if err != nil {
		return lock.Malformed.Errorf(at, "%s: %w", key, err)
	}
	release := version.Truncate(1)
	if version.Epoch() != "0" || release.String() != "1" || version.Compare(release) < 0 {
		return lock.UnsupportedVersion.Errorf(at, "%s = %q is not supported", key, text).
			WithHint("lock the project with a tool that writes version 1.0, such as \"uv export -o pylock.toml\"")
	}
	if version.Compare(release) > 0 {
		r.warn(at.Line, "LockVersion", "the lock has a newer version of its format than 1.0, what that adds is ignored",
			"lock the project with a tool that writes version 1.0")
	}
	return nil
}

// read reads all but the version.
func (r *reader) read(root tomltree.Table) {
	d := r.document
	r.creator(root)
	if root.Has("requires-python") {
		r.lock.RequiresLine = root.LineOf("requires-python")
		r.lock.RequiresPython = r.specifiers(root, "requires-python")
	}
	d.limited, d.limitLine = root.Has("environments"), root.LineOf("environments")
	for _, text := range root.Texts("environments") {
		d.environments = append(d.environments, condition{r.marker(text.Text, text.Line), text.Line})
	}
	for _, text := range root.Texts("extras") {
		r.checkName(text.Text, text.Line, "an extra")
		d.extras = append(d.extras, text.Text)
	}
	d.groups = normalized(root.Strings("dependency-groups"))
	d.defaults = normalized(root.Strings("default-groups"))
	root.Table("tool")
	if !root.Has("packages") {
		r.doc.Errorf(0, "the lock has no packages")
	}
	for _, t := range root.Tables("packages") {
		e := r.entry(t)
		d.packages = append(d.packages, e)
		r.lock.Packages = append(r.lock.Packages, e.Package)
	}
}

// creator reads created-by. Pipenv writes files that no tool can install, its
// own included: the names and URLs of their wheels are made up.
func (r *reader) creator(root tomltree.Table) {
	if r.required(root, "created-by", "the lock") != "pipenv" {
		return
	}
	err := diag.Errorf(r.doc.At(root.LineOf("created-by")), "pipenv writes a pylock.toml with file names that do not exist")
	r.doc.Add(err.WithHint("use the Pipfile.lock beside it"))
}

// required gives a string that must be there.
func (r *reader) required(t tomltree.Table, key, what string) string {
	if !t.Has(key) {
		r.doc.Errorf(t.Line(), "%s has no %s", what, key)
	}
	return t.String(key)
}

// checkName refuses a name that is not in normal form.
func (r *reader) checkName(name string, line int, what string) {
	if normal := pep508.NormalizeName(name); !pep508.ValidName(name) {
		r.doc.Errorf(line, "%q is no name of %s", name, what)
	} else if normal != name {
		r.doc.Errorf(line, "the name %q of %s must be written %q", name, what, normal)
	}
}

func (r *reader) marker(text string, line int) pep508.Marker {
	if m, ok := r.markers[text]; ok {
		return m
	}
	m, err := pep508.ParseMarker(text, pep508.Packaging)
	switch {
	case err != nil:
		r.doc.Errorf(line, "marker %q: %w", text, err)
	case m.UsesExtra():
		err := diag.Errorf(r.doc.At(line), "marker %q asks for \"extra\", which a pylock.toml does not have", text)
		r.doc.Add(err.WithHint("write: 'NAME' in extras"))
	}
	r.markers[text] = m
	return m
}

func (r *reader) specifiers(t tomltree.Table, key string) pep440.Specifiers {
	s, err := pep440.ParseSpecifiers(t.String(key))
	if err != nil {
		r.doc.Errorf(t.LineOf(key), "%s: %w", key, err)
	}
	return s
}

func (r *reader) warn(line int, rule, msg, hint string) {
	r.lock.Warnings = append(r.lock.Warnings, diag.Warning{Rule: rule, Msg: msg, Hint: hint, At: r.doc.At(line)})
}

// url takes the credentials out of a URL, and warns once about them.
func (r *reader) url(t tomltree.Table, key string) string {
	stripped, secret := lock.StripCredentials(t.String(key))
	if secret && !r.warned {
		r.warned = true
		r.warn(t.LineOf(key), "LockCredentials", "the lock has a URL with credentials, which are ignored",
			"remove them from the lock's history, and give them to the build as a secret")
	}
	return stripped
}

func normalized(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = pep508.NormalizeName(name)
	}
	return list
}
