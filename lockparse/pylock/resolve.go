package pylock

import (
	"maps"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Resolve follows the specification's "Installation" step by step. That no
// name is selected twice is checked by lock.Select.
func (d *document) Resolve(env pep508.Env, r lock.Request) ([]lock.Pick, error) {
	if err := d.checkRequest(r); err != nil {
		return nil, err
	}
	var err error
	if env.Extras, err = d.askedExtras(r); err != nil {
		return nil, err
	}
	if env.Groups, err = d.askedGroups(r); err != nil {
		return nil, err
	}
	if err := d.checkEnvironment(env); err != nil {
		return nil, err
	}
	var picks []lock.Pick
	for i := range d.packages {
		e := &d.packages[i]
		installed, err := e.condition.holds(d.source, &env)
		if err != nil {
			return nil, err
		}
		if !installed || e.isProject() && (r.NoInstallProject || r.NoInstallWorkspace) {
			continue
		}
		if err := e.check(env); err != nil {
			return nil, err
		}
		picks = append(picks, lock.Pick{Package: e.Package})
	}
	return picks, nil
}

// isProject says whether the package is the project that was locked.
func (e *entry) isProject() bool { return e.Source.Origin == lock.Directory && e.Source.Path == "." }

// holds evaluates a marker. One that the specification leaves undefined is a
// mistake in the lock.
func (c condition) holds(src *diag.Source, env *pep508.Env) (bool, error) {
	ok, err := c.marker.Eval(env)
	if err != nil {
		return false, lock.Malformed.Errorf(diag.Range{Source: src, Line: c.line}, "%w", err)
	}
	return ok, nil
}

// check refuses a selected package that the target cannot have.
func (e *entry) check(env pep508.Env) error {
	if ok, err := lock.Satisfies(env, e.requires); err != nil {
		return err
	} else if !ok {
		at := diag.Range{Source: e.At.Source, Line: e.requiresLine}
		return lock.WrongPython.Errorf(at, "Python %s does not satisfy requires-python %q of %s",
			env.PythonFullVersion, e.requires, e.Package).
			WithHint("choose another Python, or lock the project for this one")
	}
	return e.unfetchable
}

// checkEnvironment refuses a target that the lock was not made for.
func (d *document) checkEnvironment(env pep508.Env) error {
	if !d.limited {
		return nil
	}
	// The environments are those of an image, whatever is asked for.
	env.Extras, env.Groups = nil, nil
	for _, c := range d.environments {
		if ok, err := c.holds(d.source, &env); ok || err != nil {
			return err
		}
	}
	return lock.UnsupportedPlatform.Errorf(diag.Range{Source: d.source, Line: d.limitLine},
		"the lock is not for %s %s with Python %s: none of its environments holds",
		env.SysPlatform, env.PlatformMachine, env.PythonFullVersion).
		WithHint("lock the project for this target too")
}

// checkRequest refuses what cannot be asked of a list of packages that does
// not say which of them are the project's own.
func (d *document) checkRequest(r lock.Request) error {
	at := diag.Range{Source: d.source}
	switch {
	case r.Package != "":
		return lock.UnknownPackage.Errorf(at, "a pylock.toml has no workspace members, so %q cannot be selected", r.Package).
			WithHint("lock the member on its own")
	case r.OnlyGroups:
		return lock.Conflict.Errorf(at, "a pylock.toml does not say which packages belong to groups alone").
			WithHint("lock the groups on their own, or install the project's dependencies too")
	}
	return nil
}

func (d *document) askedExtras(r lock.Request) (map[string]bool, error) {
	if r.AllExtras {
		return set(d.extras), nil
	}
	asked := normalized(r.Extras)
	for _, extra := range asked {
		if !slices.Contains(d.extras, extra) {
			return nil, lock.UnknownExtra.Errorf(diag.Range{Source: d.source}, "the lock has no extra %q", extra).
				WithHint("%s", suggest(extra, d.extras, "it was made without extras"))
		}
	}
	return set(asked), nil
}

// askedGroups gives the groups of a request: those that it names, or the
// default groups if it names none.
func (d *document) askedGroups(r lock.Request) (map[string]bool, error) {
	known := set(d.groups)
	maps.Copy(known, set(d.defaults))
	asked := normalized(r.Groups)
	left := normalized(r.NoGroups)
	for _, group := range slices.Concat(asked, left) {
		// To leave out "dev" is no mistake where there is none.
		if !known[group] && (group != "dev" || slices.Contains(asked, group)) {
			return nil, lock.UnknownGroup.Errorf(diag.Range{Source: d.source}, "the lock has no dependency group %q", group).
				WithHint("%s", suggest(group, slices.Collect(maps.Keys(known)), "it was made without dependency groups"))
		}
	}
	groups := set(asked)
	switch {
	case r.AllGroups:
		groups = known
	case len(asked) == 0 && r.DefaultGroups:
		groups = set(d.defaults)
	}
	for _, group := range left {
		delete(groups, group)
	}
	return groups, nil
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}

// suggest gives the nearest of the known names, or says that there are none.
func suggest(name string, known []string, none string) string {
	if len(known) == 0 {
		return none
	}
	return diag.Suggest(name, known)
}
