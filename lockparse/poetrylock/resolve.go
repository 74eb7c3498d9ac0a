package poetrylock

import (
	"maps"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Resolve checks the request and the Python, and filters or walks the
// packages.
func (f *file) Resolve(env pep508.Env, r lock.Request) ([]lock.Pick, error) {
	python, err := f.checkPython(env)
	if err != nil {
		return nil, err
	}
	if err := f.checkPackage(r); err != nil {
		return nil, err
	}
	extras, err := f.extrasOf(r)
	if err != nil {
		return nil, err
	}
	groups, err := f.groupsOf(r)
	if err != nil {
		return nil, err
	}
	w := &walk{file: f, env: env, python: python, extras: extras}
	w.env.Extras = nil
	var picks []lock.Pick
	if f.flat {
		env.Extras = extras
		if picks, err = f.filter(&env, groups); err != nil {
			return nil, err
		}
		w.explain(picks, groups)
	} else if picks, err = w.from(groups); err != nil {
		return nil, err
	}
	return f.withProject(picks, r)
}

// checkPython refuses a Python that the project does not support. Only the
// release counts, as in Poetry: 3.14.0rc2 is a 3.14.0.
func (f *file) checkPython(env pep508.Env) (pep440.Version, error) {
	v, err := pep440.Parse(env.PythonFullVersion)
	if err != nil {
		return v, lock.WrongPython.Errorf(diag.Range{}, "Python version %q: %w", env.PythonFullVersion, err)
	}
	v = v.OnlyRelease()
	if !f.python.Allows(v) {
		return v, lock.WrongPython.Errorf(diag.Range{Source: f.source, Line: f.pythonLine},
			"Python %s does not satisfy python-versions %q of the lock", env.PythonFullVersion, f.python.String()).
			WithHint("choose another Python, or lock the project for this one")
	}
	return v, nil
}

// checkPackage refuses a member: a lock of Poetry is for one project.
func (f *file) checkPackage(r lock.Request) error {
	name := pep508.NormalizeName(r.Package)
	if name == "" || f.project != nil && name == f.project.name {
		return nil
	}
	err := lock.UnknownPackage.Errorf(diag.Range{Source: f.source}, "the project %q is not in the lock: Poetry has no workspaces", r.Package)
	if f.project != nil && f.project.name != "" {
		err = err.WithHint("the project is %q", f.project.name)
	}
	return err
}

// extrasOf gives the extras that are asked for.
func (f *file) extrasOf(r lock.Request) (map[string]bool, error) {
	asked := normalized(slices.Clone(r.Extras))
	if r.AllExtras {
		asked = f.extras
	}
	known, extras := setOf(f.extras), make(map[string]bool, len(asked))
	for _, extra := range asked {
		if !known[extra] {
			return nil, lock.UnknownExtra.Errorf(diag.Range{Source: f.source, Line: f.extrasLine},
				"the project has no extra %q", extra).WithHint("%s", diag.Suggest(extra, f.extras))
		}
		extras[extra] = true
	}
	return extras, nil
}

// groupsOf gives the groups that are asked for, main first.
func (f *file) groupsOf(r lock.Request) ([]string, error) {
	known, defaults := f.knownGroups()
	if r.DefaultGroups && !r.OnlyGroups && f.project == nil {
		return nil, lock.UnknownGroup.Errorf(diag.Range{Source: f.source},
			"the default groups are not in the lock, and there is no pyproject.toml to tell them").
			WithHint("add the pyproject.toml to the build context, or name the groups")
	}
	asked, without := normalized(slices.Clone(r.Groups)), normalized(slices.Clone(r.NoGroups))
	for _, group := range slices.Concat(asked, without) {
		// To leave out "dev" is no mistake where there is none.
		if !known[group] && (group != "dev" || slices.Contains(asked, group)) {
			return nil, lock.UnknownGroup.Errorf(f.at(), "the project has no dependency group %q", group).
				WithHint("%s", diag.Suggest(group, slices.Sorted(maps.Keys(known))))
		}
	}
	if !r.OnlyGroups {
		asked = append([]string{mainGroup}, asked...)
		if r.DefaultGroups {
			asked = append(asked, defaults...)
		}
	}
	if r.AllGroups {
		asked = append(asked, slices.Sorted(maps.Keys(known))...)
		if r.OnlyGroups && !slices.Contains(r.Groups, mainGroup) {
			without = append(without, mainGroup)
		}
	}
	var groups []string
	left := setOf(without)
	for _, group := range asked {
		if !left[group] {
			left[group] = true // each counts once
			groups = append(groups, group)
		}
	}
	return groups, nil
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// knownGroups gives the groups of the project, main among them, and those
// that are not optional. Without a pyproject.toml it is what the lock names.
func (f *file) knownGroups() (known map[string]bool, defaults []string) {
	known = map[string]bool{mainGroup: true}
	if f.project == nil {
		for _, n := range f.packages {
			for _, group := range n.groups {
				known[group] = true
			}
		}
		return known, nil
	}
	for _, g := range f.project.groups {
		known[g.name] = true
		if !g.optional {
			defaults = append(defaults, g.name)
		}
	}
	return known, defaults
}

// at is where the project is, for mistakes in what is asked of it.
func (f *file) at() diag.Range {
	if f.project != nil {
		return diag.Range{Source: f.project.source}
	}
	return diag.Range{Source: f.source}
}

// filter selects from a lock that knows groups and markers: a package is
// selected if it is locked for one of the groups under a marker that holds.
func (f *file) filter(env *pep508.Env, groups []string) ([]lock.Pick, error) {
	selected := setOf(groups)
	var picks []lock.Pick
	for _, n := range f.packages {
		for _, group := range n.groups {
			if !selected[group] {
				continue
			}
			marker := n.marker
			if n.markers != nil {
				marker = n.markers[group]
			}
			ok, err := marker.Eval(env)
			if err != nil {
				return nil, lock.Malformed.Errorf(n.At, "%s: %w", n, err)
			}
			if ok {
				picks = append(picks, lock.Pick{Package: n.Package})
				break
			}
		}
	}
	return picks, nil
}

// from walks from the requirements of the groups.
func (w *walk) from(groups []string) ([]lock.Pick, error) {
	if w.file.project == nil {
		return nil, lock.Malformed.Errorf(diag.Range{Source: w.file.source},
			"a lock of version %s does not say what the project asks for, and there is no pyproject.toml to tell", w.file.version).
			WithHint(`add the pyproject.toml to the build context, or run "poetry lock" of Poetry 2`)
	}
	var err error
	if w.roots, err = w.file.project.requirements(groups); err != nil {
		return nil, err
	}
	return w.run()
}

// explain says of packages that were filtered which others asked for them. It
// is only for people, so that a walk that fails says nothing.
func (w *walk) explain(picks []lock.Pick, groups []string) {
	if w.file.project == nil {
		return
	}
	found, err := w.from(groups)
	if err != nil {
		return
	}
	by := make(map[*lock.Package]*lock.Package, len(found))
	for _, p := range found {
		by[p.Package] = p.By
	}
	for i := range picks {
		picks[i].By = by[picks[i].Package]
	}
}

// withProject adds the project itself, which is no package of its lock.
func (f *file) withProject(picks []lock.Pick, r lock.Request) ([]lock.Pick, error) {
	m := f.project
	if m == nil || m.isFolder || r.OnlyGroups || r.NoInstallProject || r.NoInstallWorkspace {
		return picks, nil
	}
	at := diag.Range{Source: m.source, Line: m.nameLine}
	if !pep508.ValidName(m.name) {
		return nil, lock.Malformed.Errorf(at, "the project has no name, and cannot be installed").
			WithHint("set tool.poetry.package-mode = false if it is no package")
	}
	project := &lock.Package{
		Name:    m.name,
		Version: m.version,
		Source:  lock.Source{Origin: lock.Directory, Path: ".", Editable: true},
		At:      at,
	}
	return append(picks, lock.Pick{Package: project}), nil
}
