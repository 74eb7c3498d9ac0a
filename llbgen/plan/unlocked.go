package plan

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/backend"
	"github.com/imagespec/imagespec/llbgen/project"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pylock"
	"github.com/imagespec/imagespec/lockparse/requirements"
)

// Resolver answers a request with a pylock.toml. Its error is a
// *resolve.Failure where there is no answer.
type Resolver func(*resolve.Request) ([]byte, error)

// NotLocked is the rule of the warning that a build resolves requirements.
const NotLocked = "NotLocked"

// part is a lock and what is installed from it.
type part struct {
	lock      *lock.Lock
	selection *lock.Selection
	resolved  *resolve.Request // what the lock is the answer to, nil for one of the context
}

// parts gives all that is installed: from the lock, and what is resolved
// because it is not locked. After an error it gives what has been read.
func (in Input) parts() ([]part, error) {
	name := path.Clean(in.Spec.Requirements.Value)
	switch {
	case !in.Spec.Requirements.IsSet():
		return in.unlocked(func(*project.Reader) error { return nil })
	case path.Ext(name) == ".py":
		return in.unlocked(func(r *project.Reader) error { return located(r.Script(name), in.Spec.Requirements) })
	}
	locked, err := in.locked()
	switch {
	case !errors.Is(err, lock.NotLocked):
	case locked.lock == nil && path.Base(name) == "pyproject.toml":
		return in.unlocked(func(r *project.Reader) error {
			return located(r.Project(name, in.lockRequest()), in.Spec.Requirements)
		})
	case locked.lock != nil && requirements.Input(locked.lock) != nil:
		return in.unlocked(func(r *project.Reader) error { return addFile(r, locked.lock) })
	}
	if err != nil {
		return []part{locked}, err
	}
	return in.onLock(locked)
}

// unlocked resolves what the function adds to the request together with the
// packages of the spec.
func (in Input) unlocked(add func(*project.Reader) error) ([]part, error) {
	reader, err := in.reader()
	if err != nil {
		return nil, err
	}
	r := reader.Request
	if err := errors.Join(add(reader), in.addPackages(reader)); err != nil {
		return nil, err
	}
	if in.addFlytekit(r, !r.Empty()); r.Empty() {
		return nil, nil
	}
	answer, err := in.resolved(r)
	return []part{answer}, err
}

// reader begins a request, and what adds to it.
func (in Input) reader() (*project.Reader, error) {
	r, err := in.request()
	if err != nil {
		return nil, err
	}
	target, err := in.target()
	if err != nil {
		return nil, err
	}
	return &project.Reader{
		Request: r,
		Context: in.Context,
		Commit:  in.Commit,
		Rewrite: RewritesOf(in.Spec).Apply,
		Target:  target,
		NotOwn: func(folder string) []string {
			unlocked := &lock.Lock{Source: &diag.Source{Name: resolve.Format}}
			return slices.Concat(backend.NotOwn(), inContext(in, unlocked, folder))
		},
	}, nil
}

// request begins a request for the target of a plan, with what the spec says
// about indexes and adds to every resolution.
func (in Input) request() (*resolve.Request, error) {
	target, err := in.target()
	if err != nil {
		return nil, err
	}
	r := &resolve.Request{
		Target: resolve.Target{
			Python:       target.Env.PythonFullVersion,
			FreeThreaded: in.Python.FreeThreaded,
			Machine:      target.Env.PlatformMachine,
			Libc:         in.Libc.String(),
		},
		Index:        cmp.Or(in.Spec.PipIndex.Value, in.arguments.Index),
		ExtraIndexes: slices.Concat(in.Spec.PipExtraIndexURL.Values(), in.arguments.ExtraIndexes),
		FindLinks:    slices.Clone(in.arguments.FindLinks),
		NoIndex:      in.arguments.NoIndex,
		ExcludeNewer: cmp.Or(in.Spec.BuilderOptions.ExcludeNewer.Value, in.arguments.ExcludeNewer),
		Options:      slices.Clone(in.arguments.Options),
	}
	for _, secret := range Secrets(in.Spec) {
		r.Secrets = append(r.Secrets, secret.ID)
	}
	return r, in.addConstraints(r)
}

// addConstraints adds the files of --constraint.
func (in Input) addConstraints(r *resolve.Request) error {
	at := in.Spec.PipExtraArgs
	for _, name := range in.arguments.Constraints {
		l, err := lockparse.Read(in.Context, name, in.Getenv)
		if err != nil {
			return diag.Errorf(at.At, "pip_extra_args: --constraint %s: %w", name, err)
		}
		input := requirements.Input(l)
		if input == nil {
			return diag.Errorf(at.At, "pip_extra_args: --constraint %s is no requirements file without hashes", name)
		}
		for _, want := range slices.Concat(input.Requirements, input.Constraints) {
			r.Constraints = append(r.Constraints, resolve.Line{Text: want.Text, At: want.At})
		}
	}
	return nil
}

// addPackages adds the packages of the spec behind what is there, as flytekit
// appends them to a requirements file.
func (in Input) addPackages(r *project.Reader) error {
	var errs []error
	for _, item := range in.Spec.Packages.Items {
		want, err := requirements.ParseLine(item.Value, in.hasProject) // the spec has warned of credentials
		want.At = item.At
		if err != nil {
			errs = append(errs, diag.Errorf(item.At, "packages: %w", err).
				WithHint("write a requirement such as pandas>=2; options go to pip_extra_args, files to requirements"))
			continue
		}
		errs = append(errs, r.Requirement(want, "."))
	}
	return errors.Join(errs...)
}

// hasProject says whether a folder of the build context is a project.
func (in Input) hasProject(folder string) bool {
	for _, name := range []string{"pyproject.toml", "setup.py"} {
		file := path.Join(folder, name)
		if !fs.ValidPath(file) {
			return false
		}
		if _, err := fs.ReadFile(in.Context, file); err == nil {
			return true
		}
	}
	return false
}

// addFlytekit adds flytekit where the spec says so. Where it says nothing
// flytekit is added to what it is missing from, as by flytekit's own builder.
func (in Input) addFlytekit(r *resolve.Request, byDefault bool) {
	option := in.Spec.BuilderOptions.Flytekit
	line := resolve.Line{Text: "flytekit", At: cmp.Or(option.At, in.Spec.Packages.At, in.Spec.Requirements.At)}
	switch {
	case option.Value == "false":
	case !option.IsSet() && (!byDefault || r.Asked("flytekit").Line > 0):
	case option.IsSet() && option.Value != "true":
		line.Text += "==" + strings.TrimPrefix(option.Value, "v")
		r.Add(line)
	default:
		r.Add(line)
	}
}

// addFile adds a requirements file that is not locked.
func addFile(reader *project.Reader, l *lock.Lock) error {
	r, input := reader.Request, requirements.Input(l)
	for _, want := range input.Requirements {
		if err := reader.Requirement(want, path.Dir(l.Source.Name)); err != nil {
			return err
		}
	}
	for _, want := range input.Constraints {
		r.Constraints = append(r.Constraints, resolve.Line{Text: want.Text, At: want.At})
	}
	if input.Pre {
		r.Options = append(r.Options, "--prerelease", "allow")
	}
	for _, name := range input.NoBinary {
		r.Options = append(r.Options, "--no-binary", name)
	}
	for _, name := range input.OnlyBinary {
		r.Options = append(r.Options, "--only-binary", name)
	}
	return addIndexes(reader, l)
}

// addIndexes adds the indexes of a requirements file: where the spec names
// none, the file's index takes the place of PyPI.
func addIndexes(reader *project.Reader, l *lock.Lock) error {
	r := reader.Request
	if l.Indexes == nil {
		return nil
	}
	urls := l.Indexes.URLs
	r.NoIndex = r.NoIndex || len(urls) == 0
	if r.Index == "" && len(urls) > 0 && urls[0] != lock.DefaultIndex {
		r.Index = urls[0]
	}
	for _, url := range urls {
		if url != cmp.Or(r.Index, lock.DefaultIndex) && !slices.Contains(r.ExtraIndexes, url) {
			r.ExtraIndexes = append(r.ExtraIndexes, url)
		}
	}
	for _, links := range l.Indexes.Links {
		if links.Path != "" {
			reader.Links(path.Join(path.Dir(l.Source.Name), links.Path))
			continue
		}
		r.FindLinks = append(r.FindLinks, links.URL)
	}
	return nil
}

// resolved answers a request, and gives the lock with each package at the place
// where it was asked for.
func (in Input) resolved(r *resolve.Request) (part, error) {
	if in.Resolve == nil {
		return part{}, lock.NotLocked.Errorf(r.Place(""), "the requirements are not locked, and nothing here resolves them")
	}
	rewriteIndexes(r, RewritesOf(in.Spec))
	r.Apt, r.Git = aptPackages(in, len(r.Repositories) > 0), aptPackages(in, true)
	data, err := in.Resolve(r)
	var failure *resolve.Failure
	switch {
	case errors.As(err, &failure):
		return part{}, r.Explain(failure)
	case len(diag.All(err)) > 0:
		return part{}, err
	case err != nil:
		return part{}, diag.Errorf(r.Place(""), "the requirements cannot be resolved: %w", err)
	}
	l, err := pylock.Parse(&diag.Source{Name: resolve.Format, Data: data})
	if err != nil {
		return part{}, diag.Errorf(r.Place(""), "the answer of uv cannot be read: %v", err)
	}
	place(l, r)
	for _, p := range l.Packages {
		for i := range p.Wheels {
			p.Wheels[i].Line = 0
		}
		if p.Sdist != nil {
			p.Sdist.Line = 0
		}
	}
	l.Warnings = append(l.Warnings, diag.Warning{
		Rule: NotLocked,
		Msg:  notLocked(r),
		Hint: "lock them: docker buildx build --call=imagespec.lock, or imagespec lock, prints a pylock.toml to commit and to name in requirements",
		At:   r.Place(""),
	})
	target, err := in.target()
	if err != nil {
		return part{}, err
	}
	selection, err := lock.Select(l, target, lock.Request{NoBinary: in.arguments.Request.NoBinary, NoBuild: in.arguments.Request.NoBuild}, nil)
	return part{lock: l, selection: selection, resolved: r}, err
}

// rewriteIndexes has the resolver ask where the spec says that indexes are.
func rewriteIndexes(r *resolve.Request, rewrites Rewrites) {
	if index := cmp.Or(r.Index, lock.DefaultIndex); rewrites.Apply(index) != index {
		r.Index = rewrites.Apply(index)
	}
	rewrites.applyTo(r.ExtraIndexes)
	rewrites.applyTo(r.FindLinks)
}

// notLocked says what the build depends on that the spec does not say.
func notLocked(r *resolve.Request) string {
	if r.ExcludeNewer != "" {
		return "versions are not locked: they are what the index has of before " + r.ExcludeNewer
	}
	return "versions are not locked: they are the newest that fit on the day of the first build"
}

// add adds the packages of a part.
func (p *Plan) add(in Input, part part) ([]diag.Warning, error) {
	packages, err := packages(in, part.lock, part.selection)
	if err != nil {
		return nil, err
	}
	warnings := p.addBuilds(in, part.lock, packages)
	p.Packages = append(p.Packages, packages...)
	if part.resolved != nil {
		p.Resolved = part.resolved
		return warnings, nil
	}
	p.Lock, p.Format = part.lock.Source.Name, part.lock.Format
	return warnings, nil
}
