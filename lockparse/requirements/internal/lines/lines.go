// Package lines takes a requirements file apart into its logical lines, in the
// steps of pip: decode, split, join, take away comments, replace variables.
// What a line says is for package requirements.
package lines

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is a logical line: without comment, joined with those that continue it.
type Line struct {
	Text     string
	Number   int    // of its first line, from 1
	Expanded bool   // variables were replaced
	Unset    string // the last ${VARIABLE} that has no value, and stays as it is
	TooLong  bool   // Text is cut off at MaxLine
}

// MaxLine limits a line with its variables replaced, in bytes.
const MaxLine = 16 << 20

// Join joins lines that end with a backslash with the next ones, takes
// comments away, leaves out what is then empty, and replaces variables. A
// comment line ends the line before it, even one that would go on.
func Join(lines []string, getenv func(string) string) []Line {
	var all []Line
	var pending strings.Builder
	first := 0
	flush := func() {
		if text := strings.TrimFunc(stripComment(pending.String()), IsSpace); text != "" {
			l := Line{Number: first}
			l.expand(text, getenv)
			all = append(all, l)
		}
		pending.Reset()
		first = 0
	}
	for i, line := range lines {
		if first == 0 {
			first = i + 1
		}
		comment := strings.HasPrefix(strings.TrimLeftFunc(line, IsSpace), "#")
		if strings.HasSuffix(line, `\`) && !comment {
			pending.WriteString(strings.Trim(line, `\`))
			continue
		}
		if comment {
			pending.WriteByte(' ') // so that it is one after what it is joined with, too
		}
		pending.WriteString(line)
		flush()
	}
	flush()
	return all
}

// stripComment cuts off a comment: a "#" at the start or after white space.
func stripComment(line string) string {
	for from := 0; ; {
		i := strings.IndexByte(line[from:], '#')
		if i < 0 {
			return line
		}
		i += from
		if before, _ := utf8.DecodeLastRuneInString(line[:i]); i == 0 || IsSpace(before) {
			return line[:i]
		}
		from = i + 1
	}
}

// expand sets the text with every ${NAME} replaced that has a value. Names are
// capitals, digits and "_".
func (l *Line) expand(text string, getenv func(string) string) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		b.WriteString(before)
		if l.TooLong = b.Len() > MaxLine; !ok || l.TooLong {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			b.WriteString("${")
			text = rest
			continue
		}
		value := getenv(name)
		if value == "" {
			value, l.Unset = "${"+name+"}", name
		} else {
			l.Expanded = true
		}
		b.WriteString(value)
		text = after
	}
	l.Text = b.String()
}

// IsSpace says whether Python's str.isspace holds.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
