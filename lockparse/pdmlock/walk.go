package pdmlock

import (
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// maxRounds limits how often the walk begins anew. Each round but the last has
// found that a package must have another of its locked versions.
const maxRounds = 20

// walk follows the requirements of groups through a lock without groups and
// markers. Most packages are locked once. Of one that is locked in several
// versions, as for several targets, the first is taken that everything
// requiring it accepts; where that turns out late, the walk begins anew.
func (f *file) walk(env pep508.Env, groups []string) ([]*node, error) {
	if f.project == nil {
		return nil, lock.Malformed.Errorf(diag.Range{Source: f.source},
			"the lock does not say what belongs to a group, and there is no pyproject.toml to tell").
			WithHint("add the pyproject.toml to the build context, or lock with \"pdm lock -S inherit_metadata\"")
	}
	roots, err := f.project.requirements(groups)
	if err != nil {
		return nil, err
	}
	w := &walk{file: f, env: env, demands: make(map[string][]pep440.Specifiers), known: make(map[demand]bool)}
	for range maxRounds {
		if w.round(roots) {
			return w.found, w.err
		}
	}
	return nil, lock.Malformed.Errorf(diag.Range{Source: f.source}, "the versions of the lock do not fit together").
		WithHint("run \"pdm lock --update-reuse\"")
}

type walk struct {
	file    *file
	env     pep508.Env
	demands map[string][]pep440.Specifiers // of all rounds, by name
	known   map[demand]bool                // the same
	chosen  map[string]*node               // by id
	found   []*node                        // the same in the order of the walk
	err     error
}

// round walks once. It says whether the result is good, or cannot become so.
func (w *walk) round(roots []requirement) bool {
	w.chosen, w.found = make(map[string]*node), nil
	again := false
	queue := slices.Clone(roots)
	for len(queue) > 0 {
		q := queue[0]
		queue = queue[1:]
		if ok, err := w.applies(q); err != nil {
			w.err = err
			return true
		} else if !ok {
			continue
		}
		isNew := w.demand(q)
		if n := w.chosen[q.id()]; n != nil {
			again = again || isNew && !n.isOne(q.specifiers)
			continue
		}
		n := w.pick(q)
		if n == nil {
			w.err = w.missing(q)
			return true
		}
		w.chosen[q.id()] = n
		w.found = append(w.found, n)
		queue = append(queue, n.dependencies...)
	}
	return !again
}

// demand is a requirement as far as it decides which version is taken.
type demand struct{ name, specifiers string }

// demand notes a requirement and says whether it is new.
func (w *walk) demand(q requirement) bool {
	d := demand{q.name, q.specifiers.String()}
	if w.known[d] {
		return false
	}
	w.known[d] = true
	w.demands[q.name] = append(w.demands[q.name], q.specifiers)
	return true
}

// isOne says whether the entry has a version that is admitted. One from a
// source tree may have none.
func (n *node) isOne(specifiers pep440.Specifiers) bool {
	version, err := pep440.Parse(n.Version)
	return err != nil || specifiers.Contains(version)
}

// applies says whether a requirement is one for the target.
func (w *walk) applies(q requirement) (bool, error) {
	if q.name == w.file.project.name || w.file.excluded(q.name) {
		return false, nil
	}
	ok, err := q.marker.Eval(&w.env)
	if err != nil {
		return false, lock.Malformed.Errorf(q.at, "%w", err)
	}
	return ok, nil
}

// pick gives the entry for a requirement: the first that all demands accept.
// If there is none the first must do: PDM lets settings override what
// packages require, and warns that the lock is stale otherwise.
func (w *walk) pick(q requirement) *node {
	var first *node
	for _, n := range w.file.byID[q.id()] {
		if ok, err := lock.Satisfies(w.env, n.requires); !ok || err != nil {
			continue
		}
		if !slices.ContainsFunc(w.demands[n.Name], func(s pep440.Specifiers) bool { return !n.isOne(s) }) {
			return n
		}
		if first == nil {
			first = n
		}
	}
	return first
}

// missing is the error for a requirement that the lock has no package for.
func (w *walk) missing(q requirement) error {
	if entries := w.file.byID[q.id()]; len(entries) > 0 {
		n := entries[0]
		err := lock.WrongPython.Errorf(n.At, "Python %s does not satisfy requires_python %q of %s",
			w.env.PythonFullVersion, n.requires, n.Package)
		return err.WithHint("choose another Python, or lock the project for this one")
	}
	err := lock.Malformed.Errorf(q.at, "the lock has no package for %s", q)
	return err.WithHint("run \"pdm lock --update-reuse\"")
}
