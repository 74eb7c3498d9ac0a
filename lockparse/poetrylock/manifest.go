package poetrylock

import (
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

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
	groups   []group
}

// group is a dependency group but for main.
type group struct {
	name     string // normalised
	optional bool   // not among the default groups
}

// readManifest reads the names of a pyproject.toml.
func readManifest(src *diag.Source) (*manifest, error) {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	project, poetry := doc.Root().Table("project"), poetryTable(doc)
	m := &manifest{source: src, doc: doc}
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
		m.groups = append(m.groups, group{name: pep508.NormalizeName(key.Name)})
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
	i := slices.IndexFunc(m.groups, func(g group) bool { return g.name == name })
	if i < 0 {
		i = len(m.groups)
		m.groups = append(m.groups, group{name: name})
	}
	return &m.groups[i]
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
	seen map[string]bool // groups that were read: each counts once
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
	return enriched(standard, own)
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
func enriched(standard, own []*dependency) []*dependency {
	if len(standard) == 0 {
		return own
	}
	byName := make(map[string][]*dependency)
	for _, d := range own {
		byName[d.name] = append(byName[d.name], d)
	}
	var all []*dependency
	for _, d := range standard {
		more := byName[d.name]
		if len(more) == 0 || slices.Contains(more, d) || len(more) > maxAlternatives {
			all = append(all, d)
			continue
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
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		name := pep508.NormalizeName(queue[0])
		if r.seen[name] {
			continue
		}
		r.seen[name] = true
		dependencies, includes := r.groupAlone(name)
		all = append(all, dependencies...)
		queue = append(queue, includes...)
	}
	return all
}

// groupAlone reads the dependencies of a group and the names of the groups
// that it includes.
func (r *requirementReader) groupAlone(name string) (all []*dependency, includes []string) {
	var standard, own []*dependency
	known := false
	groups := r.doc.Root().Table("dependency-groups")
	for _, key := range groups.Keys() {
		if pep508.NormalizeName(key.Name) != name {
			continue
		}
		known = true
		for _, text := range groups.MixedTexts(key.Name) {
			standard = append(standard, r.requirement(text))
		}
		for _, t := range groups.MixedTables(key.Name) {
			includes = append(includes, t.String("include-group"))
		}
	}
	poetry := poetryTable(r.doc)
	table := poetry.Table("group")
	for _, key := range table.Keys() {
		if pep508.NormalizeName(key.Name) == name {
			known = true
			own = append(own, r.dependencies(table.Table(key.Name).Table("dependencies"))...)
			includes = append(includes, table.Table(key.Name).Strings("include-groups")...)
		}
	}
	if name == "dev" && poetry.Has("dev-dependencies") {
		known = true
		own = append(own, r.dependencies(poetry.Table("dev-dependencies"))...)
	}
	if !known && !strings.EqualFold(name, mainGroup) {
		r.doc.Errorf(0, "a group includes %q, which is no dependency group", name)
	}
	return enriched(standard, own), includes
}
