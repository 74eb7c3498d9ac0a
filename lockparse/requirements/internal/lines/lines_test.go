package lines_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/requirements/internal/lines"
)

func TestSplitEncodings(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"plain", "a==1\nb==2\n", "a==1|b==2"},
		{"no newline at the end", "a==1", "a==1"},
		{"empty", "", ""},
		{"UTF-8", "# größe\na", "# größe|a"},
		{"UTF-8 with a mark", "\xef\xbb\xbfa", "a"},
		{"UTF-16, little end first", "\xff\xfea\x00\n\x00=\xd8\x00\xdc", "a|\U0001f400"},
		{"UTF-16, big end first", "\xfe\xff\x00a\x00=", "a="},
		{"UTF-32, little end first", "\xff\xfe\x00\x00a\x00\x00\x00\x00\xf4\x01\x00", "a\U0001f400"},
		{"UTF-32, big end first", "\x00\x00\xfe\xff\x00\x00\x00a", "a"},
		{"Latin-1", "# -*- coding: latin-1 -*-\n# \xe9", "# -*- coding: latin-1 -*-|# é"},
		{"Latin-1 by other names", "#\n# vim: fileencoding=ISO_8859-1\n# \xe9", "#|# vim: fileencoding=ISO_8859-1|# é"},
		{"Windows", "# coding=cp1252\n# \x80", "# coding=cp1252|# €"},
		{"DOS", "# coding: cp437\n# \x81", "# coding: cp437|# ü"},
		{"Russian", "# coding:koi8_r\n# \xc1", "# coding:koi8_r|# а"},
		{"declared UTF-8", "# coding: utf8\n# é", "# coding: utf8|# é"},
		{"declared too late", "\n\n# coding: latin-1\n# é", "||# coding: latin-1|# é"},
		{"declared in no comment", "a # coding: latin-1\n# é", "a # coding: latin-1|# é"},
		{"no name", "# coding: \n# é", "# coding: |# é"},
		{"all ends of lines", "a\rb\r\nc\vd\fe\x1cf\x1dg\x1eh\u0085i\u2028j\u2029k", "a|b|c|d|e|f|g|h|i|j|k"},
	} {
		text, src, err := lines.Split(&diag.Source{Name: "r.txt", Data: []byte(test.data)})
		if got := strings.Join(text, "|"); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
		// What messages show has the lines that are counted.
		if shown := strings.Split(string(src.Data), "\n"); len(shown) < len(text) {
			t.Errorf("%s: %d lines are shown of %d", test.name, len(shown), len(text))
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{"# \xe9", "the file is not UTF-8"},
		{"# coding: ascii\n# \xe9", "the file is not UTF-8"},
		{"# coding: big5\n", `the encoding "big5" is not supported`},
		{"# coding: cp1253\n# \xaa", `not in the encoding "cp1253"`},
		{"\xff\xfea", "cut within a character of UTF-16"},
		{"\xff\xfe\x00\x00a", "cut within a character of UTF-32"},
	} {
		_, _, err := lines.Split(&diag.Source{Data: []byte(test.data)})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.data, err, test.want)
		}
	}
}

func TestSplitKeepsTheSource(t *testing.T) {
	src := &diag.Source{Name: "r.txt", Data: []byte("a\r\nb\n")}
	if _, shown, err := lines.Split(src); shown != src || err != nil {
		t.Errorf("another source without need: %v, %v", shown, err)
	}
}

func TestJoin(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       string // number and text of each line
	}{
		{"one", "a", "1 a"},
		{"empty lines and spaces", "\n \t\n  a \t\n\x1c\n", "3 a"},
		{"comments", "# a\n  # b\na # c\nb#d\nc\t#\n#", "3 a, 4 b#d, 5 c"},
		{"a comment in the middle of a word", "a#b #c#d", "1 a#b"},
		{"continued", "a \\\n  b\\\nc\nd", "1 a   bc, 4 d"},
		{"continued at the end", "a \\", "1 a"},
		{"nothing is continued", "\\\n\\\na", "1 a"},
		{"many backslashes", "a\\\\\\\nb", "1 ab"},
		{"a backslash at the start", "\\a\\\nb", "1 ab"},
		{"a space after the backslash", "a\\ \nb", "1 a\\, 2 b"},
		{"a comment is not continued", "# a \\\nb", "2 b"},
		{"a comment ends the line", "a \\\n# b\nc", "1 a, 3 c"},
		{"a comment in a continued line", "a # \\\nb", "1 a"},
		{"variables", "a==${A} ${A_1}${B} ${NONE} $A ${a} ${} ${A", "1 a==1 22 ${NONE} $A ${a} ${} ${A"},
		{"variables are no comments", "a ${HASH}", "1 a #x"},
		{"variables in a comment", "# ${A}\na # ${A}", "2 a"},
	} {
		var got []string
		for _, l := range lines.Join(strings.Split(test.text, "\n"), getenv) {
			got = append(got, fmt.Sprintf("%d %s", l.Number, l.Text))
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func getenv(name string) string {
	return map[string]string{"A": "1", "A_1": "2", "B": "2", "a": "no", "HASH": "#x", "LONG": strings.Repeat("x", 1<<16)}[name]
}

func TestJoinTellsVariables(t *testing.T) {
	l := lines.Join([]string{"a ${A} ${X}"}, getenv)[0]
	if !l.Expanded || l.Unset != "X" || l.TooLong {
		t.Errorf("%+v", l)
	}
	if l := lines.Join([]string{"a"}, getenv)[0]; l.Expanded || l.Unset != "" {
		t.Errorf("%+v", l)
	}
	if l := lines.Join([]string{strings.Repeat("${LONG}", 1000)}, getenv)[0]; !l.TooLong || len(l.Text) > 2*lines.MaxLine {
		t.Errorf("%d bytes, too long: %v", len(l.Text), l.TooLong)
	}
}

// FuzzLines checks what holds for every file: lines are counted upwards and
// have no ends of lines, and comment lines change nothing.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a==1 \\\n  --hash=x # c\n\n${A}\r\n"))
	f.Add([]byte("\xff\xfea\x00\n\x00"))
	f.Add([]byte("# coding: latin-1\n\xe9\\\n#"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, _, err := lines.Split(&diag.Source{Data: data})
		if err != nil {
			return
		}
		joined := lines.Join(text, getenv)
		last := 0
		for _, l := range joined {
			if l.Number <= last || l.Number > len(text) || strings.ContainsAny(l.Text, "\n\r") || l.Text == "" {
				t.Errorf("line %d is %q, after %d", l.Number, l.Text, last)
			}
			last = l.Number
		}
		if again := lines.Join(append(slices.Clone(text), "", "  # comment"), getenv); len(again) != len(joined) {
			t.Errorf("a comment at the end changes %d lines to %d", len(joined), len(again))
		}
	})
}
