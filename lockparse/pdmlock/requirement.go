package pdmlock

import (
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// requirement is a dependency of the project or of a package.
type requirement struct {
	name       string   // normalised
	extras     []string // normalised and sorted
	specifiers pep440.Specifiers
	marker     pep508.Marker
	direct     bool // by URL or path
	at         diag.Range
	text       string
}

// String gives the requirement as it is written.
func (q requirement) String() string { return q.text }

// id names the entry of the lock that is required.
func (q requirement) id() string { return id(q.name, q.extras) }

var errNoName = errors.New("the requirement has no name, write it as \"NAME @ URL\"")

// parseRequirement reads what PDM writes: a requirement of PEP 508, or the URL
// of something editable or of a repository, with its name in the fragment.
func parseRequirement(text string) (requirement, error) {
	location, editable := strings.CutPrefix(text, "-e ")
	if editable || isRepository(location) {
		return parseLocation(text, location)
	}
	r, err := pep508.ParseRequirement(text)
	if err != nil {
		if strings.Contains(text, "://") || strings.HasPrefix(text, ".") {
			return parseLocation(text, location)
		}
		return requirement{}, err
	}
	return requirement{
		name:       pep508.NormalizeName(r.Name),
		extras:     normalized(r.Extras),
		specifiers: r.Specifiers,
		marker:     r.Marker,
		direct:     r.URL != "",
		text:       text,
	}, nil
}

// isRepository says whether the text begins as "git+https:" does.
func isRepository(text string) bool {
	kind, _, found := strings.Cut(text, "+")
	return found && (kind == "git" || kind == "hg" || kind == "svn" || kind == "bzr")
}

// parseLocation reads "URL#egg=name[extras]&subdirectory=… ; marker".
func parseLocation(text, location string) (requirement, error) {
	q := requirement{text: text, direct: true}
	location, marker, _ := strings.Cut(strings.TrimSpace(location), " ;")
	var err error
	if q.marker, err = pep508.ParseMarker(marker, pep508.Packaging); err != nil {
		return q, err
	}
	location, fragment, _ := strings.Cut(location, "#")
	name := eggOf(fragment)
	if name == "" {
		name = nameOf(location)
	}
	named, err := pep508.ParseRequirement(name)
	if err != nil {
		return q, errNoName
	}
	q.name, q.extras = pep508.NormalizeName(named.Name), normalized(named.Extras)
	return q, nil
}

func eggOf(fragment string) string {
	values, err := url.ParseQuery(fragment)
	if err != nil {
		return ""
	}
	return values.Get("egg")
}

// nameOf guesses a name as PDM does: from that of a file, or of a repository.
func nameOf(location string) string {
	base := path.Base(location)
	if w, err := wheel.ParseFilename(base); err == nil {
		return w.Name
	}
	if s, err := wheel.ParseSdist(base); err == nil {
		return s.Name
	}
	if !isRepository(location) {
		return ""
	}
	base, _, _ = strings.Cut(base, "@")
	return strings.TrimSuffix(base, ".git")
}
