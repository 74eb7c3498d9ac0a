package uvlock

import (
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// walk goes from the roots along all edges whose markers hold.
//
// Markers may ask whether an extra that takes part in a conflict is active,
// and an extra becomes active by an edge that asks for it. So the walk begins
// anew each time that one does: what was passed before may no longer hold.
// Nothing becomes inactive again, so it ends, and its last round is the
// answer.
type walk struct {
	query  *query
	env    pep508.Env
	active map[string]bool // what takes part in conflicts, as markers write it: the extras of env

	seen  map[visit]bool // of the current round, as are the others
	queue []visit
	found []found
}

// found is a package that was reached, and the one whose edge was the first
// to reach it; nil for roots and what the manifest asks for.
type found struct {
	node *node
	by   *lock.Package
}

// visit is the work on the edges of a package, or of one of its extras.
type visit struct {
	node  *node
	extra string
}

func (v visit) edges() []edge {
	if v.extra == "" {
		return v.node.edges
	}
	return v.node.extras[v.extra]
}

// visits are the work that an edge leads to.
func (e edge) visits() []visit {
	visits := make([]visit, 1, 1+len(e.extras))
	visits[0] = visit{node: e.to}
	for _, extra := range e.extras {
		visits = append(visits, visit{e.to, extra})
	}
	return visits
}

func newWalk(q *query, env pep508.Env) *walk {
	w := &walk{query: q, env: env, active: make(map[string]bool)}
	w.env.Extras = w.active
	for _, n := range q.roots {
		if !q.production() {
			continue
		}
		w.active[conflictItem{project: n.Name}.encode()] = true
		for _, extra := range q.extrasOf(n) {
			w.active[conflictItem{project: n.Name, extra: extra}.encode()] = true
		}
	}
	for _, n := range q.groups {
		for group := range n.groups {
			if q.includes(n, group) {
				w.active[conflictItem{project: n.Name, group: group}.encode()] = true
			}
		}
	}
	return w
}

// run walks until a round activates nothing.
func (w *walk) run() ([]found, error) {
	for again := true; again; {
		var err error
		if again, err = w.round(); err != nil {
			return nil, err
		}
	}
	err := w.query.graph.refuseConflicts(func(c conflictItem) bool { return c.extra != "" && w.active[c.encode()] })
	return w.found, err
}

// round walks from the roots. It says whether it activated an extra and
// stopped there.
func (w *walk) round() (bool, error) {
	w.seen, w.queue, w.found = make(map[visit]bool), w.queue[:0], w.found[:0]
	if again, err := w.start(); again || err != nil {
		return again, err
	}
	for i := 0; i < len(w.queue); i++ {
		v := w.queue[i]
		if again, err := w.follow(v.node.Package, v.edges()); again || err != nil {
			return again, err
		}
	}
	return false, nil
}

// start takes the roots, their groups and what the manifest asks for.
func (w *walk) start() (bool, error) {
	q := w.query
	for _, n := range q.roots {
		if q.production() {
			w.take(nil, edge{to: n, extras: q.extrasOf(n)})
		}
	}
	for _, n := range q.groups {
		for _, group := range sortedKeys(n.groups) {
			if !q.includes(n, group) {
				continue
			}
			if again, err := w.follow(n.Package, n.groups[group]); again || err != nil {
				return again, err
			}
		}
	}
	asked := slices.Clone(q.graph.manifest.requirements)
	for _, group := range sortedKeys(q.graph.manifest.groups) {
		if q.includes(nil, group) {
			asked = append(asked, q.graph.manifest.groups[group]...)
		}
	}
	for _, requirement := range asked {
		edges, err := w.match(requirement)
		if err != nil {
			return false, err
		}
		if again, err := w.follow(nil, edges); again || err != nil {
			return again, err
		}
	}
	return false, nil
}

// match finds the package that a requirement of the manifest means: of
// several the one whose fork the target is in.
func (w *walk) match(r requirement) ([]edge, error) {
	env := w.env
	env.Extras = nil
	if ok, err := r.marker.Eval(&env); err != nil || !ok {
		return nil, err
	}
	var found []*node
	for _, n := range w.query.graph.byName[r.name] {
		inFork := slices.ContainsFunc(n.forks, func(m pep508.Marker) bool {
			ok, err := m.Eval(&env)
			return ok && err == nil
		})
		if len(n.forks) == 0 || inFork {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		return nil, lock.Malformed.Errorf(diag.Range{Source: w.query.graph.source, Line: r.line},
			"the requirement %q means %d packages of the lock, not one", r.name, len(found))
	}
	e := edge{to: found[0]}
	for _, extra := range r.extras {
		if _, ok := found[0].extras[extra]; ok {
			e.extras = append(e.extras, extra)
		}
	}
	return []edge{e}, nil
}

// follow takes those of the edges whose markers hold. It says whether an edge
// activated an extra, and stops there.
func (w *walk) follow(by *lock.Package, edges []edge) (bool, error) {
	for _, e := range edges {
		activated := w.activate(e)
		ok, err := e.marker.Eval(&w.env)
		if err != nil {
			return false, err
		}
		switch {
		case !ok:
			for _, extra := range activated {
				delete(w.active, extra)
			}
		case len(activated) > 0:
			return true, nil
		default:
			w.take(by, e)
		}
	}
	return false, nil
}

// activate makes active what an edge would: its own extras count when its
// marker is evaluated.
func (w *walk) activate(e edge) []string {
	var activated []string
	for _, extra := range e.extras {
		name := conflictItem{project: e.to.Name, extra: extra}.encode()
		if w.query.graph.conflicting[name] && !w.active[name] {
			w.active[name] = true
			activated = append(activated, name)
		}
	}
	return activated
}

// take notes the package of an edge, and queues its own edges.
func (w *walk) take(by *lock.Package, e edge) {
	if !w.seen[visit{node: e.to}] {
		w.found = append(w.found, found{e.to, by})
	}
	for _, v := range e.visits() {
		if !w.seen[v] {
			w.seen[v] = true
			w.queue = append(w.queue, v)
		}
	}
}
