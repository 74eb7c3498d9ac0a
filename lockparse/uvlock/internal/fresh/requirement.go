package fresh

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// requirement is a dependency as a project and its lock can both say it.
type requirement struct {
	name       string   // normalised
	extras     []string // normalised, sorted, once each
	specifiers pep440.Specifiers
	source     source
	when       condition
	line       int
}

// sourceKind is what the place of a source means.
type sourceKind string

const (
	anyIndex  sourceKind = ""          // whatever index is configured
	index     sourceKind = "index"     // one index
	git       sourceKind = "git"       // a repository and what is checked out of it
	archive   sourceKind = "url"       // a file at a URL
	file      sourceKind = "path"      // a file in the project
	editable  sourceKind = "editable"  // a tree that is installed as a link
	directory sourceKind = "directory" // a tree that is built
	virtual   sourceKind = "virtual"   // a tree of which only the dependencies count
	built     sourceKind = "built"     // one of the two before: which, depends on the tree
	tree      sourceKind = "tree"      // one of the three: which, depends on the release of uv
)

// source is where a requirement is taken from.
type source struct {
	kind  sourceKind
	place string // a URL or a path, in normal form and without credentials
}

// is says whether a source that a project asks for is one that a lock has.
func (s source) is(locked source) bool {
	switch s.kind {
	case tree:
		return s.place == locked.place && slices.Contains([]sourceKind{editable, directory, virtual}, locked.kind)
	case built:
		return s.place == locked.place && slices.Contains([]sourceKind{directory, virtual}, locked.kind)
	}
	return s == locked
}

// String gives the requirement as a message shows it.
func (r requirement) String() string {
	s := r.name
	if len(r.extras) > 0 {
		s += "[" + strings.Join(r.extras, ",") + "]"
	}
	s += r.specifiers.String()
	if r.source.kind != anyIndex {
		s += " @ " + strings.TrimRight(r.source.place, "?#")
	}
	if when := r.when.String(); when != "" {
		s += " ; " + when
	}
	return s
}

// is says whether a requirement of a project is, to uv, one that a lock has.
func (r requirement) is(locked requirement, p pythons) bool {
	return r.name == locked.name && slices.Equal(r.extras, locked.extras) &&
		sameSpecifiers(r.specifiers, locked.specifiers) &&
		r.source.is(locked.source) && r.when.same(locked.when, p)
}

// sameSpecifiers compares clause by clause; "1.0" is "1" there.
func sameSpecifiers(a, b pep440.Specifiers) bool {
	return a.Equal(b) || slices.Equal(clauses(a), clauses(b))
}

// clauses gives the clauses without the zeros that end their versions.
func clauses(s pep440.Specifiers) []string {
	list := strings.Split(s.String(), ",")
	for i, clause := range list {
		number := strings.TrimLeft(clause, "<>=!~")
		operator := clause[:len(clause)-len(number)]
		number, wildcard := strings.CutSuffix(number, ".*")
		for strings.HasSuffix(number, ".0") {
			number = strings.TrimSuffix(number, ".0")
		}
		list[i] = operator + number
		if wildcard {
			list[i] += ".*"
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// difference gives what of the one list the other does not have.
type difference struct {
	added, removed []requirement
}

// compare finds the difference between what a project requires and what its
// lock was made for, as sets. What never counts is passed over.
func compare(project, locked []requirement, p pythons) difference {
	byName := make(map[string][]int)
	for i, r := range locked {
		byName[r.name] = append(byName[r.name], i)
	}
	var d difference
	found := make([]bool, len(locked))
	for _, r := range project {
		known := false
		for _, i := range byName[r.name] {
			if r.is(locked[i], p) {
				found[i], known = true, true
			}
		}
		if !known && !r.when.never(p) {
			d.added = append(d.added, r)
		}
	}
	for i, r := range locked {
		if !found[i] && !r.when.never(p) {
			d.removed = append(d.removed, r)
		}
	}
	return d
}

// changes says what the difference is, and where the lock says otherwise.
func (d difference) changes(where string, line int) []Change {
	var list []Change
	removed := slices.Clone(d.removed)
	for _, r := range d.added {
		i := slices.IndexFunc(removed, func(q requirement) bool { return q.name == r.name && q.when.extra == r.when.extra })
		if i < 0 {
			list = append(list, change(line, "it has no dependency %q%s", r, where))
			continue
		}
		list = append(list, change(cmp.Or(removed[i].line, line), "it has %q and not %q%s", removed[i], r, where))
		removed = slices.Delete(removed, i, i+1)
	}
	for _, r := range removed {
		list = append(list, change(cmp.Or(r.line, line), "it still has the dependency %q%s", r, where))
	}
	return list
}

// normalNames gives names in normal form, sorted and once each.
func normalNames(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = pep508.NormalizeName(name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// place gives a URL in normal form, as far as uv changes it too.
func place(text string) string {
	stripped, _ := lock.StripCredentials(text)
	u, err := url.Parse(stripped)
	if err != nil {
		return stripped
	}
	u.Fragment, u.RawFragment = "", ""
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath = strings.TrimSuffix(u.RawPath, "/")
	return u.String()
}

// gitSource is a source of git; the query is what is checked out.
func gitSource(repository string, query url.Values) source {
	repository, _, _ = strings.Cut(repository, "#")
	repository, _, _ = strings.Cut(repository, "?")
	for key := range query {
		if query.Get(key) == "" {
			query.Del(key)
		}
	}
	if subdirectory := query.Get("subdirectory"); subdirectory != "" {
		query.Set("subdirectory", path.Clean(subdirectory))
	}
	return source{git, place(repository) + "?" + query.Encode()}
}

// archiveSource is a source of a file at a URL.
func archiveSource(address, subdirectory string) source {
	if subdirectory != "" {
		subdirectory = "#subdirectory=" + path.Clean(subdirectory)
	}
	return source{archive, place(address) + subdirectory}
}
