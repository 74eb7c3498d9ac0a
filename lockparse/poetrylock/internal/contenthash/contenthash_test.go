package contenthash

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
)

// TestJSON has what json.dumps(value, sort_keys=True) of Python writes.
func TestJSON(t *testing.T) {
	for _, test := range []struct {
		value any
		want  string
	}{
		{nil, "null"},
		{[]any{true, false, int64(-3), "a"}, `[true, false, -3, "a"]`},
		{map[string]any{"b": []any{}, "a": map[string]any{}, "é": int64(1), "Z": nil}, `{"Z": null, "a": {}, "b": [], "\u00e9": 1}`},
		{"<&>'\"\\/\x7f\b\f\n\r\t\x00\u2028é😀", `"<&>'\"\\/\u007f\b\f\n\r\t\u0000\u2028\u00e9\ud83d\ude00"`},
		{[]any{1.0, -0.5, 1e16, 1e15, 1.5e300, 1e-4, 1e-5, 123456789.125, 0.0}, "[1.0, -0.5, 1e+16, 1000000000000000.0, 1.5e+300, 0.0001, 1e-05, 123456789.125, 0.0]"},
		{[]any{math.Inf(1), math.Inf(-1), math.NaN()}, "[Infinity, -Infinity, NaN]"},
	} {
		var b bytes.Buffer
		if !writeJSON(&b, test.value) || b.String() != test.want {
			t.Errorf("%v is written as %s, want %s", test.value, b.String(), test.want)
		}
	}
}

// poetry is a project of Poetry 1, with nothing but tool.poetry.
const poetry = `[tool.poetry]
name = "a"
[tool.poetry.dependencies]
python = "^3.9"
`

func sum(t *testing.T, text string, withGroups bool) string {
	t.Helper()
	doc, err := tomltree.Parse(&diag.Source{Name: "pyproject.toml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	digest, ok := Sum(doc.Root().Plain(), withGroups)
	if !ok {
		return "none"
	}
	return digest
}

// TestSum has the digests that Poetry 2.5.1 computes.
func TestSum(t *testing.T) {
	const base = "c595a0588c25d58f3e3834ad7169126836d262b925fe6ca9b5d540dcf301d254"
	for _, test := range []struct{ name, text, want string }{
		{"tool.poetry alone", poetry, base},
		{"a comment", "# x\n" + poetry, base},
		{"another name", strings.Replace(poetry, `"a"`, `"b"`, 1), base},
		{"empty groups", poetry + "[dependency-groups]\n", base},
		{"the name of [project]", "[project]\nname = \"a\"\n" + poetry, base},
		{
			"another Python", strings.Replace(poetry, "3.9", "3.10", 1),
			"53f2eabc9c26446fbcc00d348c47878e118afc2054778c3c803a0a8028af27d9",
		},
		{
			"a group", poetry + "[tool.poetry.group.dev]\n",
			"a943a40756b7a03c80ec1aea9dc399eee107288f2ac421d99dff081b57f2caf4",
		},
		{
			"a standard group", poetry + "[dependency-groups]\ndev = []\n",
			"3cefcf9e507ecd6394fb11a45e52d06e96b59146be24cee03c019d96c7bbd364",
		},
		{
			"a source", poetry + "[[tool.poetry.source]]\nname = \"own\"\n",
			"3bfe7d588a694499ecf5243e08255d344e5d0123543fff327826b86f7fd984f3",
		},
		{
			"requires-python", "[project]\nname = \"a\"\nrequires-python = \">=3.9\"\n" + poetry,
			"b58c80dac9d116b429b5c0c7d4310c977fa94f4e0ec6265b029eeb3b091a1034",
		},
		{
			"values of all types", poetry + `"é😀" = {version = "<2 & >1", size = 1.5e16, small = 1e-5, yes = true, list = [1, "\u0000", []]}`,
			"8c84a9f0caf6bd3278d1787aab0d1eab1b80108c159a5303af50960cb8a63bc1",
		},
		{
			"nothing of Poetry", "[tool.other]\nx = 1\n",
			"115cf985d932e9bf5f540555bbdd75decbb62cac81e399375fc19f6277f8c1d8",
		},
		{"a date", poetry + "x = {day = 2020-01-01}\n", "none"},
	} {
		if got := sum(t, test.text, true); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if got := sum(t, poetry+"[dependency-groups]\ndev = []\n", false); got != base {
		t.Errorf("without groups: %s, want %s", got, base)
	}
}

// TestVectorHashes computes the digests of real projects.
func TestVectorHashes(t *testing.T) {
	var golden []struct {
		Name, Pyproject string
		Hash            string `json:"content_hash"`
	}
	vectors.Load(t, "poetry-locks/content_hash.json", &golden)
	met := 0
	for _, c := range golden {
		if got := sum(t, c.Pyproject, true); got != c.Hash {
			t.Errorf("%s: %s, want %s", c.Name, got, c.Hash)
			continue
		}
		met++
	}
	t.Logf("%d of %d hashes met", met, len(golden))
}
