// Command imagespec-install makes a virtual environment and installs wheels
// into it, without Python and without network. It is what BuildKit runs in the
// install steps, as the only process of an otherwise empty container:
//
//	imagespec-install venv --root /out --prefix /opt/venv --python 3.12 --version 3.12.4 --home /usr/local/bin [--executable PATH] [--system-site]
//	imagespec-install python --root /out --prefix /opt/python --python 3.12 ARCHIVE
//	imagespec-install wheels --root /out --prefix /opt/venv --python 3.12 [--sha256 FILE=HEX]... [--direct-url FILE=URL]...
//		[--built DIR]... [--origin DIR=JSON]... WHEEL...
//
//	imagespec-install remove --root /base --prefix /opt/venv --python 3.12 PACKAGE...
//
// DIR holds one wheel, of a name that only its build has known; JSON is the text
// of its direct_url.json. Everything is written below ROOT, at PREFIX; what names
// a path at run time names PREFIX. FILE is the file name of one of the wheels. Packages venv,
// unpack, wheelinstall and tree say what is written, package uninstall what is removed.
//
// It prints one line when it is done. Warnings and errors go to stderr, one a
// line, and it ends with status 1 after an error, 2 for a wrong command line.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/standalone/unpack"
	"github.com/imagespec/imagespec/internal/uninstall"
	"github.com/imagespec/imagespec/internal/venv"
	"github.com/imagespec/imagespec/internal/wheelinstall"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

const usage = `usage: imagespec-install venv --root DIR --prefix PATH --python X.Y --version X.Y.Z --home PATH [--executable PATH] [--system-site]
       imagespec-install python --root DIR --prefix PATH --python X.Y ARCHIVE
       imagespec-install wheels --root DIR --prefix PATH --python X.Y [--sha256 FILE=HEX]... [--direct-url FILE=URL]...
           [--built DIR]... [--origin DIR=JSON]... WHEEL...
       imagespec-install remove --root DIR --prefix PATH --python X.Y PACKAGE...
`

// errUsage is behind errors of the command line.
var errUsage = errors.New("usage")

// run is the command, with its exit status as result.
func run(args []string, stdout, stderr io.Writer) int {
	var err error
	switch {
	case len(args) > 0 && args[0] == "venv":
		err = runVenv(args[1:], stdout)
	case len(args) > 0 && args[0] == "python":
		err = runPython(args[1:], stdout)
	case len(args) > 0 && args[0] == "wheels":
		err = runWheels(args[1:], stdout, stderr)
	case len(args) > 0 && args[0] == "remove":
		err = runRemove(args[1:], stdout)
	default:
		err = errUsage
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		if err != errUsage { //nolint:errorlint // a bare one has nothing to say
			fmt.Fprintln(stderr, err)
		}
		fmt.Fprint(stderr, usage)
		return 2
	}
	fmt.Fprintln(stderr, err)
	return 1
}

// layoutFlags are the flags of all commands.
type layoutFlags struct{ root, prefix, python string }

func (f *layoutFlags) register(set *flag.FlagSet) {
	set.SetOutput(io.Discard)
	set.StringVar(&f.root, "root", "", "")
	set.StringVar(&f.prefix, "prefix", "", "")
	set.StringVar(&f.python, "python", "", "")
}

func (f *layoutFlags) layout() (venv.Layout, error) {
	if f.root == "" {
		return venv.Layout{}, fmt.Errorf("--root is missing%w", usageError{})
	}
	python, err := venv.ParsePython(f.python)
	if err != nil {
		return venv.Layout{}, fmt.Errorf("--python: %w%w", err, usageError{})
	}
	return venv.Layout{Prefix: f.prefix, Python: python}, nil
}

// usageError marks an error as one of the command line and adds no text.
type usageError struct{}

func (usageError) Error() string        { return "" }
func (usageError) Is(target error) bool { return target == errUsage }

func runVenv(args []string, stdout io.Writer) error {
	var common layoutFlags
	var opt venv.Options
	set := flag.NewFlagSet("venv", flag.ContinueOnError)
	common.register(set)
	set.StringVar(&opt.Version, "version", "", "")
	set.StringVar(&opt.Home, "home", "", "")
	set.StringVar(&opt.Executable, "executable", "", "")
	set.BoolVar(&opt.SystemSite, "system-site", false, "")
	if err := set.Parse(args); err != nil {
		return fmt.Errorf("%w%w", err, usageError{})
	}
	if set.NArg() > 0 {
		return fmt.Errorf("venv takes no arguments, got %q%w", set.Arg(0), usageError{})
	}
	layout, err := common.layout()
	if err != nil {
		return err
	}
	opt.Layout, opt.Root = layout, common.root
	if err := venv.Create(opt); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "created %s for Python %s\n", opt.Prefix, opt.Version)
	return nil
}

func runRemove(args []string, stdout io.Writer) error {
	var common layoutFlags
	set := flag.NewFlagSet("remove", flag.ContinueOnError)
	common.register(set)
	if err := set.Parse(args); err != nil {
		return fmt.Errorf("%w%w", err, usageError{})
	}
	if set.NArg() == 0 {
		return fmt.Errorf("no packages are named%w", usageError{})
	}
	layout, err := common.layout()
	if err != nil {
		return err
	}
	if err := uninstall.Uninstall(uninstall.Options{Layout: layout, Root: common.root, Packages: set.Args()}); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "removed %s\n", strings.Join(set.Args(), ", "))
	return nil
}

func runPython(args []string, stdout io.Writer) error {
	var common layoutFlags
	set := flag.NewFlagSet("python", flag.ContinueOnError)
	common.register(set)
	if err := set.Parse(args); err != nil {
		return fmt.Errorf("%w%w", err, usageError{})
	}
	if set.NArg() != 1 {
		return fmt.Errorf("python takes one archive, got %d%w", set.NArg(), usageError{})
	}
	layout, err := common.layout()
	if err != nil {
		return err
	}
	opt := unpack.Options{Archive: set.Arg(0), Root: common.root, Prefix: layout.Prefix, Python: layout.Python.String()}
	if err := unpack.Unpack(opt); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "unpacked Python %s to %s\n", opt.Python, opt.Prefix)
	return nil
}

// perFile is a flag FILE=VALUE that may be repeated, once for each file.
type perFile map[string]string

// String is asked for by package flag, to show defaults; there are none.
func (p perFile) String() string { return "" }

// Set takes one FILE=VALUE. Only the base name of FILE counts.
func (p perFile) Set(s string) error {
	file, value, found := strings.Cut(s, "=")
	if !found || file == "" || value == "" {
		return errors.New("is not of the form FILE=VALUE")
	}
	file = filepath.Base(file)
	if _, repeated := p[file]; repeated {
		return fmt.Errorf("%s is there twice", file)
	}
	p[file] = value
	return nil
}

func runWheels(args []string, stdout, stderr io.Writer) error {
	var common layoutFlags
	digests, urls, origins := perFile{}, perFile{}, perFile{}
	var built []wheelinstall.Wheel
	set := flag.NewFlagSet("wheels", flag.ContinueOnError)
	common.register(set)
	set.Var(digests, "sha256", "")
	set.Var(urls, "direct-url", "")
	set.Var(origins, "origin", "")
	set.Func("built", "", func(dir string) error {
		wheel, err := builtWheel(dir)
		built = append(built, wheel)
		return err
	})
	if err := set.Parse(args); err != nil {
		return fmt.Errorf("%w%w", err, usageError{})
	}
	layout, err := common.layout()
	if err != nil {
		return err
	}
	wheels, err := wheelArgs(set.Args(), digests, urls)
	if err != nil {
		return err
	}
	for _, wheel := range built {
		name := filepath.Base(filepath.Dir(wheel.Path))
		wheel.Origin = origins[name]
		delete(origins, name)
		wheels = append(wheels, wheel)
	}
	for name := range origins {
		return fmt.Errorf("%s is not among the built, but --origin names it%w", name, usageError{})
	}
	if len(wheels) == 0 {
		return fmt.Errorf("no wheels are named%w", usageError{})
	}
	s, err := wheelinstall.Install(wheelinstall.Options{
		Layout: layout,
		Root:   common.root,
		Wheels: wheels,
		Warn:   func(line string) { fmt.Fprintln(stderr, "warning: "+line) },
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "installed %d wheels, %d files, %.1f MB\n", s.Wheels, s.Files, float64(s.Bytes)/1e6)
	return nil
}

// builtWheel finds the one wheel in a directory.
func builtWheel(dir string) (wheelinstall.Wheel, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil {
		return wheelinstall.Wheel{}, err
	}
	if len(found) != 1 {
		return wheelinstall.Wheel{}, fmt.Errorf("%s holds %d wheels, want one", dir, len(found))
	}
	return wheelinstall.Wheel{Path: found[0]}, nil
}

// wheelArgs gives each wheel its digest and URL.
func wheelArgs(paths []string, digests, urls perFile) ([]wheelinstall.Wheel, error) {
	var wheels []wheelinstall.Wheel
	known := map[string]bool{}
	for _, p := range paths {
		base := filepath.Base(p)
		known[base] = true
		wheels = append(wheels, wheelinstall.Wheel{Path: p, SHA256: digests[base], DirectURL: urls[base]})
	}
	for _, files := range []perFile{digests, urls} {
		for _, file := range slices.Sorted(maps.Keys(files)) {
			if !known[file] {
				return nil, fmt.Errorf("%s is not among the wheels, but --sha256 or --direct-url names it%w", file, usageError{})
			}
		}
	}
	return wheels, nil
}
