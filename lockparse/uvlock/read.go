package uvlock

import (
	"cmp"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/pyproject"
)

// maxConflicts limits how many extras, groups and projects a lock may declare
// as conflicting, since each may start the walk anew.
const maxConflicts = 1000

// reader fills a lock and its graph from a document. What it finds wrong it
// notes in the document, and reads on.
type reader struct {
	doc               *tomltree.Document
	lock              *lock.Lock
	graph             *graph
	markers           map[string]pep508.Marker // a lock repeats a few markers many times
	warnedCredentials bool
}

func newReader(doc *tomltree.Document, src *diag.Source) *reader {
	g := &graph{
		source:      src,
		byName:      make(map[string][]*node),
		byID:        make(map[identity]*node),
		conflicting: make(map[string]bool),
	}
	return &reader{
		doc:     doc,
		lock:    &lock.Lock{Format: Format, Source: src, Resolver: g},
		graph:   g,
		markers: make(map[string]pep508.Marker),
	}
}

func (r *reader) read() {
	root := r.doc.Root()
	r.header(root)
	tables := root.Tables("package")
	if len(tables) == 0 {
		tables = root.Tables("distribution") // the name before the format's first release
	}
	nodes := make([]*node, len(tables))
	for i, t := range tables {
		nodes[i] = r.node(t)
	}
	// An edge may name a package that comes later, and its extras.
	for i, t := range tables {
		r.edgesOf(nodes[i], t)
	}
}

// header reads all but the packages.
func (r *reader) header(root tomltree.Table) {
	g := r.graph
	if g.revision = root.Int("revision"); g.revision > knownRevision {
		r.warn(root.LineOf("revision"), "LockRevision",
			"the lock has a newer revision of its format than is known, what that adds is ignored", "")
	}
	if !root.Has("requires-python") {
		r.doc.Errorf(0, "uv.lock has no requires-python")
	}
	r.lock.RequiresLine = root.LineOf("requires-python")
	r.lock.RequiresPython = r.specifiers(root, "requires-python")
	for _, text := range root.Texts("resolution-markers") {
		g.forks = append(g.forks, r.marker(text.Text, text.Line))
	}
	for _, text := range root.Texts("supported-markers") {
		g.environments = append(g.environments, environment{r.marker(text.Text, text.Line), text.Text, text.Line})
	}
	r.conflicts(root)
	r.manifest(root.Table("manifest"))
	r.lock.Builds = r.builds(root)
}

func (r *reader) conflicts(root tomltree.Table) {
	count := 0
	for _, tables := range root.TableLists("conflicts") {
		var set conflictSet
		for _, t := range tables {
			item := conflictItem{
				project: pep508.NormalizeName(t.String("package")),
				extra:   pep508.NormalizeName(t.String("extra")),
				group:   pep508.NormalizeName(t.String("group")),
			}
			set.items = append(set.items, item)
			set.line = cmp.Or(set.line, t.Line())
			if item.extra != "" {
				r.graph.conflicting[item.encode()] = true
			}
			count++
		}
		r.graph.conflicts = append(r.graph.conflicts, set)
	}
	if count > maxConflicts {
		r.doc.Errorf(root.LineOf("conflicts"), "conflicts has more than %d items", maxConflicts)
	}
}

func (r *reader) manifest(t tomltree.Table) {
	m := &r.graph.manifest
	for _, name := range t.Strings("members") {
		m.members = append(m.members, pep508.NormalizeName(name))
	}
	m.requirements = r.requirements(t, "requirements")
	groups := t.Table("dependency-groups")
	m.groups = make(map[string][]requirement)
	for _, key := range groups.Keys() {
		m.groups[pep508.NormalizeName(key.Name)] = r.requirements(groups, key.Name)
	}
	m.settings = r.settings(t)
}

// builds reads what bounds the versions of build requirements. A constraint to
// another source than the index is left out: it would name no version.
func (r *reader) builds(root tomltree.Table) lock.Builds {
	options := root.Table("options")
	// Beside a span the time is only there for older readers.
	b := lock.Builds{ExcludeNewer: cmp.Or(options.String("exclude-newer-span"), options.String("exclude-newer"))}
	for _, item := range root.Table("manifest").Tables("build-constraints") {
		if !item.Has("specifier") {
			continue
		}
		constraint := r.name(item) + item.String("specifier")
		if item.Has("marker") {
			constraint += " ; " + item.String("marker")
		}
		b.Constraints = append(b.Constraints, constraint)
	}
	return b
}

func (r *reader) requirements(t tomltree.Table, key string) []requirement {
	var list []requirement
	for _, item := range t.Tables(key) {
		list = append(list, requirement{
			name:   r.name(item),
			extras: normalized(item.Strings("extras")),
			marker: r.marker(item.String("marker"), item.LineOf("marker")),
			line:   item.Line(),
		})
	}
	return list
}

// settings reads what tool.uv says about groups.
func (r *reader) settings(t tomltree.Table) groupSettings {
	var s groupSettings
	if t.Has("default-groups") {
		s.defaults = &pyproject.Defaults{Line: t.LineOf("default-groups")}
		if t.IsString("default-groups") {
			s.defaults.All = t.String("default-groups") == "all"
		} else {
			s.defaults.Names = normalized(t.Strings("default-groups"))
		}
	}
	pythons := t.Table("group-requires-python")
	for _, key := range pythons.Keys() {
		s.pythons = append(s.pythons, groupPython{
			group:    pep508.NormalizeName(key.Name),
			requires: r.specifiers(pythons, key.Name),
			line:     key.Line,
		})
	}
	return s
}

// node reads a package without its edges.
func (r *reader) node(t tomltree.Table) *node {
	p := &lock.Package{Name: r.name(t), Version: t.String("version"), At: r.doc.At(t.Line())}
	n := &node{Package: p, settings: r.settings(t)}
	n.id = identity{name: p.Name, version: p.Version}
	p.Source, n.id.source = r.source(t)
	p.Wheels = r.wheels(p, t)
	p.Sdist = r.sdist(p, t)
	r.checkVersion(p, t)
	for _, text := range t.Texts("resolution-markers") {
		n.forks = append(n.forks, r.marker(text.Text, text.Line))
	}
	metadata := t.Table("metadata")
	n.declared.known = t.Has("metadata")
	n.declared.extras = normalized(metadata.Strings("provides-extras"))
	for _, key := range either(metadata, "requires-dev", "dependency-groups").Keys() {
		n.declared.groups = append(n.declared.groups, pep508.NormalizeName(key.Name))
	}
	r.lock.Packages = append(r.lock.Packages, p)
	r.graph.packages = append(r.graph.packages, n)
	if first := r.graph.byID[n.id]; first != nil {
		err := diag.Errorf(p.At, "the package %s is in the lock a second time", p)
		err.At = append(err.At, first.At)
		r.doc.Add(err)
	}
	r.graph.byID[n.id] = n
	r.graph.byName[p.Name] = append(r.graph.byName[p.Name], n)
	n.extras = lists(t.Table("optional-dependencies"))
	n.groups = lists(either(t, "dev-dependencies", "dependency-groups"))
	return n
}

// checkVersion refuses a version that is none, and a package of an index
// without one: that is only for what a build would tell.
func (r *reader) checkVersion(p *lock.Package, t tomltree.Table) {
	if !t.Has("version") {
		if p.Source.Origin == lock.Registry {
			r.doc.Errorf(t.Line(), "%s comes from an index, but has no version", p.Name)
		}
		return
	}
	if _, err := pep440.Parse(p.Version); err != nil {
		r.doc.Errorf(t.LineOf("version"), "%s: %w", p.Name, err)
	}
}

// either gives the table of a key that has had two names.
func either(t tomltree.Table, key, alias string) tomltree.Table {
	if t.Has(key) {
		return t.Table(key)
	}
	return t.Table(alias)
}

// lists gives the extras or groups of a table, still without edges.
func lists(t tomltree.Table) map[string][]edge {
	keys := t.Keys()
	if len(keys) == 0 {
		return nil
	}
	edges := make(map[string][]edge, len(keys))
	for _, key := range keys {
		edges[pep508.NormalizeName(key.Name)] = nil
	}
	return edges
}

// edgesOf reads all edges of a package.
func (r *reader) edgesOf(n *node, t tomltree.Table) {
	n.edges = r.edges(n, t, "dependencies")
	extras := t.Table("optional-dependencies")
	for _, key := range extras.Keys() {
		n.extras[pep508.NormalizeName(key.Name)] = r.edges(n, extras, key.Name)
	}
	groups := either(t, "dev-dependencies", "dependency-groups")
	for _, key := range groups.Keys() {
		n.groups[pep508.NormalizeName(key.Name)] = r.edges(n, groups, key.Name)
	}
}

func (r *reader) edges(n *node, t tomltree.Table, key string) []edge {
	tables := t.Tables(key)
	edges := make([]edge, 0, len(tables))
	for _, item := range tables {
		to := r.target(n, item)
		if to == nil {
			continue
		}
		e := edge{to: to, marker: r.marker(item.String("marker"), item.LineOf("marker"))}
		for _, extra := range normalized(item.Strings("extra")) {
			if _, ok := to.extras[extra]; ok {
				e.extras = append(e.extras, extra)
			}
		}
		edges = append(edges, e)
	}
	return edges
}

// target finds the package that an edge means. An edge says no more than it
// must: only the name where there is one package of it, else version and
// source too, of which the version is missing where only a build would tell.
func (r *reader) target(from *node, t tomltree.Table) *node {
	id := identity{name: r.name(t), version: t.String("version")}
	if t.Has("source") {
		_, id.source = r.source(t)
	}
	named := r.graph.byName[id.name]
	if len(named) == 1 {
		id.version = cmp.Or(id.version, named[0].id.version)
		id.source = cmp.Or(id.source, named[0].id.source)
	}
	to := r.graph.byID[id]
	if to != nil {
		return to
	}
	wanted := strings.TrimSpace(id.name + " " + id.version)
	switch len(named) {
	case 0:
		r.doc.Errorf(t.Line(), "%s depends on %s, which is not in the lock", from, wanted)
	case 1:
		r.doc.Errorf(t.Line(), "%s depends on %s, but the lock has %s", from, wanted, named[0])
	default:
		r.doc.Errorf(t.Line(), "%s depends on %s, which means none or several of the %d that the lock has", from, wanted, len(named))
	}
	return nil
}

func (r *reader) name(t tomltree.Table) string {
	name := t.String("name")
	if !pep508.ValidName(name) {
		r.doc.Errorf(t.LineOf("name"), "name = %q is no name of a package", name)
	}
	return pep508.NormalizeName(name)
}

func (r *reader) marker(text string, line int) pep508.Marker {
	if m, ok := r.markers[text]; ok {
		return m
	}
	m, err := pep508.ParseMarker(text, pep508.UV)
	if err != nil {
		r.doc.Errorf(line, "%w", err)
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

func normalized(names []string) []string {
	for i, name := range names {
		names[i] = pep508.NormalizeName(name)
	}
	return names
}
