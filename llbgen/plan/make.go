package plan

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/pipargs"
	"github.com/imagespec/imagespec/llbgen/project"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/index"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// Input is all that a plan is made of.
type Input struct {
	Spec        *imagespec.Spec
	Context     fs.FS                    // the build context
	Getenv      func(name string) string // values of ${VARIABLES} in requirements files
	Platform    ocispecs.Platform
	Base        Base
	Python      Python       // of the base
	Interpreter *Interpreter // that Python is, where the base has none
	Libc        wheel.Libc
	Index       lock.Index     // asked for the files that the lock gives no URL of
	Resolve     Resolver       // asked for what is not locked
	Commit      project.Commit // asked for what branches and tags of repositories stand for
	Netrc       Logins         // asked which servers the build has logins for; nil: for none
	ImageID     string         // flytekit's id of the spec
	Retimed     bool           // whether the exporter may change the times of files

	arguments *pipargs.Arguments // pip_extra_args, taken apart
}

// Logins gives those of some hosts that the secret netrc of the build has a
// login for.
type Logins func(hosts []string) ([]string, error)

// Make decides what the image will be. Errors point into the spec or the lock.
func Make(in Input) (*Plan, []diag.Warning, error) {
	if err := checkPython(in.Spec.PythonVersion, in.Base, in.Python); err != nil {
		return nil, nil, err
	}
	p := &Plan{
		Platform:    platforms.FormatAll(in.Platform),
		Base:        in.Base,
		Interpreter: in.Interpreter,
		Python:      in.Python,
		Libc:        in.Libc.String(),
		Packages:    []Package{},
		Layers:      []Layer{},
		Config:      config(in.Spec, in.ImageID),
	}
	p.steps(in.Spec, in.Platform.Architecture)
	var warnings []diag.Warning
	var err error
	if in.arguments, err = pipargs.Parse(in.Spec.PipExtraArgs); err != nil {
		return nil, nil, err
	}
	warnings = append(warnings, in.arguments.Warnings...)
	parts, err := in.parts()
	if err != nil {
		return nil, lockWarnings(parts), blame(err, in.Spec)
	}
	for _, part := range parts {
		warnings = append(warnings, part.selection.Warnings...)
		more, err := p.add(in, part)
		if err != nil {
			return nil, nil, err
		}
		warnings = append(warnings, more...)
	}
	p.Rewrites = RewritesOf(in.Spec)
	p.RequirementsAt = cmp.Or(in.Spec.Requirements.At, in.Spec.Packages.At)
	slices.SortFunc(p.Packages, func(a, b Package) int { return cmp.Compare(a.Name, b.Name) })
	p.addPip(in.Spec)
	warnings = append(warnings, p.overlay()...)
	if err := p.addSecrets(in); err != nil {
		return nil, nil, err
	}
	p.Layers = group(p.Packages)
	p.Bytecode = bytecode(in)
	return p, warnings, nil
}

// checkPython compares the version that the spec asks for with the base's.
func checkPython(want imagespec.Text, base Base, python Python) error {
	version, freeThreaded := strings.CutSuffix(want.Value, "t")
	same := version == python.Version || strings.HasPrefix(python.Version, version+".")
	if !want.IsSet() || same && freeThreaded == python.FreeThreaded {
		return nil
	}
	return diag.Errorf(want.At, "python_version is %s, but the base image %s has Python %s", want.Value, base.Ref, python).
		WithHint("take a base image with Python %s, or leave python_version out", want.Value)
}

// target is what packages are selected for.
func (in Input) target() (lock.Target, error) {
	return lock.LinuxTarget(in.Platform.Architecture, in.Platform.Variant, in.Python.Version, in.Python.FreeThreaded, in.Libc)
}

// locked reads the lock and selects what the target needs.
func (in Input) locked() (part, error) {
	target, err := in.target()
	if err != nil {
		return part{}, err
	}
	l, err := lockparse.Read(in.Context, in.Spec.Requirements.Value, in.Getenv)
	if err != nil {
		return part{}, located(err, in.Spec.Requirements)
	}
	options := in.Spec.BuilderOptions
	l.Indexes = indexes(in.Spec, l.Indexes)
	if err := checkFresh(l, cmp.Or(options.Locked, imagespec.Flag{Value: in.arguments.Locked, At: in.Spec.PipExtraArgs.At})); err != nil {
		return part{}, err
	}
	selection, err := lock.Select(l, target, in.lockRequest(), index.Folders{FS: in.Context, Dir: path.Dir(l.Source.Name), Next: in.Index})
	if err == nil {
		selection.Warnings = append(selection.Warnings, unusedIndex(in.Spec, l)...)
	}
	return part{lock: l, selection: selection}, err
}

// lockRequest is what the spec asks of a lock, or of a project without one.
func (in Input) lockRequest() lock.Request {
	options, request := in.Spec.BuilderOptions, in.arguments.Request
	request.Extras = append(options.Extras.Values(), request.Extras...)
	request.Groups = append(options.Groups.Values(), request.Groups...)
	request.Package = cmp.Or(options.Package.Value, request.Package)
	request.NoInstallProject = !options.InstallProject.Value // by default the dependencies alone, as flytekit installs them
	request.DefaultGroups = request.DefaultGroups || options.DefaultGroups.Value
	return request
}

// indexes gives where packages are looked up that name no index: the lock's
// own, with pip_index as the default one, and then the extra ones. A lock that
// says --no-index gets none.
func indexes(spec *imagespec.Spec, own *lock.Indexes) *lock.Indexes {
	all := lock.Indexes{URLs: []string{""}}
	if own != nil {
		all = lock.Indexes{URLs: slices.Clone(own.URLs), Links: own.Links}
		if len(own.URLs) == 0 {
			return &all
		}
	}
	if i := slices.Index(all.URLs, ""); i >= 0 {
		all.URLs[i] = cmp.Or(spec.PipIndex.Value, lock.DefaultIndex)
	}
	for _, url := range spec.PipExtraIndexURL.Values() {
		if !slices.Contains(all.URLs, url) {
			all.URLs = append(all.URLs, url)
		}
	}
	return &all
}

// unusedIndex warns where the spec names an index for a lock that has the URL
// of every file: it would be taken for a mirror, and is not asked.
func unusedIndex(spec *imagespec.Spec, l *lock.Lock) []diag.Warning {
	field, at := "pip_index", spec.PipIndex.At
	if spec.PipIndex.Value == "" {
		if len(spec.PipExtraIndexURL.Items) == 0 {
			return nil
		}
		field, at = "pip_extra_index_url", spec.PipExtraIndexURL.At
	}
	if slices.ContainsFunc(l.Packages, (*lock.Package).Incomplete) {
		return nil
	}
	return []diag.Warning{{
		Rule: "IndexUnused",
		Msg:  fmt.Sprintf("%s has no effect: %s has the URL of every file", field, l.Source.Name),
		Hint: "to fetch from a mirror lock the project with it, or have the engine replace the URLs by a source policy",
		At:   at,
	}}
}

// checkFresh refuses a lock that does not fit its project, if the spec says so.
func checkFresh(l *lock.Lock, locked imagespec.Flag) error {
	i := slices.IndexFunc(l.Warnings, func(w diag.Warning) bool { return w.Rule == lock.StaleLock })
	if !locked.Value || i < 0 {
		return nil
	}
	w := l.Warnings[i]
	err := lock.Stale.Errorf(w.At, "%s", w.Msg).WithHint("%s; builder_options.locked makes this an error", w.Hint)
	err.At = append(err.At, locked.At)
	return err
}

// lockWarnings are what an error may come from: a lock that is stale.
func lockWarnings(parts []part) []diag.Warning {
	var warnings []diag.Warning
	for _, part := range parts {
		if part.lock != nil {
			warnings = append(warnings, part.lock.Warnings...)
		}
	}
	return warnings
}

// blame points the errors of a lock at the place in the spec that asked for
// what the lock refuses, before the place in the lock.
func blame(err error, spec *imagespec.Spec) error {
	options := spec.BuilderOptions
	for _, e := range diag.All(err) {
		var asked diag.Range
		switch {
		case errors.Is(e, lock.UnknownExtra):
			asked = cmp.Or(options.Extras.At, spec.PipExtraArgs.At)
		case errors.Is(e, lock.UnknownGroup):
			asked = cmp.Or(options.Groups.At, spec.PipExtraArgs.At)
		case errors.Is(e, lock.UnknownPackage):
			asked = cmp.Or(options.Package.At, spec.PipExtraArgs.At)
		case len(e.At) == 0 || e.At[0].Source == nil:
			asked = spec.Requirements.At
		}
		if asked.Line != 0 {
			e.At = append([]diag.Range{asked}, slices.DeleteFunc(e.At, func(r diag.Range) bool { return r.Source == nil })...)
		}
	}
	return err
}

// located points an error about a file itself, such as its absence, at the
// field that names it.
func located(err error, field imagespec.Text) error {
	if err == nil || len(diag.All(err)) > 0 {
		return err
	}
	var file *fs.PathError
	if errors.As(err, &file) && errors.Is(file.Err, fs.ErrNotExist) {
		e := diag.Errorf(field.At, "requirements is %s, but %s is not in the build context", field.Value, file.Path).
			WithHint("paths are relative to the build context, the folder at the end of the build command")
		e.Err = err
		return e
	}
	return diag.Errorf(field.At, "requirements is %s: %w", field.Value, err)
}

// packages turns a selection into the plan's packages. What cannot be fetched
// and checked is refused here, before anything is built.
func packages(in Input, l *lock.Lock, s *lock.Selection) ([]Package, error) {
	all := []Package{}
	var errs []error
	for _, selected := range s.Packages {
		pkg := Package{
			Name:    selected.Package.Name,
			Version: selected.Package.Version,
			Kind:    selected.Kind,
			At:      selected.Package.At,
			locked:  selected.Package,
			by:      selected.By,
		}
		if selected.File.Name != "" {
			if selected.Kind == lock.KindGit {
				err := diag.Errorf(pkg.At, "%s %s is an archive within a git repository, which is not supported", pkg.Name, pkg.Version)
				errs = append(errs, err.WithHint("take it by the URL of the archive, or from an index"))
				continue
			}
			if err := pkg.takeFile(selected); err != nil {
				errs = append(errs, err)
			}
		} else {
			pkg.URL, pkg.Path = selected.Package.Source.URL, selected.Package.Source.Path
		}
		if err := pkg.locate(l); err != nil {
			errs = append(errs, err)
		} else if pkg.Kind != lock.KindWheel {
			if pkg.Build, err = build(in, l, pkg, selected.Package.Source); err != nil {
				errs = append(errs, err)
			}
		}
		all = append(all, pkg)
	}
	return all, errors.Join(errs...)
}

// locate makes a path relative to the build context, which in the lock is
// relative to the lock's folder.
func (p *Package) locate(l *lock.Lock) error {
	if p.Path == "" {
		return nil
	}
	inContext := path.Join(path.Dir(l.Source.Name), p.Path)
	if path.IsAbs(p.Path) || !fs.ValidPath(inContext) {
		return diag.Errorf(p.At, "%s: its path %q lies outside the build context", p.Name, p.Path).
			WithHint("build with a context that has both the lock and the package")
	}
	p.Path = inContext
	return nil
}

// takeFile sets what the plan says of the package's file.
func (p *Package) takeFile(s lock.Selected) error {
	file := s.File
	p.File, p.URL, p.Path, p.Size = file.Name, file.URL, file.Path, file.Size
	p.Direct = s.Package.Source.Origin == lock.Archive && file.URL != ""
	if file.Line != 0 {
		p.At.Line, p.At.Column, p.At.EndLine = file.Line, 0, 0
	}
	if err := checkURL(file.URL); err != nil {
		return diag.Errorf(p.At, "%s %s: %w", p.Name, p.Version, err).
			WithHint("files are fetched over https or http, or lie in the build context")
	}
	for _, hash := range file.Hashes {
		if hash.Algorithm == "sha256" {
			p.SHA256 = hash.Hex
			return nil
		}
	}
	return diag.Errorf(p.At, "%s %s: the lock has no sha256 for %s%s", p.Name, p.Version, file.Name, algorithms(file.Hashes)).
		WithHint("a file is only fetched if its content is known; lock against an index that gives sha256 digests")
}

// checkURL refuses what BuildKit has no source for. A file without URL lies in
// the build context.
func checkURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return fmt.Errorf("its URL %q cannot be read: %w", s, err)
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("its URL %q is neither https nor http", s)
	}
	return nil
}

func algorithms(hashes []lock.Hash) string {
	if len(hashes) == 0 {
		return ", nor any other digest"
	}
	var names []string
	for _, h := range hashes {
		names = append(names, h.Algorithm)
	}
	return ", only " + strings.Join(names, ", ")
}
