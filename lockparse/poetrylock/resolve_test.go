package poetrylock_test

import (
	"strings"
	"testing"

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
		if got := selected(t, mustRead(t, lockfile, project), "3.12.4", test.request); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if got := selected(t, mustRead(t, lockfile, ""), "3.12.4", lock.Request{Groups: []string{"test"}}); got != "a 1, c 1, d 1" {
		t.Errorf("without pyproject.toml: %s", got)
	}
	folder := strings.Replace(project, "[tool.poetry]\n", "[tool.poetry]\npackage-mode = false\n", 1)
	if got := selected(t, mustRead(t, lockfile, folder), "3.12.4", lock.Request{}); got != "a 1" {
		t.Errorf("no package: %s", got)
	}
}

// TestWalk asks locks of version 2.0, in which only pyproject.toml says what
// is needed.
func TestWalk(t *testing.T) {
	const head = "[tool.poetry]\nname = \"app\"\nversion = \"1.0\"\n"
	for _, test := range []struct {
		name, lock, project string
		request             lock.Request
		want                string
	}{
		{"what nobody asks for", locked("a 1", "b 1"), "[tool.poetry.dependencies]\na = \"*\"\n", lock.Request{}, "a 1"},
		{"conditions", locked("a 1", "b 1", "c 1", "d 1"),
			"[tool.poetry.dependencies]\na = {version = \"*\", python = \"3.12\"}\nb = {version = \"*\", platform = \"win32 || darwin\"}\n" +
				"c = {version = \"*\", platform = \"!=win32\"}\nd = {version = \"*\", markers = \"os_name == 'nt'\"}\n", lock.Request{}, "a 1, c 1"},
		{"several constraints", locked("a 1", "a 2"), "[tool.poetry.dependencies]\na = [{version = \"^2\", python = \"<3.12\"}, {version = \"^1\", python = \">=3.12\"}]\n",
			lock.Request{}, "a 1"},
		{"a text and a table", locked("a 1", "a 2"), "[tool.poetry.dependencies]\na = [\"*\", {version = \"<2\", python = \">=3.12\"}]\n", lock.Request{}, "a 1"},
		{"highest version", locked("a 1", "a 10", "a 9"), "[tool.poetry.dependencies]\na = \"*\"\n", lock.Request{}, "a 10"},
		{"version for the Python", strings.Replace(locked("a 2"), ">=3.8", ">=3.13", 1) + locked("a 1"), "[tool.poetry.dependencies]\na = \"*\"\n", lock.Request{}, "a 1"},
		{"a later requirement", with("b 1", "[package.dependencies]", `a = "<2"`) + locked("a 1", "a 2"),
			"[tool.poetry.dependencies]\na = \"*\"\nb = \"*\"\n", lock.Request{}, "a 1, b 1"},
		{"a version that asks for too much", locked("a 1") + with("b 2", "[package.dependencies]", `a = ">=2"`, `c = "*"`) + locked("b 1", "c 1"),
			"[tool.poetry.dependencies]\na = \"*\"\nb = \"*\"\n", lock.Request{}, "a 1, b 1"},
		{"extras of a package", with("a 1", "[package.dependencies]", `b = {version = "*", optional = true}`, `c = {version = "*", optional = true, markers = "extra == \"C.c\" and os_name == \"posix\""}`,
			`d = {version = "*", optional = true, markers = "extra == \"c-c\" and os_name == \"nt\""}`, "[package.extras]", `b = ["b (>=1)"]`, `c_c = ["c", "d"]`) + locked("b 1", "c 1", "d 1"),
			"[tool.poetry.dependencies]\na = {version = \"*\", extras = [\"c-C\"]}\n", lock.Request{}, "a 1, c 1"},
		{"an extra that means others", with("a 1", "[package.dependencies]", `b = {version = "*", optional = true, markers = "extra == \"b\""}`,
			`c = {version = "*", optional = true, markers = "extra == \"c\""}`, "[package.extras]", `all = ["a[b,c]"]`, `b = ["b"]`, `c = ["c[x] (>=1) ; os_name == 'posix'"]`) + locked("b 1", "c 1"),
			"[tool.poetry.dependencies]\na = {version = \"*\", extras = [\"all\"]}\n", lock.Request{}, "a 1, b 1, c 1"},
		{"extras asked for later", with("a 1", "[package.dependencies]", `b = {version = "*", optional = true}`, "[package.extras]", `b = ["b"]`) + locked("b 1") +
			with("c 1", "[package.dependencies]", `a = {version = "*", extras = ["b"]}`), "[tool.poetry.dependencies]\na = \"*\"\nc = \"*\"\n", lock.Request{}, "a 1, b 1, c 1"},
		{"optional dependency", locked("a 1", "b 1"), "[tool.poetry.dependencies]\na = \"*\"\nb = {version = \"*\", optional = true}\n", lock.Request{}, "a 1"},
		{"extra of the project", locked("a 1", "b 1") + "[extras]\nbb = [\"b\"]\n\n",
			"[tool.poetry.dependencies]\na = \"*\"\nb = {version = \"*\", optional = true}\n[tool.poetry.extras]\nbb = [\"b\"]\n", lock.Request{Extras: []string{"BB"}}, "a 1, b 1"},
		{"dev-dependencies", locked("a 1", "b 1"), "[tool.poetry.dependencies]\na = \"*\"\n[tool.poetry.dev-dependencies]\nb = \"*\"\n", lock.Request{Groups: []string{"dev"}}, "a 1, b 1"},
		{"included groups", locked("a 1", "b 1", "c 1"), "[tool.poetry.group.all]\ninclude-groups = [\"b\", \"c\"]\n[tool.poetry.group.b.dependencies]\nb = \"*\"\n" +
			"[dependency-groups]\nc = [\"c\", {include-group = \"b\"}]\n", lock.Request{Groups: []string{"all"}}, "b 1, c 1"},
		{"what is always there", locked("a 1"), "[tool.poetry.dependencies]\na = \"*\"\nsetuptools = \"*\"\napp = \"*\"\n", lock.Request{}, "a 1"},
		{"the standard's table", locked("a 1", "b 1", "c 1", "d 1") + "[extras]\nc = [\"c\"]\n\n",
			"[project]\ndependencies = [\"a>=1\", \"b ; os_name == 'nt'\"]\noptional-dependencies.c = [\"c\"]\n[tool.poetry.dependencies]\nd = \"*\"\n", lock.Request{Extras: []string{"c"}}, "a 1, c 1"},
		{"the standard's table and more", locked("a 1", "a 2", "b 1"), "[project]\ndependencies = [\"a\", \"b\"]\n[tool.poetry.dependencies]\na = \"<2\"\nb = {version = \"*\", python = \"<3.12\"}\n",
			lock.Request{}, "a 1"},
		{"dynamic dependencies", locked("a 1", "b 1") + "[extras]\nb = [\"b\"]\n\n", "[project]\ndynamic = [\"dependencies\"]\noptional-dependencies.b = [\"b\"]\n[tool.poetry.dependencies]\na = \"*\"\n",
			lock.Request{}, "a 1"},
		{"sources", locked("a 1") + with("a 2", "[package.source]", `type = "legacy"`, `url = "https://host/simple"`, `reference = "Own"`),
			"[tool.poetry.dependencies]\na = {version = \"*\", source = \"pypi\"}\n", lock.Request{}, "a 1"},
		{"the other source", locked("a 2") + with("a 1", "[package.source]", `type = "legacy"`, `url = "https://host/simple"`, `reference = "Own"`),
			"[tool.poetry.dependencies]\na = {version = \"*\", source = \"own\"}\n", lock.Request{}, "a 1"},
		{"a folder", locked("a 2") + with("a 1", "[package.source]", `type = "directory"`, `url = "libs/a"`), "[tool.poetry.dependencies]\na = {path = \"./libs/a\"}\n", lock.Request{}, "a 1"},
		{"one of two folders", with("a 2", "[package.source]", `type = "directory"`, `url = "two/a"`) + with("a 1", "[package.source]", `type = "directory"`, `url = "one/a"`) +
			with("b 1", "[package.dependencies]", `a = {path = "../one/a"}`, "[package.source]", `type = "directory"`, `url = "libs"`), "[tool.poetry.dependencies]\nb = {path = \"libs\"}\n", lock.Request{}, "a 1, b 1"},
		{"one of two branches", with("a 2", "[package.source]", `type = "git"`, `url = "ssh://git@host/a.git"`, `reference = "two"`, `resolved_reference = "`+strings.Repeat("2", 40)+`"`) +
			with("a 1", "[package.source]", `type = "git"`, `url = "ssh://git@host/a.git"`, `reference = "one"`, `resolved_reference = "`+strings.Repeat("1", 40)+`"`),
			"[tool.poetry.dependencies]\na = {git = \"git@host:a\", branch = \"one\"}\n", lock.Request{}, "a 1"},
		{"a commit of the standard's", with("a 2", "[package.source]", `type = "git"`, `url = "https://host/a.git"`, `reference = "two"`, `resolved_reference = "`+strings.Repeat("2", 40)+`"`) +
			with("a 1", "[package.source]", `type = "git"`, `url = "https://host/a.git"`, `reference = "main"`, `resolved_reference = "`+strings.Repeat("1", 40)+`"`),
			"[project]\ndependencies = [\"a @ git+https://user@host/a.git@1111111#egg=a\"]\n", lock.Request{}, "a 1"},
		{"a URL of the standard's", locked("a 2") + with("a 1", "[package.source]", `type = "url"`, `url = "https://host/a-1.zip"`), "[project]\ndependencies = [\"a @ https://host/a-1.zip\"]\n", lock.Request{}, "a 1"},
		{"a file", locked("a 2") + with("a 1", "[package.source]", `type = "file"`, `url = "dist/a-1.zip"`), "[project]\ndependencies = [\"a @ file:///src/dist/a-1.zip\"]\n", lock.Request{}, "a 1"},
	} {
		test.request.NoInstallProject = true
		l := mustRead(t, test.lock+metadata("2.0"), head+test.project)
		if got := selected(t, l, "3.12.4", test.request); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// Every package knows who asked for it, in locks of either kind.
func TestBy(t *testing.T) {
	text := locked("c 1") + with("a 1", "[package.dependencies]", `b = "*"`) + with("b 1", "[package.dependencies]", `c = "*"`)
	for _, version := range []string{"2.0", "2.1"} {
		l := mustRead(t, text+metadata(version), poetryProject+"a = \"*\"\n")
		s, err := lock.Select(l, linux(t, "3.12.4"), lock.Request{}, offline.Index{})
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
	if got := selected(t, l, "3.14.0rc2", lock.Request{}); got != "a 1" {
		t.Error(got)
	}
}
