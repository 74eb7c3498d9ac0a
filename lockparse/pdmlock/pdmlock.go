// Package pdmlock reads pdm.lock, the lock file of PDM, in all versions 4.x of
// its format, and the pyproject.toml beside it, and says which packages a
// target gets as "pdm install --frozen-lockfile" does. The reference is PDM
// 2.29.
//
// A lock with the strategy inherit_metadata is a flat list: each package says
// in which groups it is and by which marker. Without the strategy the
// dependencies of the project are followed through the lock. A package with
// extras is an entry of its own, which depends on the one without; both are
// one distribution.
//
// PDM calls everything a group: the project's dependencies are the group
// "default", and each extra is one too. Unless told otherwise it installs
// every group of the lock; naming a dependency group leaves the other ones
// out, naming an extra does not. Where PDM only says that it ignores an
// unknown group, we refuse it. To leave a group out it wants all others to be
// locked; we take those that are.
package pdmlock

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Format is the name of the format, and of its file.
const Format = "pdm.lock"

// What of the format is known: PDM reads locks of the same first number whose
// second number is not greater than its own.
const (
	knownMajor = 4
	knownMinor = 5
)

// defaultGroup is the group that holds the project's own dependencies.
const defaultGroup = "default"

// file is a parsed lock: the Resolver of the format.
type file struct {
	source     *diag.Source
	flat       bool     // the strategy inherit_metadata
	groups     []string // that were locked; nil in locks that do not say
	groupsLine int
	targets    []target
	packages   []*node
	byName     map[string][]*node
	byID       map[string][]*node // by name and extras
	project    *project           // nil where there is no pyproject.toml
}

// target is what the lock was made for; empty parts fit everything.
type target struct {
	requires       pep440.Specifiers
	platform       string // such as "manylinux_2_17_x86_64"
	implementation string // such as "cpython"
	line           int
}

// node is an entry of the lock.
type node struct {
	*lock.Package
	extras       []string // normalised and sorted: this is the package with these extras
	groups       []string
	marker       pep508.Marker
	markerLine   int
	requires     pep440.Specifiers
	dependencies []requirement
	unfetchable  error // why its source can be named but not fetched, nil if it can
}

// Parse reads a lock, and with open the pyproject.toml beside it. Without one
// a flat lock can still be selected from, but extras are not told from other
// groups. The errors are *diag.Error, or those of open.
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
	if err := r.readProject(open); err != nil {
		return nil, err
	}
	return r.lock, nil
}

// checkVersion comes before all else: what an unknown version means is not
// ours to guess.
func checkVersion(doc *tomltree.Document) error {
	const key = "lock_version"
	metadata := doc.Root().Table("metadata")
	text, at := metadata.String(key), doc.At(metadata.LineOf(key))
	if err := doc.Err(); err != nil {
		return lock.Malformed.Wrap(err)
	}
	if text == "" {
		return lock.Malformed.Errorf(at, "the lock has no metadata.lock_version").WithHint(`run "pdm lock"`)
	}
	version, err := pep440.Parse(text)
	if err != nil {
		return lock.Malformed.Errorf(at, "%s: %w", key, err)
	}
	release := append(version.Release(), 0)
	if release[0] != knownMajor || release[1] > knownMinor {
		return lock.UnsupportedVersion.Errorf(at, "%s = %q of pdm.lock is not supported", key, text).
			WithHint("PDM 2.0 to 2.29 write versions 4.0 to %d.%d, lock the project with one of them", knownMajor, knownMinor)
	}
	return nil
}

// readProject reads the pyproject.toml beside the lock and compares the two.
func (r *reader) readProject(open func(string) (*diag.Source, error)) error {
	src, err := open("pyproject.toml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := parseProject(src)
	if err != nil {
		return lock.Malformed.Wrap(err)
	}
	r.file.project = p
	r.lock.Indexes = p.indexes()
	for _, n := range r.file.packages {
		if n.Source.Origin == lock.Registry {
			n.Source.URL = p.indexOf(n.Name)
		}
	}
	r.lock.Warnings = append(r.lock.Warnings, p.warnings...)
	if why := r.stale(); why != "" {
		r.lock.Warnings = append(r.lock.Warnings, diag.Warning{
			Rule: lock.StaleLock,
			Msg:  fmt.Sprintf("%s does not fit %s: %s", r.file.source.Name, src.Name, why),
			Hint: `run "pdm lock --update-reuse"`,
			At:   r.doc.At(r.metadata.LineOf("content_hash")),
		})
	}
	return nil
}

// id names an entry: one package may have several, with different extras.
func id(name string, extras []string) string { return fmt.Sprint(name, extras) }

// normalized gives names in normal form, sorted and each once.
func normalized(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = pep508.NormalizeName(name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
