// Package pep440 is Python's version numbers and version specifiers: parsing,
// normal form, order and containment (PEP 440, the "Version specifiers"
// specification). Which version a lock pins, or what a marker does with one,
// is decided elsewhere.
package pep440

import "errors"

// Version is a parsed version. The zero value is no version.
type Version struct{}

// Parse reads a version in any spelling that PEP 440 accepts.
func Parse(s string) (Version, error) { return Version{}, errors.New("stub") }

// String gives the normal form: "1.0rc1" for "v1.0-RC.1".
func (v Version) String() string { return "" }

// Compare orders versions as PEP 440 does: negative where v is older than w.
func (v Version) Compare(w Version) int { return 0 }

// Release gives the numbers of the release segment, "1.2.3rc1" → 1, 2, 3.
func (v Version) Release() []uint64 { return nil }

// Specifiers is a comma separated set of clauses such as ">=3.10,<3.14". The
// zero value admits every version.
type Specifiers struct{}

// ParseSpecifiers reads a set of clauses; the empty string is the empty set.
func ParseSpecifiers(s string) (Specifiers, error) { return Specifiers{}, errors.New("stub") }

// String gives the clauses as they were written, normalised.
func (s Specifiers) String() string { return "" }

// Contains says whether v satisfies every clause, pre-releases included.
func (s Specifiers) Contains(v Version) bool { return false }
