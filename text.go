package imagespec

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/imagespec/imagespec/internal/diag"
)

// maxSize bounds a spec, in bytes. Real ones have a few hundred.
const maxSize = 1 << 20

// text is a spec's characters. The YAML parser gives the start of a node only;
// where it ends is found here.
type text struct {
	src   *diag.Source
	runes []rune // without byte order mark
	lines []int  // index of the first rune of each line
}

// newText checks that the source is text in which YAML's lines are the
// editor's lines, and splits it.
func newText(src *diag.Source) (*text, error) {
	if err := checkEncoding(src); err != nil {
		return nil, err
	}
	t := &text{src: src, runes: []rune(string(bytes.TrimPrefix(src.Data, []byte("\ufeff")))), lines: []int{0}}
	for i, r := range t.runes {
		// A line break at the very end starts no line.
		if r == '\n' && i+1 < len(t.runes) {
			t.lines = append(t.lines, i+1)
		}
	}
	return t, nil
}

// checkEncoding refuses what is no UTF-8 text, and the characters that YAML
// takes for line breaks and editors do not: behind one of them all line
// numbers would be wrong.
func checkEncoding(src *diag.Source) error {
	if len(src.Data) > maxSize {
		return diag.Errorf(diag.Range{Source: src}, "the spec is larger than %d bytes", maxSize).
			WithHint("an image spec is a short YAML file; is this the right one?")
	}
	if bytes.HasPrefix(src.Data, []byte("\xff\xfe")) || bytes.HasPrefix(src.Data, []byte("\xfe\xff")) {
		return diag.Errorf(diag.Range{Source: src, Line: 1}, "the file is UTF-16 text").WithHint("save it as UTF-8")
	}
	line, column := 1, 1
	for i := 0; i < len(src.Data); {
		r, size := utf8.DecodeRune(src.Data[i:])
		if problem := forbidden(r, size, src.Data[i+size:]); problem != "" {
			return diag.Errorf(diag.Range{Source: src, Line: line, Column: column}, "the file contains %s", problem).
				WithHint(`save it as plain UTF-8 text; within double quotes any character can be written as an escape, such as "\x1b"`)
		}
		i, column = i+size, column+1
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return nil
}

// forbidden names what is wrong with a character, given its size in bytes and
// what follows it.
func forbidden(r rune, size int, next []byte) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return "a byte that is not UTF-8"
	case r == '\r' && !bytes.HasPrefix(next, []byte("\n")):
		return "a carriage return without line feed"
	case r == '\u0085' || r == '\u2028' || r == '\u2029':
		return fmt.Sprintf("the line separator %U", r)
	case unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r', r == '\ufffe', r == '\uffff':
		return fmt.Sprintf("the control character %U", r)
	}
	return ""
}

// at gives a node's place.
func (t *text) at(n *yaml.Node) diag.Range {
	r := t.startLine(n)
	if r.Line == n.Line {
		r.Column = n.Column
	}
	if end := t.lineOf(t.end(n)); end > r.Line {
		r.EndLine = end
	}
	return r
}

// startLine gives the line on which a node starts. An empty one can start
// behind the last line.
func (t *text) startLine(n *yaml.Node) diag.Range {
	return diag.Range{Source: t.src, Line: min(n.Line, len(t.lines))}
}

// lineOf gives the line of the rune before i, so of the last one of a node
// that ends at i.
func (t *text) lineOf(i int) int {
	line, found := slices.BinarySearch(t.lines, i-1)
	if found {
		line++
	}
	return line
}

// end gives the index behind a node's last character.
func (t *text) end(n *yaml.Node) int {
	i := t.start(n)
	switch {
	case n.Kind == yaml.ScalarNode && n.Style&yaml.SingleQuotedStyle != 0:
		return t.endOfSingleQuoted(i)
	case n.Kind == yaml.ScalarNode && n.Style&yaml.DoubleQuotedStyle != 0:
		return t.endOfDoubleQuoted(i)
	case n.Kind == yaml.ScalarNode:
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			// The header's indicators and comment are no words of the value.
			i = t.skip(i, func(r rune) bool { return r != '\n' })
		}
		return t.endOfWords(i, n.Value)
	}
	// A collection ends with its last value, or with the bracket behind that.
	flow := n.Style&yaml.FlowStyle != 0
	if len(n.Content) > 0 {
		i = t.end(n.Content[len(n.Content)-1])
	} else if flow {
		i++
	}
	if flow {
		// What can stand before the closing bracket.
		i = min(t.skipBlank(i, ",:?")+1, len(t.runes))
	}
	return i
}

// start gives the index of a node's first character, behind its tag and
// anchor.
func (t *text) start(n *yaml.Node) int {
	if n.Line > len(t.lines) {
		return len(t.runes)
	}
	i := min(t.lines[n.Line-1]+n.Column-1, len(t.runes))
	for i < len(t.runes) && strings.ContainsRune("!&", t.runes[i]) {
		i = t.skip(i, func(r rune) bool { return !unicode.IsSpace(r) })
		i = t.skipBlank(i, "")
	}
	return i
}

// endOfWords finds the end of a plain or block scalar: its words stand in the
// file as they stand in its value, only the white space differs.
func (t *text) endOfWords(i int, value string) int {
	for word := range strings.FieldsSeq(value) {
		i = t.skip(i, unicode.IsSpace)
		i = min(i+utf8.RuneCountInString(word), len(t.runes))
	}
	return i
}

// endOfSingleQuoted finds the closing quote from the opening one at i.
func (t *text) endOfSingleQuoted(i int) int {
	for i++; i < len(t.runes); i++ {
		if t.runes[i] != '\'' {
			continue
		}
		if i++; i == len(t.runes) || t.runes[i] != '\'' { // two of them are one in the value
			return i
		}
	}
	return i
}

// endOfDoubleQuoted finds the closing quote from the opening one at i. What
// is escaped needs no reading: the parser has done that.
func (t *text) endOfDoubleQuoted(i int) int {
	for i++; i < len(t.runes); i++ {
		switch t.runes[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(t.runes)
}

// skip gives the index of the first rune from i on that is not wanted.
func (t *text) skip(i int, wanted func(rune) bool) int {
	for i < len(t.runes) && wanted(t.runes[i]) {
		i++
	}
	return i
}

// skipBlank skips white space, comments and the given punctuation.
func (t *text) skipBlank(i int, punctuation string) int {
	for {
		i = t.skip(i, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(punctuation, r) })
		if i >= len(t.runes) || t.runes[i] != '#' {
			return i
		}
		i = t.skip(i, func(r rune) bool { return r != '\n' })
	}
}
