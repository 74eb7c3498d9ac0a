// Package diag holds positions in the user's files and the errors and
// warnings that point at them. It knows nothing about what the files mean:
// the packages that read them build the messages, the command line and the
// frontend print them.
package diag

import (
	"errors"
	"fmt"
	"strings"
)

// Source is a file that the user wrote: its name as messages show it, and its
// bytes, from which excerpts are cut.
type Source struct {
	Name string
	Data []byte
}

// Range is a place in a Source. Lines and columns (in characters) count from
// 1; a Column of 0 means the whole line, an EndLine of 0 means Line.
type Range struct {
	Source  *Source
	Line    int
	Column  int
	EndLine int
}

// String gives "file:line", or the file alone where the line is unknown.
func (r Range) String() string {
	switch {
	case r.Source == nil:
		return ""
	case r.Line == 0:
		return r.Source.Name
	}
	return fmt.Sprintf("%s:%d", r.Source.Name, r.Line)
}

// End is the last line of the range.
func (r Range) End() int { return max(r.Line, r.EndLine) }

// Error is a mistake in the user's input.
type Error struct {
	Msg  string  // what is wrong, in one sentence that names key and value
	Hint string  // what to do about it; may be empty
	At   []Range // where, the most telling place first; may be empty
	Err  error   // the cause or the type of the mistake, for errors.Is and errors.As; may be nil
}

// Errorf makes an Error at a place. A %w verb sets Err as in fmt.Errorf.
func Errorf(at Range, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Msg: err.Error(), At: []Range{at}, Err: errors.Unwrap(err)}
}

// WithHint adds what to do about the mistake and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error gives "file:line: message", the hint on a line of its own.
func (e *Error) Error() string {
	var b strings.Builder
	if len(e.At) > 0 && e.At[0].Source != nil {
		b.WriteString(e.At[0].String() + ": ")
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString("\n" + e.Hint)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Warning is something the user should know and that stops nothing.
type Warning struct {
	Rule string // stable name in CamelCase, such as RegistryScheme
	Msg  string
	Hint string
	At   Range
}

// String gives the short form of BuildKit's linter: rule, message and place.
func (w Warning) String() string {
	if w.At.Line == 0 {
		return w.Rule + ": " + w.Msg
	}
	return fmt.Sprintf("%s: %s (%s)", w.Rule, w.Msg, w.At)
}
