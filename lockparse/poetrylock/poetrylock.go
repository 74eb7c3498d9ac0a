// Package poetrylock reads poetry.lock, the lock file of Poetry: the versions
// 1.0 to 2.1 of its format, and the pyproject.toml beside it. What a target
// gets is decided as Poetry 2 decides it for "poetry install".
//
// Since version 2.1 every package says for which groups it is locked and under
// which markers, so that selecting is a filter. Older locks are only a list of
// packages; there the requirements of pyproject.toml are followed from package
// to package, and of each name the highest locked version that satisfies all
// of them is taken, where Poetry would run its resolver with nothing but the
// lock. A version that asks for what cannot be had beside the rest is given up
// for the next; only a choice that would have to be taken back twice is
// refused, which a resolver can still decide.
//
// The project's own dependencies are the group "main". Other groups are only
// selected if they are asked for: a build installs no development groups by
// surprise, as "poetry install" does.
//
// A poetry.lock names files and hashes, but no URLs: the files of a package
// have a Name alone, to be completed from its index. Which of them is taken is
// decided in package lock, by tag and then by build number. Poetry compares
// build numbers before tags, which makes a difference only for a release
// whose wheels for one target have different build numbers and tags.
package poetrylock

import (
	"errors"
	"io/fs"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/poetrylock/internal/constraint"
)

// Format is the name of the format, and of its file.
const Format = "poetry.lock"

// mainGroup is the group of the project's own dependencies.
const mainGroup = "main"

// file is a parsed lock: the Resolver of the format.
type file struct {
	source     *diag.Source
	version    string // of the format, as written
	flat       bool   // since 2.1: packages know their groups and markers
	python     constraint.Constraint
	pythonLine int
	packages   []*node
	byName     map[string][]*node // of each name the highest version first
	extras     []string           // of the project
	extrasLine int
	project    *manifest // beside the lock; nil where there is none
}

// node is a locked package.
type node struct {
	*lock.Package
	version  pep440.Version
	python   constraint.Constraint // that the package supports
	groups   []string              // since 2.1
	marker   pep508.Marker
	markers  map[string]pep508.Marker // by group, instead of marker
	needs    []*dependency
	optional map[string][]*dependency // those of needs that are optional, by name
	extras   map[string][]extraItem
	kind     string // of the source, as written; empty for PyPI
	location string // as in wanted
	ref      string // branch or tag that a commit was resolved from, or the name of an index
	rivals   bool   // other packages of this name have the same kind of source
}

// extraItem is what an extra of a package adds: a dependency that is
// optional, or other extras of the package itself.
type extraItem struct {
	name   string
	extras []string
}

// Parse reads a lock. With open it reads the pyproject.toml beside the lock,
// named relative to the lock's folder. Without one, a lock since version 2.1
// can be selected from, but for its default groups. The errors are
// *diag.Error, or those of open.
//
// A lock that does not fit its pyproject.toml has a warning of the rule
// lock.StaleLock.
func Parse(src *diag.Source, open func(name string) (*diag.Source, error)) (*lock.Lock, error) {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	r := newReader(doc, src)
	if err := r.readVersion(); err != nil {
		return nil, err
	}
	r.read()
	if err := doc.Err(); err != nil {
		return nil, lock.Malformed.Wrap(err)
	}
	pyproject, err := open("pyproject.toml")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.lock, nil
	case err != nil:
		return nil, err
	}
	if r.file.project, err = readManifest(pyproject); err != nil {
		return nil, err
	}
	if w := r.file.stale(doc); w != nil {
		r.lock.Warnings = append(r.lock.Warnings, *w)
	}
	return r.lock, nil
}
