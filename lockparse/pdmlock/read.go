package pdmlock

import (
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// maxEntries limits how many entries a name may have: those of all targets of
// the lock, with the sets of extras that are asked for. Each is looked at for
// each requirement.
const maxEntries = 100

// reader fills a lock from a document. What it finds wrong it notes in the
// document, and reads on.
type reader struct {
	doc        *tomltree.Document
	lock       *lock.Lock
	file       *file
	metadata   tomltree.Table
	staticURLs bool                     // the strategy static_urls
	markers    map[string]pep508.Marker // a lock repeats a few markers many times
	warned     bool                     // about credentials
}

func newReader(doc *tomltree.Document, src *diag.Source) *reader {
	f := &file{source: src, byName: make(map[string][]*node), byID: make(map[string][]*node)}
	return &reader{
		doc:      doc,
		lock:     &lock.Lock{Format: Format, Source: src, Resolver: f},
		file:     f,
		metadata: doc.Root().Table("metadata"),
		markers:  make(map[string]pep508.Marker),
	}
}

func (r *reader) read() {
	f := r.file
	strategy := r.metadata.Strings("strategy")
	f.flat = slices.Contains(strategy, "inherit_metadata")
	// Before format 4.4 there was a key for it.
	r.staticURLs = slices.Contains(strategy, "static_urls") || r.metadata.Bool("static_urls")
	if r.metadata.Has("groups") {
		f.groups = normalized(r.metadata.Strings("groups"))
		f.groupsLine = r.metadata.LineOf("groups")
	}
	for _, t := range r.metadata.Tables("targets") {
		f.targets = append(f.targets, target{
			requires:       r.specifiers(t, "requires_python"),
			platform:       t.String("platform"),
			implementation: t.String("implementation"),
			line:           t.Line(),
		})
	}
	for _, t := range r.doc.Root().Tables("package") {
		n := r.node(t)
		if len(f.byName[n.Name]) == maxEntries {
			r.doc.Errorf(t.Line(), "the lock has more than %d entries for %s", maxEntries, n.Name)
			break
		}
		f.packages = append(f.packages, n)
		f.byName[n.Name] = append(f.byName[n.Name], n)
		f.byID[id(n.Name, n.extras)] = append(f.byID[id(n.Name, n.extras)], n)
		r.lock.Packages = append(r.lock.Packages, n.Package)
	}
	// Where the lock has several versions PDM tries them in this order, which
	// takes the versions for text.
	for _, list := range f.byID {
		slices.SortStableFunc(list, func(a, b *node) int { return strings.Compare(b.Version, a.Version) })
	}
}

func (r *reader) node(t tomltree.Table) *node {
	name := t.String("name")
	if !pep508.ValidName(name) {
		r.doc.Errorf(t.LineOf("name"), "name = %q is no name of a package", name)
	}
	n := &node{
		Package:    &lock.Package{Name: pep508.NormalizeName(name), Version: t.String("version"), At: r.doc.At(t.Line())},
		extras:     normalized(t.Strings("extras")),
		groups:     normalized(t.Strings("groups")),
		marker:     r.marker(t),
		markerLine: t.LineOf("marker"),
		requires:   r.specifiers(t, "requires_python"),
	}
	for _, text := range t.Texts("dependencies") {
		q, err := parseRequirement(text.Text)
		if err != nil {
			r.doc.Errorf(text.Line, "a dependency of %s: %w", n.Package, err)
		}
		q.at = r.doc.At(text.Line)
		n.dependencies = append(n.dependencies, q)
	}
	r.source(n, t)
	if n.Version == "" && n.Source.Origin == lock.Registry {
		r.doc.Errorf(t.Line(), "%s has no version", n.Name)
	} else if _, err := pep440.Parse(n.Version); err != nil && n.Version != "" {
		r.doc.Errorf(t.LineOf("version"), "version of %s: %w", n.Name, err)
	}
	r.files(n, t)
	return n
}

func (r *reader) marker(t tomltree.Table) pep508.Marker {
	text := t.String("marker")
	if m, ok := r.markers[text]; ok {
		return m
	}
	m, err := pep508.ParseMarker(text, pep508.Packaging)
	if err != nil {
		r.doc.Errorf(t.LineOf("marker"), "marker %q: %w", text, err)
	}
	r.markers[text] = m
	return m
}

func (r *reader) specifiers(t tomltree.Table, key string) pep440.Specifiers {
	s, err := pep440.ParseSpecifiers(t.String(key))
	if err != nil {
		r.doc.Errorf(t.LineOf(key), "%s: %w", key, err)
	}
	return s
}

// url takes the credentials out of a URL, and warns once about them.
func (r *reader) url(t tomltree.Table, key string) string {
	stripped, secret := lock.StripCredentials(t.String(key))
	if secret && !r.warned {
		r.warned = true
		r.lock.Warnings = append(r.lock.Warnings, diag.Warning{
			Rule: "LockCredentials",
			Msg:  "the lock has a URL with credentials, which are ignored",
			Hint: "remove them from the lock's history, and give them to the build as a secret",
			At:   r.doc.At(t.LineOf(key)),
		})
	}
	return stripped
}
