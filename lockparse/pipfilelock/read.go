package pipfilelock

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// Limits of what is read and kept.
const (
	maxSources  = 100
	maxErrors   = 10 // that one run reports
	maxWarnings = 100
)

// reader fills the lock from the JSON. What it finds wrong it notes, and reads
// on.
type reader struct {
	src     *diag.Source
	getenv  func(string) string
	sources []index
	markers map[string]pep508.Marker // a lock repeats a few markers many times
	file    *file
	lock    *lock.Lock
	errs    []error
}

// index is a source of the Pipfile.
type index struct {
	name string
	url  string // empty for PyPI, which a mirror may stand for
}

func (r *reader) read(root *value) {
	if !r.is(root, kindObject, "the lock") {
		return
	}
	r.meta(root.get("_meta"))
	for _, m := range root.members {
		if m.key == "_meta" || m.value.kind == kindNull || !r.is(m.value, kindObject, m.key) {
			continue
		}
		c := category{name: m.key}
		for _, m := range m.value.members {
			if e := r.entry(m.key, m.value); e != nil {
				c.entries = append(c.entries, e)
				r.lock.Packages = append(r.lock.Packages, e.pkg)
			}
		}
		r.file.categories = append(r.file.categories, c)
	}
	// Pipenv installs the default category first, wherever it stands.
	slices.SortStableFunc(r.file.categories, func(a, b category) int {
		switch {
		case a.name == defaultCategory:
			return -1
		case b.name == defaultCategory:
			return 1
		}
		return 0
	})
}

// meta reads what holds for all packages.
func (r *reader) meta(meta *value) {
	if meta != nil && !r.is(meta, kindObject, "_meta") {
		return
	}
	if spec := meta.get("pipfile-spec"); spec != nil && spec.text != knownSpec {
		r.fail(lock.UnsupportedVersion.Errorf(r.at(spec), "pipfile-spec is %s, only %s is known", spec.text, knownSpec).
			WithHint("lock again with a current Pipenv"))
	}
	r.requires(meta.get("requires"))
	sources := meta.get("sources")
	if sources == nil || !r.is(sources, kindArray, "sources") {
		return
	}
	if len(sources.items) > maxSources {
		r.fail(lock.Malformed.Errorf(r.at(sources), "there are more than %d sources", maxSources))
		return
	}
	for _, item := range sources.items {
		if r.is(item, kindObject, "a source") {
			r.source(item)
		}
	}
}

// requires reads the Python that the lock was made for.
func (r *reader) requires(v *value) {
	if v == nil || !r.is(v, kindObject, "requires") {
		return
	}
	for _, key := range []string{"python_full_version", "python_version"} {
		version := r.text(v, key)
		if version == "" || version == "*" {
			continue
		}
		text := version
		if !strings.ContainsAny(version, "<>=!~") {
			text = "==" + version
			if key == "python_version" {
				text += ".*"
			}
		}
		specifiers, err := pep440.ParseSpecifiers(text)
		if err != nil {
			r.fail(lock.Malformed.Errorf(r.at(v.get(key)), "%s = %q: %w", key, version, err))
		}
		r.lock.RequiresPython, r.lock.RequiresLine = specifiers, v.get(key).line
		return
	}
}

// source reads an index. Its URL may have variables, most often for
// credentials, which are dropped.
func (r *reader) source(v *value) {
	text, secret := lock.StripCredentials(r.text(v, "url"))
	if secret && !strings.Contains(r.text(v, "url"), "$") {
		r.warn(v, "LockCredentials", "the lock has a URL with credentials, which are ignored",
			"take them out of the Pipfile, lock again, and give them to the build as a secret")
	}
	s := index{name: r.text(v, "name")}
	s.url = os.Expand(text, func(name string) string {
		value := r.getenv(name)
		if value == "" {
			r.fail(lock.Malformed.Errorf(r.at(v), "the variable %s in the URL of the source %q has no value in this build", name, s.name))
		}
		return value
	})
	s.url, _ = lock.StripCredentials(s.url)
	if ssl := v.get("verify_ssl"); ssl != nil && ssl.text == "false" {
		r.warn(v, "PipfileVerifySSL", fmt.Sprintf("verify_ssl = false of the source %q has no effect: the certificates of indexes are always checked", s.name),
			"give the builder the certificate authority of the index")
	}
	if isPyPI(s.url) {
		s.url = ""
	}
	r.sources = append(r.sources, s)
}

// isPyPI says whether Pipenv takes the URL for PyPI's, which a mirror
// replaces.
func isPyPI(address string) bool {
	for _, prefix := range []string{"https://pypi.org/simple", "https://pypi.python.org/simple", "http://pypi.org/simple", "http://pypi.python.org/simple"} {
		if strings.TrimSuffix(address, "/") == prefix {
			return true
		}
	}
	return false
}

// entry reads a package.
func (r *reader) entry(name string, v *value) *entry {
	e := &entry{pkg: &lock.Package{Name: pep508.NormalizeName(name), At: r.at(v)}}
	if !pep508.ValidName(name) {
		r.fail(lock.Malformed.Errorf(r.at(v), "%q is no name of a package", name))
	}
	if v.kind == kindString { // the form of old locks, without hashes
		e.pkg.Source = lock.Source{Origin: lock.Registry}
		e.problem = r.notLocked(e, v.text)
		return e
	}
	if !r.is(v, kindObject, name) {
		return nil
	}
	r.readMarkers(e, v)
	hashes := r.hashes(v)
	e.pkg.NoBinary = r.flag(v, "no_binary")
	if args := v.get("pip_args"); args != nil {
		r.warn(args, "PipfilePipArgs", "pip_args of "+e.pkg.Name+" has no effect: packages are built with the defaults of their build backend", "")
	}
	switch {
	case v.get("git") != nil:
		r.git(e, v)
	case v.get("hg") != nil, v.get("svn") != nil, v.get("bzr") != nil:
		e.pkg.Source = lock.Source{Origin: lock.Git}
		e.problem = lock.NotLocked.Errorf(r.at(v), "%s comes from a repository that is not Git's", e.pkg.Name).
			WithHint("name an archive of it in the Pipfile")
	case v.get("path") != nil:
		r.local(e, v, r.text(v, "path"), hashes)
	case v.get("file") != nil:
		r.archive(e, v, r.text(v, "file"), hashes)
	default:
		r.registry(e, v, hashes)
	}
	return e
}

// readMarkers reads all conditions of a package: "markers", and the keys that
// are the name of a variable, as in a Pipfile.
func (r *reader) readMarkers(e *entry, v *value) {
	for _, m := range v.members {
		var text string
		switch m.key {
		case "markers", "os_markers":
			text = r.text(v, m.key)
		case "os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release",
			"platform_system", "platform_version", "python_version", "python_full_version", "implementation_name", "implementation_version":
			text = m.key + " " + r.text(v, m.key)
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		marker, known := r.markers[text]
		if !known {
			var err error
			if marker, err = pep508.ParseMarker(text, pep508.Packaging); err != nil {
				r.fail(lock.Malformed.Errorf(r.at(m.value), "%s of %s: %w", m.key, e.pkg.Name, err))
			}
			r.markers[text] = marker
		}
		e.markers = append(e.markers, marker)
		for _, group := range groupsOf(text) {
			if e.groups == nil {
				e.groups = make(map[string]bool)
			}
			e.groups[pep508.NormalizeName(group)] = true
		}
	}
}

// groupsOf gives the quoted names that a marker asks for as dependency
// groups: 'dev' in dependency_groups.
func groupsOf(marker string) []string {
	var groups []string
	parts := strings.Split(marker, "dependency_groups")
	for _, before := range parts[:len(parts)-1] {
		before = strings.TrimRight(strings.TrimSuffix(strings.TrimSpace(before), "in"), " \t")
		if before == "" {
			continue
		}
		quote := before[len(before)-1:]
		if start := strings.LastIndex(before[:len(before)-1], quote); start >= 0 {
			groups = append(groups, before[start+1:len(before)-1])
		}
	}
	return groups
}

// registry reads a package of an index.
func (r *reader) registry(e *entry, v *value, hashes []lock.Hash) {
	p := e.pkg
	p.Source = lock.Source{Origin: lock.Registry, URL: r.indexOf(p.Name, v)}
	p.Hashes = hashes
	version := r.text(v, "version")
	if version != "" && version != "*" {
		specifiers, err := pep440.ParseSpecifiers(version)
		if err != nil {
			r.fail(lock.Malformed.Errorf(r.at(v.get("version")), "version of %s: %w", p.Name, err))
		}
		if pinned, ok := specifiers.Pinned(); ok {
			p.Version = pinned.String()
		} else {
			p.Allowed = specifiers // pip lets the hashes decide
		}
	}
	if len(hashes) == 0 {
		e.problem = r.notLocked(e, version)
	}
}

// notLocked is the problem of a package without hash.
func (r *reader) notLocked(e *entry, version string) *diag.Error {
	if version == "*" || version == "" {
		return lock.NotLocked.Errorf(e.pkg.At, "%s is locked as %q without a hash, because Pipenv did not need it on the machine that locked", e.pkg.Name, "*").
			WithHint("lock with the Python and on the platform of the image; in the Pipfile write conditions as markers = \"sys_platform == 'win32'\"")
	}
	return lock.NotLocked.Errorf(e.pkg.At, "%s%s is locked without a hash", e.pkg.Name, version).
		WithHint("lock again with an index that gives hashes")
}

// indexOf gives the URL of the index of a package: the named source, else the
// first.
func (r *reader) indexOf(name string, v *value) string {
	wanted := r.text(v, "index")
	if wanted == "" {
		if len(r.sources) == 0 {
			return ""
		}
		return r.sources[0].url
	}
	var names []string
	for _, s := range r.sources {
		if s.name == wanted {
			return s.url
		}
		names = append(names, s.name)
	}
	r.fail(lock.Malformed.Errorf(r.at(v.get("index")), "the index %q of %s is none of the sources", wanted, name).
		WithHint("%s", diag.Suggest(wanted, names)))
	return ""
}

// git reads a repository.
func (r *reader) git(e *entry, v *value) {
	address, ref, subdirectory := lock.SplitRepository(r.url(v, r.text(v, "git")))
	ref = cmp.Or(r.text(v, "ref"), ref)
	e.pkg.Source = lock.Source{
		Origin: lock.Git, URL: address, Commit: ref, Subdirectory: cmp.Or(r.text(v, "subdirectory"), subdirectory),
	}
	if _, err := hex.DecodeString(ref); err != nil || len(ref) != 40 && len(ref) != 64 {
		e.problem = lock.NotLocked.Errorf(r.at(v), "%s is locked to %q, which is no full commit id", e.pkg.Name, ref).
			WithHint("run \"pipenv lock\" again")
	}
}

// local reads a source tree or an archive of the build context.
func (r *reader) local(e *entry, v *value, location string, hashes []lock.Hash) {
	location = strings.TrimPrefix(location, "file:")
	full := path.Join(path.Dir(r.src.Name), location)
	if path.IsAbs(location) || strings.HasPrefix(location, "~") || full == ".." || strings.HasPrefix(full, "../") {
		r.fail(lock.Malformed.Errorf(r.at(v), "%s comes from %q, outside the build context", e.pkg.Name, location).
			WithHint("copy it into the build context, and lock again"))
		return
	}
	p := e.pkg
	p.Source = lock.Source{Origin: lock.Directory, Path: path.Clean(location), Subdirectory: r.text(v, "subdirectory"), Editable: r.flag(v, "editable")}
	for _, ending := range []string{".whl", ".tar.gz", ".zip"} {
		if strings.HasSuffix(location, ending) {
			p.Source.Origin, p.Source.Editable = lock.Archive, false
			r.setFile(e, lock.File{Name: lock.FileName(location), Path: p.Source.Path, Hashes: hashes, Line: v.line})
		}
	}
}

// archive reads a package that is one file by URL.
func (r *reader) archive(e *entry, v *value, location string, hashes []lock.Hash) {
	if !strings.Contains(location, "://") || strings.HasPrefix(location, "file:") {
		r.local(e, v, location, hashes)
		return
	}
	address, fragment, _ := strings.Cut(r.url(v, location), "#")
	e.pkg.Source = lock.Source{Origin: lock.Archive, URL: address, Subdirectory: r.text(v, "subdirectory")}
	for _, part := range strings.Split(fragment, "&") {
		if digits, ok := strings.CutPrefix(part, "sha256="); ok && len(hashes) == 0 {
			if h, err := lock.NewHash("sha256", digits); err == nil {
				hashes = []lock.Hash{h}
			}
		}
	}
	r.setFile(e, lock.File{Name: lock.FileName(address), URL: address, Hashes: hashes, Line: v.line})
	if len(hashes) == 0 {
		e.problem = lock.NotLocked.Errorf(r.at(v), "%s is locked to a URL without a hash", e.pkg.Name).
			WithHint("run \"pipenv lock\" again")
	}
}

// setFile sets the one file of a package, and the version as its name has it.
func (r *reader) setFile(e *entry, f lock.File) {
	p := e.pkg
	if !strings.HasSuffix(f.Name, ".whl") {
		p.Sdist = &f
		if sdist, err := wheel.ParseSdist(f.Name); err == nil && sdist.Name == p.Name {
			p.Version = sdist.Version
		}
		return
	}
	p.Wheels = []lock.File{f}
	name, err := wheel.ParseFilename(f.Name)
	at := diag.Range{Source: r.src, Line: f.Line}
	switch {
	case err != nil:
		r.fail(lock.Malformed.Errorf(at, "the wheel of %s: %w", p.Name, err))
	case name.Name != p.Name:
		r.fail(lock.Malformed.Errorf(at, "the wheel %q is one of %s, but the package is %s", f.Name, name.Name, p.Name))
	}
	p.Version = name.Version
}

// url takes credentials out of the URL of a package.
func (r *reader) url(v *value, text string) string {
	stripped, secret := lock.StripCredentials(text)
	if secret {
		r.warn(v, "LockCredentials", "the lock has a URL with credentials, which are ignored",
			"take them out of the Pipfile, lock again, and give them to the build as a secret")
	}
	return stripped
}

// hashes reads the hashes of a package.
func (r *reader) hashes(v *value) []lock.Hash {
	list := v.get("hashes")
	if list == nil || !r.is(list, kindArray, "hashes") {
		return nil
	}
	var hashes []lock.Hash
	for _, item := range list.items {
		if !r.is(item, kindString, "a hash") {
			continue
		}
		algorithm, digits, _ := strings.Cut(item.text, ":")
		h, err := lock.NewHash(algorithm, digits)
		if err != nil {
			r.fail(lock.Malformed.Errorf(r.at(item), "hash %q: %w", item.text, err))
		}
		hashes = append(hashes, h)
	}
	return hashes
}

// is checks the type of a value.
func (r *reader) is(v *value, want kind, name string) bool {
	if v.kind != want {
		r.fail(lock.Malformed.Errorf(r.at(v), "%s is %s, expected %s", name, v.kind, want))
	}
	return v.kind == want
}

// text gives a string, empty if the key is absent.
func (r *reader) text(v *value, key string) string {
	if item := v.get(key); item != nil && r.is(item, kindString, key) {
		return item.text
	}
	return ""
}

// flag gives a boolean, false if the key is absent.
func (r *reader) flag(v *value, key string) bool {
	item := v.get(key)
	return item != nil && r.is(item, kindBool, key) && item.text == "true"
}

func (r *reader) at(v *value) diag.Range { return diag.Range{Source: r.src, Line: v.line} }

func (r *reader) fail(err error) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, err)
	}
}

func (r *reader) warn(v *value, rule, msg, hint string) {
	if len(r.lock.Warnings) < maxWarnings {
		r.lock.Warnings = append(r.lock.Warnings, diag.Warning{Rule: rule, Msg: msg, Hint: hint, At: r.at(v)})
	}
}
