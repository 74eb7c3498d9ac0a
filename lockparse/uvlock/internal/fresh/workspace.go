package fresh

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// requiresPython compares the Pythons that all members admit together with
// those of the lock. As in uv only the outer bounds count.
func (c *checker) requiresPython() {
	var all []string
	for _, p := range c.members {
		if p.isDynamic("requires-python") {
			return
		}
		if text := p.table.String("requires-python"); text != "" {
			all = append(all, text)
		}
	}
	if len(all) == 0 || !c.complete {
		return // uv takes the Python that it runs with
	}
	slices.Sort(all)
	text := strings.Join(slices.Compact(all), ",")
	wanted, err := pep440.ParseSpecifiers(text)
	if err != nil || sameSpecifiers(wanted, c.pythons.admitted) {
		return
	}
	if first, last := bounds(wanted); first >= 0 {
		if f, l := bounds(c.pythons.admitted); f != first || l != last {
			c.add(c.main, change(c.lock.LineOf("requires-python"), "it is for Python %s and not for %s", c.pythons.admitted, wanted))
		}
	}
}

// bounds gives the first and the last release that is admitted of a row of
// them, -1 where it is none.
func bounds(s pep440.Specifiers) (first, last int) {
	const minors, patches = 40, 30
	first, last = -1, -1
	for i := range minors*patches + 2 {
		version := fmt.Sprintf("3.%d.%d", i/patches, i%patches)
		if i >= minors*patches {
			version = fmt.Sprintf("4.%d", i-minors*patches)
		}
		if parsed, err := pep440.Parse(version); err == nil && s.ContainsRelease(parsed) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	return first, last
}

// workspace compares the members of the workspace, as far as no folder has to
// be searched for them.
func (c *checker) workspace() {
	table := c.main.uv.Table("workspace")
	line := c.lock.Table("manifest").LineOf("members")
	if len(c.named) > 1 && !c.main.uv.Has("workspace") {
		c.add(c.main, change(line, "it is for a workspace, which the project is no more"))
		return
	}
	patterns, excluded := table.Strings("members"), table.Strings("exclude")
	if slices.ContainsFunc(append(slices.Clone(patterns), excluded...), isPattern) {
		return
	}
	contains := func(list []string, folder string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return path.Clean(p) == folder })
	}
	folders := c.folders()
	for _, pattern := range patterns {
		folder := path.Clean(pattern)
		p := c.read(folder)
		if p == nil || p.project == "" || contains(excluded, folder) {
			continue
		}
		if _, ok := folders[p.project]; !ok {
			c.add(c.main, change(line, "it does not have the workspace member %q", p.project))
		}
	}
	for _, name := range c.named {
		if folder, ok := folders[name]; ok && folder != "." && (!contains(patterns, folder) || contains(excluded, folder)) {
			c.add(c.main, change(line, "it still has the workspace member %q", name))
		}
	}
}

func isPattern(s string) bool { return strings.ContainsAny(s, "*?[{") }

// member compares whether a member is a package. What releases of uv do not
// agree about is left out: a member without build system that another member
// requires.
func (c *checker) member(l locked, p *project) {
	if !c.complete {
		return
	}
	is, decided := p.isPackage(c.isRequired(l.name))
	switch {
	case !decided:
	case is && l.kind == virtual:
		c.add(p, change(l.line, "it has %s as a project that is no package", l.name))
	case !is && l.kind != virtual:
		c.add(p, change(l.line, "it has %s as a package, which it is no more", l.name))
	}
}

// isRequired says whether some project of the workspace takes the member from
// the workspace.
func (c *checker) isRequired(member string) bool {
	for _, p := range append(c.projects(), c.main) {
		if p.project == member {
			continue
		}
		sources := p.uv.Table("sources")
		for _, key := range sources.Keys() {
			if pep508.NormalizeName(key.Name) == member {
				return true
			}
		}
	}
	return false
}

// projects gives the members, in the order of their names.
func (c *checker) projects() []*project {
	var list []*project
	for _, l := range c.local {
		if p := c.members[l.name]; p != nil && c.isMember(l) {
			list = append(list, p)
		}
	}
	return list
}

// manifest compares what a workspace asks for beside the requirements of its
// members.
func (c *checker) manifest() {
	manifest := c.lock.Table("manifest")
	s := scope{project: c.main, members: c.folders(), workspace: c.main}
	for _, list := range []struct{ setting, key, what string }{
		{"constraint-dependencies", "constraints", " in the constraints"},
		{"override-dependencies", "overrides", " in the overrides"},
		{"build-constraint-dependencies", "build-constraints", " in the build constraints"},
	} {
		declared, ok := parseDeclared(c.main.uv.Texts(list.setting), condition{})
		if !ok || c.main.doc.Err() != nil {
			continue
		}
		wanted, ok := s.lower(declared)
		if !ok || c.main.doc.Err() != nil {
			continue
		}
		line := manifest.LineOf(list.key)
		if has, ok := lockedRequirements(manifest, list.key); ok && !hasTables(manifest, list.key, "dependencies") {
			c.add(c.main, compare(wanted, has, c.pythons).changes(list.what, line)...)
		}
	}
	if len(c.main.uv.MixedTables("exclude-dependencies"))+len(manifest.MixedTables("excludes")) == 0 {
		c.add(c.main, compareNames("excluded dependency", normalNames(c.main.uv.Strings("exclude-dependencies")),
			normalNames(manifest.Strings("excludes")), manifest.LineOf("excludes"))...)
	}
	if c.main.project == "" {
		c.defaults(manifest, manifest.Line(), c.main)
		if declared, ok := c.main.groups(); ok {
			c.add(c.main, c.groups(c.main, s, declared, manifest.Table("dependency-groups"), manifest.LineOf("dependency-groups"), false)...)
		}
	}
}

// hasTables says whether an entry of a list has a key, that entries of
// another kind have.
func hasTables(t tomltree.Table, list, key string) bool {
	return slices.ContainsFunc(t.MixedTables(list), func(t tomltree.Table) bool { return t.Has(key) })
}

// settings compares what of tool.uv changes the resolution, where the project
// says it: what it does not say may be set elsewhere.
func (c *checker) settings() {
	c.environments("environments", "supported-markers")
	c.environments("required-environments", "required-markers")
	c.conflicts()
	options := c.lock.Table("options")
	for _, option := range []struct{ setting, key, normal string }{
		{"resolution", "resolution-mode", "highest"},
		{"prerelease", "prerelease-mode", "if-necessary-or-explicit"},
		{"fork-strategy", "fork-strategy", "requires-python"},
	} {
		if !c.main.uv.IsString(option.setting) {
			continue
		}
		has, wanted := option.normal, c.main.uv.String(option.setting)
		if wanted == "if-necessary" { // the older name
			wanted = option.normal
		}
		if options.IsString(option.key) {
			has = options.String(option.key)
		}
		if has != wanted && !c.configured() {
			c.add(c.main, change(options.LineOf(option.key), "it is locked with %s = %q and not %q", option.setting, has, wanted))
		}
	}
}

// configured says whether a uv.toml stands in the place of tool.uv.
func (c *checker) configured() bool {
	_, err := c.open("uv.toml")
	return err == nil
}

// environments compares a list of markers that say what is locked.
func (c *checker) environments(setting, key string) {
	var wanted []condition
	texts := c.main.uv.MixedTexts
	if c.main.uv.IsString(setting) {
		texts = func(key string) []tomltree.Text { return []tomltree.Text{{Text: c.main.uv.String(key)}} }
	}
	if c.main.uv.Has(setting) {
		for _, text := range texts(setting) {
			m, err := pep508.ParseMarker(text.Text, pep508.UV)
			if err != nil {
				return
			}
			wanted = append(wanted, condition{}.and(m))
		}
	}
	has := c.lock.Texts(key)
	differs := len(has) != len(wanted)
	for i := 0; !differs && i < len(has); i++ {
		m, err := pep508.ParseMarker(has[i].Text, pep508.UV)
		differs = err == nil && !wanted[i].same(condition{}.and(m), c.pythons)
	}
	if differs {
		c.add(c.main, change(c.lock.LineOf(key), "it is not for the %s of tool.uv", setting))
	}
}

// conflicts compares what is declared as conflicting. uv adds the groups that
// include a group of a conflict, and these are left to it.
func (c *checker) conflicts() {
	var wanted []string
	projects := c.projects()
	if c.main.project == "" {
		projects = append(projects, c.main)
	}
	for _, p := range projects {
		if p.uv.Has("conflicts") && slices.ContainsFunc(p.root.Table("dependency-groups").Keys(), func(k tomltree.Key) bool {
			return len(p.root.Table("dependency-groups").MixedTables(k.Name)) > 0
		}) {
			return
		}
		wanted = append(wanted, conflictSets(p.uv, p.project)...)
	}
	has := conflictSets(c.lock, "")
	slices.Sort(wanted)
	slices.Sort(has)
	if c.complete && c.main.doc.Err() == nil && !slices.Equal(slices.Compact(wanted), slices.Compact(has)) {
		c.add(c.main, change(c.lock.LineOf("conflicts"), "it is not for the conflicts of tool.uv"))
	}
}

// conflictSets gives each set of a list of conflicts as one text.
func conflictSets(t tomltree.Table, project string) []string {
	var sets []string
	for _, list := range t.TableLists("conflicts") {
		var items []string
		for _, item := range list {
			name := project
			if item.Has("package") {
				name = pep508.NormalizeName(item.String("package"))
			}
			items = append(items, name+" extra="+pep508.NormalizeName(item.String("extra"))+" group="+pep508.NormalizeName(item.String("group")))
		}
		slices.Sort(items)
		sets = append(sets, strings.Join(slices.Compact(items), ", "))
	}
	return sets
}
