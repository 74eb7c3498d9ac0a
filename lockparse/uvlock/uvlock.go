// Package uvlock reads uv.lock, the lock file of uv: every version and
// revision of its format that uv has written, and the pyproject.toml files
// beside it, as far as they decide what is installed. What a target gets is
// decided as "uv sync --frozen" decides it.
//
// A uv.lock is universal: one graph of packages for every platform and every
// Python, with markers on its edges. A marker on an edge means something only
// while walking from its parent, because uv leaves out of it what is known
// there: that the parent was reached, and that the target satisfies
// requires-python and the lock's environments. So these are checked first,
// and edges of packages that were not reached are never evaluated.
//
// A lock that no longer fits its pyproject.toml is read all the same, with a
// warning. Where uv lets something pass that would install what nobody asked for, we refuse:
//
//   - a wheel of another project than its package; uv looks at versions only,
//   - two versions of a package, which uv would install one over the other,
//   - a target that none of the forks is for, where uv follows no edge.
package uvlock

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/pyproject"
	"github.com/imagespec/imagespec/lockparse/uvlock/internal/fresh"
)

// Format is the name of the format, and of its file.
const Format = "uv.lock"

// What of the format is known. A version that is not known is refused; a
// revision only adds keys.
const (
	knownVersion  = 1
	knownRevision = 5
)

// graph is a parsed lock: the Resolver of the format.
type graph struct {
	source       *diag.Source
	revision     int64
	packages     []*node
	byName       map[string][]*node
	byID         map[identity]*node
	root         *node           // the project in the lock's folder; nil where that is only a workspace or a script
	members      []*node         // of the workspace, or the one project
	forks        []pep508.Marker // resolution-markers: the environments that uv resolved apart
	environments []environment   // supported-markers: the only environments that the lock is for
	conflicts    []conflictSet
	conflicting  map[string]bool // the extras of conflicts, as markers write them
	manifest     manifest
	project      *pyproject.File // beside the lock; nil where there is none
}

// identity tells packages apart: one version of a name may be locked from
// several sources, such as the indexes of PyTorch.
type identity struct{ name, version, source string }

// node is a package and its edges.
type node struct {
	*lock.Package
	id       identity
	forks    []pep508.Marker // where the name has several packages: the forks that use this one
	edges    []edge
	extras   map[string][]edge
	groups   map[string][]edge
	settings groupSettings
	declared declared
	member   bool            // of the workspace, or the one project
	project  *pyproject.File // of a member; nil where there is none
}

// edge is a dependency of a package, or of one of its extras or groups.
type edge struct {
	to     *node
	extras []string // of the dependency; only those that it has
	marker pep508.Marker
}

// declared are the names that a package's metadata gives: unlike the edges,
// they know extras and groups without dependencies.
type declared struct {
	known  bool // there is metadata at all
	extras []string
	groups []string
}

// groupSettings are the settings of tool.uv for groups, which locks have
// since revision 5.
type groupSettings struct {
	defaults *pyproject.Defaults
	pythons  []groupPython
}

// groupPython is the requires-python of a group.
type groupPython struct {
	group    string
	requires pep440.Specifiers
	line     int
}

// environment is one of the markers that say what the lock is for.
type environment struct {
	marker pep508.Marker
	text   string
	line   int
}

// manifest is what the lock was asked for beside its packages.
type manifest struct {
	members      []string
	requirements []requirement            // of a script
	groups       map[string][]requirement // of a workspace root that is no project
	settings     groupSettings
}

// requirement is a dependency that names no package of the lock but a name,
// of which there may be several packages.
type requirement struct {
	name   string
	extras []string
	marker pep508.Marker
	line   int
}

// Parse reads a lock. With open it reads the pyproject.toml files beside the
// lock and in the folders of workspace members, named relative to the lock's
// folder; those that do not exist are done without, as far as that goes. The
// errors are *diag.Error, or those of open.
func Parse(src *diag.Source, open func(name string) (*diag.Source, error)) (*lock.Lock, error) {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	if err := checkVersion(doc); err != nil {
		return nil, err
	}
	r := newReader(doc, src)
	r.read()
	if err := doc.Err(); err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	open = remembered(open)
	r.graph.findMembers()
	if err := r.graph.readProjects(open); err != nil {
		return nil, err
	}
	r.stale(open)
	return r.lock, nil
}

// remembered reads each file once: that may take a round trip to a client.
func remembered(open func(string) (*diag.Source, error)) func(string) (*diag.Source, error) {
	type answer struct {
		src *diag.Source
		err error
	}
	known := make(map[string]answer)
	return func(name string) (*diag.Source, error) {
		a, ok := known[name]
		if !ok {
			a.src, a.err = open(name)
			known[name] = a
		}
		return a.src, a.err
	}
}

// maxChanges is how many changes a warning names.
const maxChanges = 3

// stale warns about a lock that does not fit its projects.
func (r *reader) stale(open func(string) (*diag.Source, error)) {
	changes := fresh.Check(r.doc.Root(), r.lock.RequiresPython, open)
	if len(changes) == 0 {
		return
	}
	var texts []string
	for _, c := range changes {
		texts = append(texts, c.Text)
	}
	if len(texts) > maxChanges {
		texts = append(texts[:maxChanges], "…")
	}
	r.warn(changes[0].Line, lock.StaleLock,
		fmt.Sprintf("%s does not fit %s: %s", r.graph.source.Name, changes[0].File, strings.Join(texts, ", ")), `run "uv lock"`)
}

// checkVersion comes before all else: what an unknown version means is not
// ours to guess.
func checkVersion(doc *tomltree.Document) error {
	root := doc.Root()
	switch version := root.Int("version"); {
	case doc.Err() != nil:
		return lock.Malformed.Wrap(doc.Err())
	case !root.Has("version"):
		return lock.Malformed.Errorf(doc.At(0), "uv.lock has no version")
	case version != knownVersion:
		return lock.UnsupportedVersion.Errorf(doc.At(root.LineOf("version")),
			"version = %d of uv.lock is not supported", version).
			WithHint("uv writes version %d up to its release 0.13, lock the project with one of them", knownVersion)
	}
	return nil
}

// readProjects reads the pyproject.toml of the lock's folder and those of the
// workspace members.
func (g *graph) readProjects(open func(string) (*diag.Source, error)) error {
	read := func(folder string) (*pyproject.File, error) {
		src, err := open(path.Join(folder, "pyproject.toml"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return pyproject.Parse(src)
	}
	var err error
	if g.project, err = read("."); err != nil {
		return err
	}
	for _, n := range g.members {
		if n == g.root {
			n.project = g.project
		} else if n.project, err = read(n.Source.Path); err != nil {
			return fmt.Errorf("workspace member %s: %w", n.Name, err)
		}
	}
	return nil
}

// findMembers finds the packages of the workspace: those that the manifest
// names, or the one project where it names none.
func (g *graph) findMembers() {
	for _, n := range g.packages {
		if g.root == nil && n.isTree() && n.Source.Path == "." {
			g.root = n
		}
	}
	named := make(map[string]bool)
	for _, name := range g.manifest.members {
		named[name] = true
	}
	for _, n := range g.packages {
		if n.isTree() && named[n.Name] || len(named) == 0 && n == g.root {
			n.member = true
			g.members = append(g.members, n)
		}
	}
}

// isTree says whether the package may be a project or a member: those are
// editable or virtual, a plain directory is a dependency.
func (n *node) isTree() bool { return n.Source.Editable || n.Source.Origin == lock.Virtual }
