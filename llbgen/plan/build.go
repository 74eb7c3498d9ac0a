package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/backend"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pyproject"
)

// Build says how a package that is no wheel becomes one. What it is built from
// is in the Package.
type Build struct {
	Subdirectory string   `json:"subdirectory,omitempty"` // of the project in its archive or repository
	Commit       string   `json:"commit,omitempty"`       // full id, for git
	Ref          string   `json:"ref,omitempty"`          // branch, tag or revision that was asked for, for git
	Exclude      []string `json:"exclude,omitempty"`      // of a directory: what in it is not its own, as in .dockerignore
	Requires     []string `json:"requires,omitempty"`     // all build requirements, where they are known; none: the source is asked for them
	Apt          []string `json:"apt,omitempty"`          // Debian packages that the base gets for the build; none: it is built on the base as it is
}

// Builds is what all builds of a plan have in common: which build requirements
// they get.
type Builds struct {
	Indexes      []string `json:"indexes,omitempty"`     // where they are asked, the default one first; none for PyPI
	Constraints  []string `json:"constraints,omitempty"` // of their versions, from the lock
	ExcludeNewer string   `json:"exclude_newer,omitempty"`
}

// addBuilds sets what the builds of some packages of a lock have in common, if
// there are any, and warns of what is not heeded.
func (p *Plan) addBuilds(in Input, l *lock.Lock, packages []Package) []diag.Warning {
	if !slices.ContainsFunc(packages, func(p Package) bool { return p.Build != nil }) {
		return nil
	}
	if p.Builds == nil {
		p.Builds = &Builds{}
	}
	b := p.Builds
	b.Constraints = append(b.Constraints, l.Builds.Constraints...)
	b.ExcludeNewer = cmp.Or(in.Spec.BuilderOptions.ExcludeNewer.Value, b.ExcludeNewer, l.Builds.ExcludeNewer)
	urls := indexes(in.Spec, l.Indexes).URLs
	RewritesOf(in.Spec).applyTo(urls)
	if len(urls) != 1 || urls[0] != lock.DefaultIndex {
		b.Indexes = urls
	}
	return unheeded(in, l)
}

// unheeded warns of what the project beside the lock says about builds and is
// not done. A file that is not there or not TOML has been dealt with by then.
func unheeded(in Input, l *lock.Lock) []diag.Warning {
	name := path.Join(path.Dir(l.Source.Name), "pyproject.toml")
	data, err := fs.ReadFile(in.Context, name)
	if err != nil {
		return nil
	}
	src := &diag.Source{Name: name, Data: data}
	settings, err := pyproject.BuildSettings(src)
	if err != nil {
		return nil
	}
	var warnings []diag.Warning
	for _, setting := range settings {
		warnings = append(warnings, diag.Warning{
			Rule: "BuildSettingIgnored", At: diag.Range{Source: src, Line: setting.Line},
			Msg:  "tool.uv." + setting.Name + " is not heeded when packages are built",
			Hint: "if a package needs it, lock a version that has a wheel",
		})
	}
	return warnings
}

// CheckBuilds refuses builds for a machine that there is no uv for, which
// installs the build requirements.
func (p *Plan) CheckBuilds() error {
	if _, ok := UV(p.Architecture()); ok || p.Builds == nil {
		return nil
	}
	var errs []error
	for _, pkg := range p.Packages {
		if pkg.Build != nil {
			errs = append(errs, diag.Errorf(pkg.At, "%s %s is locked as %s, and cannot be built for %s: uv, which builds it, has no static program for that", pkg.Name, pkg.Version, pkg.Kind, p.Platform).
				WithHint("lock a version of %s that has a wheel for %s, or leave it out", pkg.Name, p.Platform))
		}
	}
	return errors.Join(errs...)
}

// build decides how a package is built.
func build(in Input, l *lock.Lock, pkg Package, source lock.Source) (*Build, error) {
	b := &Build{Subdirectory: source.Subdirectory, Commit: source.Commit, Ref: source.Ref}
	compiled := true // nobody has looked into it yet
	switch {
	case source.LFS:
		return nil, diag.Errorf(pkg.At, "%s %s needs files of Git LFS, which cannot be fetched", pkg.Name, pkg.Version).
			WithHint("lock a version of %s from an index, or one whose repository does without", pkg.Name)
	case pkg.Kind == lock.KindDirectory:
		b.Exclude = slices.Concat(backend.NotOwn(), inContext(in, l, pkg.Path))
		p, err := backend.Read(in.Context, pkg.Path)
		if err != nil {
			return nil, diag.Errorf(pkg.At, "%s cannot be built: %w", pkg.Name, err)
		}
		compiled, b.Requires = p.Compiles(), p.Requires()
	}
	b.Apt = aptPackages(in, compiled)
	return b, nil
}

// aptPackages are the Debian packages for a build: none where the user says
// so or where nothing is compiled and the user names none.
func aptPackages(in Input, compiled bool) []string {
	more := in.Spec.BuilderOptions.BuildAptPackages
	if more.IsSet() && len(more.Items) == 0 || !more.IsSet() && !compiled {
		return nil
	}
	// Backends ask git for versions and files. One set for all is one step.
	list := append([]string{"build-essential", "git"}, more.Values()...)
	if in.Python.Home == "/usr/bin" {
		list = append(list, "python3-dev") // Debian's Python has its headers apart
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// inContext lists what in a folder belongs to others: the packages of the lock
// that have a folder within, the lock, and the spec.
func inContext(in Input, l *lock.Lock, folder string) []string {
	own := []string{in.Spec.Source.Name, in.Spec.Source.Name + ".dockerignore", ".dockerignore"}
	if !strings.HasSuffix(l.Source.Name, ".txt") { // those are read by builds
		own = append(own, l.Source.Name)
	}
	for _, p := range l.Packages {
		if p.Source.Origin == lock.Directory || p.Source.Origin == lock.Virtual {
			own = append(own, path.Join(path.Dir(l.Source.Name), p.Source.Path))
		}
	}
	var within []string
	for _, name := range own {
		if rest, ok := below(folder, path.Clean(name)); ok {
			within = append(within, rest)
		}
	}
	slices.Sort(within)
	return slices.Compact(within)
}

// below gives a path relative to a folder that it lies in.
func below(folder, name string) (string, bool) {
	if folder == "." {
		return name, name != "." && fs.ValidPath(name)
	}
	return strings.CutPrefix(name, folder+"/")
}

// DirectURL gives the text of direct_url.json for a package that was not asked
// for by name alone, as uv writes it (PEP 610); empty for one of an index. A
// tree of the build context counts as one below /root, where Flyte has the
// sources of a task.
func (p *Package) DirectURL() string {
	origin := struct {
		URL          string         `json:"url"`
		Dir          map[string]any `json:"dir_info,omitempty"`
		VCS          *vcsInfo       `json:"vcs_info,omitempty"`
		Archive      *struct{}      `json:"archive_info,omitempty"`
		Subdirectory string         `json:"subdirectory,omitempty"`
	}{URL: p.URL, Subdirectory: p.Build.Subdirectory}
	switch p.Kind {
	case lock.KindDirectory:
		origin.URL = fileURL(p.Path)
		origin.Dir = map[string]any{"editable": false}
	case lock.KindGit:
		origin.VCS = &vcsInfo{VCS: "git", Commit: p.Build.Commit, Revision: p.Build.Ref}
	case lock.KindArchive:
		origin.Archive = &struct{}{}
		if p.Path != "" {
			origin.URL = fileURL(p.Path)
		}
	default:
		return ""
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)       // a URL keeps its "&"
	if e.Encode(origin) != nil { // cannot be: these are strings
		return ""
	}
	return strings.TrimSpace(text.String())
}

// fileURL is the URL that a file or folder of the build context has in
// direct_url.json.
func fileURL(name string) string {
	u := url.URL{Scheme: "file", Path: path.Join("/root", name)}
	return u.String()
}

// vcsInfo is the part of direct_url.json about a repository.
type vcsInfo struct {
	VCS      string `json:"vcs"`
	Commit   string `json:"commit_id"`
	Revision string `json:"requested_revision,omitempty"`
}
