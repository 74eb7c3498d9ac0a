package poetrylock

import (
	"fmt"
	"path"
	"strings"

	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/poetrylock/internal/constraint"
)

// maxMarker is the longest marker that is read, in bytes: markers are
// evaluated many times, and tools write a few hundred.
const maxMarker = 64 << 10

// maxAlternatives is how often one name may occur in the dependencies of a
// package, or among the packages of a lock: each is tried for the others.
const maxAlternatives = 100

// dependency is what a package, or the project, asks for.
type dependency struct {
	name     string
	versions []constraint.Constraint // all must allow the version
	extras   []string                // of the dependency
	optional bool                    // only for an extra
	inExtras []string                // of the project's dependencies: the extras that they are for
	when     condition
	wanted   wanted
	line     int
}

// condition is when a dependency counts: all of it must hold.
type condition struct {
	markers []pep508.Marker
	pythons []constraint.Constraint // of the release of Python
}

func (c condition) and(d condition) condition {
	return condition{
		markers: append(c.markers[:len(c.markers):len(c.markers)], d.markers...),
		pythons: append(c.pythons[:len(c.pythons):len(c.pythons)], d.pythons...),
	}
}

func (c condition) holds(env *pep508.Env, python pep440.Version) (bool, error) {
	for _, p := range c.pythons {
		if !p.Allows(python) {
			return false, nil
		}
	}
	for _, m := range c.markers {
		if ok, err := m.Eval(env); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// wanted is the source that a dependency must come from; the zero value is
// any.
type wanted struct {
	kind     string // as in package.source.type, or "path" for a file or directory
	location string
	ref      string // of Git
	index    string // name of the one index, where kind is empty
}

// accepts says whether a locked package has the source and a version that the
// dependency asks for. A location is compared only where it tells packages
// apart: the same one can be written in several ways.
func (d *dependency) accepts(p *node) bool {
	w := d.wanted
	switch {
	case w.kind == "path" && p.kind != "directory" && p.kind != "file":
		return false
	case w.kind != "" && w.kind != "path" && w.kind != p.kind:
		return false
	case w.kind != "":
		return !p.rivals || w.location == p.location && (w.ref == "" || w.ref == p.ref || strings.HasPrefix(p.Source.Commit, w.ref))
	case w.index != "" && p.kind == "":
		return strings.EqualFold(w.index, "pypi")
	case w.index != "" && (p.kind != "legacy" || !strings.EqualFold(w.index, p.ref)):
		return false
	}
	for _, c := range d.versions {
		if !c.Allows(p.version) {
			return false
		}
	}
	return true
}

// String gives the dependency as messages name it: "numpy >=2".
func (d *dependency) String() string {
	text := d.name
	for _, c := range d.versions {
		if !c.IsAny() {
			text += " " + c.String()
		}
	}
	return text
}

// tableReader reads the tables of dependencies that poetry.lock and
// pyproject.toml have alike.
type tableReader struct {
	doc     *tomltree.Document
	folder  string // in which paths are, relative to that of the lock
	markers map[string]pep508.Marker
}

// dependencies reads a table of dependencies, without the key python.
func (r *tableReader) dependencies(t tomltree.Table) []*dependency {
	var all []*dependency
	for _, key := range t.Keys() {
		if strings.EqualFold(key.Name, "python") {
			continue
		}
		if !pep508.ValidName(key.Name) {
			r.doc.Errorf(key.Line, "%q is no name of a package", key.Name)
			continue
		}
		all = append(all, r.alternatives(t, key)...)
	}
	return all
}

// alternatives reads the dependencies on one name: a constraint, a table, or
// an array of both.
func (r *tableReader) alternatives(t tomltree.Table, key tomltree.Key) []*dependency {
	name := pep508.NormalizeName(key.Name)
	if t.IsString(key.Name) {
		return []*dependency{r.plain(name, t.String(key.Name), key.Line)}
	}
	if !t.IsArray(key.Name) {
		return []*dependency{r.table(name, t.Table(key.Name), key.Line)}
	}
	var all []*dependency
	for _, text := range t.MixedTexts(key.Name) {
		all = append(all, r.plain(name, text.Text, text.Line))
	}
	for _, table := range t.MixedTables(key.Name) {
		all = append(all, r.table(name, table, table.Line()))
	}
	if len(all) > maxAlternatives {
		r.doc.Errorf(key.Line, "%s has more than %d constraints", key.Name, maxAlternatives)
		return nil
	}
	return all
}

func (r *tableReader) plain(name, text string, line int) *dependency {
	return &dependency{name: name, versions: r.constraint(text, line, constraint.Parse), line: line}
}

func (r *tableReader) table(name string, t tomltree.Table, line int) *dependency {
	d := &dependency{
		name:     name,
		extras:   normalized(t.Strings("extras")),
		optional: t.Bool("optional"),
		wanted:   r.wanted(t),
		line:     line,
	}
	if t.Has("version") {
		d.versions = r.constraint(t.String("version"), t.LineOf("version"), constraint.Parse)
	}
	if t.Has("markers") {
		marker := r.marker(t.String("markers"), t.LineOf("markers"))
		d.optional = d.optional || marker.UsesExtra()
		d.when.markers = append(d.when.markers, marker)
	}
	if t.Has("platform") {
		d.when.markers = append(d.when.markers, r.platform(t))
	}
	if t.Has("python") {
		d.when.pythons = r.constraint(t.String("python"), t.LineOf("python"), constraint.ParsePython)
	}
	return d
}

func (r *tableReader) constraint(text string, line int, parse func(string) (constraint.Constraint, error)) []constraint.Constraint {
	c, err := parse(text)
	if err != nil {
		r.doc.Errorf(line, "%w", err)
		return nil
	}
	return []constraint.Constraint{c}
}

// marker reads a marker. Poetry writes "*" for one that always holds and
// "<empty>" for one that never does.
func (r *tableReader) marker(text string, line int) pep508.Marker {
	if m, ok := r.markers[text]; ok {
		return m
	}
	plain := text
	switch {
	case text == "*":
		plain = ""
	case text == "<empty>":
		plain = `python_version < "0"`
	case len(text) > maxMarker:
		r.doc.Errorf(line, "a marker has more than %d bytes", maxMarker)
		return pep508.Marker{}
	}
	m, err := pep508.ParseMarker(plain, pep508.Poetry)
	if err != nil {
		r.doc.Errorf(line, "markers = %q: %w", text, err)
	}
	r.markers[text] = m
	return m
}

// platform reads the constraint of the key platform, such as
// "linux || darwin" or "!=win32", as a marker.
func (r *tableReader) platform(t tomltree.Table) pep508.Marker {
	text, line := t.String("platform"), t.LineOf("platform")
	if strings.ContainsAny(text, `"'`) {
		r.doc.Errorf(line, "platform = %q is no platform", text)
		return pep508.Marker{}
	}
	var alternatives []string
	for _, part := range strings.Split(strings.ReplaceAll(text, "||", "|"), "|") {
		var all []string
		for _, name := range strings.Split(part, ",") {
			op := "=="
			if name = strings.TrimSpace(name); strings.HasPrefix(name, "!=") {
				op = "!="
			}
			all = append(all, fmt.Sprintf("sys_platform %s %q", op, strings.TrimLeft(name, "!= ")))
		}
		alternatives = append(alternatives, strings.Join(all, " and "))
	}
	if strings.TrimSpace(text) == "*" {
		return pep508.Marker{}
	}
	return r.marker(strings.Join(alternatives, " or "), line)
}

// wanted reads the source of a dependency.
func (r *tableReader) wanted(t tomltree.Table) wanted {
	switch {
	case t.Has("git"):
		w := wanted{kind: "git", location: gitLocation(t.String("git"))}
		for _, key := range []string{"branch", "tag", "rev"} {
			if ref := t.String(key); ref != "" {
				w.ref = ref
			}
		}
		return w
	case t.Has("file"):
		return wanted{kind: "file", location: path.Join(r.folder, t.String("file"))}
	case t.Has("path"):
		return wanted{kind: "path", location: path.Join(r.folder, t.String("path"), t.String("subdirectory"))}
	case t.Has("url"):
		return wanted{kind: "url", location: t.String("url")}
	}
	return wanted{index: t.String("source")}
}

// gitLocation gives a repository in one of the ways it can be written.
func gitLocation(url string) string {
	url = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(url, "git+"), "/"), ".git")
	if _, rest, ok := strings.Cut(url, "://"); ok {
		url = rest
	}
	if _, rest, ok := strings.Cut(url, "@"); ok {
		url = rest
	}
	return strings.Replace(url, ":", "/", 1)
}

// requirement reads a dependency of the [project] table or of a dependency
// group (PEP 508).
func (r *tableReader) requirement(text tomltree.Text) *dependency {
	q, err := pep508.ParseRequirement(text.Text)
	if err != nil {
		r.doc.Errorf(text.Line, "%w", err)
		return &dependency{}
	}
	d := &dependency{
		name:   pep508.NormalizeName(q.Name),
		extras: normalized(q.Extras),
		when:   condition{markers: []pep508.Marker{q.Marker}},
		line:   text.Line,
	}
	if !q.Specifiers.IsEmpty() {
		d.versions = r.constraint(q.Specifiers.String(), text.Line, constraint.Parse)
	}
	location, _, _ := strings.Cut(q.URL, "#")
	switch scheme, rest, _ := strings.Cut(location, "://"); {
	case location == "":
	case strings.HasPrefix(scheme, "git"):
		d.wanted.kind = "git"
		if at := strings.LastIndexByte(rest, '@'); at > strings.IndexByte(rest, '/') {
			d.wanted.ref = rest[at+1:]
			location = scheme + "://" + rest[:at]
		}
		d.wanted.location = gitLocation(location)
	case scheme == "http" || scheme == "https":
		d.wanted = wanted{kind: "url", location: location}
	default:
		d.wanted = wanted{kind: "path", location: path.Join(r.folder, rest)}
	}
	return d
}

func normalized(names []string) []string {
	for i, name := range names {
		names[i] = pep508.NormalizeName(name)
	}
	return names
}
