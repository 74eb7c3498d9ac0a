// Package pep508 is Python's dependency specifiers: requirements, environment
// markers in the dialects that lock files use, and names of projects, extras
// and groups (PEP 508, PEP 503, the "Dependency specifiers" specification).
//
// The reference for requirements and for the Packaging dialect is
// pypa/packaging 26, for the UV dialect uv 0.13, for the Poetry dialect
// poetry-core 2. They are followed with these exceptions: a backslash in a
// quoted string is a plain character, two variables cannot be compared, a name
// cannot end in "_", and parentheses cannot be nested without limit.
package pep508

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Dialect is whose rules a marker follows where the tools disagree.
type Dialect int

const (
	// Packaging is the specification as pip and pypa/packaging implement it.
	// "extra" is one name at a time: a marker holds if it does so for any of
	// the extras that are asked for, or without one if none is.
	Packaging Dialect = iota
	// UV is the dialect of uv.lock. Versions are compared by their release
	// numbers alone, "extra" is a set, and a comparison that makes no sense is
	// left out of the marker.
	UV
	// Poetry is the dialect of poetry.lock: Packaging, but "extra" is a set,
	// and "in" with a variable on its left looks it up in a list.
	Poetry
)

// SyntaxError says what is wrong with a marker or a requirement and where.
type SyntaxError struct {
	What  string // what the text should be: "marker" or "requirement"
	Input string // the whole text as it was given
	Start int    // offset in Input of the part that is not understood, in bytes
	End   int    // offset where reading stopped; not before Start
	Msg   string // what was expected or is wrong
	Hint  string // the nearest valid name; may be empty
	Err   error  // the cause, a *pep440.SyntaxError; may be nil
}

// Error gives the message and below it the text with the place underlined:
//
//	marker: expected an operator (==, !=, <, <=, >, >=, ~=, ===, in, not in)
//	    python_version and os_name
//	                   ^
func (e *SyntaxError) Error() string {
	msg := fmt.Sprintf("%s: %s\n%s", e.What, e.Msg, e.pointer())
	if e.Hint != "" {
		msg += "\n" + e.Hint
	}
	return msg
}

// Unwrap gives the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

// pointerWidth is how much of a long text the pointer shows before and after
// the place, in bytes.
const pointerWidth = 60

// pointer gives the text and a second line that underlines the place. Control
// characters are shown as spaces, and of a long text only a piece.
func (e *SyntaxError) pointer() string {
	from, to := max(0, e.Start-pointerWidth), min(len(e.Input), e.End+pointerWidth)
	before := printable(e.Input[from:e.Start])
	marked := printable(e.Input[e.Start:e.End])
	after := printable(e.Input[e.End:to])
	if from > 0 {
		before = "…" + before
	}
	if to < len(e.Input) {
		after += "…"
	}
	return fmt.Sprintf("    %s%s%s\n    %s%s^", before, marked, after,
		strings.Repeat(" ", utf8.RuneCountInString(before)), strings.Repeat("~", utf8.RuneCountInString(marked)))
}

// printable replaces what would break a line or is no text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r == 0x7f || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return ' '
		}
		return r
	}, s)
}

// UndefinedError says that a comparison has no meaning in the Packaging
// dialect.
type UndefinedError struct {
	Comparison string // in normal form
	Msg        string // why it is undefined
}

// Error gives "marker: …" with the comparison.
func (e *UndefinedError) Error() string { return fmt.Sprintf("marker: %s: %s", e.Comparison, e.Msg) }
