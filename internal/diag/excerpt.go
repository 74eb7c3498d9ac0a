package diag

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

const (
	contextLines = 2   // how many lines an excerpt shows before and after the place
	maxLines     = 20  // how many lines of the place itself it shows
	maxColumns   = 200 // how many characters of a line it shows
)

// Excerpt shows the lines around a place as BuildKit shows them: numbered,
// with ">>>" before the lines that are meant. It is empty where the line is
// unknown or outside the source. Long places and lines are cut, and what is
// not printable is shown as U+FFFD: a file cannot send codes to the terminal.
// Credentials of URLs are hidden.
func Excerpt(r Range) string {
	if r.Source == nil || r.Line <= 0 {
		return ""
	}
	data := bytes.TrimPrefix(r.Source.Data, []byte("\ufeff"))
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if r.Line > len(lines) {
		return ""
	}
	last := min(len(lines), r.End()+contextLines, r.Line+maxLines-1)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n--------------------\n", r)
	for n := max(1, r.Line-contextLines); n <= last; n++ {
		mark := "   "
		if n >= r.Line && n <= r.End() {
			mark = ">>>"
		}
		line := fmt.Sprintf(" %3d | %s %s", n, mark, printable(Redact(lines[n-1])))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if last < min(len(lines), r.End()) {
		b.WriteString("     | >>> …\n")
	}
	b.WriteString("--------------------\n")
	return b.String()
}

// printable makes a line fit for a terminal.
func printable(line []byte) string {
	line = bytes.TrimRight(line, "\r")
	cut := ""
	// Bytes are cut first, since a line can be a whole minified file.
	if most := 4 * maxColumns; len(line) > most {
		line, cut = line[:most], "…"
	}
	runes := []rune(string(line))
	if len(runes) > maxColumns {
		runes, cut = runes[:maxColumns], "…"
	}
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, string(runes)) + cut
}

// Format gives the text of err for a terminal: the excerpts of all places
// that its chain names, then the message. Joined errors follow one another,
// each with its own excerpts.
func Format(err error) string {
	if err == nil {
		return ""
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok && joined(err, many.Unwrap()) {
		var texts []string
		for _, child := range many.Unwrap() {
			texts = append(texts, Format(child))
		}
		return strings.Join(texts, "\n\n")
	}
	var b strings.Builder
	for _, e := range All(err) {
		for _, at := range e.At {
			b.WriteString(Excerpt(at))
		}
	}
	b.WriteString(err.Error())
	return b.String()
}

// joined reports whether err is nothing but its children, as errors.Join
// makes it; fmt.Errorf with several %w has a text of its own.
func joined(err error, children []error) bool {
	join := errors.Join(children...)
	return join != nil && join.Error() == err.Error()
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
