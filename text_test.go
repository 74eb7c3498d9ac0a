package imagespec

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imagespec/imagespec/internal/diag"
)

// place writes a range as line:column, with -end where it has more lines.
func place(r diag.Range) string {
	s := fmt.Sprintf("%d:%d", r.Line, r.Column)
	if r.EndLine > 0 {
		s += fmt.Sprintf("-%d", r.EndLine)
	}
	return s
}

// TestPlaces wants the place of each value, in block and in flow style.
func TestPlaces(t *testing.T) {
	for _, tc := range []struct {
		name, yaml string
		get        func(*Spec) diag.Range
		want       string
	}{
		{"plain", "# c\nname: demo\n", name, "2:7"},
		{"behind the key's line", "name:\n  demo\n", name, "2:3"},
		{"behind a wide character", "{env: {é: ü}, name: demo}", name, "1:21"},
		{"behind a byte order mark", "\ufeffname: demo", name, "1:7"},
		{"CRLF", "env: {}\r\nname: demo\r\n", name, "2:7"},
		{"plain over lines", "name: &n\n  demo\nenv:\n  A: one\n   two\n\n   three # end\n  # more\n", env0, "4:6-7"},
		{"single quotes over lines", "env:\n  A: 'it''s\n    one'\n", env0, "2:6-3"},
		{"single quotes with an escape at the end", "env: {A: 'x''',\nB: y}", env0, "1:10"},
		{"double quotes over lines", "env:\n  A: \"\\\"one\n\n    two\"\n", env0, "2:6-4"},
		{"double quotes with a backslash at the end", "env: {A: \"x\\\\\",\nB: \"y\"}", env0, "1:10"},
		{"literal block", "env:\n  A: |\n    # one\n\n    two\n\n\n  # comment\n  B: x\n", env0, "2:6-5"},
		{"literal block with indicators", "env:\n  A: |2- # why\n      one\n    two\nname: x\n", env0, "2:6-4"},
		{"folded block", "env:\n  A: >\n    one\n    two\n\n    three\nname: x\n", env0, "2:6-6"},
		{"empty block", "env:\n  A: |\n\n\nname: x\n", env0, "2:6"},
		{"tag on the line before", "env:\n  A: !!str # why\n    one\n    two\n", env0, "2:6-4"},
		{"anchor and tag", "env: {A: &a !!str 'x\n  y'}\n", env0, "1:10-2"},
		{"alias", "name: a\nenv:\n  A: &v one\n  B: *v\n", func(s *Spec) diag.Range { return s.Env.Pairs[1].Value.At }, "3:6"},
		{"key", "env:\n  A: x\n", func(s *Spec) diag.Range { return s.Env.Pairs[0].Key.At }, "2:3"},
		{"block mapping", "env:\n  A: x\n  B: |\n    y\n    z\n", env, "2:3-5"},
		{"flow mapping", "env: {A: x,\n  B: y, # last\n}\n", env, "1:6-3"},
		{"flow mapping without value", "env: {A: '',\n B: '' }\n", env, "1:6-2"},
		{"empty flow mapping", "env: {\n  # nothing\n  }\n", env, "1:6-3"},
		{"block list", "entrypoint:\n  - a\n  - b\n\nname: x\n", entrypoint, "2:3-3"},
		{"block list without indent", "entrypoint:\n- a\n- b\n", entrypoint, "2:1-3"},
		{"flow list", "entrypoint: [a, b]\n", entrypoint, "1:13"},
		{"flow list over lines", "entrypoint: [\n  a, # ]\n  b,\n]\n", entrypoint, "1:13-4"},
		{"empty flow list", "entrypoint: []\n", entrypoint, "1:13"},
		{"item", "entrypoint:\n  - a\n  -\n    b\n", func(s *Spec) diag.Range { return s.Entrypoint.Items[1].At }, "4:5"},
		{"flow item", "entrypoint: [a, 'b\n  c']\n", func(s *Spec) diag.Range { return s.Entrypoint.Items[1].At }, "1:17-2"},
		{"comma list", "platform: >-\n  linux/amd64,\n  linux/arm64\n", func(s *Spec) diag.Range { return s.Platform.Items[1].At }, "1:11-3"},
		{"options", "builder_options:\n  extras:\n    - a\n", func(s *Spec) diag.Range { return s.BuilderOptions.At }, "2:3-3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, _ := parse(t, tc.yaml)
			if got := place(tc.get(spec)); got != tc.want {
				t.Errorf("got %s, want %s in\n%s", got, tc.want, tc.yaml)
			}
		})
	}
}

func name(s *Spec) diag.Range       { return s.Name.At }
func env(s *Spec) diag.Range        { return s.Env.At }
func env0(s *Spec) diag.Range       { return s.Env.Pairs[0].Value.At }
func entrypoint(s *Spec) diag.Range { return s.Entrypoint.At }

// TestEncoding has the files that are refused before YAML is looked at, which
// a text file with a golden message cannot hold.
func TestEncoding(t *testing.T) {
	for _, tc := range []struct{ name, data, at, msg string }{
		{"UTF-16", "\xff\xfen\x00a\x00", "1:0", "UTF-16"},
		{"UTF-16, big endian", "\xfe\xff\x00n\x00a", "1:0", "UTF-16"},
		{"Latin-1", "name: a\nenv: {A: caf\xe9}\n", "2:13", "a byte that is not UTF-8"},
		{"NUL", "name: a\x00", "1:8", "the control character U+0000"},
		{"escape", "name: é\x1b[0m", "1:8", "the control character U+001B"},
		{"C1 control", "name: \u009b", "1:7", "the control character U+009B"},
		{"noncharacter", "name: \uffff", "1:7", "the control character U+FFFF"},
		{"old Mac line ends", "name: a\renv: {}\r", "1:8", "a carriage return without line feed"},
		{"next line", "name: a\n# \u0085x: y", "2:3", "the line separator U+0085"},
		{"line separator", "env:\n  A: 'a\u2028b'\n", "2:8", "the line separator U+2028"},
		{"paragraph separator", "# \u2029", "1:3", "the line separator U+2029"},
		{"too large", strings.Repeat("# padding\n", maxSize/10+1), "0:0", "larger than 1048576 bytes"},
	} {
		spec, _, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(tc.data)})
		all := diag.All(err)
		if spec != nil || len(all) != 1 {
			t.Errorf("%s: got %v, want one error", tc.name, err)
			continue
		}
		if got := place(all[0].At[0]); got != tc.at || !strings.Contains(all[0].Msg, tc.msg) || all[0].Hint == "" {
			t.Errorf("%s: got %s %q, hint %q, want %s %q", tc.name, got, all[0].Msg, all[0].Hint, tc.at, tc.msg)
		}
	}
	// The emoji and private characters of real files are none of these.
	parse(t, "env: {A: \"😀 \ue0b0 \ufffd \u00a0\", B: \"\\x1b[0m\"}")
}

// TestBounded parses files that are made to take long. A real spec takes well
// under a millisecond.
func TestBounded(t *testing.T) {
	const size = maxSize
	repeat := func(s string) string { return strings.Repeat(s, (size-100)/len(s)) }
	var laughs strings.Builder
	laughs.WriteString("entrypoint: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := range 20 {
		fmt.Fprintf(&laughs, "x%d: &a%d [%s*a%d]\n", i, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	half := strings.Repeat("x", size/2)
	for name, data := range map[string]string{
		"billion laughs":    laughs.String(),
		"long alias":        "env:\n  A: &a " + half + "\n" + strings.Repeat("  ? *a\n", 1000) + "entrypoint: [" + strings.Repeat("*a,", 100000) + "]",
		"alias of itself":   "entrypoint: &a [*a, *a]\nenv: &e {A: *e}\n",
		"deep flow":         "env: " + repeat("["),
		"deep block":        "env:\n" + repeat("- "),
		"deep mappings":     repeat("{a: "),
		"wide list":         "entrypoint: [" + repeat("ü,") + "]",
		"long list":         "entrypoint:\n" + repeat("- a\n"),
		"many unknown keys": many("k%d: x\n", 60000),
		"many options":      "builder_options:\n" + many("  k%d: x\n", 60000),
		"many duplicates":   repeat("env:\n"),
		"long key":          repeat("packages") + ": x",
		"long value":        "python_version: " + repeat("3."),
		"long quote":        "name: '" + repeat("''"),
		"open quote":        "name: '" + repeat("a\n"),
		"open bracket":      "name: [" + repeat("a,\n"),
		"late open bracket": repeat("# a\n") + "name: [",
		"many comments":     "name: a\n" + repeat("#\n"),
		"blank lines":       repeat("\n"),
		"long registry":     "registry: " + repeat("a/"),
		"long image":        "base_image: " + repeat("a/"),
		"many platforms":    "platform: " + repeat("linux/amd64,"),
		"many extras":       "builder_options: {extras: [" + repeat("a,") + "]}",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, _, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(data)})
			took := time.Since(start)
			if took > 20*time.Second {
				t.Errorf("%d bytes took %s", len(data), took)
			}
			if text := diag.Format(err); len(text) > 64<<10 {
				t.Errorf("the message has %d bytes", len(text))
			}
			t.Logf("%s, %.200v", took, err)
		})
	}
}

// TestAliasesAreBounded wants an error where aliases repeat more than a spec
// can hold, and none where they repeat less.
func TestAliasesAreBounded(t *testing.T) {
	yaml := func(aliases int) string {
		return "env:\n  A: &a " + strings.Repeat("x", maxSize/10) + "\n" + many("  B%d: *a\n", aliases)
	}
	parse(t, yaml(10))
	_, _, err := Parse(&diag.Source{Data: []byte(yaml(12))})
	if want := "env.B11 repeats too much text with the alias *a"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %.200v, want %s", err, want)
	}
}

// many repeats a line with its number in it.
func many(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
