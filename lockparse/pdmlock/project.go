package pdmlock

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// project is what the pyproject.toml says that its lock does not.
type project struct {
	source       *diag.Source
	name         string // normalised; empty where there is no [project]
	nameLine     int
	version      string            // empty where only a build would tell
	requires     pep440.Specifiers // requires-python
	requiresLine int
	distribution bool              // the project is itself installed
	workspace    bool              // there are other projects with the same lock
	extras       map[string][]item // by normalised name; with the group "default"
	groups       map[string][]item // dependency groups, by normalised name
	excludes     map[string]bool   // packages that are never installed
	overrides    map[string]bool   // packages that are locked whatever requires them
	indexList    []index
	hashes       []string // that PDM may have stored in a lock of the project
	warnings     []diag.Warning
}

// item is an entry of a group: a requirement, or the name of another group.
type item struct {
	text    tomltree.Text
	include string
}

// index is where packages are looked up.
type index struct {
	url     string // without credentials, empty for a folder
	folder  string
	links   bool     // a page or folder of files, no index
	include []string // patterns of the packages that are looked up nowhere else
}

// parseProject reads a pyproject.toml. The error joins *diag.Error values with
// the line of each mistake.
func parseProject(src *diag.Source) (*project, error) {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, err
	}
	root := doc.Root()
	table, settings := root.Table("project"), root.Table("tool").Table("pdm")
	p := &project{
		source:       src,
		name:         pep508.NormalizeName(table.String("name")),
		nameLine:     table.LineOf("name"),
		version:      table.String("version"),
		requiresLine: table.LineOf("requires-python"),
		extras:       make(map[string][]item),
		groups:       make(map[string][]item),
	}
	if p.requires, err = pep440.ParseSpecifiers(table.String("requires-python")); err != nil {
		doc.Errorf(table.LineOf("requires-python"), "requires-python: %w", err)
	}
	p.distribution = p.name != ""
	switch {
	case settings.Has("package-type"):
		p.distribution = p.distribution && settings.String("package-type") == "library"
	case settings.Has("distribution"):
		p.distribution = p.distribution && settings.Bool("distribution")
	}
	p.workspace = settings.Has("workspace")
	p.extras[defaultGroup] = items(table, "dependencies")
	addGroups(p.extras, table.Table("optional-dependencies"))
	addGroups(p.groups, root.Table("dependency-groups"))
	addGroups(p.groups, settings.Table("dev-dependencies"))
	resolution := settings.Table("resolution")
	p.excludes = set(normalized(resolution.Strings("excludes")))
	p.overrides = make(map[string]bool)
	for _, key := range resolution.Table("overrides").Keys() {
		p.overrides[pep508.NormalizeName(key.Name)] = true
	}
	p.readIndexes(doc, settings)
	p.hashes = contentHashes(table.Plain(), root.Table("dependency-groups").Plain(), settings.Plain())
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// addGroups adds the groups of a table. PDM joins two of the same name.
func addGroups(groups map[string][]item, table tomltree.Table) {
	for _, key := range table.Keys() {
		name := pep508.NormalizeName(key.Name)
		groups[name] = append(groups[name], items(table, key.Name)...)
	}
}

func items(table tomltree.Table, key string) []item {
	var list []item
	for _, text := range table.MixedTexts(key) {
		list = append(list, item{text: text})
	}
	for _, t := range table.MixedTables(key) {
		list = append(list, item{include: pep508.NormalizeName(t.String("include-group"))})
	}
	return list
}

// readIndexes reads the sources of tool.pdm. One called "pypi" takes the place
// of the default index, the others come after it.
func (p *project) readIndexes(doc *tomltree.Document, settings tomltree.Table) {
	tables := settings.Tables("source")
	if !slices.ContainsFunc(tables, func(t tomltree.Table) bool { return t.String("name") == "pypi" }) && len(tables) > 0 {
		p.indexList = append(p.indexList, index{})
	}
	for _, t := range tables {
		stripped, secret := lock.StripCredentials(t.String("url"))
		if secret {
			p.warnings = append(p.warnings, diag.Warning{
				Rule: "IndexCredentials",
				Msg:  "the credentials in the URL of a source are ignored",
				Hint: "give them to the build as a secret",
				At:   doc.At(t.LineOf("url")),
			})
		}
		i := index{url: stripped, links: t.String("type") == "find_links", include: t.Strings("include_packages")}
		if folder, ok := strings.CutPrefix(stripped, "file:///${PROJECT_ROOT}"); ok {
			i.url, i.folder = "", path.Clean("./"+folder)
		}
		p.indexList = append(p.indexList, i)
	}
}

// indexes gives where packages without an index of their own are looked up,
// nil for the default index alone.
func (p *project) indexes() *lock.Indexes {
	if len(p.indexList) == 0 {
		return nil
	}
	var list lock.Indexes
	for _, i := range p.indexList {
		switch {
		case i.links || i.folder != "":
			list.Links = append(list.Links, lock.Source{Origin: lock.Registry, URL: i.url, Path: i.folder})
		default:
			list.URLs = append(list.URLs, i.url)
		}
	}
	return &list
}

// indexOf gives the index that alone has a package, empty if there are several.
func (p *project) indexOf(name string) string {
	var found []string
	for _, i := range p.indexList {
		if !i.links && slices.ContainsFunc(i.include, func(pattern string) bool {
			ok, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name)
			return ok && err == nil
		}) {
			found = append(found, i.url)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// groupNames gives the names of all groups, sorted.
func (p *project) groupNames() []string {
	return slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, groups := range []map[string][]item{p.extras, p.groups} {
			for name := range groups {
				if !yield(name) {
					return
				}
			}
		}
	}))
}

// has says whether the project has a group.
func (p *project) has(group string) bool {
	_, extra := p.extras[group]
	_, dev := p.groups[group]
	return extra || dev
}

// items gives the entries of a group; an extra comes before a dependency group
// of the same name.
func (p *project) items(group string) []item {
	if list, ok := p.extras[group]; ok {
		return list
	}
	return p.groups[group]
}

// requirements gives those of groups and of all that they include, each group
// once. A requirement of the project itself stands for the extras it names.
func (p *project) requirements(groups []string) ([]requirement, error) {
	var found []requirement
	seen := make(map[string]bool)
	queue := slices.Clone(groups)
	for len(queue) > 0 {
		group := queue[0]
		queue = queue[1:]
		if seen[group] {
			continue
		}
		seen[group] = true
		_, standard := p.extras[group]
		for _, i := range p.items(group) {
			if i.include != "" {
				queue = append(queue, i.include)
				continue
			}
			// PDM knows editable requirements in its own settings only.
			if standard && strings.HasPrefix(i.text.Text, "-e ") {
				continue
			}
			q, err := parseRequirement(i.text.Text)
			q.at = diag.Range{Source: p.source, Line: i.text.Line}
			if err != nil {
				return nil, lock.Malformed.Errorf(q.at, "group %s: %w", group, err)
			}
			if q.name == p.name {
				queue = append(queue, q.extras...)
				continue
			}
			found = append(found, q)
		}
	}
	return found, nil
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
