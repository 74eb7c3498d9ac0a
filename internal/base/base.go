// Package base finds out what a base image is for Python packages: which
// interpreter it has, where, and which C library; and which base and which
// Python a spec gets that names none. It looks, in this order, at
// the image's configuration, at a table of well-known tags, and at the image's
// files; it never runs the image. How the configuration and the files are
// read, over the gateway or not at all, is the caller's business.
package base

import (
	"fmt"
	"path"
	"strings"

	"github.com/distribution/reference"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// DefaultPython is the version where a spec names neither base nor Python.
const DefaultPython = "3.13"

// Facts is what is known of a base. Zero fields are unknown.
type Facts struct {
	Python   plan.Python
	NoPython bool // there is none
	Libc     wheel.Libc
}

// Complete says whether packages can be selected for the base.
func (f Facts) Complete() bool {
	return (f.Python.Version != "" || f.NoPython) && f.Libc.Family != ""
}

// Or fills what f leaves unknown from g.
func (f Facts) Or(g Facts) Facts {
	if f.Python.Version == "" && !f.NoPython {
		f.Python, f.NoPython = g.Python, g.NoPython
	}
	if f.Libc.Family == "" {
		f.Libc = g.Libc
	}
	return f
}

// Of gives the base that a spec names, that of its CUDA, or the default one for
// the wanted Python: the Debian release that flytekit's own images stand on.
// There is no official image of a free-threaded Python.
func Of(spec *imagespec.Spec, want func() (Version, error)) (plan.Base, error) {
	var err error
	ref, at := spec.BaseImage.Value, spec.BaseImage.At
	switch {
	case spec.BaseImage.IsSet():
	case spec.Cuda.IsSet() || spec.Cudnn.IsSet():
		at = spec.Cuda.At
		if ref, err = cudaBase(spec); err != nil {
			return plan.Base{}, err
		}
	default:
		if ref, at, err = official(want); err != nil {
			return plan.Base{}, err
		}
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return plan.Base{}, diag.Errorf(at, "base image %q is no image reference: %w", ref, err)
	}
	return plan.Base{Ref: reference.TagNameOnly(named).String(), At: at}, nil
}

// official is the official image of a Python.
func official(want func() (Version, error)) (ref string, at diag.Range, err error) {
	version, err := want()
	if err != nil {
		return "", at, err
	}
	if version.freeThreaded() {
		what := "python_version"
		if version.From != "" {
			what = path.Base(version.At.Source.Name)
		}
		return "", at, diag.Errorf(version.At, "%s is %s, but there is no official image of a free-threaded Python", what, version.Text).
			WithHint("name a base_image that has python%s in its PATH", version.Text)
	}
	return "python:" + version.Text + "-slim-bookworm", version.At, nil
}

// FreeThreaded says whether a spec asks for a build of Python without the
// global interpreter lock.
func FreeThreaded(spec *imagespec.Spec) bool {
	return strings.HasSuffix(spec.PythonVersion.Value, "t")
}

// FromConfig reads the environment of an image's configuration. Only the
// official Python images and those built on them set PYTHON_VERSION; their
// interpreter lies in /usr/local/bin.
func FromConfig(env []string) Facts {
	if version := Lookup(env, "PYTHON_VERSION"); version != "" {
		return Facts{Python: plan.Python{Version: version, Home: officialHome}}
	}
	return Facts{}
}

// Path gives the directories of the PATH in an image's environment.
func Path(env []string) []string {
	path := Lookup(env, "PATH")
	if path == "" {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	return strings.Split(path, ":")
}

// Lookup gives the value of a variable in an image's environment, empty if it
// has none.
func Lookup(env []string, name string) string {
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// ParseLibc reads a C library as the command line spells it: "glibc-2.36".
func ParseLibc(s string) (wheel.Libc, error) {
	family, version, _ := strings.Cut(s, "-")
	libc := wheel.Libc{Family: family}
	if _, err := fmt.Sscanf(version, "%d.%d", &libc.Major, &libc.Minor); err != nil || (family != "glibc" && family != "musl") {
		return wheel.Libc{}, fmt.Errorf("libc %q: it has to be written like glibc-2.36 or musl-1.2", s)
	}
	return libc, nil
}
