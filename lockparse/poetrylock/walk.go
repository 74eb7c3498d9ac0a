package poetrylock

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// maxRounds is how often a walk begins anew. Real locks need a round for each
// package that is locked twice because of what it asks for, at most.
const maxRounds = 100

// walk follows the project's requirements through a lock.
//
// Of each name it takes the highest version that the first requirement
// accepts. Where another requirement refuses that version, or the version
// asks for something that cannot be had beside the rest, the version is given
// up for good and the walk begins anew.
type walk struct {
	file   *file
	env    pep508.Env // without extras
	python pep440.Version
	roots  []*dependency
	extras map[string]bool // of the project, that are asked for

	givenUp map[*node]bool

	// Of the round:
	chosen map[string]*choice // by name
	queue  []visit
	seen   map[visit]bool
	found  []lock.Pick
}

// choice is the package taken for a name, and what asked for the name.
type choice struct {
	node    *node
	demands []demand
}

// demand is a dependency and the package that has it, nil for the project.
type demand struct {
	*dependency
	by *node
}

// visit is a package to be gone through, for its own dependencies or for
// those of one extra.
type visit struct {
	node  *node
	extra string // empty for the package itself
}

// errAgain says that a package was given up.
var errAgain = errors.New("again")

// run gives the packages that are reached, in the order of reaching them.
func (w *walk) run() ([]lock.Pick, error) {
	w.givenUp = make(map[*node]bool)
	for range maxRounds {
		if err := w.round(); !errors.Is(err, errAgain) {
			return w.found, err
		}
	}
	return nil, lock.Malformed.Errorf(diag.Range{Source: w.file.source},
		"after %d attempts no versions were found that satisfy each other", maxRounds).
		WithHint(`run "poetry lock" of Poetry 2`)
}

func (w *walk) round() error {
	w.queue, w.found = nil, nil
	w.chosen, w.seen = make(map[string]*choice), make(map[visit]bool)
	env := w.env
	env.Extras = w.extras
	for _, d := range w.roots {
		asked := !d.optional || slices.ContainsFunc(d.inExtras, func(extra string) bool { return w.extras[extra] })
		if !asked {
			continue
		}
		if err := w.follow(demand{d, nil}, &env); err != nil {
			return err
		}
	}
	for ; len(w.queue) > 0; w.queue = w.queue[1:] {
		if err := w.through(w.queue[0]); err != nil {
			return err
		}
	}
	return nil
}

// through follows the dependencies of a package, or those of one of its
// extras.
func (w *walk) through(v visit) error {
	env := w.env
	if v.extra == "" {
		for _, d := range v.node.needs {
			if d.optional {
				continue
			}
			if err := w.follow(demand{d, v.node}, &env); err != nil {
				return err
			}
		}
		return nil
	}
	env.Extras = map[string]bool{v.extra: true}
	for _, item := range v.node.extras[v.extra] {
		if item.name == v.node.Name {
			for _, extra := range item.extras {
				w.enqueue(visit{v.node, extra})
			}
			continue
		}
		for _, d := range v.node.optional[item.name] {
			if err := w.follow(demand{d, v.node}, &env); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow goes to the package that a dependency means, if the dependency
// counts in env.
func (w *walk) follow(d demand, env *pep508.Env) error {
	if ok, err := d.when.holds(env, w.python); err != nil {
		return lock.Malformed.Errorf(w.at(d), "the dependency on %s: %w", d.name, err)
	} else if !ok || w.isBuiltIn(d.name) {
		return nil
	}
	n, err := w.choose(d)
	if err != nil {
		return err
	}
	if first := (visit{node: n}); !w.seen[first] {
		w.enqueue(first)
		p := lock.Pick{Package: n.Package}
		if d.by != nil {
			p.By = d.by.Package
		}
		w.found = append(w.found, p)
	}
	for _, extra := range d.extras {
		w.enqueue(visit{n, extra})
	}
	return nil
}

func (w *walk) enqueue(v visit) {
	if !w.seen[v] {
		w.seen[v] = true
		w.queue = append(w.queue, v)
	}
}

// isBuiltIn says whether a dependency means what is there without the lock:
// the project itself, and what Poetry 1 never locked because every environment
// had it.
func (w *walk) isBuiltIn(name string) bool {
	if len(w.file.byName[name]) > 0 {
		return false
	}
	switch name {
	case "setuptools", "distribute", "pip", "wheel":
		return true
	}
	return w.file.project != nil && name == w.file.project.name
}

// choose takes the package for a dependency: the one that was taken for its
// name before, else the highest version that it accepts and that supports the
// Python.
func (w *walk) choose(d demand) (*node, error) {
	c := w.chosen[d.name]
	if c == nil {
		c = &choice{}
		w.chosen[d.name] = c
	}
	c.demands = append(c.demands, d)
	if c.node == nil {
		c.node = w.candidate(c)
	} else if !d.accepts(c.node) {
		if w.candidate(c) != nil {
			w.givenUp[c.node] = true
			return nil, errAgain
		}
		c.node = nil
	}
	if c.node == nil {
		return nil, w.conflict(c)
	}
	return c.node, nil
}

// candidate gives the highest version that all dependencies on a name accept,
// nil if there is none.
func (w *walk) candidate(c *choice) *node {
	for _, n := range w.file.byName[c.demands[0].name] {
		refused := func(d demand) bool { return !d.accepts(n) }
		if !w.givenUp[n] && n.python.Allows(w.python) && !slices.ContainsFunc(c.demands, refused) {
			return n
		}
	}
	return nil
}

// conflict gives up the last package that asks for a name and has another
// version to take its place. Without one, the lock cannot be used.
func (w *walk) conflict(c *choice) error {
	for _, d := range slices.Backward(c.demands) {
		if d.by == nil {
			continue
		}
		asker := w.chosen[d.by.Name]
		w.givenUp[d.by] = true
		if w.candidate(asker) != nil {
			return errAgain
		}
		delete(w.givenUp, d.by)
	}
	return w.unsatisfied(c.demands[len(c.demands)-1])
}

// unsatisfied says that the lock has no package for a dependency.
func (w *walk) unsatisfied(d demand) error {
	asker := "the project"
	if d.by != nil {
		asker = d.by.String()
	}
	has := "does not have it"
	if candidates := w.file.byName[d.name]; len(candidates) > 0 {
		var versions []string
		for _, n := range candidates {
			versions = append(versions, n.Version)
		}
		has = fmt.Sprintf("has %s, none of which fits here", strings.Join(versions, ", "))
	}
	return lock.Malformed.Errorf(w.at(d), "%s asks for %s, but the lock %s", asker, d.dependency, has).
		WithHint(`run "poetry lock"`)
}

// at is the place of a dependency: in the lock, or in pyproject.toml for those
// of the project.
func (w *walk) at(d demand) diag.Range {
	if d.by != nil {
		return diag.Range{Source: w.file.source, Line: d.line}
	}
	return diag.Range{Source: w.file.project.source, Line: d.line}
}
