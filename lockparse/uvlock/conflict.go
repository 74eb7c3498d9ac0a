package uvlock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// conflictSet are extras, groups and projects of which at most one can be
// installed at a time.
type conflictSet struct {
	items []conflictItem
	line  int
}

// conflictItem is an extra or a group of a project, or the project itself
// where both are empty.
type conflictItem struct {
	project, extra, group string
}

// encode gives the extra by which markers ask whether the item is active. The
// length tells where the name ends, since it may hold hyphens too.
func (c conflictItem) encode() string {
	switch {
	case c.extra != "":
		return fmt.Sprintf("extra-%d-%s-%s", len(c.project), c.project, c.extra)
	case c.group != "":
		return fmt.Sprintf("group-%d-%s-%s", len(c.project), c.project, c.group)
	}
	return fmt.Sprintf("project-%d-%s", len(c.project), c.project)
}

// String names the item as messages do.
func (c conflictItem) String() string {
	switch {
	case c.extra != "":
		return fmt.Sprintf("extra %q of %s", c.extra, c.project)
	case c.group != "":
		return fmt.Sprintf("group %q of %s", c.group, c.project)
	}
	return fmt.Sprintf("project %s", c.project)
}

// checkConflicts refuses a request that names two items of a conflict.
func (q *query) checkConflicts() error {
	installed := q.reachableMembers()
	return q.graph.refuseConflicts(func(c conflictItem) bool {
		switch {
		case !installed[c.project]:
			return false
		case c.extra != "":
			return q.production() && (q.request.AllExtras || slices.Contains(q.request.Extras, c.extra))
		case c.group != "":
			return q.includes(q.single, c.group)
		}
		return q.production()
	})
}

// refuseConflicts makes the error for the first set with two active items.
func (g *graph) refuseConflicts(active func(conflictItem) bool) error {
	for _, set := range g.conflicts {
		var found []string
		for _, item := range set.items {
			if active(item) {
				found = append(found, item.String())
			}
		}
		if len(found) > 1 {
			return lock.Conflict.Errorf(diag.Range{Source: g.source, Line: set.line},
				"%s are declared as conflicting and cannot be installed together", strings.Join(found, " and ")).
				WithHint("request only one of them")
		}
	}
	return nil
}

// reachableMembers are the projects that take part in a request: the roots,
// and the members that can be reached from them in some environment.
func (q *query) reachableMembers() map[string]bool {
	reached := make(map[string]bool)
	if len(q.graph.conflicts) == 0 {
		return reached
	}
	seen := make(map[visit]bool)
	var queue []visit
	add := func(edges []edge) {
		for _, e := range edges {
			for _, v := range e.visits() {
				if !seen[v] {
					seen[v] = true
					queue = append(queue, v)
				}
			}
		}
	}
	for _, n := range q.roots {
		reached[n.Name] = true
		if q.production() {
			add([]edge{{to: n, extras: q.extrasOf(n)}})
		}
	}
	for _, n := range q.groups {
		for group, edges := range n.groups {
			if q.includes(n, group) {
				add(edges)
			}
		}
	}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		if v.node.member {
			reached[v.node.Name] = true
		}
		add(v.edges())
	}
	return reached
}
