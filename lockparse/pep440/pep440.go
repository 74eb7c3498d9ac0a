// Package pep440 is Python's version numbers and version specifiers: parsing,
// normal form, order and containment (PEP 440, the "Version specifiers"
// specification). Which version a lock pins, or what a marker does with one,
// is decided elsewhere.
//
// The reference is pypa/packaging 26. Numbers have no upper limit: they are
// kept as decimal digits and never converted, except by Release.
package pep440

import "fmt"

// SyntaxError says what is wrong with a text and where.
type SyntaxError struct {
	What   string // what the text should be: "version" or "version specifier"
	Input  string // the whole text as it was given
	Offset int    // where reading stopped, in bytes from the start of Input
	Msg    string // what is wrong there, such as "expected a number"
}

// Error gives the sentence `version "1..0": expected a number before ".0"`.
func (e *SyntaxError) Error() string {
	rest := e.Input[e.Offset:]
	if rest == "" {
		return fmt.Sprintf("%s %q: %s at the end", e.What, e.Input, e.Msg)
	}
	return fmt.Sprintf("%s %q: %s before %q", e.What, e.Input, e.Msg, rest)
}
