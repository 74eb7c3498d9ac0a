package lock

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Select gives the packages that the target gets from the lock, with the one
// file of each that is installed or built. Files that the lock does not say the
// URL of are looked up in the index, which may be nil where it says it of all:
// a uv.lock, a pylock.toml.
//
// Its errors are *diag.Error with a Reason; where several packages have no file
// for the target, all are named.
func Select(l *Lock, t Target, r Request, index Index) (*Selection, error) {
	if ok, err := Satisfies(t.Env, l.RequiresPython); err != nil {
		return nil, err
	} else if !ok {
		return nil, WrongPython.Errorf(diag.Range{Source: l.Source, Line: l.RequiresLine},
			"Python %s does not satisfy requires-python %q of the lock", t.Env.PythonFullVersion, l.RequiresPython).
			WithHint("choose another Python, or lock the project for this one")
	}
	picks, err := l.Resolver.Resolve(t.Env, r)
	if err != nil {
		return nil, err
	}
	picks = slices.DeleteFunc(slices.Clone(picks), func(p Pick) bool { return r.leavesOut(p.Package) })
	slices.SortStableFunc(picks, func(a, b Pick) int { return strings.Compare(a.Package.Name, b.Package.Name) })
	if err := unambiguous(picks); err != nil {
		return nil, err
	}
	found, err := l.lookUp(picks, t, index)
	if err != nil {
		return nil, err
	}
	s := &Selection{Warnings: slices.Clone(l.Warnings)}
	completed := make(map[*Package]*Package)
	var errs []error
	for _, p := range picks {
		selected, err := chooseFound(p.Package, found, t, r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		selected.By = p.By
		completed[p.Package] = selected.Package
		s.Packages = append(s.Packages, selected)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for i := range s.Packages {
		by := &s.Packages[i].By
		*by = cmp.Or(completed[*by], *by)
	}
	return s, nil
}

// chooseFound takes one file of a package, of those that an index has where
// the lock does not say where they are.
func chooseFound(p *Package, found map[*Package]Found, t Target, r Request) (Selected, error) {
	answer, asked := found[p]
	if !asked {
		return choose(p, t, r)
	}
	versions, err := p.complete(answer, t.Tags)
	if err != nil {
		return Selected{}, err
	}
	var first error
	for _, v := range versions {
		selected, err := choose(v, t, r)
		if err == nil {
			return selected, nil
		}
		first = cmp.Or(first, err)
	}
	return Selected{}, first
}

// Satisfies says whether the Python of env is one that a requires-python
// admits. Only the release counts, as in uv: 3.14.0rc2 is a 3.14.0.
func Satisfies(env pep508.Env, requires pep440.Specifiers) (bool, error) {
	version, err := pep440.Parse(env.PythonFullVersion)
	if err != nil {
		return false, WrongPython.Errorf(diag.Range{}, "Python version %q: %w", env.PythonFullVersion, err)
	}
	return requires.ContainsRelease(version), nil
}

// leavesOut says whether a package is not to be installed: a virtual one
// never is, the others if the request says so.
func (r Request) leavesOut(p *Package) bool {
	switch {
	case p.Source.Origin == Virtual:
		return true
	case r.NoInstallLocal && p.Source.local():
		return true
	}
	return containsName(r.NoInstall, p.Name)
}

// local says whether the package comes from the build context. A local index
// does not make its packages local.
func (s Source) local() bool {
	return s.Origin == Directory || s.Origin == Archive && s.Path != ""
}

// unambiguous refuses two packages of one name in picks sorted by name:
// nothing would decide which of them an import finds.
func unambiguous(picks []Pick) error {
	for i := 1; i < len(picks); i++ {
		a, b := picks[i-1].Package, picks[i].Package
		if a.Name != b.Name || a == b {
			continue
		}
		err := Ambiguous.Errorf(a.At, "the lock selects %s twice: %s and %s", a.Name, a.describe(), b.describe()).
			WithHint("if extras or groups ask for different versions, request only one of them")
		err.At = append(err.At, b.At)
		return err
	}
	return nil
}

// describe names a package by version and source, as far as it has them.
func (p *Package) describe() string {
	from := cmp.Or(p.Source.URL, p.Source.Path)
	switch {
	case p.Version == "":
		return from
	case from == "":
		return p.Version
	}
	return p.Version + " from " + from
}

// String gives name and version.
func (p *Package) String() string {
	if p.Version == "" {
		return p.Name
	}
	return p.Name + " " + p.Version
}
