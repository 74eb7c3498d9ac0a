package poetrylock_test

import (
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// locked makes packages without conditions, "name version" each.
func locked(packages ...string) string {
	var b strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, " ")
		b.WriteString(pkg(name, version, `files = [{file = "`+name+`-`+version+`.tar.gz"}]`))
	}
	return b.String()
}

// with is locked for one package with dependencies and extras.
func with(p string, lines ...string) string {
	return locked(p) + strings.Join(lines, "\n") + "\n\n"
}

// TestGroups asks a lock of version 2.1, in which packages know their groups.
func TestGroups(t *testing.T) {
	in := func(name, groups, markers string) string {
		text := strings.Replace(locked(name+" 1"), `["main"]`, groups, 1)
		if markers == "" {
			return text
		}
		return strings.Replace(text, "files", "markers = "+markers+"\nfiles", 1)
	}
	lockfile := in("a", `["main"]`, "") +
		in("b", `["main", "Docs"]`, `{main = "extra == \"all\"", docs = "python_version >= \"3.12\""}`) +
		in("c", `["test"]`, "") +
		in("d", `["main", "test"]`, `{main = "sys_platform == \"win32\""}`) +
		in("e", `["main"]`, `"extra == \"cpu\" and extra != \"gpu\""`) +
		in("f", `["main"]`, `"<empty>"`) +
		in("g", `["lint"]`, `"*"`) +
		"[extras]\nall = [\"b\"]\nCPU = [\"e\"]\ngpu = []\n\n" + metadata("2.1")
	project := poetryProject + `
[tool.poetry.group.docs]
optional = true

[dependency-groups]
test = ["c", "d"]
lint = ["g"]
`
	for _, test := range []struct {
		name    string
		request lock.Request
		want    string
	}{
		{"main alone", lock.Request{}, "a 1, app 1.0"},
		{"without the project", lock.Request{NoInstallProject: true}, "a 1"},
		{"the project by name", lock.Request{Package: "App"}, "a 1, app 1.0"},
		{"extra", lock.Request{Extras: []string{"All"}}, "a 1, app 1.0, b 1"},
		{"exclusive extra", lock.Request{Extras: []string{"cpu"}}, "a 1, app 1.0, e 1"},
		{"all extras", lock.Request{AllExtras: true}, "a 1, app 1.0, b 1"},
		{"group", lock.Request{Groups: []string{"DOCS"}}, "a 1, app 1.0, b 1"},
		{"group without condition in the table", lock.Request{Groups: []string{"test"}}, "a 1, app 1.0, c 1, d 1"},
		{"group alone", lock.Request{Groups: []string{"test"}, OnlyGroups: true}, "c 1, d 1"},
		{"default groups", lock.Request{DefaultGroups: true}, "a 1, app 1.0, c 1, d 1, g 1"},
		{"default groups but one", lock.Request{DefaultGroups: true, NoGroups: []string{"test", "dev"}}, "a 1, app 1.0, g 1"},
		{"all groups", lock.Request{AllGroups: true}, "a 1, app 1.0, b 1, c 1, d 1, g 1"},
		{"all groups alone", lock.Request{AllGroups: true, OnlyGroups: true}, "b 1, c 1, d 1, g 1"},
		{"main is a group", lock.Request{Groups: []string{"main"}, OnlyGroups: true}, "a 1"},
	} {
		if got := locktest.Selected(t, mustRead(t, lockfile, project), "3.12.4", test.request); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if got := locktest.Selected(t, mustRead(t, lockfile, ""), "3.12.4", lock.Request{Groups: []string{"test"}}); got != "a 1, c 1, d 1" {
		t.Errorf("without pyproject.toml: %s", got)
	}
	folder := strings.Replace(project, "[tool.poetry]\n", "[tool.poetry]\npackage-mode = false\n", 1)
	if got := locktest.Selected(t, mustRead(t, lockfile, folder), "3.12.4", lock.Request{}); got != "a 1" {
		t.Errorf("no package: %s", got)
	}
}

// walkCase is a lock of version 2.0, in which only pyproject.toml says what is
// needed, and what a Linux machine with Python 3.12 gets. The project begins
// in [tool.poetry].
type walkCase struct {
	name, lock, project string
	extras, groups      []string
	want                string
}

func testWalk(t *testing.T, cases []walkCase) {
	t.Helper()
	for _, test := range cases {
		l := mustRead(t, test.lock+metadata("2.0"), "[tool.poetry]\nname = \"app\"\nversion = \"1.0\"\n"+test.project)
		r := lock.Request{Extras: test.extras, Groups: test.groups, NoInstallProject: true}
		if got := locktest.Selected(t, l, "3.12.4", r); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestWalkVersions(t *testing.T) {
	testWalk(t, []walkCase{
		{
			name: "what nobody asks for",
			lock: locked("a 1", "b 1"),
			project: `
[tool.poetry.dependencies]
a = "*"
`,
			want: "a 1",
		},
		{
			name: "the highest version",
			lock: locked("a 1", "a 10", "a 9"),
			project: `
[tool.poetry.dependencies]
a = "*"
`,
			want: "a 10",
		},
		{
			name: "the highest version for the Python",
			lock: locked("a 1") + strings.Replace(locked("a 2"), ">=3.8", ">=3.13", 1),
			project: `
[tool.poetry.dependencies]
a = "*"
`,
			want: "a 1",
		},
		{
			name: "several constraints",
			lock: locked("a 1", "a 2"),
			project: `
[tool.poetry.dependencies]
a = [
    {version = "^2", python = "<3.12"},
    {version = "^1", python = ">=3.12"},
]
`,
			want: "a 1",
		},
		{
			name: "a text beside a table",
			lock: locked("a 1", "a 2"),
			project: `
[tool.poetry.dependencies]
a = ["*", {version = "<2", python = ">=3.12"}]
`,
			want: "a 1",
		},
		{
			name: "a later requirement",
			lock: locked("a 1", "a 2") + with("b 1", `
[package.dependencies]
a = "<2"
`),
			project: `
[tool.poetry.dependencies]
a = "*"
b = "*"
`,
			want: "a 1, b 1",
		},
		{
			name: "a version that asks for what is not to be had",
			lock: locked("a 1", "b 1", "c 1") + with("b 2", `
[package.dependencies]
a = ">=2"
c = "*"
`),
			project: `
[tool.poetry.dependencies]
a = "*"
b = "*"
`,
			want: "a 1, b 1",
		},
		{
			name: "what is always there",
			lock: locked("a 1"),
			project: `
[tool.poetry.dependencies]
a = "*"
setuptools = "*"
app = "*"
`,
			want: "a 1",
		},
	})
}

func TestWalkConditions(t *testing.T) {
	testWalk(t, []walkCase{
		{
			name: "Python, platform and marker",
			lock: locked("a 1", "b 1", "c 1", "d 1"),
			project: `
[tool.poetry.dependencies]
a = {version = "*", python = "3.12"}
b = {version = "*", platform = "win32 || darwin"}
c = {version = "*", platform = "!=win32"}
d = {version = "*", markers = "os_name == 'nt'"}
`,
			want: "a 1, c 1",
		},
		{
			name: "conditions of a package",
			lock: locked("b 1", "c 1") + with("a 1", `
[package.dependencies]
b = {version = "*", markers = "python_version >= \"3.12\""}
c = {version = "*", markers = "python_version < \"3.12\""}
`),
			project: `
[tool.poetry.dependencies]
a = "*"
`,
			want: "a 1, b 1",
		},
	})
}

func TestWalkExtras(t *testing.T) {
	testWalk(t, []walkCase{
		{
			name: "an extra of a package, in any spelling",
			lock: locked("b 1", "c 1", "d 1") + with("a 1", `
[package.dependencies]
b = {version = "*", optional = true}
c = {version = "*", optional = true, markers = "extra == \"C.c\" and os_name == \"posix\""}
d = {version = "*", optional = true, markers = "extra == \"c-c\" and os_name == \"nt\""}

[package.extras]
b = ["b (>=1)"]
c_c = ["c", "d"]
`),
			project: `
[tool.poetry.dependencies]
a = {version = "*", extras = ["c-C"]}
`,
			want: "a 1, c 1",
		},
		{
			name: "an extra that means others",
			lock: locked("b 1", "c 1") + with("a 1", `
[package.dependencies]
b = {version = "*", optional = true, markers = "extra == \"b\""}
c = {version = "*", optional = true, markers = "extra == \"c\""}

[package.extras]
all = ["a[b,c]"]
b = ["b"]
c = ["c[x] (>=1) ; os_name == 'posix'"]
`),
			project: `
[tool.poetry.dependencies]
a = {version = "*", extras = ["all"]}
`,
			want: "a 1, b 1, c 1",
		},
		{
			name: "an extra asked for later",
			lock: locked("b 1") + with("a 1", `
[package.dependencies]
b = {version = "*", optional = true}

[package.extras]
b = ["b"]
`) + with("c 1", `
[package.dependencies]
a = {version = "*", extras = ["b"]}
`),
			project: `
[tool.poetry.dependencies]
a = "*"
c = "*"
`,
			want: "a 1, b 1, c 1",
		},
		{
			name: "an optional dependency",
			lock: locked("a 1", "b 1"),
			project: `
[tool.poetry.dependencies]
a = "*"
b = {version = "*", optional = true}
`,
			want: "a 1",
		},
		{
			name: "an extra of the project",
			lock: locked("a 1", "b 1") + "[extras]\nbb = [\"b\"]\n\n",
			project: `
[tool.poetry.dependencies]
a = "*"
b = {version = "*", optional = true}

[tool.poetry.extras]
bb = ["b"]
`,
			extras: []string{"BB"},
			want:   "a 1, b 1",
		},
	})
}

func TestWalkGroups(t *testing.T) {
	testWalk(t, []walkCase{
		{
			name: "dev-dependencies",
			lock: locked("a 1", "b 1"),
			project: `
[tool.poetry.dependencies]
a = "*"

[tool.poetry.dev-dependencies]
b = "*"
`,
			groups: []string{"dev"},
			want:   "a 1, b 1",
		},
		{
			name: "groups that include others, in a circle too",
			lock: locked("b 1", "c 1"),
			project: `
[tool.poetry.group.all]
include-groups = ["B", "c"]

[tool.poetry.group.b.dependencies]
b = "*"

[dependency-groups]
c = ["c", {include-group = "b"}, {include-group = "all"}]
`,
			groups: []string{"all"},
			want:   "b 1, c 1",
		},
	})
}

func TestWalkProjectTable(t *testing.T) {
	testWalk(t, []walkCase{
		{
			name: "it comes before tool.poetry",
			lock: locked("a 1", "b 1", "c 1", "d 1") + "[extras]\nc = [\"c\"]\n\n",
			project: `
[tool.poetry.dependencies]
d = "*"

[project]
dependencies = ["a>=1", "b ; os_name == 'nt'"]

[project.optional-dependencies]
c = ["c"]
`,
			extras: []string{"c"},
			want:   "a 1, c 1",
		},
		{
			name: "tool.poetry says more",
			lock: locked("a 1", "a 2", "b 1"),
			project: `
[tool.poetry.dependencies]
a = "<2"
b = {version = "*", python = "<3.12"}

[project]
dependencies = ["a", "b"]
`,
			want: "a 1",
		},
		{
			name: "tool.poetry has what is dynamic",
			lock: locked("a 1", "b 1"),
			project: `
[tool.poetry.dependencies]
a = "*"

[project]
dynamic = ["dependencies"]

[project.optional-dependencies]
b = ["b"]
`,
			want: "a 1",
		},
	})
}

// TestWalkSources has names that are locked from two sources.
func TestWalkSources(t *testing.T) {
	own := `
[package.source]
type = "legacy"
url = "https://host/simple"
reference = "Own"
`
	git := func(digit string) string {
		return `
[package.source]
type = "git"
url = "https://host/a.git"
reference = "branch-` + digit + `"
resolved_reference = "` + strings.Repeat(digit, 40) + `"
`
	}
	source := func(kind, url string) string {
		return "[package.source]\ntype = \"" + kind + "\"\nurl = \"" + url + "\"\n"
	}
	testWalk(t, []walkCase{
		{
			name:    "PyPI",
			lock:    locked("a 1") + with("a 2", own),
			project: `dependencies.a = {version = "*", source = "pypi"}`,
			want:    "a 1",
		},
		{
			name:    "another index",
			lock:    locked("a 2") + with("a 1", own),
			project: `dependencies.a = {version = "*", source = "own"}`,
			want:    "a 1",
		},
		{
			name:    "a folder",
			lock:    locked("a 2") + with("a 1", source("directory", "libs/a")),
			project: `dependencies.a = {path = "./libs/a"}`,
			want:    "a 1",
		},
		{
			name: "one of two folders, relative to a third",
			lock: with("a 2", source("directory", "two/a")) + with("a 1", source("directory", "one/a")) + with("b 1", `
[package.dependencies]
a = {path = "../one/a"}
`+source("directory", "libs")),
			project: `dependencies.b = {path = "libs"}`,
			want:    "a 1, b 1",
		},
		{
			name:    "one of two branches",
			lock:    with("a 2", git("2")) + with("a 1", git("1")),
			project: `dependencies.a = {git = "git@host:a", branch = "branch-1"}`,
			want:    "a 1",
		},
		{
			name: "a commit in [project]",
			lock: with("a 2", git("2")) + with("a 1", git("1")),
			project: `
[project]
dependencies = ["a @ git+https://user@host/a.git@1111111#egg=a"]
`,
			want: "a 1",
		},
		{
			name: "a URL in [project]",
			lock: locked("a 2") + with("a 1", source("url", "https://host/a-1.zip")),
			project: `
[project]
dependencies = ["a @ https://host/a-1.zip"]
`,
			want: "a 1",
		},
		{
			name: "a file in [project]",
			lock: locked("a 2") + with("a 1", source("file", "dist/a-1.zip")),
			project: `
[project]
dependencies = ["a @ file:///src/dist/a-1.zip"]
`,
			want: "a 1",
		},
	})
}

// Every package knows who asked for it, in locks of either kind.
func TestBy(t *testing.T) {
	text := locked("c 1") + with("a 1", "[package.dependencies]", `b = "*"`) + with("b 1", "[package.dependencies]", `c = "*"`)
	for _, version := range []string{"2.0", "2.1"} {
		l := mustRead(t, text+metadata(version), poetryProject+"a = \"*\"\n")
		s, err := lock.Select(l, locktest.Bookworm(t, "3.12.4"), lock.Request{}, offline.Index{})
		if err != nil {
			t.Fatal(err)
		}
		by := make(map[string]string)
		for _, p := range s.Packages {
			if p.By != nil {
				by[p.Package.Name] = p.By.Name
			}
		}
		if len(by) != 2 || by["b"] != "a" || by["c"] != "b" {
			t.Errorf("%s: %v", version, by)
		}
	}
}

// A candidate of Python is the release that it will be.
func TestCandidate(t *testing.T) {
	l := mustRead(t, strings.Replace(locked("a 1")+metadata("2.1"), ">=3.9", ">=3.14", 1), "")
	if got := locktest.Selected(t, l, "3.14.0rc2", lock.Request{}); got != "a 1" {
		t.Error(got)
	}
}
