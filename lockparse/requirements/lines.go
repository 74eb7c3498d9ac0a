package requirements

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// logicalLine is a line without comment, joined with those that continue it.
type logicalLine struct {
	text     string
	number   int    // of its first line
	expanded bool   // variables were replaced
	unset    string // a ${VARIABLE} that has no value, and stays as it is
	tooLong  bool   // the values were too long
}

// maxLine limits a line with its variables replaced, in bytes.
const maxLine = 16 << 20

// joinLines joins lines that end with a backslash with the next ones, takes
// comments away, leaves out what is then empty, and replaces variables. A
// comment line ends the line before it, even one that would go on.
func joinLines(lines []string, getenv func(string) string) []logicalLine {
	var all []logicalLine
	var pending strings.Builder
	first := 0
	flush := func() {
		if text := strings.TrimFunc(stripComment(pending.String()), isSpace); text != "" {
			l := logicalLine{number: first}
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
		comment := strings.HasPrefix(strings.TrimLeftFunc(line, isSpace), "#")
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
		if before, _ := utf8.DecodeLastRuneInString(line[:i]); i == 0 || isSpace(before) {
			return line[:i]
		}
		from = i + 1
	}
}

// expand sets the text with every ${NAME} replaced that has a value. Names are
// capitals, digits and "_".
func (l *logicalLine) expand(text string, getenv func(string) string) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		b.WriteString(before)
		if l.tooLong = b.Len() > maxLine; !ok || l.tooLong {
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
			value, l.unset = "${"+name+"}", name
		} else {
			l.expanded = true
		}
		b.WriteString(value)
		text = after
	}
	l.text = b.String()
}

// isSpace says whether Python's str.isspace holds.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
