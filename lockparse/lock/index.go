package lock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// DefaultIndex is where packages are looked up if nothing says otherwise.
const DefaultIndex = "https://pypi.org/simple"

// Index finds the files of packages of which a lock gives only names or only
// hashes.
type Index interface {
	// Find answers the questions of a whole selection at once, in their order.
	Find(queries []Query) ([]Found, error)
}

// Query asks for the files of one package. As JSON it is the whole question
// and nothing else: the same files are right whenever it is asked again.
type Query struct {
	Name    string // normalised
	Version string // as in Package
	Allowed string // as in Package
	Files   []File // names and hashes that the lock has, of what may be used on the target; sorted
	Hashes  []Hash // what the lock has where it names no files; sorted
	Target  string // best tag of the target, which tells it from all others
	Pages   []Page // where to look, the first ones first

	tags *wheel.Tags
}

// Page is a list of files.
type Page struct {
	URL  string // of the project's page in an index, or of a page of links
	Path string // of a folder, relative to the lock's folder, in place of URL
}

// String gives where the page is.
func (p Page) String() string { return cmp.Or(p.URL, p.Path) }

// Found is the answer to a Query: the files that Query.Match accepts, in the
// order of the pages, or why there are none.
type Found struct {
	Files []File
	Err   error // a *diag.Error without place, with a Reason
}

// String gives name and version of what is asked for.
func (q Query) String() string {
	if q.Version == "" {
		return q.Name + q.Allowed
	}
	return q.Name + " " + q.Version
}

// Match gives those files of a page that are the ones of the lock: the digest
// decides. A page that has no digest for a name that the lock knows is
// believed, since what is fetched is checked. Wheels that do not fit the
// target are left out where something else is found.
func (q Query) Match(files []File) []File {
	var matching []File
	for _, f := range files {
		if f, ok := q.match(f); ok {
			matching = append(matching, f)
		}
	}
	useful := func(f File) bool { return !strings.HasSuffix(f.Name, ".whl") || fits(q.tags, f) }
	if !slices.ContainsFunc(matching, useful) {
		return matching // for the message that says what there is
	}
	return slices.DeleteFunc(matching, func(f File) bool { return !useful(f) })
}

// match gives a file as the lock knows it, and whether it does.
func (q Query) match(f File) (File, bool) {
	if len(q.Files) == 0 {
		f.Hashes = common(f.Hashes, q.Hashes)
		return f, len(f.Hashes) > 0 && q.Concerns(f.Name)
	}
	for _, locked := range q.Files {
		same := len(common(f.Hashes, locked.Hashes)) > 0
		if same || f.Name == locked.Name && !comparable(f.Hashes, locked.Hashes) {
			f.Name, f.Hashes = locked.Name, locked.Hashes
			return f, true
		}
	}
	return f, false
}

// Concerns says whether a file is one of the package and of a version that the
// lock admits, by its name.
func (q Query) Concerns(name string) bool {
	project, version, ok := project(name)
	return ok && project == q.Name && q.admits(version)
}

// admits says whether a version is the locked one, or one that the hashes may
// decide for. It may add a local version to the locked one, as for pip.
func (q Query) admits(v pep440.Version) bool {
	if q.Version == "" {
		allowed, err := pep440.ParseSpecifiers(q.Allowed)
		return err == nil && (allowed.IsEmpty() || allowed.Contains(v))
	}
	locked, err := pep440.Parse(q.Version)
	if err != nil {
		return false
	}
	return v.Compare(locked) == 0 || locked.Local() == "" && v.Public().Compare(locked) == 0
}

// fits says whether a file is a wheel for the target.
func fits(tags *wheel.Tags, f File) bool {
	name, err := wheel.ParseFilename(f.Name)
	if err != nil || tags == nil {
		return false
	}
	_, ok := tags.Priority(name)
	return ok
}

// project gives what the name of a wheel or source distribution tells.
func project(file string) (name string, version pep440.Version, ok bool) {
	text := ""
	if w, err := wheel.ParseFilename(file); err == nil {
		name, text = w.Name, w.Version
	} else if s, err := wheel.ParseSdist(file); err == nil {
		name, text = s.Name, s.Version
	}
	version, err := pep440.Parse(text)
	return name, version, err == nil
}

// common gives the digests that stand in both lists.
func common(a, b []Hash) []Hash {
	var both []Hash
	for _, h := range a {
		if slices.Contains(b, h) {
			both = append(both, h)
		}
	}
	return both
}

// comparable says whether both lists have a digest of one algorithm.
func comparable(a, b []Hash) bool {
	return slices.ContainsFunc(a, func(h Hash) bool {
		return slices.ContainsFunc(b, func(other Hash) bool { return other.Algorithm == h.Algorithm })
	})
}

// Incomplete says whether the lock leaves it to an index where the files of a
// package are.
func (p *Package) Incomplete() bool {
	if p.Source.Origin != Registry {
		return false
	}
	return slices.ContainsFunc(p.files(), File.unplaced) || len(p.files()) == 0 && len(p.Hashes) > 0
}

func (f File) unplaced() bool { return f.URL == "" && f.Path == "" }

func (p *Package) files() []File {
	if p.Sdist == nil {
		return p.Wheels
	}
	return append(slices.Clip(p.Wheels), *p.Sdist)
}

// query makes the question about a package; it has no files and hashes where
// none of the package is of use on the target.
func (l *Lock) query(p *Package, t Target) Query {
	q := Query{Name: p.Name, Version: p.Version, Allowed: p.Allowed.String(), Target: t.best(), tags: t.Tags, Pages: l.pages(p)}
	for _, f := range p.files() {
		if f.unplaced() && (fits(t.Tags, f) || isSdist(f.Name)) {
			q.Files = append(q.Files, File{Name: f.Name, Hashes: f.Hashes})
		}
	}
	if len(p.files()) == 0 {
		q.Hashes = slices.Clone(p.Hashes)
	}
	slices.SortFunc(q.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(q.Hashes, func(a, b Hash) int {
		return cmp.Or(strings.Compare(a.Algorithm, b.Algorithm), strings.Compare(a.Hex, b.Hex))
	})
	return q
}

// pages lists where a package is looked up: in its own index, else in those
// of the lock.
func (l *Lock) pages(p *Package) []Page {
	switch {
	case p.Source.URL != "":
		return []Page{{URL: projectPage(p.Source.URL, p.Name)}}
	case p.Source.Path != "":
		return []Page{{Path: p.Source.Path}}
	case l.Indexes == nil:
		return []Page{{URL: projectPage(DefaultIndex, p.Name)}}
	}
	var pages []Page
	for _, url := range l.Indexes.URLs {
		pages = append(pages, Page{URL: projectPage(cmp.Or(url, DefaultIndex), p.Name)})
	}
	for _, links := range l.Indexes.Links {
		pages = append(pages, Page{URL: links.URL, Path: links.Path})
	}
	return pages
}

// projectPage gives the address of a project in an index (PEP 503).
func projectPage(index, name string) string { return strings.TrimRight(index, "/") + "/" + name + "/" }

// lookUp asks the index about all packages that need it.
func (l *Lock) lookUp(picks []Pick, t Target, index Index) (map[*Package]Found, error) {
	var packages []*Package
	var queries []Query
	for _, pick := range picks {
		if !pick.Package.Incomplete() {
			continue
		}
		if q := l.query(pick.Package, t); len(q.Files)+len(q.Hashes) > 0 {
			packages, queries = append(packages, pick.Package), append(queries, q)
		}
	}
	if len(queries) == 0 {
		return nil, nil
	}
	if index == nil {
		return nil, IndexUnavailable.Errorf(packages[0].At, "%s has no URL in the lock, so an index is needed that has its files", packages[0])
	}
	answers, err := index.Find(queries)
	if err == nil && len(answers) != len(queries) {
		err = fmt.Errorf("%d answers to %d questions", len(answers), len(queries))
	}
	if err != nil {
		return nil, IndexUnavailable.Errorf(packages[0].At, "looking up %s: %w", packages[0], err)
	}
	found := make(map[*Package]Found, len(packages))
	for i, p := range packages {
		answer := answers[i]
		answer.Files = queries[i].Match(answer.Files) // what is remembered need not be true
		found[p] = answer
	}
	return found, nil
}

// complete gives a package the files that were found of it. Where the hashes
// decide between versions there are several answers, the highest one first.
func (p *Package) complete(found Found, tags *wheel.Tags) ([]*Package, error) {
	switch {
	case len(found.Files) == 0:
		return nil, located(found.Err, p)
	case len(p.files()) == 0:
		return p.byVersion(found.Files), nil
	}
	c := *p
	c.Wheels = slices.Clone(p.Wheels)
	for i := range c.Wheels {
		c.Wheels[i].place(found.Files)
	}
	// The wheels that nobody has looked for stay, for messages to name.
	c.Wheels = slices.DeleteFunc(c.Wheels, func(f File) bool { return f.unplaced() && fits(tags, f) })
	if p.Sdist != nil {
		sdist := *p.Sdist
		sdist.place(found.Files)
		c.Sdist = &sdist
		if sdist.unplaced() {
			c.Sdist = nil
		}
	}
	return []*Package{&c}, nil
}

// place says where a file of the lock is, if it was found.
func (f *File) place(found []File) {
	if !f.unplaced() {
		return
	}
	for _, at := range found {
		if at.Name == f.Name {
			f.URL, f.Path = at.URL, at.Path
			f.Size = cmp.Or(f.Size, at.Size)
			return
		}
	}
}

// byVersion makes a package of each version that files were found of, the
// highest one first.
func (p *Package) byVersion(files []File) []*Package {
	var versions []pep440.Version
	packages := make(map[string]*Package)
	for _, f := range files {
		_, v, ok := project(f.Name)
		if !ok {
			continue
		}
		c := packages[v.String()]
		if c == nil {
			copied := *p
			copied.Version = v.String()
			c = &copied
			packages[v.String()] = c
			versions = append(versions, v)
		}
		switch {
		case strings.HasSuffix(f.Name, ".whl"):
			c.Wheels = append(c.Wheels, f)
		case c.Sdist == nil || strings.HasSuffix(f.Name, ".tar.gz") && !strings.HasSuffix(c.Sdist.Name, ".tar.gz"):
			c.Sdist = &f
		}
	}
	slices.SortStableFunc(versions, func(a, b pep440.Version) int { return b.Compare(a) })
	var list []*Package
	for _, v := range versions {
		list = append(list, packages[v.String()])
	}
	return list
}

// located points what an index could not answer at the package in the lock.
func located(err error, p *Package) error {
	if err == nil {
		return NotInIndex.Errorf(p.At, "%s is in none of the indexes", p)
	}
	var e *diag.Error
	if !errors.As(err, &e) {
		return IndexUnavailable.Errorf(p.At, "%s: %w", p, err)
	}
	e.At = []diag.Range{p.At}
	return e
}
