package uvlock

import (
	"maps"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/pyproject"
)

// Resolve checks the request and the environment, and walks the graph.
func (g *graph) Resolve(env pep508.Env, r lock.Request) ([]lock.Pick, error) {
	if err := g.checkEnvironment(env); err != nil {
		return nil, err
	}
	q, err := g.query(r)
	if err != nil {
		return nil, err
	}
	for _, check := range []func() error{q.checkExtras, q.checkGroups, q.checkConflicts} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	if err := q.checkPythons(env); err != nil {
		return nil, err
	}
	found, err := newWalk(q, env).run()
	if err != nil {
		return nil, err
	}
	return q.installed(found), nil
}

// checkEnvironment refuses a target that the lock was not made for: its edges
// would mean something else there.
func (g *graph) checkEnvironment(env pep508.Env) error {
	holds := func(m pep508.Marker) bool {
		ok, err := m.Eval(&env)
		return ok && err == nil
	}
	if len(g.environments) > 0 && !slices.ContainsFunc(g.environments, func(e environment) bool { return holds(e.marker) }) {
		first, last := g.environments[0], g.environments[len(g.environments)-1]
		at := diag.Range{Source: g.source, Line: first.line, EndLine: last.line}
		return lock.UnsupportedPlatform.Errorf(at, "the lock is not for %s: none of its supported-markers holds", describe(env)).
			WithHint("add the target to tool.uv.environments and lock again")
	}
	// With conflicts the forks ask for extras too, and are no limit.
	if len(g.forks) > 0 && len(g.conflicts) == 0 && !slices.ContainsFunc(g.forks, holds) {
		return lock.UnsupportedPlatform.Errorf(diag.Range{Source: g.source},
			"the lock is not for %s: none of its resolution-markers holds", describe(env)).
			WithHint("lock the project again")
	}
	return nil
}

func describe(env pep508.Env) string {
	return env.SysPlatform + " " + env.PlatformMachine + " with Python " + env.PythonFullVersion
}

// query is a request, put in terms of the lock.
type query struct {
	graph    *graph
	request  lock.Request
	roots    []*node
	single   *node // the one root, nil for a workspace: what "the project" is
	groups   []*node
	defaults pyproject.Defaults
}

// query finds the roots of a request and its default groups.
func (g *graph) query(r lock.Request) (*query, error) {
	r.Extras = normalized(slices.Clone(r.Extras))
	r.Groups = normalized(slices.Clone(r.Groups))
	r.NoGroups = normalized(slices.Clone(r.NoGroups))
	q := &query{graph: g, request: r}
	if err := q.findRoots(); err != nil {
		return nil, err
	}
	if err := q.findDefaults(); err != nil {
		return nil, err
	}
	q.groups = slices.Clone(q.roots)
	if q.single != nil && g.root != nil && q.single != g.root {
		q.groups = append(q.groups, g.root)
	}
	return q, nil
}

// findRoots finds what is asked for: a member, all members, or the project
// beside the lock.
func (q *query) findRoots() error {
	g := q.graph
	name, at := pep508.NormalizeName(q.request.Package), diag.Range{Source: g.source}
	switch {
	case q.request.AllPackages:
		q.roots = g.members
		return nil
	case name != "":
	case g.project != nil && g.project.Name != "":
		name, at = g.project.Name, diag.Range{Source: g.project.Source}
	case g.project == nil && g.root != nil:
		name = g.root.Name
	default:
		q.roots = g.members
		return nil
	}
	i := slices.IndexFunc(g.members, func(n *node) bool { return n.Name == name })
	if i < 0 {
		return g.unknownProject(name, at)
	}
	q.single = g.members[i]
	q.roots = g.members[i : i+1]
	return nil
}

func (g *graph) unknownProject(name string, at diag.Range) error {
	err := lock.UnknownPackage.Errorf(at, "the project %q is not in %s", name, g.source.Name)
	if at.Source != g.source {
		return err.WithHint("the lock is not that of this pyproject.toml, run uv lock")
	}
	names := make([]string, len(g.members))
	for i, n := range g.members {
		names[i] = n.Name
	}
	return err.WithHint("%s", diag.Suggest(name, names))
}

// findDefaults finds the default groups: those of the selected member, not of
// the workspace's root. pyproject.toml says it before the lock does.
func (q *query) findDefaults() error {
	if !q.request.DefaultGroups || q.request.OnlyGroups {
		return nil
	}
	project, settings := q.graph.project, q.graph.manifest.settings
	switch {
	case q.single != nil:
		project, settings = q.single.project, q.single.settings
	case q.graph.root != nil:
		settings = q.graph.root.settings
	}
	switch {
	case project != nil && project.DefaultGroups != nil:
		q.defaults = *project.DefaultGroups
	case project == nil && settings.defaults != nil:
		q.defaults = *settings.defaults
	case project == nil && q.graph.revision < firstRevisionWithDefaults && len(q.roots) > 0:
		return lock.UnknownGroup.Errorf(diag.Range{Source: q.graph.source},
			"the default groups are not in the lock, and there is no pyproject.toml to tell them").
			WithHint("add the pyproject.toml to the build context, or name the groups")
	default:
		q.defaults = pyproject.Defaults{Names: []string{"dev"}}
	}
	return nil
}

// firstRevisionWithDefaults is the first revision that has default-groups.
const firstRevisionWithDefaults = 5

// production says whether the roots and their dependencies are asked for.
func (q *query) production() bool { return !q.request.OnlyGroups }

// includes says whether a group is asked for. n is the package that has it,
// nil for a workspace root that is no project. Where one member is selected,
// it gets the groups of the workspace's root only if they are named, and only
// those that it does not define itself.
func (q *query) includes(n *node, group string) bool {
	explicit := q.request.AllGroups || slices.Contains(q.request.Groups, group)
	byDefault := q.defaults.All || slices.Contains(q.defaults.Names, group)
	switch {
	case slices.Contains(q.request.NoGroups, group):
		return false
	case q.single == nil || n == q.single:
		return explicit || byDefault
	}
	return explicit && !q.single.defines(group)
}

// defines says whether a package declares a group.
func (n *node) defines(group string) bool {
	if n.project != nil {
		return n.project.Group(group) != nil
	}
	_, ok := n.groups[group]
	return ok || slices.Contains(n.declared.groups, group)
}

// extrasOf gives the extras of a root that are asked for, sorted.
func (q *query) extrasOf(n *node) []string {
	if q.request.OnlyGroups {
		return nil
	}
	return slices.DeleteFunc(sortedKeys(n.extras), func(extra string) bool {
		return !q.request.AllExtras && !slices.Contains(q.request.Extras, extra)
	})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// installed leaves the project and the members out of what the walk found,
// if the request says so.
func (q *query) installed(found []found) []lock.Pick {
	project := q.single
	if project == nil && len(q.graph.manifest.members) == 0 {
		project = q.graph.root
	}
	var picks []lock.Pick
	for _, f := range found {
		isProject := f.node == project
		if q.request.NoInstallProject && isProject || q.request.NoInstallWorkspace && (isProject || f.node.member) {
			continue
		}
		picks = append(picks, lock.Pick{Package: f.node.Package, By: f.by})
	}
	return picks
}

// checkExtras refuses extras that no root has. Before revision 1 locks do not
// say which extras without dependencies there are; like uv we then let all
// pass.
func (q *query) checkExtras() error {
	if q.graph.revision < 1 {
		return nil
	}
	known := make(map[string]bool)
	for _, n := range q.roots {
		for _, extra := range slices.Concat(sortedKeys(n.extras), n.declared.extras) {
			known[extra] = true
		}
		if !n.declared.known && n.project != nil {
			for _, extra := range n.project.Extras {
				known[extra.Name] = true
			}
		}
	}
	for _, extra := range q.request.Extras {
		if !known[extra] {
			return lock.UnknownExtra.Errorf(q.at(), "the project has no extra %q", extra).
				WithHint("%s", suggest(extra, known, "the project declares no extras"))
		}
	}
	return nil
}

// suggest gives the nearest of the known names, or says that there are none.
func suggest(name string, known map[string]bool, none string) string {
	if len(known) == 0 {
		return none
	}
	return diag.Suggest(name, sortedKeys(known))
}

// checkGroups refuses groups that nothing defines. To leave out the group
// "dev" is no mistake where there is none: that is what --no-dev means.
func (q *query) checkGroups() error {
	known := q.knownGroups()
	for _, group := range slices.Concat(q.request.Groups, q.request.NoGroups) {
		if !known[group] && (group != "dev" || slices.Contains(q.request.Groups, group)) {
			return lock.UnknownGroup.Errorf(q.at(), "the project has no dependency group %q", group).
				WithHint("%s", suggest(group, known, "the project declares no dependency groups"))
		}
	}
	return nil
}

// knownGroups are the groups that can be asked for. Before revision 1, and
// without metadata, locks do not have groups without dependencies.
func (q *query) knownGroups() map[string]bool {
	known := make(map[string]bool)
	addAll := func(names []string) {
		for _, name := range names {
			known[name] = true
		}
	}
	for _, n := range q.groups {
		addAll(sortedKeys(n.groups))
		addAll(n.declared.groups)
		if n.project != nil && (q.graph.revision < 1 || !n.declared.known) {
			addAll(n.project.GroupNames())
		}
	}
	addAll(sortedKeys(q.graph.manifest.groups))
	if q.graph.project != nil && q.graph.project.Name == "" {
		addAll(q.graph.project.GroupNames())
	}
	return known
}

// at is where the project is, for mistakes in what is asked of it.
func (q *query) at() diag.Range {
	if q.single != nil {
		return q.single.At
	}
	return diag.Range{Source: q.graph.source}
}

// checkPythons refuses a Python that a group asked for does not support.
func (q *query) checkPythons(env pep508.Env) error {
	for _, n := range q.groups {
		if err := q.checkPythonsOf(env, n, n.project, n.settings); err != nil {
			return err
		}
	}
	if q.graph.root != nil {
		return nil
	}
	return q.checkPythonsOf(env, nil, q.graph.project, q.graph.manifest.settings)
}

func (q *query) checkPythonsOf(env pep508.Env, n *node, project *pyproject.File, settings groupSettings) error {
	src, pythons := q.graph.source, settings.pythons
	if project != nil {
		src, pythons = project.Source, pythonsOf(project)
	}
	for _, p := range pythons {
		if !q.includes(n, p.group) {
			continue
		}
		if ok, err := lock.Satisfies(env, p.requires); err != nil {
			return err
		} else if !ok {
			return lock.WrongPython.Errorf(diag.Range{Source: src, Line: p.line},
				"Python %s does not satisfy requires-python %q of the dependency group %q",
				env.PythonFullVersion, p.requires, p.group).
				WithHint("choose another Python, or leave the group out")
		}
	}
	return nil
}

// pythonsOf gives the bounds of all groups of a pyproject.toml, each with
// those of the groups that it includes.
func pythonsOf(project *pyproject.File) []groupPython {
	var pythons []groupPython
	if !slices.ContainsFunc(project.Groups, func(g pyproject.Group) bool { return !g.RequiresPython.IsEmpty() }) {
		return nil
	}
	for _, group := range project.Groups {
		for _, part := range project.WithIncludes(group.Name) {
			if !part.RequiresPython.IsEmpty() {
				pythons = append(pythons, groupPython{group.Name, part.RequiresPython, part.RequiresLine})
			}
		}
	}
	return pythons
}
