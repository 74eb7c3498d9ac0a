package requirements

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/requirements/internal/lines"
)

// requirement is a line that asks for a package, or that constrains one.
type requirement struct {
	name       string // normalised; empty where only a build would tell
	extras     []string
	specifiers pep440.Specifiers
	marker     pep508.Marker
	link       link // zero for a package of an index
	editable   bool
	hashes     []lock.Hash // of the options; that of the link is apart
	text       string
	at         diag.Range
}

// hasTree says whether a folder of the build context, given relative to the
// file that is built, is one that pip can install.
type hasTree func(folder string) bool

// parseRequirement reads what a line asks for: a bare URL, a local path, or a
// requirement by name.
func parseRequirement(text string, tree hasTree) (*requirement, error) {
	q := &requirement{text: text}
	separator := ";"
	if isURL(text) {
		separator = "; "
	}
	name, marker, _ := strings.Cut(text, separator)
	name = strings.TrimFunc(name, lines.IsSpace)
	if marker = strings.TrimFunc(marker, lines.IsSpace); marker != "" {
		var err error
		if q.marker, err = pep508.ParseMarker(marker, pep508.Packaging); err != nil {
			return nil, err
		}
	}
	if isURL(name) {
		q.link = urlLink(name)
	} else if err := q.findPath(name, tree); err != nil {
		return nil, err
	}
	if q.link.kind == Indexed {
		return q, q.parseNamed(name)
	}
	return q, q.takeProject()
}

// findPath sets the link if the name is a path of a source tree or an archive.
func (q *requirement) findPath(name string, tree hasTree) error {
	location, extras, err := stripExtras(name)
	if err != nil {
		return err
	}
	kind := Indexed
	switch {
	case looksLikePath(name) && !strings.Contains(name, "://") && tree(location):
		kind = LocalTree
	case isArchive(location):
		// "name @ URL" may end like an archive.
		if before, _, ok := strings.Cut(name, "@"); !ok || looksLikePath(before) {
			kind = LocalFile
		}
	}
	if kind != Indexed {
		q.link = link{kind: kind, location: name, path: path.Clean(location)}
		q.extras = extras
	}
	return nil
}

// parseNamed reads a requirement of PEP 508, without its marker.
func (q *requirement) parseNamed(text string) error {
	r, err := pep508.ParseRequirement(text)
	switch {
	case err != nil && looksLikePath(text):
		return fmt.Errorf("%w\n%q is neither a source tree with pyproject.toml or setup.py nor an archive", err, text)
	case err != nil && strings.Contains(text, "=") && !strings.ContainsAny(text, "~!<>") && !strings.Contains(text, "=="):
		return fmt.Errorf("%w\ndid you mean ==?", err)
	case err != nil:
		return err
	}
	q.name, q.extras, q.specifiers = pep508.NormalizeName(r.Name), r.Extras, r.Specifiers
	if r.URL == "" {
		return nil
	}
	q.link = urlLink(r.URL)
	if name, _, err := q.link.project(); err == nil && q.link.isWheel() && name != q.name {
		return fmt.Errorf("the wheel is one of %s, but the requirement is for %s", name, q.name)
	}
	return nil
}

// takeProject sets name and version as the link tells them.
func (q *requirement) takeProject() error {
	name, version, err := q.link.project()
	if err != nil {
		return err
	}
	q.name = name
	if q.link.isWheel() {
		q.specifiers, err = pep440.ParseSpecifiers("==" + version)
	}
	return err
}

// parseEditable reads the value of -e: a source tree or a repository.
func parseEditable(text string, tree hasTree) (*requirement, error) {
	q := &requirement{text: "-e " + text, editable: true}
	if r, err := pep508.ParseRequirement(text); err == nil && r.URL != "" {
		q.name, q.extras, q.marker, q.link = pep508.NormalizeName(r.Name), r.Extras, r.Marker, urlLink(r.URL)
	} else {
		location, extras, err := stripExtras(text)
		switch {
		case err != nil:
			return nil, err
		case tree(location):
			q.link, q.extras = link{kind: LocalTree, location: text, path: path.Clean(location)}, extras
		default:
			q.link = urlLink(text)
		}
		if q.name, _, err = q.link.project(); err != nil {
			return nil, err
		}
	}
	switch q.link.kind {
	case Repository, LocalTree, FileURL:
		return q, nil
	}
	return nil, errors.New("an editable requirement is a source tree with pyproject.toml or setup.py, or a repository")
}

// constrains says whether a requirement may stand in a file of constraints.
func (q *requirement) constrains() error {
	switch {
	case q.editable:
		return errors.New("a constraint cannot be editable")
	case q.name == "":
		return errors.New("a constraint needs the name of a package")
	case len(q.extras) > 0:
		return errors.New("a constraint cannot have extras")
	}
	return nil
}

// allHashes gives the hashes of the options and of the link.
func (q *requirement) allHashes() []lock.Hash {
	if h, ok := q.link.hash(); ok {
		return append(q.hashes[:len(q.hashes):len(q.hashes)], h)
	}
	return q.hashes
}
