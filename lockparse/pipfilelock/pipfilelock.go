// Package pipfilelock reads Pipfile.lock, the lock of Pipenv, and checks
// whether it fits the Pipfile beside it. What a target gets is what "pipenv
// sync" installs: the packages of the selected categories whose markers hold.
//
// The dependency groups of a request are the lock's categories: "dev" is
// develop, others are called as in the Pipfile; the default category is
// always taken, unless only groups are asked for. Markers that ask for a
// dependency group hold, since Pipenv has selected by category before.
//
// Pipenv locks for one Python and leaves out what that one does not need, so
// the Python that the Pipfile requires is required here too, as by "pipenv
// install --deploy". Where Pipenv would install a package without a hash,
// such as one that is locked as "*", the lock is refused as not locked.
package pipfilelock

import (
	"errors"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Format is the name of the format, and of its file.
const Format = "Pipfile.lock"

// knownSpec is the version of the format; there has been no other since 2017.
const knownSpec = "6"

// The categories that every lock has, and what Pipfiles and requests call
// them.
const (
	defaultCategory = "default"
	developCategory = "develop"
)

// Parse reads a lock. Open reads a file of the build context by its name
// relative to the folder of src, such as the Pipfile; its errors that are
// fs.ErrNotExist mean that there is none. Getenv gives the values of variables
// in the URLs of indexes, as os.Getenv does; nil if there are none.
//
// Packages that are not locked are an error in Resolve, since their markers
// may not hold. Other errors are *diag.Error with a lock.Reason, up to ten of
// them joined.
func Parse(src *diag.Source, open func(name string) (*diag.Source, error), getenv func(name string) string) (*lock.Lock, error) {
	root, err := parseJSON(src)
	if err != nil {
		return nil, err
	}
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	r := &reader{
		src:     src,
		getenv:  getenv,
		markers: make(map[string]pep508.Marker),
		file:    &file{source: src},
		lock:    &lock.Lock{Format: Format, Source: src},
	}
	r.read(root)
	if len(r.errs) == 0 {
		r.checkFresh(root, open)
	}
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	r.lock.Resolver = r.file
	return r.lock, nil
}

// file is a parsed lock: the Resolver of the format.
type file struct {
	source     *diag.Source
	categories []category
}

// category is a named list of packages.
type category struct {
	name    string // as in the lock
	entries []*entry
}

// entry is a package of a category.
type entry struct {
	pkg     *lock.Package
	markers []pep508.Marker // all of them must hold
	groups  map[string]bool // the dependency groups that the markers ask for
	problem *diag.Error     // why the package cannot be installed from the lock; nil if it can
}

// Resolve gives the packages of the selected categories whose markers hold.
func (f *file) Resolve(env pep508.Env, r lock.Request) ([]lock.Pick, error) {
	categories, err := f.selected(r)
	if err != nil {
		return nil, err
	}
	env.Extras = nil // a lock has no extras of its own
	var picks []lock.Pick
	picked := make(map[string]*lock.Package)
	for _, c := range categories {
		for _, e := range c.entries {
			holds, err := e.holds(env)
			if err != nil {
				return nil, err
			}
			if !holds || e.leftOut(r) {
				continue
			}
			if e.problem != nil {
				return nil, e.problem
			}
			// Categories are locked one by one and repeat what they share.
			// What differs is for the caller to refuse.
			if known := picked[e.pkg.Name]; known != nil && same(known, e.pkg) {
				continue
			}
			picked[e.pkg.Name] = e.pkg
			picks = append(picks, lock.Pick{Package: e.pkg})
		}
	}
	return picks, nil
}

// selected gives the categories that are asked for, in the order of the lock.
func (f *file) selected(r lock.Request) ([]category, error) {
	at := diag.Range{Source: f.source}
	switch {
	case len(r.Extras) > 0:
		return nil, lock.UnknownExtra.Errorf(at, "a Pipfile has no extras such as %q", r.Extras[0]).
			WithHint("put the packages into a category, and ask for it as a group")
	case r.Package != "":
		return nil, lock.UnknownPackage.Errorf(at, "a Pipfile has no workspace with a project %q", r.Package)
	}
	asked := make(map[string]bool)
	for _, group := range r.Groups {
		name := categoryOf(group)
		if !slices.ContainsFunc(f.categories, func(c category) bool { return pep508.NormalizeName(c.name) == name }) {
			return nil, lock.UnknownGroup.Errorf(at, "the lock has no category %q", group).
				WithHint("%s", diag.Suggest(group, f.names()))
		}
		asked[name] = true
	}
	var list []category
	for _, c := range f.categories {
		name := pep508.NormalizeName(c.name)
		switch {
		case slices.ContainsFunc(r.NoGroups, func(group string) bool { return categoryOf(group) == name }):
		case asked[name], r.AllGroups, name == defaultCategory && !r.OnlyGroups:
			list = append(list, c)
		}
	}
	return list, nil
}

// categoryOf gives the normalised name in the lock of a group or of a
// category of the Pipfile.
func categoryOf(group string) string {
	switch name := pep508.NormalizeName(group); name {
	case "dev", "dev-packages":
		return developCategory
	case "packages":
		return defaultCategory
	default:
		return name
	}
}

// names gives the groups that may be asked for.
func (f *file) names() []string {
	var names []string
	for _, c := range f.categories {
		switch c.name {
		case defaultCategory:
		case developCategory:
			names = append(names, "dev")
		default:
			names = append(names, c.name)
		}
	}
	return names
}

// holds says whether the markers of a package hold.
func (e *entry) holds(env pep508.Env) (bool, error) {
	env.Groups = e.groups
	for _, m := range e.markers {
		ok, err := m.Eval(&env)
		if err != nil {
			return false, lock.Malformed.Errorf(e.pkg.At, "the marker of %s: %w", e.pkg.Name, err)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// leftOut says whether the request leaves a package out, which then need not
// be locked. The project itself is the folder of the lock.
func (e *entry) leftOut(r lock.Request) bool {
	s := e.pkg.Source
	if s.Origin == lock.Directory && s.Path == "." && (r.NoInstallProject || r.NoInstallWorkspace) {
		return true
	}
	return slices.ContainsFunc(r.NoInstall, func(name string) bool { return pep508.NormalizeName(name) == e.pkg.Name })
}

// same says whether two entries mean the same package.
func same(a, b *lock.Package) bool { return a.Version == b.Version && a.Source == b.Source }
