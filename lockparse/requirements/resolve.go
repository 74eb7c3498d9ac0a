package requirements

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Resolve gives what pip installs in hash-checking mode: every requirement
// whose marker holds, those of one name as one. It has no extras, groups or
// members.
func (f *file) Resolve(env pep508.Env, r lock.Request) ([]lock.Pick, error) {
	if err := f.checkRequest(r); err != nil {
		return nil, err
	}
	if r.OnlyGroups {
		return nil, nil
	}
	env.Extras = nil // "extra" is never set for a requirement that is asked for itself
	requirements, err := active(f.requirements, &env)
	if err != nil {
		return nil, err
	}
	requirements = slices.DeleteFunc(requirements, func(q *requirement) bool { return q.leftOut(r) })
	constraints, err := active(f.constraints, &env)
	if err != nil {
		return nil, err
	}
	groups, unnamed := byName(requirements, constraints)
	if err := f.checkLocked(requirements, groups); err != nil {
		return nil, err
	}
	if len(unnamed) > 0 {
		q := unnamed[0]
		return nil, lock.NotLocked.Errorf(q.at, "%q does not tell the name of its package", shown(q.text)).
			WithHint("write it as NAME @ URL")
	}
	var picks []lock.Pick
	for _, g := range groups {
		p, err := f.merge(g)
		if err != nil {
			return nil, err
		}
		picks = append(picks, lock.Pick{Package: p})
	}
	return picks, nil
}

// checkRequest refuses what the format does not have.
func (f *file) checkRequest(r lock.Request) error {
	at := diag.Range{Source: f.source}
	switch {
	case len(r.Extras) > 0:
		return lock.UnknownExtra.Errorf(at, "a requirements file has no extras such as %q", r.Extras[0]).
			WithHint("compile the file with the extra")
	case len(r.Groups) > 0:
		return lock.UnknownGroup.Errorf(at, "a requirements file has no groups such as %q", r.Groups[0]).
			WithHint("compile a file for the group")
	case r.Package != "":
		return lock.UnknownPackage.Errorf(at, "a requirements file has no project such as %q", r.Package)
	}
	return nil
}

// active gives the requirements whose markers hold.
func active(all []*requirement, env *pep508.Env) ([]*requirement, error) {
	var list []*requirement
	for _, q := range all {
		holds, err := q.marker.Eval(env)
		if err != nil {
			return nil, lock.Malformed.Errorf(q.at, "%q: %w", shown(q.text), err)
		}
		if holds {
			list = append(list, q)
		}
	}
	return list, nil
}

// leftOut says whether the request leaves a requirement out, which then need
// not be locked. The project is the folder of the file itself: exports of uv
// begin with "-e .".
func (q *requirement) leftOut(r lock.Request) bool {
	switch {
	case q.link.kind == LocalTree && q.link.path == ".":
		return r.NoInstallProject || r.NoInstallWorkspace || r.NoInstallLocal
	case q.link.kind == LocalTree:
		return r.NoInstallLocal
	}
	return slices.ContainsFunc(r.NoInstall, func(name string) bool { return q.name != "" && pep508.NormalizeName(name) == q.name })
}

// group is what is said about one package.
type group struct {
	requirements, constraints []*requirement
}

// byName collects what is said about each package that is required, in the
// order of the file, and the requirements whose package is not known.
func byName(requirements, constraints []*requirement) (groups []*group, unnamed []*requirement) {
	index := make(map[string]*group)
	for _, q := range requirements {
		g := index[q.name]
		switch {
		case q.name == "":
			unnamed = append(unnamed, q)
			continue
		case g == nil:
			g = &group{}
			index[q.name] = g
			groups = append(groups, g)
		}
		g.requirements = append(g.requirements, q)
	}
	for _, c := range constraints {
		if g := index[c.name]; g != nil {
			g.constraints = append(g.constraints, c)
		}
	}
	return groups, unnamed
}

// checkLocked refuses requirements that a resolver has to look at first, and
// names the first of them.
func (f *file) checkLocked(requirements []*requirement, groups []*group) error {
	hashed := make(map[*requirement]bool) // by another line for the package
	for _, g := range groups {
		found := slices.ContainsFunc(g.all(), func(q *requirement) bool { return len(q.allHashes()) > 0 })
		for _, q := range g.requirements {
			hashed[q] = found && q.link.kind == Indexed
		}
	}
	var first *diag.Error
	more := 0
	for _, q := range requirements {
		err := q.problem(hashed[q] || len(q.allHashes()) > 0)
		switch {
		case err == nil:
		case first == nil:
			first = err
		default:
			more++
		}
	}
	if first == nil && len(requirements) > 0 {
		first = f.checkHashMode(requirements[0])
	}
	if first == nil {
		return nil // not first: a nil *diag.Error is no nil error
	}
	if more > 0 {
		first.Msg += fmt.Sprintf(" (and %d more)", more)
	}
	if f.stray.Line > 0 {
		first.Msg += "; a --hash belongs to no requirement"
		first.At = append(first.At, f.stray)
	}
	return first
}

// checkHashMode refuses files for which pip would resolve dependencies.
func (f *file) checkHashMode(q *requirement) *diag.Error {
	switch {
	case f.optOut.Line > 0:
		return lock.NotLocked.Errorf(f.optOut, "--no-require-hashes lets pip install packages that are not listed").
			WithHint("remove it")
	case !f.hashMode:
		return lock.NotLocked.Errorf(q.at, "%q has its hash only in the URL, with which pip still resolves dependencies", shown(q.text)).
			WithHint("list all packages, and add --require-hashes")
	}
	return nil
}

// What to do about files that are no locks.
const (
	addHashes  = "lock the file with \"uv pip compile --generate-hashes\" or \"pip-compile --generate-hashes\""
	useArchive = "name a wheel or another archive with its hash instead"
)

// problem says why a requirement is not locked, nil if it is; hashed says that
// some line gives hashes for it.
func (q *requirement) problem(hashed bool) *diag.Error {
	name := shown(q.text)
	why, hint := "", useArchive
	switch q.link.kind {
	case LocalTree:
		why = "is a source tree, of which no hash can be checked"
	case Repository:
		why = "is a repository, of which no hash can be checked"
	case FileURL:
		return lock.Malformed.Errorf(q.at, "%q is a file outside the build context", name).
			WithHint("name it by its path relative to the folder of %s", path.Base(q.at.Source.Name))
	case OtherURL:
		return lock.Malformed.Errorf(q.at, "%q has a URL that cannot be fetched", name).
			WithHint("use an https URL, or a path without a name before it")
	default:
		if hashed {
			return nil
		}
		hint = addHashes
		switch _, pinned := q.specifiers.Pinned(); {
		case pinned || q.link.kind != Indexed:
			why = "has no hash"
		default:
			why = "is not pinned and has no hash"
		}
	}
	return lock.NotLocked.Errorf(q.at, "%q %s", name, why).WithHint("%s", hint)
}

func (g *group) all() []*requirement { return append(slices.Clip(g.requirements), g.constraints...) }

// merge makes one package of all that is said about it.
func (f *file) merge(g *group) (*lock.Package, error) {
	q, err := g.linked()
	if err != nil {
		return nil, err
	}
	p := f.pack(q)
	if len(g.all()) == 1 {
		return p, nil
	}
	if err := g.agree(p); err != nil {
		return nil, err
	}
	if q.link.kind != Indexed {
		return p, nil
	}
	p.Hashes, err = g.commonHashes()
	return p, err
}

// linked gives the requirement that says where the package is: the one with a
// link, else the first.
func (g *group) linked() (*requirement, error) {
	var found *requirement
	for _, q := range g.all() {
		switch {
		case q.link.kind == Indexed:
		case found != nil && found.link.location != q.link.location:
			err := lock.Ambiguous.Errorf(q.at, "%s is required from two places", q.name).WithHint("remove one of them")
			err.At = append(err.At, found.at)
			return nil, err
		case found == nil || len(found.hashes) == 0:
			found = q
		}
	}
	if found == nil {
		found = g.requirements[0]
	}
	return found, nil
}

// agree sets the version that all specifiers admit: the one of the link, else
// the first that is pinned, else none, for the hashes to decide.
func (g *group) agree(p *lock.Package) error {
	var by *requirement
	var texts []string
	for _, q := range g.all() {
		if v, ok := q.specifiers.Pinned(); ok && p.Version == "" {
			p.Version = v.String()
		}
		if v, ok := q.specifiers.Pinned(); ok && by == nil && v.String() == p.Version {
			by = q
		}
		if text := q.specifiers.String(); text != "" {
			texts = append(texts, text)
		}
	}
	allowed, err := pep440.ParseSpecifiers(strings.Join(texts, ","))
	if err != nil {
		return lock.Malformed.Errorf(p.At, "%w", err)
	}
	if p.Version == "" {
		p.Allowed = allowed
		return nil
	}
	p.Allowed = pep440.Specifiers{}
	version, err := pep440.Parse(p.Version)
	if err != nil {
		return lock.Malformed.Errorf(p.At, "%w", err)
	}
	for _, q := range g.all() {
		if q.specifiers.Contains(version) {
			continue
		}
		reason := lock.Conflict
		if _, pinned := q.specifiers.Pinned(); pinned {
			reason = lock.Ambiguous
		}
		err := reason.Errorf(q.at, "%s%s excludes the version %s that is required too", q.name, q.specifiers, version).
			WithHint("remove one of the lines, or give them markers that exclude each other")
		if by != nil {
			err.At = append(err.At, by.at)
		}
		return err
	}
	return nil
}

// commonHashes gives the hashes that every line admits which has any.
func (g *group) commonHashes() ([]lock.Hash, error) {
	var common []lock.Hash
	var first *requirement
	for _, q := range g.all() {
		if len(q.hashes) == 0 {
			continue
		}
		if first == nil {
			common, first = slices.Clone(q.hashes), q
			continue
		}
		if common = intersect(common, q.hashes); len(common) == 0 {
			err := lock.Conflict.Errorf(q.at, "none of the hashes of %s is one that another line gives", q.name).
				WithHint("remove one of the lines")
			err.At = append(err.At, first.at)
			return nil, err
		}
	}
	return common, nil
}

func intersect(a, b []lock.Hash) []lock.Hash {
	set := make(map[lock.Hash]bool, len(b))
	for _, h := range b {
		set[h] = true
	}
	return slices.DeleteFunc(a, func(h lock.Hash) bool { return !set[h] })
}

// pack makes the package of one requirement.
func (f *file) pack(q *requirement) *lock.Package {
	p := &lock.Package{Name: q.name, At: q.at, Source: lock.Source{Origin: lock.Registry}}
	p.NoBinary, p.NoBuild = f.formats.of(q.name)
	if v, ok := q.specifiers.Pinned(); ok {
		p.Version = v.String()
	}
	switch q.link.kind {
	case Indexed:
		if p.Version == "" {
			p.Allowed = q.specifiers
		}
		p.Hashes = q.hashes
	case LocalTree:
		p.Source = lock.Source{Origin: lock.Directory, Path: q.link.path, Editable: q.editable}
	case Repository:
		p.Source = lock.Source{Origin: lock.Git, URL: q.link.address()}
	default:
		f.archive(p, q)
	}
	return p
}

// archive sets source and file of a package that is one file.
func (f *file) archive(p *lock.Package, q *requirement) {
	p.Source = lock.Source{Origin: lock.Archive, Path: q.link.path}
	if q.link.path == "" {
		p.Source.URL = q.link.address()
	}
	p.Source.Subdirectory, _ = q.link.fragment("subdirectory")
	file := lock.File{Name: q.link.fileName(), URL: p.Source.URL, Path: p.Source.Path, Hashes: q.allHashes(), Line: q.at.Line}
	if _, version, err := q.link.project(); err == nil && version != "" {
		p.Version = version
	}
	if q.link.isWheel() {
		p.Wheels = []lock.File{file}
	} else {
		p.Sdist = &file
	}
}
