package imagespec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/reference"

	"github.com/imagespec/imagespec/internal/diag"
)

// mistakes parses a spec and gives what is wrong with it.
func mistakes(yaml string) []*diag.Error {
	_, _, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(yaml)})
	return diag.All(err)
}

// TestWrongTypes gives every field a value of each type that it does not take.
func TestWrongTypes(t *testing.T) {
	const text, list, dict = "x", "[x, y]", "{x: y}"
	for _, f := range new(Spec).fields() {
		var wrong []string
		var want string
		switch f.into.(type) {
		case *Text:
			wrong, want = []string{list, dict, "[]", "{}"}, "must be a string"
		case imageField:
			wrong, want = []string{list, "[]"}, "must be a string"
		case *List:
			wrong, want = []string{text, dict, "''"}, "must be a list of strings"
		case commaField:
			wrong, want = []string{dict}, "must be a list of strings"
		case *Map:
			wrong, want = []string{text, list, "''"}, "must be a mapping"
		case mountsField:
			wrong, want = []string{text, dict}, "must be a list of pairs of strings"
		case *Options:
			wrong, want = []string{text, list}, "must be a mapping of options"
		}
		for _, value := range wrong {
			errs := mistakes("# a spec\n" + f.name + ": " + value + "\n")
			if len(errs) != 1 {
				t.Errorf("%s: %s gives %v, want one error", f.name, value, errs)
				continue
			}
			e := errs[0]
			if !strings.HasPrefix(e.Msg, f.name+" "+want) || e.Hint == "" || e.At[0].Line != 2 {
				t.Errorf("%s: %s gives %q, hint %q, on line %d; want %q on line 2", f.name, value, e.Msg, e.Hint, e.At[0].Line, want)
			}
		}
	}
}

// TestNull wants null to unset every field, planned ones too.
func TestNull(t *testing.T) {
	for _, null := range []string{"", "~", "null", "Null", "NULL", "# a comment"} {
		var yaml strings.Builder
		for _, f := range new(Spec).fields() {
			fmt.Fprintf(&yaml, "%s: %s\n", f.name, null)
		}
		spec, warnings := parse(t, yaml.String())
		if got := plainValues("", spec.fields()); len(got) > 0 || len(warnings) > 0 {
			t.Errorf("%q sets %v and warns %v", null, got, warnings)
		}
	}
}

// TestPlanned wants one error for each field that does nothing yet, at its key.
func TestPlanned(t *testing.T) {
	var yaml strings.Builder
	var want []string
	for _, f := range new(Spec).fields() {
		if f.status != planned {
			continue
		}
		value := "x"
		switch f.into.(type) {
		case *List, mountsField:
			value = "[]"
		case *Map:
			value = "{}"
		}
		fmt.Fprintf(&yaml, "%s: %s\n", f.name, value)
		want = append(want, f.name+" is not supported yet")
	}
	var got []string
	for _, e := range mistakes(yaml.String()) {
		got = append(got, e.Msg)
		field, _, _ := strings.Cut(e.Msg, " ")
		if line := lineOf(yaml.String(), field+":"); place(e.At[0]) != fmt.Sprintf("%d:1", line) {
			t.Errorf("%s is reported at %s, not on line %d", field, place(e.At[0]), line)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestSuggestions has the names that people write for flytekit's.
func TestSuggestions(t *testing.T) {
	for _, tc := range []struct{ yaml, hint string }{
		{"pythonVersion: 3.12", `did you mean "python_version"?`},
		{"python-version: 3.12", `did you mean "python_version"?`},
		{"Packages: []", `did you mean "packages"?`},
		{"package: a", `did you mean "packages"?`},
		{"requirement: uv.lock", `did you mean "requirements"?`},
		{"envs: {}", `did you mean "env"?`},
		{"baseImage: debian", `did you mean "base_image"?`},
		{"platforms: []", `did you mean "platform"?`},
		{"entry_point: []", `did you mean "entrypoint"?`},
		{"apt-package: []", `did you mean "apt_packages"?`},
		{"extras: []", "extras stands under builder_options"},
		{"group: []", "groups stands under builder_options"},
		{"builder_options: {grops: []}", `did you mean "groups"?`},
		{"builder_options: {packages: []}", `did you mean "package"?`},
		{"builder_options: {commands: []}", "commands stands at the top of the file, not under builder_options"},
		{"builder_options: {pip_indx: []}", "pip_index stands at the top of the file, not under builder_options"},
		{"builder_options: {frozen: true}", `known: "build_apt_packages", "compile_bytecode", "default_groups", "exclude_newer", "extras", "flytekit", "groups", "imagepull_secret_name", "install_project", "labels", "locked", "package", "pip", "url_rewrites", "user", "workdir"`},
	} {
		errs := mistakes(tc.yaml)
		if len(errs) != 1 || !strings.HasPrefix(errs[0].Msg, "unknown key ") || errs[0].Hint != tc.hint {
			t.Errorf("%s gives %v, want the hint %s", tc.yaml, errs, tc.hint)
		}
	}
}

// TestStyles writes one spec in the ways that YAML has for it.
func TestStyles(t *testing.T) {
	block := `name: demo
env:
  A: one
  B: "two"
entrypoint:
  - sh
  - -c
builder_options:
  extras:
  - gpu
`
	want, _ := parse(t, block)
	for name, yaml := range map[string]string{
		"flow":      "{name: demo, env: {A: one, B: two}, entrypoint: [sh, -c], builder_options: {extras: [gpu]}}",
		"JSON":      `{"name":"demo","env":{"A":"one","B":"two"},"entrypoint":["sh","-c"],"builder_options":{"extras":["gpu"]}}`,
		"CRLF":      strings.ReplaceAll(block, "\n", "\r\n"),
		"BOM":       "\ufeff" + block,
		"quotes":    strings.NewReplacer("one", "'one'", "sh", `"sh"`, "gpu", "'gpu'").Replace(block),
		"documents": "---\n" + block + "...\n",
		"comments":  strings.ReplaceAll(block, "\n", " # why\n\n# more\n"),
	} {
		got, _ := parse(t, yaml)
		if got, want := plainValues("", got.fields()), plainValues("", want.fields()); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// TestPlacesMove wants each place to move with the text, and nothing else.
func TestPlacesMove(t *testing.T) {
	yaml := "name: demo\nenv:\n  A: |\n    one\n    two\n  B: 'x\n    y'\nentrypoint: [a,\n  b]\nplatform: linux/amd64\nbuilder_options: {package: p}\n"
	spec, _ := parse(t, yaml)
	moved, _ := parse(t, "# syntax=imagespec\n\n# a comment\n"+yaml)
	for i, f := range spec.fields() {
		before, after := placesOf(f.into), placesOf(moved.fields()[i].into)
		for j, at := range before {
			at.Line += 3
			if at.EndLine > 0 {
				at.EndLine += 3
			}
			if place(at) != place(after[j]) {
				t.Errorf("%s: moved to %s, want %s", f.name, place(after[j]), place(at))
			}
		}
	}
}

// TestBrokenLine wants syntax errors where the mistake is, which is not where
// the YAML parser gives up.
func TestBrokenLine(t *testing.T) {
	const before, after = "name: demo\nenv:\n  A: |\n    'x: [\n  B: y\n", "registry: ghcr.io/org\n# end\n"
	for _, line := range []string{
		"a: b: c", "a: [b", "a: {b: c", "a: 'b", `a: "b`, "a: @b", "a: *b", "\ta: b", "a", " a: b", "a: - b", "a: [b,,]", "a: ]", "a: `b`", "- a", "a: %b", `a: "\y"`, "a: |x",
	} {
		yaml := before + line + "\n" + after
		errs := mistakes(yaml)
		if len(errs) != 1 || errs[0].At[0].Line != 6 {
			t.Errorf("%q gives %v, want one error on line 6", line, errs)
			continue
		}
		if errs[0].Err == nil {
			t.Errorf("%q has lost YAML's error", line)
		}
	}
	// Where looking takes too long the parser's own words are better than none.
	errs := mistakes("name: [\n" + strings.Repeat("a,\n", maxSize/4))
	if len(errs) != 1 || errs[0].At[0].Line != 0 || !strings.Contains(errs[0].Msg, "the spec is not valid YAML: line ") {
		t.Errorf("a long broken file gives %v", errs)
	}
}

// TestSyntaxErrorsHaveCases wants a file in testdata/errors for each of the
// parser's messages that we put into other words.
func TestSyntaxErrorsHaveCases(t *testing.T) {
	var all strings.Builder
	files, err := filepath.Glob("testdata/errors/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	for _, known := range syntaxErrors() {
		if !strings.Contains(all.String(), ": "+known.msg+"\n"+known.hint) {
			t.Errorf("no case for %q", known.msg)
		}
	}
}

func TestErrorsAreOrderedAndCapped(t *testing.T) {
	// Found in the order line 4 (decoding), then 2 and 1 (checks).
	errs := mistakes("platform: x\npython_version: x\n\nentrypoint: x\n")
	var lines []int
	for _, e := range errs {
		lines = append(lines, e.At[0].Line)
	}
	if !slices.Equal(lines, []int{1, 2, 4}) {
		t.Errorf("errors on lines %v, want 1, 2, 4", lines)
	}
	if errs := mistakes(many("key%d: x\n", 3*maxErrors)); len(errs) != maxErrors || errs[maxErrors-1].At[0].Line != maxErrors {
		t.Errorf("got %d errors, want the first %d", len(errs), maxErrors)
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	_, _, err := Parse(&diag.Source{Data: []byte("base_image: a b")})
	if !errors.Is(err, reference.ErrReferenceInvalidFormat) {
		t.Errorf("%v is not reference.ErrReferenceInvalidFormat", err)
	}
}

// TestShow wants user's values in messages quoted where they need it, and cut.
func TestShow(t *testing.T) {
	long := strings.Repeat("ü", 70)
	for _, tc := range []struct{ value, show, word string }{
		{"numpy", `"numpy"`, "numpy"},
		{"numpy>=2", `"numpy>=2"`, "numpy>=2"},
		{"ghcr.io/org:1@x", `"ghcr.io/org:1@x"`, "ghcr.io/org:1@x"},
		{"", `""`, `""`},
		{"a b", `"a b"`, `"a b"`},
		{"a, b", `"a, b"`, `"a, b"`},
		{"-c", `"-c"`, `"-c"`},
		{"a\n\x1b", `"a\n\x1b"`, `"a\n\x1b"`},
		{long, `"` + long[:120] + `"…`, `"` + long[:120] + `"…`},
	} {
		if got := show(tc.value); got != tc.show {
			t.Errorf("show(%q) is %s, want %s", tc.value, got, tc.show)
		}
		if got := word(tc.value); got != tc.word {
			t.Errorf("word(%q) is %s, want %s", tc.value, got, tc.word)
		}
	}
}

// TestUnsetTypes wants zero values that are unset and print as nothing.
func TestUnsetTypes(t *testing.T) {
	if (Flag{}).IsSet() || (Text{}).IsSet() || (List{}).IsSet() || (Map{}).IsSet() {
		t.Error("a zero value is set")
	}
	if v := (List{}).Values(); v != nil {
		t.Errorf("the zero List has the values %v", v)
	}
	at := diag.Range{Line: 1}
	if !(Flag{At: at}).IsSet() || !(Text{At: at}).IsSet() || !(List{At: at}).IsSet() || !(Map{At: at}).IsSet() {
		t.Error("an empty value with a place is unset")
	}
}
