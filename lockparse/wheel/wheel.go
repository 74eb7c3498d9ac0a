// Package wheel knows wheels from the outside: their file names and the
// compatibility tags that say where they run (PEP 427, PEP 425, PEP 600, PEP
// 656). What is inside a wheel is the business of the installer.
package wheel

import (
	"errors"
)

// Filename is a parsed wheel file name.
type Filename struct {
	Name    string // normalised project name
	Version string // as written
	Build   Build
	Tags    []string // expanded "cp312-cp312-manylinux_2_17_x86_64", in file order
}

// Build is the build number of a wheel, which breaks ties between equal tags.
// The zero value, no build number, is less than any other.
type Build struct {
	Number uint64
	Suffix string
	Set    bool
}

// ParseFilename reads "name-version(-build)?-python-abi-platform.whl".
func ParseFilename(s string) (Filename, error) { return Filename{}, errors.New("stub") }

// Libc is the C library of an image and its version: {"glibc", 2, 36}.
type Libc struct {
	Family       string // "glibc" or "musl"
	Major, Minor int
}

// Platforms gives the platform tags of a Linux machine ("x86_64", "aarch64",
// …), best first.
func Platforms(machine string, libc Libc) ([]string, error) { return nil, nil }

// Python is a CPython interpreter for tags.
type Python struct {
	Major, Minor int
	FreeThreaded bool
}

// Tags is the ordered list of compatibility tags of a target.
type Tags struct{}

// NewTags gives the tags that the interpreter accepts on the platforms, best
// first.
func NewTags(py Python, platforms []string) *Tags { return &Tags{} }

// List gives the tags, best first.
func (t *Tags) List() []string { return nil }

// Priority gives the place of the best tag of f, 0 the best of all, and
// whether the wheel runs on the target at all.
func (t *Tags) Priority(f Filename) (int, bool) { return 0, false }
