package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
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
		Index:        in.Spec.PipIndex.Value,
		ExtraIndexes: in.Spec.PipExtraIndexURL.Values(),
	}
	return r, nil
}

// addPackages adds the packages of the spec behind what is there, as flytekit
// appends them to a requirements file, and flytekit itself.
func (in Input) addPackages(r *resolve.Request) error {
	for _, item := range in.Spec.Packages.Items {
		if err := checkRequirement(item); err != nil {
			return err
		}
		r.Add(resolve.Line{Text: item.Value, At: item.At})
	}
	return nil
}

// checkRequirement wants a requirement of an index or one with the URL of a
// file.
func checkRequirement(item imagespec.Text) error {
	q, err := pep508.ParseRequirement(item.Value)
	if err != nil {
		return diag.Errorf(item.At, "packages: %w", err).
			WithHint("write a requirement such as pandas>=2; options go to pip_extra_args, files to requirements")
	}
	if q.URL != "" && !strings.HasPrefix(q.URL, "https://") && !strings.HasPrefix(q.URL, "http://") {
		return diag.Errorf(item.At, "packages: %s is neither in an index nor a file with an http or https URL", item.Value).
			WithHint("lock it: a uv.lock may have repositories and folders")
	}
	return nil
}

// addFile adds a requirements file that is not locked.
func addFile(r *resolve.Request, l *lock.Lock, input *requirements.Unlocked) error {
	for _, want := range input.Requirements {
		if want.Path != "" || want.Git {
			return lock.NotLocked.Errorf(want.At, "%q is no file that an index or a URL has", want.Text).
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
	r.NoIndex = len(urls) == 0
	if r.Index == "" && len(urls) > 0 {
		r.Index, urls = urls[0], urls[1:]
	}
	for _, url := range urls {
		if url != "" && !slices.Contains(r.ExtraIndexes, url) {
			r.ExtraIndexes = append(r.ExtraIndexes, url)
		}
	}
	for _, links := range l.Indexes.Links {
		if links.Path != "" {
			return diag.Errorf(diag.Range{Source: l.Source}, "--find-links %s: a folder is not looked into when requirements are resolved", links.Path).
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
	data, err := in.Resolve(r)
	var failure *resolve.Failure
	if errors.As(err, &failure) {
		return part{}, r.Explain(failure)
	}
	if err != nil {
		return part{}, diag.Errorf(r.Place(""), "the requirements cannot be resolved: %w", err)
	}
	l, err := pylock.Parse(&diag.Source{Name: resolve.Format, Data: data})
	if err != nil {
		return part{}, fmt.Errorf("the answer of uv: %w", err)
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
	selection, err := lock.Select(l, target, lock.Request{}, nil)
	return part{lock: l, selection: selection, resolved: r}, err
}

// add adds the packages of a part.
func (p *Plan) add(part part) error {
	packages, err := packages(part.lock, part.selection)
	if err != nil {
		return err
	}
	p.Packages = append(p.Packages, packages...)
	if part.resolved != nil {
		p.Resolved = part.resolved
		return nil
	}
	p.Lock, p.Format = part.lock.Source.Name, part.lock.Format
	return nil
}

// notLocked says what the build depends on that the spec does not say.
func notLocked(r *resolve.Request) string {
	if r.ExcludeNewer != "" {
		return "versions are not locked: they are what indexes have of before " + r.ExcludeNewer
	}
	return "versions are not locked: they are the newest that fit on the day of the first build"
}

// part is a lock and what is installed from it.
type part struct {
	lock      *lock.Lock
	selection *lock.Selection
	resolved  *resolve.Request // what the lock is the answer to, nil for one of the context
}

// parts gives all that is installed: from the lock, and what is resolved
// because it is not locked. After an error it gives what has been read.
func (in Input) parts() ([]part, error) {
	if !in.Spec.Requirements.IsSet() {
		return in.unlocked(nil)
	}
	locked, err := in.locked()
	if errors.Is(err, lock.NotLocked) && locked.lock != nil && requirements.Input(locked.lock) != nil {
		return in.unlocked(locked.lock)
	}
	return []part{locked}, err
}

// unlocked resolves a requirements file, if there is one, together with the
// packages of the spec.
func (in Input) unlocked(file *lock.Lock) ([]part, error) {
	r, err := in.request()
	if err != nil {
		return nil, err
	}
	if file != nil {
		if err := addFile(r, file, requirements.Input(file)); err != nil {
			return nil, err
		}
	}
	if err := in.addPackages(r); err != nil || r.Empty() {
		return nil, err
	}
	answer, err := in.resolved(r)
	return []part{answer}, err
}
