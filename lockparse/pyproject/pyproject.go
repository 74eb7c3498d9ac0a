// Package pyproject reads from a pyproject.toml what the lock beside it does
// not say: the project's name, its extras and dependency groups, and which
// groups are installed by default. The requirements themselves are not read:
// the lock has resolved them.
package pyproject

import (
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// File is a pyproject.toml. All names are normalised.
type File struct {
	Source         *diag.Source
	Name           string // empty where there is no [project]: a workspace root, or tool settings alone
	RequiresPython pep440.Specifiers
	RequiresLine   int // of RequiresPython, 0 if it is not given
	Extras         []Name
	Groups         []Group
	DefaultGroups  *Defaults // nil where tool.uv does not say

	groups map[string]int // name → index in Groups
}

// Name is a name and the line where it is defined.
type Name struct {
	Name string
	Line int
}

// Group is a dependency group (PEP 735), or uv's older dev-dependencies.
type Group struct {
	Name           string
	Line           int
	Includes       []string          // the groups that it includes, in file order
	RequiresPython pep440.Specifiers // tool.uv.dependency-groups.NAME.requires-python
	RequiresLine   int               // of RequiresPython, 0 if it is not given
}

// Defaults are the groups that uv installs unless told otherwise.
type Defaults struct {
	All   bool // every group
	Names []string
	Line  int
}

// Parse reads a pyproject.toml. The error joins *diag.Error values with the
// line of each mistake.
func Parse(src *diag.Source) (*File, error) {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, err
	}
	root := doc.Root()
	r := reader{doc: doc, file: &File{Source: src, groups: make(map[string]int)}}
	r.project(root)
	uv := root.Table("tool").Table("uv")
	r.groups(root.Table("dependency-groups"), uv)
	r.groupPythons(uv.Table("dependency-groups"))
	r.defaults(uv)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return r.file, nil
}

type reader struct {
	doc  *tomltree.Document
	file *File
}

// project reads the [project] table (PEP 621).
func (r *reader) project(root tomltree.Table) {
	project := root.Table("project")
	if !root.Has("project") {
		return
	}
	name := project.String("name")
	if name == "" || !pep508.ValidName(name) {
		r.doc.Errorf(project.LineOf("name"), "project.name = %q is no name of a project", name)
	}
	r.file.Name = pep508.NormalizeName(name)
	if project.Has("requires-python") {
		r.file.RequiresLine = project.LineOf("requires-python")
		r.file.RequiresPython = r.specifiers(project, "requires-python")
	}
	for _, key := range r.names(project.Table("optional-dependencies"), "extra") {
		r.file.Extras = append(r.file.Extras, Name(key))
	}
}

// groups reads the [dependency-groups] and the older tool.uv.dev-dependencies,
// which are the group "dev" unless there is one.
func (r *reader) groups(table, uv tomltree.Table) {
	written := table.Keys()
	for i, key := range r.names(table, "dependency group") {
		group := Group{Name: key.Name, Line: key.Line}
		for _, item := range table.MixedTables(written[i].Name) {
			if include := item.String("include-group"); include != "" {
				group.Includes = append(group.Includes, pep508.NormalizeName(include))
			}
		}
		r.file.add(group)
	}
	if uv.Has("dev-dependencies") && r.file.Group("dev") == nil {
		r.file.add(Group{Name: "dev", Line: uv.LineOf("dev-dependencies")})
	}
}

func (f *File) add(g Group) {
	f.groups[g.Name] = len(f.Groups)
	f.Groups = append(f.Groups, g)
}

// groupPythons reads the settings of groups, of which requires-python is the
// only one.
func (r *reader) groupPythons(table tomltree.Table) {
	for _, key := range table.Keys() {
		group := r.file.Group(pep508.NormalizeName(key.Name))
		if group == nil {
			r.doc.Errorf(key.Line, "tool.uv.dependency-groups.%s is no dependency group", key.Name)
			continue
		}
		group.RequiresPython = r.specifiers(table.Table(key.Name), "requires-python")
		group.RequiresLine = key.Line
	}
}

func (r *reader) defaults(uv tomltree.Table) {
	const key = "default-groups"
	if !uv.Has(key) {
		return
	}
	d := &Defaults{Line: uv.LineOf(key)}
	r.file.DefaultGroups = d
	if uv.IsString(key) {
		if d.All = uv.String(key) == "all"; !d.All {
			r.doc.Errorf(d.Line, `%s = %q must be a list of groups or "all"`, key, uv.String(key))
		}
		return
	}
	for _, text := range uv.Texts(key) {
		name := pep508.NormalizeName(text.Text)
		if r.file.Group(name) == nil {
			err := diag.Errorf(r.doc.At(text.Line), "%s names %q, which is no dependency group", key, text.Text)
			r.doc.Add(err.WithHint("%s", diag.Suggest(name, r.file.GroupNames())))
		}
		d.Names = append(d.Names, name)
	}
}

// names gives the keys of a table as names; two that normalise alike would
// mean the same extra or group (PEP 685, PEP 735).
func (r *reader) names(table tomltree.Table, what string) []tomltree.Key {
	keys := table.Keys()
	seen := make(map[string]bool, len(keys))
	for i, key := range keys {
		name := pep508.NormalizeName(key.Name)
		if !pep508.ValidName(key.Name) {
			r.doc.Errorf(key.Line, "the name %q of the %s is not valid", key.Name, what)
		} else if seen[name] {
			r.doc.Errorf(key.Line, "the %s %q is defined a second time", what, key.Name)
		}
		seen[name] = true
		keys[i].Name = name
	}
	return keys
}

func (r *reader) specifiers(table tomltree.Table, key string) pep440.Specifiers {
	s, err := pep440.ParseSpecifiers(table.String(key))
	if err != nil {
		r.doc.Errorf(table.LineOf(key), "%s: %w", key, err)
	}
	return s
}

// Group gives the group of a normalised name, nil if there is none.
func (f *File) Group(name string) *Group {
	if i, ok := f.groups[name]; ok {
		return &f.Groups[i]
	}
	return nil
}

// GroupNames gives the names of all groups in file order.
func (f *File) GroupNames() []string {
	names := make([]string, len(f.Groups))
	for i, g := range f.Groups {
		names[i] = g.Name
	}
	return names
}

// WithIncludes gives a group and all groups that it includes, directly or
// not, each once. Names that are no groups are passed over.
func (f *File) WithIncludes(name string) []*Group {
	var found []*Group
	seen := make(map[*Group]bool)
	queue := []string{name}
	for len(queue) > 0 {
		group := f.Group(queue[0])
		queue = queue[1:]
		if group == nil || seen[group] {
			continue
		}
		seen[group] = true
		found = append(found, group)
		queue = append(queue, group.Includes...)
	}
	return found
}

// BuildSystem is how a project is built (PEP 517, PEP 518).
type BuildSystem struct {
	Requires []string // as they are written
	Backend  string   // the object that builds, "hatchling.build"
	InTree   bool     // the backend is part of the project itself
}

// ParseBuildSystem reads the table [build-system]; nil where there is none,
// which means setuptools.
func ParseBuildSystem(src *diag.Source) (*BuildSystem, error) {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, err
	}
	if !doc.Root().Has("build-system") {
		return nil, nil //nolint:nilnil // there is none
	}
	table := doc.Root().Table("build-system")
	b := &BuildSystem{Requires: table.Strings("requires"), Backend: table.String("build-backend"), InTree: table.Has("backend-path")}
	return b, doc.Err()
}

// BuildSettings gives the settings of tool.uv that say how packages are built,
// beside the constraints, which are in the lock.
func BuildSettings(src *diag.Source) ([]Name, error) {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, err
	}
	var found []Name
	uv := doc.Root().Table("tool").Table("uv")
	for _, name := range []string{
		"config-settings", "config-settings-package", "extra-build-dependencies", "extra-build-variables",
		"no-build-isolation", "no-build-isolation-package",
	} {
		if uv.Has(name) {
			found = append(found, Name{Name: name, Line: uv.LineOf(name)})
		}
	}
	return found, doc.Err()
}
