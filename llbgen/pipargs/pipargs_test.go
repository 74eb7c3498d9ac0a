package pipargs

import (
	"reflect"
	"strings"
	"testing"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// said is pip_extra_args of a spec.
func said(text string) imagespec.Text {
	src := &diag.Source{Name: "imagespec.yaml", Data: []byte("pip_extra_args: " + text + "\n")}
	return imagespec.Text{Value: text, At: diag.Range{Source: src, Line: 1}}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Arguments{
		"":                              {},
		"--no-cache -U --quiet":         {},
		"--extra gpu --extra=ml":        {Request: lock.Request{Extras: []string{"gpu", "ml"}}},
		`-E "gpu ml" --with docs,tests`: {Request: lock.Request{Extras: []string{"gpu", "ml"}, Groups: []string{"docs", "tests"}}},
		"--only main,docs":              {Request: lock.Request{Groups: []string{"docs"}}},
		"--only docs":                   {Request: lock.Request{Groups: []string{"docs"}, OnlyGroups: true}},
		"--locked --all-groups":         {Locked: true, Request: lock.Request{AllGroups: true}},
		"-i https://a.example/simple --extra-index-url https://b.example/simple -f https://c.example": {
			Index: "https://a.example/simple", ExtraIndexes: []string{"https://b.example/simple"}, FindLinks: []string{"https://c.example"},
		},
		"--exclude-newer 2026-01-31": {ExcludeNewer: "2026-02-01T00:00:00Z"},
		"--pre --no-deps": {
			Options: []string{"--prerelease", "allow", "--no-deps"}, chosen: []string{"--pre", "--no-deps"},
		},
		"--no-binary numpy": {
			Request: lock.Request{NoBinary: lock.Policy{Names: []string{"numpy"}}}, Options: []string{"--no-binary", "numpy"},
		},
	} {
		got, err := Parse(said(text))
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", text, got, err, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, says := range map[string]string{
		"--extr gpu":              "did you mean --extra?",
		"pandas":                  `"pandas" is no flag`,
		"--extra":                 "--extra needs a value",
		"--pre=yes":               "--pre takes no value",
		"--extra $(id)":           "which only a shell would understand",
		`--extra "gpu`:            "close every quotation mark",
		"--exclude-newer someday": `"someday" is neither a day`,
	} {
		_, err := Parse(said(text))
		if all := diag.All(err); len(all) != 1 || all[0].At[0].Line != 1 || !strings.Contains(all[0].Error()+all[0].Hint, says) {
			t.Errorf("%s: %v, want %s", text, err, says)
		}
	}
}

// TestCredentials: they are not kept, and a warning says so.
func TestCredentials(t *testing.T) {
	got, err := Parse(said("--index-url https://bob:s3cret@a.example/simple"))
	if err != nil || got.Index != "https://a.example/simple" || len(got.Warnings) != 1 || strings.Contains(got.Warnings[0].String(), "s3cret") {
		t.Errorf("%+v, %v", got, err)
	}
}
