package tomltree_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
)

func parse(t *testing.T, text string) *tomltree.Document {
	t.Helper()
	doc, err := tomltree.Parse(&diag.Source{Name: "uv.lock", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

const sample = `version = 1
requires-python = ">=3.10"
"quoted key" = 'its'
markers = [
    "python_version < '3.11'",
    "a\tb",
]
conflicts = [[
    { package = "p", extra = "cpu" },
], []]

[[package]]
name = "numpy"
sdist = { url = "https://example.com/numpy.tar.gz", size = 0x10 }
wheels = [
    { url = "one" },
    { url = "two" },
]

[package.optional-dependencies]
all = [{ name = "scipy" }]

[[package]]
name = "six"

[tool.uv]
default-groups = "all"
nested.key = true
nested.more = 1.5
`

func TestRead(t *testing.T) {
	doc := parse(t, sample)
	root := doc.Root()
	if n := root.Int("version"); n != 1 {
		t.Errorf("version = %d", n)
	}
	if s := root.String("quoted key"); s != "its" {
		t.Errorf("quoted key = %q", s)
	}
	markers := root.Texts("markers")
	want := []tomltree.Text{{Text: "python_version < '3.11'", Line: 5}, {Text: "a\tb", Line: 6}}
	if !slices.Equal(markers, want) {
		t.Errorf("markers = %v, want %v", markers, want)
	}
	lists := root.TableLists("conflicts")
	if len(lists) != 2 || len(lists[0]) != 1 || lists[0][0].String("extra") != "cpu" || lists[0][0].Line() != 9 {
		t.Errorf("conflicts = %v", lists)
	}
	packages := root.Tables("package")
	if len(packages) != 2 || packages[0].Line() != 12 || packages[1].Line() != 23 {
		t.Fatalf("packages = %v", packages)
	}
	numpy := packages[0]
	if size := numpy.Table("sdist").Int("size"); size != 16 {
		t.Errorf("size = %d", size)
	}
	if wheels := numpy.Tables("wheels"); len(wheels) != 2 || wheels[1].Line() != 17 {
		t.Errorf("wheels = %v", wheels)
	}
	if line := numpy.LineOf("sdist"); line != 14 {
		t.Errorf("line of sdist = %d", line)
	}
	extras := numpy.Table("optional-dependencies").Keys()
	if !slices.Equal(extras, []tomltree.Key{{Name: "all", Line: 21}}) {
		t.Errorf("extras = %v", extras)
	}
	uv := root.Table("tool").Table("uv")
	if !uv.IsString("default-groups") || uv.Table("nested").Has("absent") || !uv.Table("nested").Has("more") {
		t.Errorf("tool.uv is read wrongly")
	}
	if err := doc.Err(); err != nil {
		t.Error(err)
	}
}

// What is absent reads as zero, at every depth.
func TestAbsent(t *testing.T) {
	root := parse(t, "a = 1\n").Root()
	none := root.Table("no").Table("nope")
	if none.String("x") != "" || none.Int("x") != 0 || none.Strings("x") != nil || len(none.Tables("x")) != 0 ||
		none.Keys() != nil || none.Has("x") || none.Line() != 0 || none.LineOf("x") != 0 {
		t.Error("an absent table has something in it")
	}
}

func TestWrongKinds(t *testing.T) {
	tests := []struct {
		read func(tomltree.Table)
		want string
	}{
		{func(t tomltree.Table) { t.String("version") }, "uv.lock:1: version must be a string, not an integer"},
		{func(t tomltree.Table) { t.Int("requires-python") }, "uv.lock:2: requires-python must be an integer, not a string"},
		{func(t tomltree.Table) { t.Table("markers") }, "uv.lock:4: markers must be a table, not an array"},
		{func(t tomltree.Table) { t.Tables("markers") }, "uv.lock:5: every value in markers must be a table, not a string"},
		{func(t tomltree.Table) { t.Strings("package") }, "uv.lock:12: every value in package must be a string, not a table"},
		{func(t tomltree.Table) { t.TableLists("markers") }, "uv.lock:5: every value in markers must be an array, not a string"},
		{
			func(t tomltree.Table) { t.Table("tool").Table("uv").Table("nested").String("more") },
			"uv.lock:29: more must be a string, not a float",
		},
		{
			func(t tomltree.Table) { t.Table("tool").Table("uv").Table("nested").String("key") },
			"uv.lock:28: key must be a string, not a boolean",
		},
	}
	for _, test := range tests {
		doc := parse(t, sample)
		test.read(doc.Root())
		if err := doc.Err(); err == nil || err.Error() != test.want {
			t.Errorf("error %v, want %s", err, test.want)
		}
	}
}

func TestManyMistakes(t *testing.T) {
	doc := parse(t, "a = 1\n")
	for range 25 {
		doc.Root().String("a")
	}
	if n := strings.Count(doc.Err().Error(), "\n"); n != 10 {
		t.Errorf("%d lines of mistakes after the first", n)
	}
	if !strings.HasSuffix(doc.Err().Error(), "uv.lock: more mistakes like these") {
		t.Errorf("the mistakes do not say that there are more: %v", doc.Err())
	}
}

// What TOML lets one define twice, and what not, is checked against the other
// reader of the library that the parser comes from.
func TestRedefinition(t *testing.T) {
	tests := []struct {
		text string
		line int // of the mistake, 0 if there is none
	}{
		{"a = 1\na = 2\n", 2},
		{"a = 1\n\"a\" = 2\n", 2},
		{"a = { b = 1, b = 2 }\n", 1},
		{"[a]\n[a]\n", 2},
		{"[a]\n[b]\n[a]\n", 3},
		{"[a.b]\n[a]\nc = 1\n", 0},
		{"[a.b]\n[a]\nb = 1\n", 3},
		{"[a.b]\n[a]\nb.c = 1\n", 3},
		{"[a]\nb.c = 1\nb.d = 1\n", 0},
		{"[a]\nb.c = 1\n[a.b]\n", 3},
		{"[a]\nb.c = 1\n[a.b.d]\n", 0},
		{"a = {}\n[a]\n", 2},
		{"a = {}\n[a.b]\n", 2},
		{"a = {}\na.b = 1\n", 2},
		{"a = 1\n[a.b]\n", 2},
		{"[[a]]\n[[a]]\n[a.b]\n[[a.c]]\n", 0},
		{"[[a]]\n[a]\n", 2},
		{"[a]\n[[a]]\n", 2},
		{"a = []\n[[a]]\n", 2},
		{"a = [{}]\n[a.b]\n", 2},
		{"[[a]]\nb = 1\nb = 2\n", 3},
		{"[[a.b]]\n[a]\nc = 1\n", 0},
	}
	for _, test := range tests {
		_, err := tomltree.Parse(&diag.Source{Name: "t", Data: []byte(test.text)})
		var into map[string]any
		if other := toml.Unmarshal([]byte(test.text), &into); (other != nil) != (test.line > 0) {
			t.Errorf("%q: the table of this test is wrong: %v", test.text, other)
		}
		var mistake *diag.Error
		switch {
		case test.line == 0 && err != nil:
			t.Errorf("%q: %v", test.text, err)
		case test.line > 0 && (!errors.As(err, &mistake) || mistake.At[0].Line != test.line):
			t.Errorf("%q: error %v, want one in line %d", test.text, err, test.line)
		}
	}
}

func TestSyntax(t *testing.T) {
	tests := []struct {
		text, want string
	}{
		{"a = 1\nb = \n", `t:2: no valid TOML: `},
		{"a = [\n1,\n", `t:2: no valid TOML: `},
		{"a = 1\n\x00", `t:2: no valid TOML: `},
		{"[a\n", `t:1: no valid TOML: `},
		{strings.Repeat("[", 20_000), "t:1: no valid TOML: "},
		{"a = " + strings.Repeat("[", 20_000), "t:1: no valid TOML: "},
		{strings.Repeat(",", 2_000_000), "t has more than 1000000 values"},
		{strings.Repeat("# 45678\n", 1<<21) + "#", "t has 16777217 bytes, more than the 16777216 that are read"},
	}
	for _, test := range tests {
		_, err := tomltree.Parse(&diag.Source{Name: "t", Data: []byte(test.text)})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.20q: error %v, want %s", test.text, err, test.want)
		}
	}
}

// A byte order mark and Windows line ends change no line number.
func TestByteOrderMark(t *testing.T) {
	doc := parse(t, "\xef\xbb\xbfa = 1\r\n\r\nb = \"x\"\r\n")
	if doc.Root().LineOf("b") != 3 || doc.Root().String("b") != "x" {
		t.Errorf("b = %q in line %d", doc.Root().String("b"), doc.Root().LineOf("b"))
	}
}

// Tables of any size find their keys.
func TestManyKeys(t *testing.T) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "key%d = %d\n", i, i)
	}
	root := parse(t, text.String()).Root()
	for i := range int64(1000) {
		if n := root.Int(fmt.Sprintf("key%d", i)); n != i {
			t.Fatalf("key%d = %d", i, n)
		}
	}
	if _, err := tomltree.Parse(&diag.Source{Data: []byte(text.String() + "key999 = 1\n")}); err == nil {
		t.Error("a duplicate in a large table is not found")
	}
}

// FuzzParse holds this reader against the library's other one: what that
// accepts, this accepts, with the same keys and strings.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{sample, "a.b = 1\n[a.c]\n", "[[a]]\nb = 'x'\n", "a = \"\\u00e9\"\nb = \"\"\"\nx\\\n y\"\"\"", "a = {b = [1, {}]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := tomltree.Parse(&diag.Source{Name: "t", Data: data})
		var want map[string]any
		if toml.Unmarshal(data, &want) != nil {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		compare(t, doc.Root(), want)
	})
}

func compare(t *testing.T, got tomltree.Table, want map[string]any) {
	var keys []string
	for _, key := range got.Keys() {
		keys = append(keys, key.Name)
	}
	if slices.Sort(keys); !slices.Equal(keys, slices.Sorted(maps.Keys(want))) {
		t.Fatalf("keys %q, want %q", keys, want)
	}
	for key, value := range want {
		switch value := value.(type) {
		case string:
			if s := got.String(key); s != value {
				t.Fatalf("%s = %q, want %q", key, s, value)
			}
		case map[string]any:
			compare(t, got.Table(key), value)
		}
	}
}

func TestScalars(t *testing.T) {
	root := parse(t, "yes = true\nno = false\nwhen = 2025-01-21T20:04:49Z\n").Root()
	if !root.Bool("yes") || root.Bool("no") || root.Bool("absent") {
		t.Error("booleans are read wrongly")
	}
	if when := root.Time("when"); when != "2025-01-21T20:04:49Z" || root.Time("absent") != "" {
		t.Errorf("when = %q", when)
	}
	doc := parse(t, "editable = 'yes'\nupload-time = '2025-01-21T20:04:49Z'\n")
	doc.Root().Bool("editable")
	doc.Root().Time("upload-time")
	const want = "uv.lock:1: editable must be a boolean, not a string\nuv.lock:2: upload-time must be a date or time, not a string"
	if err := doc.Err(); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestMixed(t *testing.T) {
	root := parse(t, "numpy = [\n  '>=2',\n  {version = '<2', python = '<3.9'},\n  1,\n]\npandas = '*'\n").Root()
	texts, tables := root.MixedTexts("numpy"), root.MixedTables("numpy")
	if len(texts) != 1 || texts[0] != (tomltree.Text{Text: ">=2", Line: 2}) {
		t.Errorf("strings %+v", texts)
	}
	if len(tables) != 1 || tables[0].String("version") != "<2" {
		t.Errorf("tables %+v", tables)
	}
	if !root.IsArray("numpy") || root.IsArray("pandas") || root.IsArray("absent") {
		t.Error("arrays are told wrongly")
	}
	if root.MixedTexts("absent") != nil {
		t.Error("an absent key has strings")
	}
}

// A key of many parts would make as many tables.
func TestLongKey(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("a.", 49) + "a = 1\n",
		"[" + strings.Repeat("a.", 49) + "a]\n",
	} {
		parse(t, text)
		long := "\n" + strings.Replace(text, "a", "a.a", 1)
		_, err := tomltree.Parse(&diag.Source{Name: "uv.lock", Data: []byte(long)})
		if want := "uv.lock:2: the key has more than 50 parts"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
