// Package fresh compares a uv.lock with the pyproject.toml files that it was
// made from, as "uv lock --check" does, as far as these files alone decide it:
// what needs a build, an index or the configuration of a machine is taken to
// fit. So a difference that is found is one that uv finds too, but for
// settings that its user has in the environment.
package fresh

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Change is one thing in which a lock does not fit.
type Change struct {
	Text string // begins with "it", the lock
	Line int    // of the lock
	File string // name of the pyproject.toml
}

func change(line int, format string, args ...any) Change {
	return Change{Text: fmt.Sprintf(format, args...), Line: line}
}

// Revisions of the format in which something new was written.
const (
	namesExtras     = 1 // provides-extras, and groups without dependencies
	mayLackMetadata = 4
	namesDefaults   = 5 // default-groups
)

// checker holds a lock and the projects that it was made from.
type checker struct {
	lock     tomltree.Table
	pythons  pythons
	revision int64
	open     func(name string) (*diag.Source, error)
	local    []locked
	named    []string            // members that the lock names
	main     *project            // beside the lock, nil if it is not there
	members  map[string]*project // of the workspace by name, as far as they are there
	complete bool                // all of them are there
	changes  []Change
}

// Check gives what differs between a lock and the projects, the most telling
// first. Open reads a file by its name relative to the lock's folder; projects
// that are not there are passed over.
func Check(root tomltree.Table, requires pep440.Specifiers, open func(name string) (*diag.Source, error)) []Change {
	c := &checker{
		lock:     root,
		pythons:  newPythons(requires),
		revision: root.Int("revision"),
		open:     open,
		local:    localPackages(root),
		named:    normalNames(root.Table("manifest").Strings("members")),
		members:  make(map[string]*project),
		complete: true,
	}
	if c.main = c.read("."); c.main == nil || c.main.uv.Has("no-sources") {
		return nil
	}
	c.readMembers()
	c.requiresPython()
	c.workspace()
	c.manifest()
	c.settings()
	for _, l := range c.local {
		if p := c.members[l.name]; p != nil {
			c.member(l, p)
			c.distribution(l, p, c.main)
		} else if p := c.dependency(l); p != nil {
			c.distribution(l, p, nil)
		}
	}
	return c.changes
}

// read reads the pyproject.toml of a folder, nil where there is none.
func (c *checker) read(folder string) *project {
	src, err := c.open(path.Join(folder, "pyproject.toml"))
	if err != nil {
		return nil
	}
	return parseProject(src, folder)
}

// isMember says whether a package is the project or a member.
func (c *checker) isMember(l locked) bool {
	if len(c.named) == 0 {
		return l.folder == "." && l.kind != directory
	}
	return slices.Contains(c.named, l.name)
}

func (c *checker) readMembers() {
	for _, l := range c.local {
		if !c.isMember(l) {
			continue
		}
		p := c.main
		if l.folder != "." {
			p = c.read(l.folder)
		}
		if p == nil {
			c.complete = false
			continue
		}
		c.members[l.name] = p
	}
}

// dependency reads the project of a package that is no member. One in a
// workspace of its own is left to uv.
func (c *checker) dependency(l locked) *project {
	if c.isMember(l) {
		return nil
	}
	p := c.read(l.folder)
	if p == nil || p.uv.Has("workspace") {
		return nil
	}
	if above := c.above(l.folder); above != nil && above.uv.Has("workspace") {
		return nil
	}
	return p
}

// above gives the nearest project in the folders between one and that of the
// lock, nil if there is none.
func (c *checker) above(folder string) *project {
	for folder = path.Dir(folder); folder != "." && !strings.HasSuffix(folder, ".."); folder = path.Dir(folder) {
		if p := c.read(folder); p != nil {
			return p
		}
	}
	return nil
}

// add notes changes of a project.
func (c *checker) add(p *project, changes ...Change) {
	for _, change := range changes {
		change.File = p.name
		c.changes = append(c.changes, change)
	}
}

// distribution compares what a package requires, offers and is called.
func (c *checker) distribution(l locked, p *project, workspace *project) {
	if p.project != l.name {
		if p.project != "" {
			c.add(p, change(l.line, "it has the project %q and not %q", l.name, p.project))
		}
		return
	}
	c.version(l, p)
	if workspace != nil {
		c.defaults(l.table, l.line, p)
	}
	if !l.table.Has("metadata") && c.revision >= mayLackMetadata {
		return
	}
	changes := c.requires(l, p, workspace)
	if len(changes) > 0 && workspace != nil && c.above(l.folder) != nil {
		// A member in the folder of another project has no part in the
		// sources of the workspace.
		changes = c.requires(l, p, nil)
	}
	c.add(p, changes...)
}

// requires compares the dependencies, extras and groups of a package.
func (c *checker) requires(l locked, p *project, workspace *project) []Change {
	var changes []Change
	s := scope{project: p, workspace: workspace, members: c.folders()}
	if p.isStatic() {
		changes = append(c.dependencies(l, p, s), c.extras(l, p)...)
	}
	if declared, ok := p.groups(); ok {
		line := l.lineOf("requires-dev", "dependency-groups")
		changes = append(changes, c.groups(p, s, declared, l.groups(), line, c.revision >= namesExtras)...)
	}
	return changes
}

// version compares the version of a project. It is left out of a lock where a
// build tells it.
func (c *checker) version(l locked, p *project) {
	static := p.table.String("version")
	switch {
	case l.version != "" && p.isDynamic("version"):
		c.add(p, change(l.table.LineOf("version"), "it has version %s of %s, which is dynamic now", l.version, l.name))
	case l.version != "" && static != "" && !sameVersion(l.version, static):
		c.add(p, change(l.table.LineOf("version"), "it has version %s of %s and not %s", l.version, l.name, static))
	case l.version == "" && static != "" && p.isStatic():
		c.add(p, change(l.line, "it has no version of %s, which is %s", l.name, static))
	}
}

// defaults compares the groups that are installed by default, of a member or
// of the manifest.
func (c *checker) defaults(has tomltree.Table, line int, p *project) {
	const key = "default-groups"
	if c.revision < namesDefaults {
		return
	}
	wanted := defaultGroups(p.uv, key)
	if locked := defaultGroups(has, key); p.doc.Err() == nil && wanted != locked {
		c.add(p, change(line, "its default groups are %s and not %s", locked, wanted))
	}
}

// defaultGroups gives the groups as a text; "dev" where they are not said.
func defaultGroups(t tomltree.Table, key string) string {
	if !t.Has(key) {
		return "[dev]"
	}
	if t.IsString(key) {
		return t.String(key)
	}
	return fmt.Sprint(normalNames(t.Strings(key)))
}

func sameVersion(a, b string) bool {
	v, err := pep440.Parse(a)
	w, err2 := pep440.Parse(b)
	return err != nil || err2 != nil || v.Compare(w) == 0
}

// dependencies compares the dependencies, plain and optional.
func (c *checker) dependencies(l locked, p *project, s scope) []Change {
	list, ok := p.dependencies()
	if !ok || p.doc.Err() != nil {
		return nil
	}
	wanted, ok := s.lower(list)
	if !ok || p.doc.Err() != nil {
		return nil
	}
	has, ok := lockedRequirements(l.metadata, "requires-dist")
	if !ok {
		return nil
	}
	d := compare(wanted, has, c.pythons)
	// A build may have put what an extra of the project asks for in its place.
	if l.version == "" && slices.ContainsFunc(list, func(d declared) bool { return d.name == p.project }) {
		return nil
	}
	return d.changes("", l.lineOf("requires-dist"))
}

// extras compares the names of the extras.
func (c *checker) extras(l locked, p *project) []Change {
	if c.revision < namesExtras {
		return nil
	}
	return compareNames("extra", p.extras(), normalNames(l.metadata.Strings("provides-extras")), l.lineOf("provides-extras"))
}

// compareNames gives the changes between two sorted lists of names.
func compareNames(what string, project, locked []string, line int) []Change {
	var list []Change
	for _, name := range project {
		if !slices.Contains(locked, name) {
			list = append(list, change(line, "it has no %s %q", what, name))
		}
	}
	for _, name := range locked {
		if !slices.Contains(project, name) {
			list = append(list, change(line, "it still has the %s %q", what, name))
		}
	}
	return list
}

// groups compares dependency groups; those without dependencies count where
// the lock would name them.
func (c *checker) groups(p *project, s scope, groups map[string][]declared, table tomltree.Table, line int, empty bool) []Change {
	wanted, has := make(map[string][]requirement), make(map[string][]requirement)
	for name, list := range groups {
		s.group = name
		lowered, ok := s.lower(list)
		if !ok {
			return nil
		}
		wanted[name] = lowered
	}
	for _, key := range table.Keys() {
		list, ok := lockedRequirements(table, key.Name)
		if !ok {
			return nil
		}
		has[pep508.NormalizeName(key.Name)] = list
	}
	if p.doc.Err() != nil {
		return nil
	}
	changes := compareNames("dependency group", groupNames(wanted, empty), groupNames(has, empty), line)
	for _, name := range groupNames(wanted, false) {
		if list, ok := has[name]; ok {
			changes = append(changes, compare(wanted[name], list, c.pythons).changes(fmt.Sprintf(" in the group %q", name), line)...)
		}
	}
	return changes
}

// groupNames gives the names of groups, sorted.
func groupNames(groups map[string][]requirement, empty bool) []string {
	var list []string
	for name, requirements := range groups {
		if empty || len(requirements) > 0 {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// folders gives the folders of the members by name.
func (c *checker) folders() map[string]string {
	folders := make(map[string]string)
	for _, l := range c.local {
		if c.isMember(l) {
			folders[l.name] = l.folder
		}
	}
	return folders
}
