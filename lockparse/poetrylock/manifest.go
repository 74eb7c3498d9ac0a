package poetrylock

import (
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// maxManifest is the largest pyproject.toml that is read, in bytes. Real ones
// have a hundredth of it.
const maxManifest = 1 << 20

// manifest is the pyproject.toml beside a lock, as Poetry reads it. The
// requirements are read only if they are needed.
type manifest struct {
	source   *diag.Source
	doc      *tomltree.Document
	name     string // normalised; empty where the project is no package
	nameLine int
	version  string
	python   string // the constraint of Python as written, empty if there is none
	isFolder bool   // package-mode = false: the project is not installed
	groups   []*group
	byName   map[string]*group
}

// group is a dependency group but for main.
type group struct {
	name     string // normalised
	optional bool   // not among the default groups
}

// readManifest reads the names of a pyproject.toml.
func readManifest(src *diag.Source) (*manifest, error) {
	if len(src.Data) > maxManifest {
		return nil, lock.Malformed.Errorf(diag.Range{Source: src}, "%s has more than %d bytes", src.Name, maxManifest)
	}
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	project, poetry := doc.Root().Table("project"), poetryTable(doc)
	m := &manifest{source: src, doc: doc, byName: make(map[string]*group)}
	for _, t := range []tomltree.Table{poetry, project} { // what [project] says comes first
		if t.Has("name") {
			m.name, m.nameLine = pep508.NormalizeName(t.String("name")), t.LineOf("name")
		}
		if t.Has("version") {
			m.version = t.String("version")
		}
	}
	m.python = project.String("requires-python")
	if python := poetry.Table("dependencies"); python.IsString("python") {
		m.python = python.String("python")
	}
	m.isFolder = poetry.Has("package-mode") && !poetry.Bool("package-mode")
	m.readGroups(poetry)
	if err := doc.Err(); err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	return m, nil
}

func poetryTable(doc *tomltree.Document) tomltree.Table {
	return doc.Root().Table("tool").Table("poetry")
}

// readGroups finds the groups: those of PEP 735, those of tool.poetry.group,
// which may say more about the former, and "dev" of the older
// dev-dependencies.
func (m *manifest) readGroups(poetry tomltree.Table) {
	for _, key := range m.doc.Root().Table("dependency-groups").Keys() {
		m.group(pep508.NormalizeName(key.Name))
	}
	table := poetry.Table("group")
	for _, key := range table.Keys() {
		g := m.group(pep508.NormalizeName(key.Name))
		g.optional = table.Table(key.Name).Bool("optional")
	}
	if poetry.Has("dev-dependencies") {
		m.group("dev")
	}
}

// group gives the group of a name, which is added where there is none.
func (m *manifest) group(name string) *group {
	g := m.byName[name]
	if g == nil {
		g = &group{name: name}
		m.groups, m.byName[name] = append(m.groups, g), g
	}
	return g
}

// requirements gives what the project asks for in the groups.
func (m *manifest) requirements(groups []string) ([]*dependency, error) {
	doc, err := tomltree.Parse(m.source) // anew, to note only mistakes in the requirements
	if err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	r := requirementReader{
		tableReader: tableReader{doc: doc, markers: make(map[string]pep508.Marker)},
		seen:        make(map[string]bool),
		standard:    keysByName(doc.Root().Table("dependency-groups")),
		own:         keysByName(poetryTable(doc).Table("group")),
	}
	var all []*dependency
	for _, name := range groups {
		if name == mainGroup {
			all = append(all, r.main()...)
		} else {
			all = append(all, r.group(name)...)
		}
	}
	if err := doc.Err(); err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	return all, nil
}

// requirementReader reads the requirements of a pyproject.toml.
type requirementReader struct {
	tableReader
	seen          map[string]bool     // groups that were read: each counts once
	standard, own map[string][]string // the keys of the groups, by normalised name
}

// keysByName gives the keys of a table by the names that they normalise to.
func keysByName(t tomltree.Table) map[string][]string {
	keys := make(map[string][]string)
	for _, key := range t.Keys() {
		name := pep508.NormalizeName(key.Name)
		keys[name] = append(keys[name], key.Name)
	}
	return keys
}

// main reads the project's own dependencies. Where [project] has some, those
// of tool.poetry.dependencies only add to them.
func (r *requirementReader) main() []*dependency {
	project, poetry := r.doc.Root().Table("project"), poetryTable(r.doc)
	var standard []*dependency
	for _, text := range project.Texts("dependencies") {
		standard = append(standard, r.requirement(text))
	}
	extras := project.Table("optional-dependencies")
	for _, key := range extras.Keys() {
		for _, text := range extras.Texts(key.Name) {
			d := r.requirement(text)
			d.optional, d.inExtras = true, []string{pep508.NormalizeName(key.Name)}
			standard = append(standard, d)
		}
	}
	own := r.dependencies(poetry.Table("dependencies"))
	if !project.Has("dependencies") && len(extras.Keys()) == 0 {
		r.inExtras(own, poetry.Table("extras"))
	}
	dynamic := project.Strings("dynamic")
	if slices.Contains(dynamic, "dependencies") || slices.Contains(dynamic, "optional-dependencies") {
		standard = mixed(standard, own)
	}
	return r.enriched(standard, own)
}

// inExtras notes the extras that tool.poetry.extras names dependencies for.
func (r *requirementReader) inExtras(own []*dependency, extras tomltree.Table) {
	byName := make(map[string][]*dependency)
	for _, d := range own {
		byName[d.name] = append(byName[d.name], d)
	}
	for _, key := range extras.Keys() {
		for _, name := range extras.Strings(key.Name) {
			for _, d := range byName[pep508.NormalizeName(name)] {
				d.inExtras = append(d.inExtras, pep508.NormalizeName(key.Name))
			}
		}
	}
}

// mixed adds those dependencies of tool.poetry that [project] leaves to it by
// its key dynamic: the optional ones or the others.
func mixed(standard, own []*dependency) []*dependency {
	if len(standard) == 0 {
		return nil
	}
	optional := standard[0].optional
	if slices.ContainsFunc(standard, func(d *dependency) bool { return d.optional != optional }) {
		return standard
	}
	for _, d := range own {
		if d.optional != optional {
			standard = append(standard, d)
		}
	}
	return standard
}

// enriched adds to the standard's dependencies what tool.poetry says about
// the same names: constraints, conditions and sources. Without one kind, the
// other stands for itself.
func (r *requirementReader) enriched(standard, own []*dependency) []*dependency {
	if len(standard) == 0 {
		return own
	}
	byName := make(map[string][]*dependency)
	for _, d := range own {
		byName[d.name] = append(byName[d.name], d)
	}
	var all []*dependency
	seen := make(map[string]int)
	for _, d := range standard {
		more := byName[d.name]
		if len(more) == 0 || slices.Contains(more, d) {
			all = append(all, d)
			continue
		}
		if seen[d.name] += len(more); seen[d.name] > maxAlternatives {
			r.doc.Errorf(d.line, "%s has more than %d constraints", d.name, maxAlternatives)
			return nil
		}
		for _, add := range more {
			both := *d
			both.versions = append(slices.Clone(d.versions), add.versions...)
			both.when = d.when.and(add.when)
			if both.wanted == (wanted{}) {
				both.wanted = add.wanted
			}
			all = append(all, &both)
		}
	}
	return all
}

// group reads the dependencies of a group and of those that it includes.
func (r *requirementReader) group(name string) []*dependency {
	var all []*dependency
	for queue := []tomltree.Text{{Text: name}}; len(queue) > 0; queue = queue[1:] {
		name := pep508.NormalizeName(queue[0].Text)
		if r.seen[name] {
			continue
		}
		r.seen[name] = true
		dependencies, includes := r.groupAlone(name, queue[0].Line)
		all = append(all, dependencies...)
		queue = append(queue, includes...)
	}
	return all
}

// groupAlone reads the dependencies of a group and the names of the groups
// that it includes.
func (r *requirementReader) groupAlone(name string, line int) (all []*dependency, includes []tomltree.Text) {
	var standard, own []*dependency
	groups, poetry := r.doc.Root().Table("dependency-groups"), poetryTable(r.doc)
	for _, key := range r.standard[name] {
		for _, text := range groups.MixedTexts(key) {
			standard = append(standard, r.requirement(text))
		}
		for _, t := range groups.MixedTables(key) {
			includes = append(includes, tomltree.Text{Text: t.String("include-group"), Line: t.Line()})
		}
	}
	for _, key := range r.own[name] {
		t := poetry.Table("group").Table(key)
		own = append(own, r.dependencies(t.Table("dependencies"))...)
		includes = append(includes, t.Texts("include-groups")...)
	}
	isOld := name == "dev" && poetry.Has("dev-dependencies")
	if isOld {
		own = append(own, r.dependencies(poetry.Table("dev-dependencies"))...)
	}
	if len(r.standard[name])+len(r.own[name]) == 0 && !isOld {
		r.doc.Errorf(line, "a group includes %q, which is no dependency group", name)
	}
	return r.enriched(standard, own), includes
}
