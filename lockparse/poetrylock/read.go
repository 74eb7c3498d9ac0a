package poetrylock

import (
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/poetrylock/internal/constraint"
)

// reader reads the tables of a lock.
type reader struct {
	tableReader
	metadata          tomltree.Table
	lock              *lock.Lock
	file              *file
	spellings         map[string]string // normalised name → key of the one table of files
	warnedCredentials bool
}

func newReader(doc *tomltree.Document, src *diag.Source) *reader {
	f := &file{source: src, byName: make(map[string][]*node)}
	return &reader{
		tableReader: tableReader{doc: doc, markers: make(map[string]pep508.Marker)},
		lock:        &lock.Lock{Format: Format, Source: src, Resolver: f},
		file:        f,
	}
}

// readVersion comes before all else: what an unknown version means is not
// ours to guess. Poetry 2 reads every version from 1 up to, not including, 3.
func (r *reader) readVersion() error {
	root := r.doc.Root()
	r.metadata = root.Table("metadata")
	if !root.Has("metadata") {
		return lock.Malformed.Errorf(r.doc.At(0), "poetry.lock has no table metadata").WithHint(`run "poetry lock"`)
	}
	const key = "lock-version"
	if !r.metadata.Has(key) {
		return lock.UnsupportedVersion.Errorf(r.doc.At(r.metadata.Line()),
			"poetry.lock has no %s: Poetry before 1.0 wrote it", key).WithHint(`run "poetry lock" of a later release`)
	}
	r.file.version = r.metadata.String(key)
	at := r.doc.At(r.metadata.LineOf(key))
	v, err := pep440.Parse(r.file.version)
	if err != nil {
		return lock.Malformed.Errorf(at, "%s: %w", key, err)
	}
	newest, _ := pep440.Parse("2.1")
	switch major := v.Release()[0]; {
	case v.Epoch() != "0" || major < 1 || major > 2:
		return lock.UnsupportedVersion.Errorf(at, "%s = %q of poetry.lock is not supported", key, r.file.version).
			WithHint("lock the project with Poetry 1.0 to 2.5, which write the versions 1.0 to 2.1")
	case v.Compare(newest) > 0:
		r.warn(r.metadata.LineOf(key), "LockVersion", "the lock has version "+r.file.version+", which may say more than is read",
			"lock the project with Poetry 2.5 or before")
	}
	r.file.flat = v.Compare(newest) >= 0
	return nil
}

func (r *reader) read() {
	root := r.doc.Root()
	r.file.pythonLine = r.metadata.LineOf("python-versions")
	if r.metadata.Has("python-versions") {
		r.file.python = r.python(r.metadata, "python-versions")
	}
	extras := root.Table("extras")
	r.file.extrasLine = extras.Line()
	for _, key := range extras.Keys() {
		r.file.extras = append(r.file.extras, pep508.NormalizeName(key.Name))
	}
	for _, t := range root.Tables("package") {
		n := r.readPackage(t)
		r.file.packages = append(r.file.packages, n)
		r.file.byName[n.Name] = append(r.file.byName[n.Name], n)
		r.lock.Packages = append(r.lock.Packages, n.Package)
	}
	r.order()
	for i, t := range root.Tables("package") {
		r.readFiles(r.file.packages[i], t)
	}
}

// order puts the highest version of each name first, and finds out where a
// kind of source does not tell packages apart.
func (r *reader) order() {
	for _, nodes := range r.file.byName {
		if len(nodes) > maxAlternatives {
			r.doc.Errorf(nodes[0].At.Line, "the lock has more than %d packages %s", maxAlternatives, nodes[0].Name)
			continue
		}
		slices.SortStableFunc(nodes, func(a, b *node) int { return b.version.Compare(a.version) })
		for i, a := range nodes {
			for _, b := range nodes[:i] {
				if a.kind == b.kind {
					a.rivals, b.rivals = true, true
				}
			}
		}
	}
}

func (r *reader) python(t tomltree.Table, key string) constraint.Constraint {
	c, err := constraint.Parse(t.String(key))
	if err != nil {
		r.doc.Errorf(t.LineOf(key), "%s: %w", key, err)
	}
	return c
}

func (r *reader) readPackage(t tomltree.Table) *node {
	name := t.String("name")
	if !pep508.ValidName(name) {
		r.doc.Errorf(t.LineOf("name"), "name = %q is no name of a package", name)
	}
	n := &node{Package: &lock.Package{
		Name:    pep508.NormalizeName(name),
		Version: t.String("version"),
		At:      r.doc.At(t.LineOf("name")),
	}}
	var err error
	if n.version, err = pep440.Parse(n.Version); err != nil {
		r.doc.Errorf(t.LineOf("version"), "%s: %w", name, err)
	}
	if t.Has("python-versions") {
		n.python = r.python(t, "python-versions")
	}
	r.readSource(n, t)
	r.readGroups(n, t)
	r.folder = ""
	if n.kind == "directory" {
		r.folder = n.Source.Path
	}
	n.needs = r.dependencies(t.Table("dependencies"))
	for _, d := range n.needs {
		if d.optional {
			if n.optional == nil {
				n.optional = make(map[string][]*dependency)
			}
			n.optional[d.name] = append(n.optional[d.name], d)
		}
	}
	n.extras = readExtras(t.Table("extras"))
	return n
}

// readGroups reads what makes a lock flat: the groups, and the markers as one
// text for all groups or as a table, in which a group that is missing has no
// condition.
func (r *reader) readGroups(n *node, t tomltree.Table) {
	if !r.file.flat {
		return
	}
	if !t.Has("groups") {
		r.doc.Errorf(t.Line(), "the package %s has no groups", n.Name)
	}
	n.groups = normalized(t.Strings("groups"))
	if !t.Has("markers") {
		return
	}
	if t.IsString("markers") {
		n.marker = r.marker(t.String("markers"), t.LineOf("markers"))
		return
	}
	markers := t.Table("markers")
	n.markers = make(map[string]pep508.Marker)
	for _, key := range markers.Keys() {
		n.markers[pep508.NormalizeName(key.Name)] = r.marker(markers.String(key.Name), key.Line)
	}
}

// readExtras reads the extras of a package. Their requirements stand among
// the dependencies as well, so that only the names count, and the extras of
// the package itself that they include.
func readExtras(t tomltree.Table) map[string][]extraItem {
	extras := make(map[string][]extraItem)
	for _, key := range t.Keys() {
		extra := pep508.NormalizeName(key.Name)
		for _, text := range t.Strings(key.Name) {
			extras[extra] = append(extras[extra], parseExtraItem(text))
		}
	}
	return extras
}

// parseExtraItem reads the name and the extras of a requirement; what follows
// is not always as PEP 508 wants it.
func parseExtraItem(text string) extraItem {
	end := strings.IndexAny(text, "[ (<>=!~;@")
	if end < 0 {
		end = len(text)
	}
	item := extraItem{name: pep508.NormalizeName(text[:end])}
	if list, ok := strings.CutPrefix(strings.TrimLeft(text[end:], " "), "["); ok {
		list, _, _ = strings.Cut(list, "]")
		for _, extra := range strings.Split(list, ",") {
			item.extras = append(item.extras, pep508.NormalizeName(strings.TrimSpace(extra)))
		}
	}
	return item
}

func (r *reader) warn(line int, rule, msg, hint string) {
	r.lock.Warnings = append(r.lock.Warnings, diag.Warning{Rule: rule, Msg: msg, Hint: hint, At: r.doc.At(line)})
}
