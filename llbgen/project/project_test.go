package project

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/requirements"
)

// reader is one of a build context, for a Python that everything admits.
func reader(t *testing.T, files map[string]string) *Reader {
	t.Helper()
	context := fstest.MapFS{}
	for name, text := range files {
		context[name] = &fstest.MapFile{Data: []byte(text)}
	}
	var target lock.Target
	target.Env.PythonFullVersion = "3.12.4"
	return &Reader{
		Request: &resolve.Request{}, Context: context, Target: target,
		NotOwn: func(string) []string { return nil },
		Commit: func(string, string, diag.Range) (string, error) { return strings.Repeat("c", 40), nil },
	}
}

// TestEdits: what is asked changes with what a project depends on, and with
// nothing else of it, unless only its build tells.
func TestEdits(t *testing.T) {
	const static = "[project]\nname = 'lib'\nversion = '1'\ndependencies = ['idna']\n"
	const dynamic = "[project]\nname = 'lib'\ndynamic = ['version']\n"
	for _, tc := range []struct {
		name, before, after string
		same                bool
	}{
		{"another tool", static, static + "[tool.ruff]\nline-length = 99\n", true},
		{"a comment", static, "# ours\n" + static, true},
		{"a description", static, strings.Replace(static, "version", "description = 'x'\nversion", 1), true},
		{"a dependency", static, strings.Replace(static, "idna", "attrs", 1), false},
		{"a version", static, strings.Replace(static, "'1'", "'2'", 1), false},
		{"another tool of a dynamic project", dynamic, dynamic + "[tool.ruff]\nline-length = 99\n", false},
	} {
		asked := func(text string) string {
			r := reader(t, map[string]string{"lib/pyproject.toml": text})
			if err := r.Requirement(requirements.Wanted{Text: "./lib", Location: "./lib", Path: "lib", Kind: requirements.LocalTree}, "."); err != nil {
				t.Fatal(err)
			}
			return r.Request.Files["context/lib/pyproject.toml"]
		}
		if before, after := asked(tc.before), asked(tc.after); (before == after) != tc.same {
			t.Errorf("%s:\n%s\nthen\n%s", tc.name, before, after)
		}
	}
}

// TestPlaces: each kind of requirement leads to what uv finds, once.
func TestPlaces(t *testing.T) {
	const project = "[project]\nname = 'lib'\nversion = '1'\n"
	for _, tc := range []struct {
		want         requirements.Wanted
		text         string
		trees        []string
		repositories int
	}{
		{requirements.Wanted{Text: "idna>=3", Name: "idna"}, "idna>=3", nil, 0},
		{requirements.Wanted{Text: "./lib[x] ; os_name == 'posix'", Location: "./lib", Path: "lib", Kind: requirements.LocalTree}, "./sub/lib[x] ; os_name == 'posix'", nil, 0},
		{requirements.Wanted{Text: "./old", Location: "./old", Path: "old", Kind: requirements.LocalTree}, "./sub/old", []string{"sub/old"}, 0},
		{requirements.Wanted{Text: "../a-1-py3-none-any.whl", Location: "../a-1-py3-none-any.whl", Path: "../a-1-py3-none-any.whl", Kind: requirements.LocalFile}, "./a-1-py3-none-any.whl", []string{"a-1-py3-none-any.whl"}, 0},
		{requirements.Wanted{Text: "tool @ git+https://example.com/tool@v1#subdirectory=py", Location: "git+https://example.com/tool@v1#subdirectory=py", Kind: requirements.Repository}, "tool @ ../git/0/py", nil, 1},
	} {
		r := reader(t, map[string]string{"sub/lib/pyproject.toml": project, "sub/old/setup.py": "", "a-1-py3-none-any.whl": ""})
		for range 2 {
			if err := r.Requirement(tc.want, "sub"); err != nil {
				t.Fatal(err)
			}
		}
		var trees []string
		for _, tree := range r.Request.Trees {
			trees = append(trees, tree.Path)
		}
		lines := r.Request.Requirements
		if len(lines) != 1 || lines[0].Text != tc.text || !slices.Equal(trees, tc.trees) || len(r.Request.Repositories) != tc.repositories {
			t.Errorf("%s: %+v, trees %q, repositories %+v", tc.want.Text, lines, trees, r.Request.Repositories)
		}
	}
}
