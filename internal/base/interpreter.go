package base

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/standalone"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// Interpreter gives the Python for a base that has none: the archive, and where
// the interpreter lies when it is unpacked.
func Interpreter(named plan.Base, facts Facts, want Version, architecture string) (plan.Python, *plan.Interpreter, error) {
	at := want.At
	if at.Line == 0 {
		at = named.At
	}
	if want.freeThreaded() {
		return plan.Python{}, nil, diag.Errorf(at, "base image %s has no free-threaded Python, such as python%s, in its PATH", named.Ref, want.Text).
			WithHint("take a base image with one, or leave the t of the version out")
	}
	archive, err := standalone.Find(want.Text, architecture, facts.Libc.Family)
	if err != nil {
		e := diag.Errorf(at, "base image %s has no Python in its PATH, and %w", named.Ref, err)
		var unknown *standalone.UnknownError
		if errors.As(err, &unknown) && unknown.Nearest() != "" {
			return plan.Python{}, nil, e.WithHint("take Python %s, or a base image with Python", unknown.Nearest())
		}
		return plan.Python{}, nil, e.WithHint("take a base image with Python, such as python:%s-slim-bookworm", DefaultPython)
	}
	python := plan.Python{Version: archive.Version, Home: plan.PythonPrefix + "/bin", From: want.From}
	return python, &plan.Interpreter{
		Version: archive.Version, URL: archive.URL, SHA256: archive.SHA256, Prefix: plan.PythonPrefix, At: at,
	}, nil
}

// stdlib is the directory of an interpreter's library.
var stdlib = regexp.MustCompile(`^python3\.(\d+)(t?)$`)

// Executable looks at the interpreter that python_exec names, in the files of
// the base. Its version is that of its name or of the libraries beside it, as
// its data confirms.
func Executable(root fs.FS, named plan.Base, exec imagespec.Text) (plan.Python, error) {
	dir := path.Dir(exec.Value)
	if info, err := fs.Stat(root, rel(exec.Value)); err != nil || info.IsDir() {
		return plan.Python{}, noExecutable(root, named, exec)
	}
	if data, err := fs.ReadFile(root, rel(path.Join(dir, "..", "pyvenv.cfg"))); err == nil {
		e := diag.Errorf(exec.At, "python_exec %s is in a virtual environment of the base image %s, on which no other one can stand", exec.Value, named.Ref)
		if m := regexp.MustCompile(`(?m)^home *= *(\S+)`).FindSubmatch(data); m != nil {
			return plan.Python{}, e.WithHint("name the interpreter that it was made of, in %s", m[1])
		}
		return plan.Python{}, e.WithHint("name the interpreter that it was made of")
	}
	python := plan.Python{Home: dir, Executable: exec.Value, SystemSite: true}
	for _, minor := range minors(root, exec.Value) {
		python.FreeThreaded = strings.HasSuffix(minor, "t")
		if python.Version = versionIn(root, exec.Value, minor); python.Version != "" {
			return python, nil
		}
	}
	return plan.Python{}, diag.Errorf(exec.At, "python_exec %s of the base image %s is no interpreter of CPython 3 that has its library in %s",
		exec.Value, named.Ref, path.Join(dir, "..", "lib")).
		WithHint("name the interpreter itself, and not a script that starts it")
}

// minors gives what "3.12" or "3.13t" an interpreter can be: what its name says,
// else what libraries there are, newest first.
func minors(root fs.FS, exec string) []string {
	if m := stdlib.FindString(path.Base(exec)); m != "" {
		return []string{strings.TrimPrefix(m, "python")}
	}
	entries, err := fs.ReadDir(root, rel(path.Join(path.Dir(exec), "..", "lib")))
	if err != nil {
		return nil
	}
	var found []string
	for _, entry := range entries {
		if m := stdlib.FindString(entry.Name()); m != "" {
			found = append(found, strings.TrimPrefix(m, "python"))
		}
	}
	number := func(minor string) int {
		n, _ := strconv.Atoi(strings.Trim(minor, "3.t"))
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return number(b) - number(a) })
	return found
}

// noExecutable says what is where python_exec has nothing.
func noExecutable(root fs.FS, named plan.Base, exec imagespec.Text) error {
	e := diag.Errorf(exec.At, "python_exec %s is not in the base image %s", exec.Value, named.Ref)
	var found []string
	for _, dir := range append([]string{path.Dir(exec.Value)}, Path(named.Env)...) {
		entries, err := fs.ReadDir(root, rel(dir))
		if err != nil {
			continue
		}
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			if (pythonName.MatchString(entry.Name()) || entry.Name() == "python3" || entry.Name() == "python") && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	if len(found) == 0 {
		return e.WithHint("it has no Python in its PATH either; leave python_exec out, and the image gets one")
	}
	return e.WithHint("there is %s", oneOf(found))
}

// Settle decides which Python the image of a spec runs on: the one of the base,
// else an archive.
func Settle(spec *imagespec.Spec, named plan.Base, facts Facts, want func() (Version, error), architecture string) (plan.Python, *plan.Interpreter, error) {
	if facts.Python.Version != "" && (spec.BaseImage.IsSet() || spec.Cuda.IsSet()) {
		return facts.Python, nil, nil
	}
	version, err := want()
	if err != nil {
		return plan.Python{}, nil, err
	}
	if facts.Python.Version != "" { // of the base that was chosen by it
		facts.Python.From = version.From
		return facts.Python, nil, nil
	}
	return Interpreter(named, facts, version, architecture)
}
