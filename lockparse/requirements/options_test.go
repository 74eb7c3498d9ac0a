package requirements

import (
	"fmt"
	"strings"
	"testing"
)

// The answers are those of shlex.split of Python 3.11.
func TestSplitWords(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", `[]`},
		{"  a\tb  c ", `["a" "b" "c"]`},
		{`'a b' "c d"e`, `["a b" "c de"]`},
		{`a\ b \"c\' `, `["a b" "\"c'"]`},
		{`"a\"b\\c\d"`, `["a\"b\\c\\d"]`},
		{`'a\'b`, `["a\\b"]`},
		{`'' ""`, `["" ""]`},
		{"a#b # c", `["a#b" "#" "c"]`},
		{"a\vb\u00a0c", `["a\vb\u00a0c"]`},
		{"größe", `["größe"]`},
	} {
		words, err := splitWords(test.text)
		if got := fmt.Sprintf("%q", words); got != test.want || err != nil {
			t.Errorf("%q: %s, %v; want %s", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{`'a`, `"a\"`, `a\`, `"`} {
		if _, err := splitWords(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestSplitOptions(t *testing.T) {
	for _, test := range []struct{ line, args, options string }{
		{"a==1", "a==1", ""},
		{"a==1 --hash=x", "a==1", "--hash=x"},
		{"a ; b == 'c -d' -e", "a ; b == 'c", "-d' -e"},
		{"a  -r", "a ", "-r"},
		{"a\t-r", "a\t-r", ""},
		{"-r a -c b", "", "-r a -c b"},
		{"a-b -", "a-b", "-"},
	} {
		if args, options := splitOptions(test.line); args != test.args || options != test.options {
			t.Errorf("%q: %q, %q", test.line, args, options)
		}
	}
}

func TestParseOptions(t *testing.T) {
	for _, test := range []struct{ text, given, stray string }{
		{"--index-url=x -i y --pypi-url z --index w --py v", "--index-url --index-url --index-url --index-url --index-url", ""},
		{"-rx -r x --requirement x --requirement=x --requirem x", "--requirement --requirement --requirement --requirement --requirement", ""},
		{"--no-i --no-b=a --no-r --o a --prefer --pre", "--no-index --no-binary --no-require-hashes --only-binary --prefer-binary --pre", "!"},
		{"--no-i --no-b=a --no-r --only-b a --prefer --pre", "--no-index --no-binary --no-require-hashes --only-binary --prefer-binary --pre", ""},
		{"-i --pre", "--index-url", ""},
		{"a --pre b -- --pre -i", "--pre", "a b --pre -i"},
		{"--pre -", "--pre", "-"},
		{"-f= --find-links=", "--find-links --find-links", ""},
		{"-C a=b --config a=b", "--config-settings --config-settings", ""},
		{"--all-releases :all: --only-final=a --use-feature b --trusted-host c", "--all-releases --only-final --use-feature --trusted-host", ""},
		{"--requirement", "", "!"},
		{"--require", "", "!"},
		{"--no-index=1", "", "!"},
		{"--unknown", "", "!"},
		{"-z", "", "!"},
	} {
		o, err := parseOptions(test.text, knownOptions())
		if (err != nil) != (test.stray == "!") {
			t.Errorf("%s: %v", test.text, err)
		}
		if given := strings.Join(o.given, " "); err == nil && (given != test.given || strings.Join(o.stray, " ") != test.stray) {
			t.Errorf("%s: %s, %q", test.text, given, o.stray)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, test := range []struct{ changes, forbids string }{
		{"no a,B", "a:wheel b:wheel c:"},
		{"no :all:", "a:wheel b:wheel c:wheel"},
		{"no :all:|only a", "a:build b:wheel c:wheel"},
		{"only :all:|no a", "a:wheel b:build c:build"},
		{"no a|only a", "a:build b: c:"},
		{"no a|only :all:", "a:build b:build c:build"},
		{"no a|no :none:", "a: b: c:"},
		{"no a,:none:,b", "a: b:wheel c:"},
		{"no a,:all:,b", "a:wheel b:wheel c:wheel"},
		{"no :all:,:none:,b", "a: b:wheel c:"},
	} {
		var f formats
		for _, change := range strings.Split(test.changes, "|") {
			kind, value, _ := strings.Cut(change, " ")
			f.apply(formatChange{kind == "only", value})
		}
		var got []string
		for _, name := range []string{"a", "b", "c"} {
			noBinary, noBuild := f.of(name)
			got = append(got, name+":"+map[bool]string{true: "wheel"}[noBinary]+map[bool]string{true: "build"}[noBuild])
		}
		if strings.Join(got, " ") != test.forbids {
			t.Errorf("%s: %q, want %s", test.changes, got, test.forbids)
		}
	}
}
