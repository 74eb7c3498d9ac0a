// Package pep508 is Python's dependency specifiers: requirements, environment
// markers in both dialects that lock files use, and names of projects, extras
// and groups (PEP 508, PEP 503, the "Dependency specifiers" specification).
package pep508

import (
	"errors"

	"github.com/imagespec/imagespec/lockparse/pep440"
)

// Dialect is whose rules a marker follows where the tools disagree.
type Dialect int

const (
	// Packaging is the specification as pip and pypa/packaging implement it.
	Packaging Dialect = iota
	// UV is the dialect of uv.lock.
	UV
)

// Env is what markers are evaluated against: the variables of PEP 508 and the
// extras and dependency groups that are asked for.
type Env struct {
	PythonVersion                string // "3.12"
	PythonFullVersion            string // "3.12.4"
	ImplementationName           string // "cpython"
	ImplementationVersion        string // "3.12.4"
	OSName                       string // "posix"
	SysPlatform                  string // "linux"
	PlatformSystem               string // "Linux"
	PlatformMachine              string // "x86_64"
	PlatformPythonImplementation string // "CPython"
	PlatformRelease              string // empty: no kernel is asked
	PlatformVersion              string // empty: no kernel is asked
	Extras                       map[string]bool
	Groups                       map[string]bool
}

// Marker is a parsed environment marker. The zero value is always true.
type Marker struct{}

// ParseMarker reads a marker; the empty string is always true.
func ParseMarker(s string, d Dialect) (Marker, error) { return Marker{}, errors.New("stub") }

// Eval says whether the marker holds in env. The error is for what the dialect
// leaves undefined; uv's dialect has none.
func (m Marker) Eval(env *Env) (bool, error) { return false, nil }

// String gives the marker in normal form, empty for the zero value.
func (m Marker) String() string { return "" }

// Requirement is one dependency: name[extras] with specifiers or a URL, and a
// marker.
type Requirement struct {
	Name       string // as written; compare NormalizeName(Name)
	Extras     []string
	Specifiers pep440.Specifiers
	URL        string // of a direct reference "name @ URL"
	Marker     Marker
}

// ParseRequirement reads a requirement, its marker by the packaging dialect.
func ParseRequirement(s string) (Requirement, error) { return Requirement{}, errors.New("stub") }
