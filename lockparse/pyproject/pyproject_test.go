package pyproject_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pyproject"
)

func source(text string) *diag.Source {
	return &diag.Source{Name: "pyproject.toml", Data: []byte(text)}
}

const project = `[project]
name = "My.Project"
version = "1.0"
requires-python = ">=3.10"
dependencies = ["numpy"]

[project.optional-dependencies]
GPU_all = ["torch"]

[dependency-groups]
dev = ["pytest", {include-group = "Lint"}]
lint = ["ruff", {include-group = "typing"}]
typing = ["mypy"]

[tool.uv]
default-groups = ["dev", "typing"]

[tool.uv.dependency-groups]
typing = {requires-python = ">=3.12"}
`

func TestParse(t *testing.T) {
	f, err := pyproject.Parse(source(project))
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "my-project" || f.RequiresPython.String() != ">=3.10" || f.RequiresLine != 4 {
		t.Errorf("project %q for Python %s in line %d", f.Name, f.RequiresPython, f.RequiresLine)
	}
	if want := []pyproject.Name{{Name: "gpu-all", Line: 8}}; !slices.Equal(f.Extras, want) {
		t.Errorf("extras %v, want %v", f.Extras, want)
	}
	if want := []string{"dev", "lint", "typing"}; !slices.Equal(f.GroupNames(), want) {
		t.Errorf("groups %v, want %v", f.GroupNames(), want)
	}
	if g := f.Group("typing"); g == nil || g.Line != 13 || g.RequiresPython.String() != ">=3.12" || g.RequiresLine != 19 {
		t.Errorf("group typing is %+v", g)
	}
	if d := f.DefaultGroups; d == nil || d.All || !slices.Equal(d.Names, []string{"dev", "typing"}) || d.Line != 16 {
		t.Errorf("default groups %+v", f.DefaultGroups)
	}
}

func TestWithIncludes(t *testing.T) {
	f, err := pyproject.Parse(source(`[dependency-groups]
a = [{include-group = "b"}, "six", {include-group = "gone"}]
b = [{include-group = "c"}, {include-group = "a"}]
c = []
d = ["six"]
`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range f.WithIncludes("a") {
		names = append(names, g.Name)
	}
	if !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("a with includes is %v", names)
	}
	if got := f.WithIncludes("gone"); got != nil {
		t.Errorf("a group that is not there includes %v", got)
	}
}

func TestSmallFiles(t *testing.T) {
	tests := []struct {
		name, text string
		check      func(*pyproject.File) bool
	}{
		{"empty", "", func(f *pyproject.File) bool { return f.Name == "" && f.DefaultGroups == nil }},
		{"tools only", "[tool.ruff]\nline-length = 100\n", func(f *pyproject.File) bool { return f.Name == "" }},
		{"all by default", "[tool.uv]\ndefault-groups = \"all\"\n", func(f *pyproject.File) bool { return f.DefaultGroups.All }},
		{
			"none by default", "[tool.uv]\ndefault-groups = []\n",
			func(f *pyproject.File) bool { return f.DefaultGroups != nil && len(f.DefaultGroups.Names) == 0 },
		},
		{"older dev", "[tool.uv]\ndev-dependencies = [\"pytest\"]\n", func(f *pyproject.File) bool { return f.Group("dev").Line == 2 }},
		{
			"both dev", "[dependency-groups]\ndev = []\n[tool.uv]\ndev-dependencies = [\"pytest\"]\n",
			func(f *pyproject.File) bool { return len(f.Groups) == 1 && f.Group("dev").Line == 2 },
		},
	}
	for _, test := range tests {
		f, err := pyproject.Parse(source(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if !test.check(f) {
			t.Errorf("%s: read as %+v", test.name, f)
		}
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct{ text, want string }{
		{"[project]\nversion = \"1\"\n", `pyproject.toml:1: project.name = "" is no name of a project`},
		{"[project]\nname = \"a b\"\n", `pyproject.toml:2: project.name = "a b" is no name of a project`},
		{"[project]\nname = 1\n", `pyproject.toml:2: name must be a string, not an integer`},
		{"project = 1\n", `pyproject.toml:1: project must be a table, not an integer`},
		{"[project]\nname = \"a\"\nrequires-python = \"3.10\"\n", `pyproject.toml:3: requires-python: `},
		{
			"[project.optional-dependencies]\nX_y = []\nx-Y = []\n[project]\nname = \"a\"\n",
			`pyproject.toml:3: the extra "x-Y" is defined a second time`,
		},
		{"[dependency-groups]\n\"a b\" = []\n", `pyproject.toml:2: the name "a b" of the dependency group is not valid`},
		{
			"[dependency-groups]\ndocs = []\n[tool.uv]\ndefault-groups = [\n  \"doc\",\n]\n",
			"pyproject.toml:5: default-groups names \"doc\", which is no dependency group\ndid you mean \"docs\"?",
		},
		{"[tool.uv]\ndefault-groups = \"some\"\n", `pyproject.toml:2: default-groups = "some" must be a list of groups or "all"`},
		{"[tool.uv.dependency-groups]\nx = {}\n", `pyproject.toml:2: tool.uv.dependency-groups.x is no dependency group`},
		{"[project\n", `pyproject.toml:1: no valid TOML: `},
	}
	for _, test := range tests {
		_, err := pyproject.Parse(source(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q gives the error %v, want %s", test.text, err, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(project))
	f.Add([]byte("[dependency-groups]\na = [{include-group = \"a\"}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := pyproject.Parse(&diag.Source{Name: "pyproject.toml", Data: data})
		if err != nil {
			if len(diag.All(err)) == 0 {
				t.Fatalf("the error has no place: %v", err)
			}
			return
		}
		for _, name := range file.GroupNames() {
			if got := file.WithIncludes(name); len(got) == 0 || got[0].Name != name {
				t.Fatalf("group %q includes %v", name, got)
			}
		}
	})
}

func TestParseBuildSystem(t *testing.T) {
	for text, want := range map[string]*pyproject.BuildSystem{
		"":                                nil,
		"[build-system]\nrequires = []\n": {Requires: []string{}},
		"[build-system]\nrequires = [\"a>=1\", \"b[c]\"]\nbuild-backend = \"a.b\"\nbackend-path = [\".\"]\n": {Requires: []string{"a>=1", "b[c]"}, Backend: "a.b", InTree: true},
	} {
		got, err := pyproject.ParseBuildSystem(&diag.Source{Name: "pyproject.toml", Data: []byte(text)})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"[build-system", "[build-system]\nrequires = \"a\"\n"} {
		if got, err := pyproject.ParseBuildSystem(&diag.Source{Name: "pyproject.toml", Data: []byte(text)}); err == nil {
			t.Errorf("%q gives %v and no error", text, got)
		}
	}
}
