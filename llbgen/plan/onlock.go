package plan

import (
	"errors"
	"path"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// onLock adds the packages of the spec to those of the lock. They are resolved
// with all that the lock has selected as constraints, and of the answer only
// what the lock does not have is installed: its own packages stay the same
// files in the same layers.
func (in Input) onLock(locked part) ([]part, error) {
	reader, err := in.reader()
	if err != nil {
		return nil, err
	}
	r := reader.Request
	if err := in.addPackages(reader); err != nil {
		return nil, err
	}
	in.addFlytekit(r, false)
	target, err := in.target()
	if err != nil {
		return nil, err
	}
	if r.Requirements, err = missing(r.Requirements, locked, target.Env); err != nil || r.Empty() {
		locked.selection.Warnings = append(locked.selection.Warnings, in.arguments.Unused(locked.lock, in.Spec.PipExtraArgs.At)...)
		return []part{locked}, err
	}
	for _, s := range locked.selection.Packages {
		if text := in.pin(s); text != "" {
			r.Constraints = append(r.Constraints, resolve.Line{Text: text, At: s.Package.At})
		}
	}
	answer, err := in.resolved(r)
	if err != nil {
		return nil, err
	}
	if err := answer.contradicts(locked); err != nil {
		return nil, err
	}
	answer.selection.Packages = slices.DeleteFunc(answer.selection.Packages, func(s lock.Selected) bool {
		return locked.find(s.Package.Name) != nil
	})
	return []part{locked, answer}, nil
}

// contradicts refuses packages whose name only the answer tells, such as those
// of a folder, if the lock has them from elsewhere.
func (p part) contradicts(locked part) error {
	var errs []error
	for _, s := range p.selection.Packages {
		found := locked.find(s.Package.Name)
		if found == nil || s.Package.Source.Origin == lock.Registry {
			continue
		}
		if here, there := s.Package.Source, found.Package.Source; here.URL != there.URL || here.Commit != there.Commit || here.Path != there.Path && here.Path != path.Join(path.Dir(locked.lock.Source.Name), there.Path) {
			errs = append(errs, contradiction(resolve.Line{Text: s.Package.Name + " from elsewhere", At: s.Package.At}, found, locked.lock))
		}
	}
	return errors.Join(errs...)
}

// find gives the package of a name that is installed, nil if there is none.
func (p part) find(name string) *lock.Selected {
	i := slices.IndexFunc(p.selection.Packages, func(s lock.Selected) bool { return s.Package.Name == name })
	if i < 0 {
		return nil
	}
	return &p.selection.Packages[i]
}

// missing gives the requirements that the lock does not fulfil by itself.
func missing(lines []resolve.Line, locked part, env pep508.Env) ([]resolve.Line, error) {
	var left []resolve.Line
	var errs []error
	for _, line := range lines {
		q, err := pep508.ParseRequirement(line.Text)
		if err != nil { // a path: only the answer tells of which package
			left = append(left, line)
			continue
		}
		if holds, err := q.Marker.Eval(&env); err != nil || !holds {
			if err != nil {
				errs = append(errs, diag.Errorf(line.At, "packages: %w", err))
			}
			continue
		}
		found := locked.find(pep508.NormalizeName(q.Name))
		switch {
		case found == nil:
			left = append(left, line)
		case !fulfils(found, q):
			errs = append(errs, contradiction(line, found, locked.lock))
		case len(q.Extras) > 0:
			left = append(left, line)
		}
	}
	return left, errors.Join(errs...)
}

// fulfils says whether a package of the lock is one that a requirement admits.
func fulfils(s *lock.Selected, q pep508.Requirement) bool {
	if q.URL != "" {
		return q.URL == s.File.URL || q.URL == s.Package.Source.URL
	}
	version, err := pep440.Parse(s.Package.Version)
	return err != nil || q.Specifiers.Contains(version)
}

func contradiction(line resolve.Line, s *lock.Selected, l *lock.Lock) error {
	err := lock.Conflict.Errorf(line.At, "packages asks for %s, but %s has %s", line.Text, l.Source.Name, s.Package).
		WithHint("change the one or the other: what is locked is never changed by packages")
	err.At = append(err.At, s.Package.At)
	return err
}

// pin is the constraint that keeps a package of the lock. One of an index that
// the resolver does not ask is pinned to its file. A package of which only a
// build tells the version is not pinned.
func (in Input) pin(s lock.Selected) string {
	asked := append([]string{"", lock.DefaultIndex, in.Spec.PipIndex.Value}, in.Spec.PipExtraIndexURL.Values()...)
	source := s.Package.Source
	if s.File.URL != "" && (source.Origin == lock.Archive || source.Origin == lock.Registry && !slices.Contains(asked, source.URL)) {
		return s.Package.Name + " @ " + s.File.URL
	}
	if s.Package.Version == "" {
		return ""
	}
	return s.Package.Name + "==" + s.Package.Version
}
