package poetrylock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// walk follows the project's requirements through a lock.
//
// It goes two rounds where the highest version that the first requirement of
// a name admits is not what all of them admit: the first finds all
// requirements, the second goes through the packages that satisfy them. A
// requirement of a package that was given up in the first round still counts.
type walk struct {
	file   *file
	env    pep508.Env // without extras
	python pep440.Version
	roots  []*dependency
	extras map[string]bool // of the project, that are asked for

	demands map[string][]*dependency // by name, of both rounds
	choice  map[string]int           // by name, the index in file.byName
	changed bool                     // a choice was given up

	queue []visit
	seen  map[visit]bool
	found []lock.Pick
	asked map[string][]string // by name, the extras that are asked for in this round
}

// visit is a package to be gone through, for its own dependencies or for
// those of one extra.
type visit struct {
	node  *node
	extra string // empty for the package itself
}

// run gives the packages that are reached, in the order of reaching them.
func (w *walk) run() ([]lock.Pick, error) {
	w.demands, w.choice = make(map[string][]*dependency), make(map[string]int)
	if err := w.round(); err != nil {
		return nil, err
	}
	if w.changed {
		if err := w.round(); err != nil {
			return nil, err
		}
	}
	return w.found, nil
}

func (w *walk) round() error {
	w.queue, w.found = nil, nil
	w.seen, w.asked = make(map[visit]bool), make(map[string][]string)
	env := w.env
	env.Extras = w.extras
	for _, d := range w.roots {
		asked := !d.optional || slices.ContainsFunc(d.inExtras, func(extra string) bool { return w.extras[extra] })
		if !asked {
			continue
		}
		if err := w.follow(d, nil, &env); err != nil {
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
			if err := w.follow(d, v.node, &env); err != nil {
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
			if err := w.follow(d, v.node, &env); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow goes to the package that a dependency means, if the dependency
// counts in env.
func (w *walk) follow(d *dependency, by *node, env *pep508.Env) error {
	if ok, err := d.when.holds(env, w.python); err != nil {
		return lock.Malformed.Errorf(w.at(d, by), "the dependency on %s: %w", d.name, err)
	} else if !ok || w.isBuiltIn(d) {
		return nil
	}
	n, err := w.choose(d, by)
	if err != nil {
		return err
	}
	if first := (visit{node: n}); !w.seen[first] {
		w.enqueue(first)
		w.found = append(w.found, lock.Pick{Package: n.Package, By: w.asker(by)})
		for _, extra := range w.asked[d.name] {
			w.enqueue(visit{n, extra})
		}
	}
	for _, extra := range d.extras {
		if v := (visit{n, extra}); !w.seen[v] {
			w.asked[d.name] = append(w.asked[d.name], extra)
			w.enqueue(v)
		}
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
func (w *walk) isBuiltIn(d *dependency) bool {
	if len(w.file.byName[d.name]) > 0 {
		return false
	}
	switch d.name {
	case "setuptools", "distribute", "pip", "wheel":
		return true
	}
	return w.file.project != nil && d.name == w.file.project.name
}

// choose takes the highest version that all dependencies on the name that
// were met so far accept, and that supports the Python.
func (w *walk) choose(d *dependency, by *node) (*node, error) {
	candidates := w.file.byName[d.name]
	first := len(w.demands[d.name]) == 0
	w.demands[d.name] = append(w.demands[d.name], d)
	at := w.choice[d.name]
	if !first && d.accepts(candidates[at]) {
		return candidates[at], nil
	}
	for ; at < len(candidates); at++ {
		n := candidates[at]
		refused := slices.ContainsFunc(w.demands[d.name], func(d *dependency) bool { return !d.accepts(n) })
		if !refused && n.python.allows(w.python) {
			w.choice[d.name] = at
			w.changed = w.changed || !first
			return n, nil
		}
	}
	return nil, w.unsatisfied(d, by)
}

// unsatisfied says that the lock has no package for a dependency.
func (w *walk) unsatisfied(d *dependency, by *node) error {
	asker := "the project"
	if by != nil {
		asker = by.String()
	}
	has := "does not have it"
	if candidates := w.file.byName[d.name]; len(candidates) > 0 {
		var versions []string
		for _, n := range candidates {
			versions = append(versions, n.Version)
		}
		has = fmt.Sprintf("has %s, none of which fits here", strings.Join(versions, ", "))
	}
	return lock.Malformed.Errorf(w.at(d, by), "%s asks for %s, but the lock %s", asker, d, has).
		WithHint(`run "poetry lock"`)
}

// at is the place of a dependency: in the lock, or in pyproject.toml for those
// of the project.
func (w *walk) at(d *dependency, by *node) diag.Range {
	if by != nil {
		return diag.Range{Source: w.file.source, Line: d.line}
	}
	return diag.Range{Source: w.file.project.source, Line: d.line}
}

// asker is the package that asked for another, as a Pick names it.
func (w *walk) asker(by *node) *lock.Package {
	if by == nil {
		return nil
	}
	return by.Package
}
