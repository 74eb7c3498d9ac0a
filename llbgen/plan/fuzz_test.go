package plan_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/containerd/platforms"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// fuzzed plans a spec; what is wrong with it has to be an error with a place.
func fuzzed(t *testing.T, spec *imagespec.Spec, files fstest.MapFS) {
	t.Helper()
	p, err := platforms.Parse("linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = plan.Make(plan.Input{
		Spec: spec, Context: files, Platform: p, Python: plan.Python{Version: "3.12.4"}, Libc: glibc241,
		Resolve: (&answers{}).resolve, Commit: commitOf, Getenv: func(string) string { return "" },
	})
	var e *diag.Error
	if err != nil && !errors.As(err, &e) {
		t.Errorf("%v has no place", err)
	}
}

// FuzzArguments: pip_extra_args is any text.
func FuzzArguments(f *testing.F) {
	f.Add(`--extra gpu -E "a b" --no-binary=:all: -c x.txt --exclude-newer 2026-01-31`)
	f.Add(`--index-url 'https://a:b@c' -vv -`)
	f.Fuzz(func(t *testing.T, text string) {
		src := &diag.Source{Name: "imagespec.yaml", Data: []byte("x")}
		at := diag.Range{Source: src, Line: 1}
		fuzzed(t, &imagespec.Spec{
			Source: src, PipExtraArgs: imagespec.Text{Value: text, At: at},
			Packages: imagespec.List{Items: []imagespec.Text{{Value: "idna", At: at}}, At: at},
		}, fstest.MapFS{})
	})
}

// FuzzProject: so is a pyproject.toml, and the metadata of a script.
func FuzzProject(f *testing.F) {
	f.Add([]byte("[project]\nname = 'a'\ndependencies = ['b @ https://c']\noptional-dependencies = {x = ['y']}\n[dependency-groups]\ng = [1]\n[tool.uv]\nsources = {b = [{git = 'x'}]}\n"))
	f.Add([]byte("[project]\nname = 'a'\ndynamic = ['dependencies']\n[tool.uv.sources]\nb = { git = 'https://example.com/b', tag = 'v1.0' }\nc = { path = '../c' }\nd = { workspace = true }\n[tool.uv.workspace]\nmembers = ['[', '*']\n"))
	f.Add([]byte("# /// script\n# dependencies = ['a']\n# requires-python = '>=3'\n# ///\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &diag.Source{Name: "imagespec.yaml", Data: []byte("x")}
		at := diag.Range{Source: src, Line: 1}
		for _, name := range []string{"pyproject.toml", "train.py"} {
			spec := &imagespec.Spec{Source: src, Requirements: imagespec.Text{Value: name, At: at}}
			spec.BuilderOptions.Extras = imagespec.List{Items: []imagespec.Text{{Value: "x", At: at}}, At: at}
			fuzzed(t, spec, fstest.MapFS{name: &fstest.MapFile{Data: data}})
		}
	})
}
