package diag

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// contextLines is how many lines an excerpt shows before and after the place.
const contextLines = 2

// Excerpt shows the lines around a place as BuildKit shows them: numbered,
// with ">>>" before the lines that are meant. It is empty where the line is
// unknown or outside the source.
func Excerpt(r Range) string {
	if r.Source == nil || r.Line == 0 {
		return ""
	}
	lines := bytes.Split(bytes.TrimSuffix(r.Source.Data, []byte("\n")), []byte("\n"))
	if r.Line > len(lines) {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n--------------------\n", r)
	for n := max(1, r.Line-contextLines); n <= min(len(lines), r.End()+contextLines); n++ {
		mark := "   "
		if n >= r.Line && n <= r.End() {
			mark = ">>>"
		}
		fmt.Fprintf(&b, " %3d | %s %s\n", n, mark, bytes.TrimRight(lines[n-1], "\r"))
	}
	b.WriteString("--------------------\n")
	return b.String()
}

// Format gives the text of err for a terminal: the excerpts of all places
// that its chain names, then the message.
func Format(err error) string {
	var b strings.Builder
	for _, e := range All(err) {
		for _, at := range e.At {
			b.WriteString(Excerpt(at))
		}
	}
	b.WriteString(err.Error())
	return b.String()
}

// All gives every Error in the tree of err, in the order of the tree.
func All(err error) []*Error {
	var found []*Error
	for err != nil {
		if e, ok := err.(*Error); ok { //nolint:errorlint // the walk visits each node itself
			found = append(found, e)
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, child := range many.Unwrap() {
				found = append(found, All(child)...)
			}
			return found
		}
		err = errors.Unwrap(err)
	}
	return found
}
