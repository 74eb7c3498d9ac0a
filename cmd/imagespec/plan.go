package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/base"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/flytekit"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/index"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// planFlags are the flags of "imagespec plan".
type planFlags struct {
	file, platform, python, libc, why, context string
}

func parsePlanFlags(command string, args []string, stderr io.Writer) (planFlags, error) {
	var f planFlags
	set := flag.NewFlagSet("imagespec "+command, flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.file, "f", "", "the spec; imagespec.yaml in CONTEXT if it is left out")
	set.StringVar(&f.platform, "platform", "", "target platform, such as linux/arm64; the spec's first, else that of this machine")
	set.StringVar(&f.python, "python", "", "full version of the base image's Python, such as 3.12.4, or 3.13.1t for the free-threaded build; guessed from the base's tag if it is left out")
	set.StringVar(&f.libc, "libc", "", "C library of the base image, glibc-2.36 or musl-1.2; known for the official Python images")
	if command == "plan" {
		set.StringVar(&f.why, "why", "", "print in place of the plan what brought this package in, one step a line")
	}
	if err := set.Parse(args); err != nil {
		if err == flag.ErrHelp { //nolint:errorlint // Parse returns it bare
			return f, err
		}
		return f, errUsage
	}
	if set.NArg() > 1 {
		fmt.Fprintf(stderr, "imagespec %s: one build context is enough, not %q\n", command, set.Args())
		return f, errUsage
	}
	f.context = "."
	if set.NArg() == 1 {
		f.context = set.Arg(0)
	}
	if f.file == "" {
		f.file = filepath.Join(f.context, "imagespec.yaml")
	}
	return f, nil
}

// runPlan prints the plan of a spec.
func runPlan(args []string, stdout, stderr io.Writer) error {
	f, err := parsePlanFlags("plan", args, stderr)
	if err != nil {
		return err
	}
	spec, warnings, err := f.parse()
	if err != nil {
		return err
	}
	p, more, err := f.plan(spec)
	for _, w := range append(warnings, more...) {
		fmt.Fprintf(stderr, "%s\n", w)
	}
	if err != nil {
		return err
	}
	if f.why != "" {
		return printWhy(stdout, p, f.why)
	}
	return printJSON(stdout, p)
}

// parse reads the spec.
func (f planFlags) parse() (*imagespec.Spec, []diag.Warning, error) {
	src, err := readSource(f.file)
	if err != nil {
		return nil, nil, err
	}
	return imagespec.Parse(src)
}

// plan makes the plan for the platform of the flags.
func (f planFlags) plan(spec *imagespec.Spec) (*plan.Plan, []diag.Warning, error) {
	in, err := f.input(spec)
	if err != nil {
		return nil, nil, err
	}
	in.ImageID = flytekit.ImageID(spec.Source)
	return plan.Make(in)
}

// readSource reads a spec's file.
func readSource(file string) (*diag.Source, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no spec %s; name the file with -f, or the folder that it is in: %w", file, err)
	}
	if err != nil {
		return nil, err
	}
	return &diag.Source{Name: file, Data: data}, nil
}

// printWhy prints the chain of packages that ask for one another.
func printWhy(w io.Writer, p *plan.Plan, name string) error {
	chain := p.Why(pep508.NormalizeName(name))
	if len(chain) == 0 {
		return unknownPackage(p, name)
	}
	for i, pkg := range chain {
		asked := "asked for by "
		if i == 0 {
			asked = ""
		}
		if _, err := fmt.Fprintf(w, "%s%s (%s)\n", asked, pkg, pkg.At); err != nil {
			return err
		}
	}
	return nil
}

// unknownPackage is the error for a name that the image does not have.
func unknownPackage(p *plan.Plan, name string) error {
	var names []string
	for _, pkg := range p.Packages {
		names = append(names, pkg.Name)
	}
	err := diag.Errorf(p.RequirementsAt, "the image has no package %q for %s", name, p.Platform)
	if p.Lock == "" {
		return err.WithHint("the spec has no requirements, so nothing is installed")
	}
	if near, ok := diag.Nearest(pep508.NormalizeName(name), names); ok {
		return err.WithHint("did you mean %q?", near)
	}
	return err.WithHint("without --why the plan lists all %d packages", len(names))
}

// input completes what the spec leaves open, from the flags and from what is
// known of its base.
func (f planFlags) input(spec *imagespec.Spec) (plan.Input, error) {
	in := plan.Input{
		Spec:    spec,
		Context: contextDir(f.context),
		Getenv:  os.Getenv,
		Resolve: resolveHere(contextDir(f.context)),
		Commit:  commitHere,
		Index:   index.Pages{Fetch: newFetcher().page},
	}
	var err error
	if in.Platform, err = f.target(spec); err != nil {
		return in, err
	}
	if spec.Base != nil {
		f.platform = platforms.FormatAll(in.Platform) // also where the inner spec names another
		inner, err := f.input(spec.Base)
		if err != nil {
			return in, err
		}
		p, _, err := plan.Make(inner)
		if err != nil {
			return in, err
		}
		in.Python, in.Libc = inner.Python, inner.Libc
		in.Base = plan.Base{Ref: p.Base.Ref, Env: p.Environ(), Plan: p, At: spec.BaseImage.At}
		return in, nil
	}
	want := sync.OnceValues(func() (base.Version, error) { return base.Wanted(spec, in.Context) })
	if in.Base, err = base.Of(spec, want); err != nil {
		return in, err
	}
	facts, err := f.facts(in.Base.Ref)
	if err != nil {
		return in, err
	}
	if exec := spec.PythonExec; exec.IsSet() {
		if f.python == "" {
			return in, diag.Errorf(exec.At, "which version python_exec %s is, is only known by a look at the image", exec.Value).
				WithHint("say it: --python 3.12.4")
		}
		facts.Python.Home, facts.Python.Executable, facts.Python.SystemSite = path.Dir(exec.Value), exec.Value, true
	}
	if !facts.Complete() {
		return in, diag.Errorf(in.Base.At, "what Python and C library %s has is only known by a look at the image", in.Base.Ref).
			WithHint("say it: --python 3.12.4 --libc glibc-2.36")
	}
	in.Libc = facts.Libc
	in.Python, in.Interpreter, err = base.Settle(spec, in.Base, facts, want, in.Platform.Architecture)
	return in, err
}

// facts is what is known of the base: what the flags say, else what its tag
// tells.
func (f planFlags) facts(ref string) (base.Facts, error) {
	known := base.Known(ref)
	var said base.Facts
	if f.python != "" {
		version, freeThreaded := strings.CutSuffix(f.python, "t")
		said.Python = plan.Python{Version: base.NewestPatch(version), Home: known.Python.Home, FreeThreaded: freeThreaded}
	}
	if f.libc != "" {
		libc, err := base.ParseLibc(f.libc)
		if err != nil {
			return base.Facts{}, err
		}
		said.Libc = libc
	}
	return said.Or(known), nil
}

// target is the platform of the plan.
func (f planFlags) target(spec *imagespec.Spec) (ocispecs.Platform, error) {
	if f.platform == "" {
		if all := spec.Platforms(); len(all) > 0 {
			return all[0], nil
		}
		return platforms.Normalize(ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}), nil
	}
	p, err := platforms.Parse(f.platform)
	if err != nil {
		return p, fmt.Errorf("--platform %q is none, such as linux/arm64: %w", f.platform, err)
	}
	return platforms.Normalize(p), nil
}

// contextDir is a build context on disk.
func contextDir(dir string) fs.FS { return os.DirFS(path.Clean(filepath.ToSlash(dir))) }
