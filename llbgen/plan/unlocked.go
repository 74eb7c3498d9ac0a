package plan

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
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
		return in.unlocked(func(*resolve.Request) error { return nil })
	case path.Ext(name) == ".py":
		return in.unlocked(func(r *resolve.Request) error { return in.addScript(r, name) })
	}
	locked, err := in.locked()
	switch {
	case !errors.Is(err, lock.NotLocked):
	case locked.lock == nil && path.Base(name) == "pyproject.toml":
		return in.unlocked(func(r *resolve.Request) error { return in.addProject(r, name) })
	case locked.lock != nil && requirements.Input(locked.lock) != nil:
		return in.unlocked(func(r *resolve.Request) error { return addFile(r, locked.lock) })
	}
	if err != nil {
		return []part{locked}, err
	}
	return in.onLock(locked)
}

// unlocked resolves what the function adds to the request together with the
// packages of the spec.
func (in Input) unlocked(add func(*resolve.Request) error) ([]part, error) {
	r, err := in.request()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(add(r), in.addPackages(r)); err != nil {
		return nil, err
	}
	if in.addFlytekit(r, !r.Empty()); r.Empty() {
		return nil, nil
	}
	answer, err := in.resolved(r)
	return []part{answer}, err
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
		Index:        cmp.Or(in.Spec.PipIndex.Value, in.arguments.index),
		ExtraIndexes: slices.Concat(in.Spec.PipExtraIndexURL.Values(), in.arguments.extraIndexes),
		FindLinks:    slices.Clone(in.arguments.findLinks),
		NoIndex:      in.arguments.noIndex,
		ExcludeNewer: cmp.Or(in.Spec.BuilderOptions.ExcludeNewer.Value, in.arguments.excludeNewer),
		Options:      slices.Clone(in.arguments.options),
	}
	for _, secret := range Secrets(in.Spec) {
		r.Secrets = append(r.Secrets, secret.ID)
	}
	return r, in.addConstraints(r)
}

// addConstraints adds the files of --constraint.
func (in Input) addConstraints(r *resolve.Request) error {
	at := in.Spec.PipExtraArgs
	for _, name := range in.arguments.constraints {
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
func (in Input) addPackages(r *resolve.Request) error {
	var errs []error
	for _, item := range in.Spec.Packages.Items {
		q, err := pep508.ParseRequirement(string(diag.Redact([]byte(item.Value))))
		switch {
		case err != nil:
			errs = append(errs, diag.Errorf(item.At, "packages: %w", err).
				WithHint("write a requirement such as pandas>=2; options go to pip_extra_args, files to requirements"))
		case q.URL != "" && !strings.HasPrefix(q.URL, "https://") && !strings.HasPrefix(q.URL, "http://"):
			errs = append(errs, diag.Errorf(item.At, "packages: %s is neither in an index nor a file with an http or https URL", diag.Redact([]byte(item.Value))).
				WithHint("lock it: a uv.lock may have repositories and folders"))
		default:
			text, _ := lock.StripCredentials(item.Value) // the spec has warned
			r.Add(resolve.Line{Text: text, At: item.At})
		}
	}
	return errors.Join(errs...)
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
func addFile(r *resolve.Request, l *lock.Lock) error {
	input := requirements.Input(l)
	for _, want := range input.Requirements {
		if want.Path != "" || want.Git {
			return lock.NotLocked.Errorf(want.At, "%q is neither in an index nor a file with a URL", want.Text).
				WithHint("lock the project with \"uv lock\" to install repositories and folders")
		}
		r.Add(resolve.Line{Text: want.Text, At: want.At})
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
	return addIndexes(r, l)
}

// addIndexes adds the indexes of a requirements file: where the spec names
// none, the file's index takes the place of PyPI.
func addIndexes(r *resolve.Request, l *lock.Lock) error {
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
			return diag.Errorf(diag.Range{Source: l.Source, Line: 1}, "--find-links %s: a folder is not looked into when requirements are resolved", links.Path).
				WithHint("lock the file with hashes, or serve the folder")
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
	data, err := in.Resolve(r)
	var failure *resolve.Failure
	switch {
	case errors.As(err, &failure):
		return part{}, r.Explain(failure)
	case err != nil:
		return part{}, diag.Errorf(r.Place(""), "the requirements cannot be resolved: %w", err)
	}
	l, err := pylock.Parse(&diag.Source{Name: resolve.Format, Data: data})
	if err != nil {
		return part{}, diag.Errorf(r.Place(""), "the answer of uv cannot be read: %v", err)
	}
	for _, p := range l.Packages {
		p.At = r.Place(p.Name)
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
	selection, err := lock.Select(l, target, lock.Request{NoBinary: in.arguments.request.NoBinary, NoBuild: in.arguments.request.NoBuild}, nil)
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
