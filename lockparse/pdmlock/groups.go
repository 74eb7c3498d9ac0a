package pdmlock

import (
	"maps"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// lockedGroups gives the groups of the lock; where it does not say, those of
// the project.
func (f *file) lockedGroups() []string {
	switch {
	case f.groups != nil:
		return slices.Clone(f.groups)
	case f.project != nil:
		return f.project.groupNames()
	}
	return []string{defaultGroup}
}

// askedGroups gives the groups that a request means, sorted.
func (f *file) askedGroups(r lock.Request) ([]string, error) {
	if name := pep508.NormalizeName(r.Package); name != "" && (f.project == nil || name != f.project.name) {
		return nil, lock.UnknownPackage.Errorf(diag.Range{Source: f.source}, "the lock has no workspace member %q", r.Package)
	}
	extras, groups, err := f.named(r)
	if err != nil {
		return nil, err
	}
	asked := f.wanted(r, extras, groups)
	for _, group := range normalized(r.NoGroups) {
		// To leave out "dev" is no mistake where there is none.
		if !slices.Contains(f.known(), group) && group != "dev" {
			return nil, f.unknown(lock.UnknownGroup, "group", group, f.known())
		}
		delete(asked, group)
	}
	locked := set(f.lockedGroups())
	for _, group := range sortedKeys(asked) {
		if !locked[group] {
			return nil, lock.UnknownGroup.Errorf(diag.Range{Source: f.source, Line: f.groupsLine}, "the group %q was not locked", group).
				WithHint("run \"pdm lock -G %s\" with the other groups that are needed", group)
		}
	}
	return sortedKeys(asked), nil
}

// wanted gives the groups of a request, of which the extras and groups are
// those that it names. Where the defaults are wanted and nothing is named these
// are all groups of the lock; a lock that does not say what groups it has is
// asked for extras then only if a group is to be left out of all.
func (f *file) wanted(r lock.Request, extras, groups []string) map[string]bool {
	selective := len(extras)+len(groups) > 0 || r.AllExtras || r.AllGroups || r.OnlyGroups
	if r.DefaultGroups && !selective && (f.groups != nil || len(r.NoGroups) > 0) {
		return set(slices.DeleteFunc(f.lockedGroups(), func(group string) bool {
			return f.project != nil && !f.project.has(group)
		}))
	}
	asked := set(slices.Concat(extras, groups))
	if !r.OnlyGroups {
		asked[defaultGroup] = true
	}
	if r.AllGroups || r.DefaultGroups && len(groups) == 0 {
		maps.Copy(asked, f.all(false))
	}
	if r.AllExtras {
		maps.Copy(asked, f.all(true))
	}
	return asked
}

// named gives the extras and the dependency groups that a request names. What
// PDM calls a group may be an extra.
func (f *file) named(r lock.Request) (extras, groups []string, err error) {
	for _, name := range normalized(r.Extras) {
		if known := sortedKeys(f.all(true)); !slices.Contains(known, name) {
			return nil, nil, f.unknown(lock.UnknownExtra, "extra", name, known)
		}
		extras = append(extras, name)
	}
	for _, name := range normalized(r.Groups) {
		switch {
		case !slices.Contains(f.known(), name):
			return nil, nil, f.unknown(lock.UnknownGroup, "group", name, f.known())
		case !f.all(false)[name]:
			extras = append(extras, name)
		default:
			groups = append(groups, name)
		}
	}
	return extras, groups, nil
}

func (f *file) unknown(reason lock.Reason, what, name string, known []string) error {
	at := diag.Range{Source: f.source, Line: f.groupsLine}
	if f.project != nil {
		at = diag.Range{Source: f.project.source}
	}
	return reason.Errorf(at, "the project has no %s %q", what, name).WithHint("%s", diag.Suggest(name, known))
}

// known gives all groups that may be named.
func (f *file) known() []string {
	if f.project != nil {
		return f.project.groupNames()
	}
	return f.lockedGroups()
}

// all gives all extras, or all dependency groups. Without a pyproject.toml a
// group may be either.
func (f *file) all(extras bool) map[string]bool {
	var names map[string]bool
	switch {
	case f.project == nil:
		names = set(f.lockedGroups())
	case extras:
		names = set(sortedKeys(f.project.extras))
	default:
		names = set(sortedKeys(f.project.groups))
	}
	delete(names, defaultGroup)
	return names
}
