package venv

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Python is the version of an interpreter as far as it names files: "3.12",
// or "3.13t" for a build without the global interpreter lock.
type Python struct {
	Major, Minor int
	FreeThreaded bool
}

// ParsePython reads the form that Python.String writes. Versions below 3.3,
// which cannot have environments of this kind, are errors.
func ParsePython(s string) (Python, error) {
	number, threads := strings.CutSuffix(s, "t")
	major, minor, _ := strings.Cut(number, ".")
	var p Python
	var errMajor, errMinor error
	p.Major, errMajor = strconv.Atoi(major)
	p.Minor, errMinor = strconv.Atoi(minor)
	p.FreeThreaded = threads
	// Writing it again catches signs, leading zeros and blanks.
	if errMajor != nil || errMinor != nil || p.String() != s || p.Major != 3 || p.Minor < 3 {
		return Python{}, fmt.Errorf("Python version %q is not of the form 3.12 or 3.13t", s)
	}
	return p, nil
}

// String gives "3.12" or "3.13t", the suffix that the files of this
// interpreter carry.
func (p Python) String() string {
	s := strconv.Itoa(p.Major) + "." + strconv.Itoa(p.Minor)
	if p.FreeThreaded {
		s += "t"
	}
	return s
}

// Layout is where the parts of an environment lie: the "venv" scheme of
// Python's sysconfig. Paths are slash-separated and relative to Prefix, but for
// Interpreter.
type Layout struct {
	Prefix string // absolute path of the environment at run time
	Python Python
}

// Scripts is the directory of executables.
const Scripts = "bin"

// SitePackages is the directory of modules, pure ones (purelib) and those for
// one platform (platlib) alike. Distributions that keep these apart, as Fedora
// does with lib64, join them in environments by the link lib64.
func (l Layout) SitePackages() string {
	return path.Join("lib", "python"+l.Python.String(), "site-packages")
}

// Headers is the directory for the C headers of a package. It follows pip and
// uv and not sysconfig, which would have the interpreter's own directory; like
// theirs it does not tell free-threaded builds apart.
func (l Layout) Headers(pkg string) string {
	version := Python{Major: l.Python.Major, Minor: l.Python.Minor}
	return path.Join("include", "site", "python"+version.String(), pkg)
}

// Interpreter is the absolute path that scripts name in their first line.
func (l Layout) Interpreter() string {
	return path.Join(l.Prefix, Scripts, "python")
}

// Check tells why the layout cannot be used.
func (l Layout) Check() error {
	switch {
	case !path.IsAbs(l.Prefix) || path.Clean(l.Prefix) != l.Prefix:
		return fmt.Errorf("prefix %q is not a clean absolute path", l.Prefix)
	case l.Prefix == "/":
		return fmt.Errorf("prefix / is the system's own root, an environment needs a directory of its own")
	case strings.ContainsAny(l.Prefix, ":\n\r\x00"):
		return fmt.Errorf("prefix %q contains a character that cannot stand in PATH or in the first line of a script", l.Prefix)
	}
	return nil
}
