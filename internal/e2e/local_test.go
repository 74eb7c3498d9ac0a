package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imagespec/imagespec/internal/testengine"
)

// helloTool is a repository with two projects.
const helloTool = `
-- pyproject.toml --
[project]
name = "tool"
version = "1.0"
dependencies = ["idna"]
[build-system]
requires = ["hatchling==1.25.0"]
build-backend = "hatchling.build"
-- tool.py --
greeting = "tool"
-- python/setup.py --
from setuptools import setup
setup(name="inner", version="2.0", py_modules=["inner"], install_requires=open("needs.txt").read().split())
-- python/needs.txt --
attrs
-- python/inner.py --
`

// localFiles are projects that are not in an index: one that says what it
// depends on, one that only its build tells, and one of Poetry.
const localFiles = `
-- libs/plain/pyproject.toml --
[project]
name = "plain"
version = "1.1"
dependencies = ["packaging"]
optional-dependencies = { more = ["rich<14"] }
[build-system]
requires = ["hatchling==1.25.0"]
build-backend = "hatchling.build"
-- libs/plain/plain.py --
-- libs/dynamic/pyproject.toml --
[project]
name = "dynamic"
dynamic = ["version", "dependencies"]
[build-system]
requires = ["setuptools==75.1.0"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
py-modules = ["dynamic"]
[tool.setuptools.dynamic]
version = { attr = "dynamic.__version__" }
dependencies = { file = "needs.txt" }
-- libs/dynamic/needs.txt --
click
-- libs/dynamic/dynamic.py --
__version__ = "3.3"
-- libs/poem/pyproject.toml --
[tool.poetry]
name = "poem"
version = "0.4"
description = ""
authors = []
packages = [{ include = "poem.py" }]
[tool.poetry.dependencies]
python = ">=3.9"
tabulate = "^0.9"
colorama = { version = "*", optional = true }
[tool.poetry.extras]
color = ["colorama"]
[build-system]
requires = ["poetry-core==1.9.0"]
build-backend = "poetry.core.masonry.api"
-- libs/poem/poem.py --
`

// TestUnlockedLocal builds what is in folders, archives and repositories, each
// with its dependencies, from every kind of input. The image has what uv pip
// install installs of the same input.
func TestUnlockedLocal(t *testing.T) {
	engine := testengine.Start(t)
	uv, python := tools(t)
	server := serveGit(t, "")
	server.add(t, "tool", helloTool)
	for _, tc := range []struct {
		name, files string
		install     []string // arguments of uv pip install
		modules     string
	}{
		{
			"requirements", spec("[]", "[]", `requirements: requirements.txt
packages: ["./libs/plain[more]", "inner @ git+SERVER/tool@main#subdirectory=python"]
-- requirements.txt --
-e ./libs/dynamic
./libs/poem[color] ; python_version > "3"
git+SERVER/tool@v1.0
`),
			[]string{"-r", "requirements.txt", "./libs/plain[more]", "inner @ git+SERVER/tool@main#subdirectory=python"},
			"plain, dynamic, poem, tool, inner",
		},
		{
			"project", strings.Replace(spec("[]", "[]", `requirements: libs/app/pyproject.toml
-- pyproject.toml --
[tool.uv.workspace]
members = ["libs/app", "libs/pl*"]
[tool.uv.sources]
dynamic = { path = "libs/dynamic", editable = true }
-- libs/app/app.py --
-- libs/app/pyproject.toml --
[project]
name = "app"
version = "5"
dependencies = ["plain[more]", "dynamic", "tool", "inner @ git+SERVER/tool#subdirectory=python"]
[tool.uv.sources]
plain = { workspace = true }
tool = { git = "SERVER/tool", tag = "v1.0" }
[build-system]
requires = ["hatchling==1.25.0"]
build-backend = "hatchling.build"
[tool.hatch.metadata]
allow-direct-references = true
`), "user: root", "user: root, install_project: true", 1),
			[]string{"./libs/app"},
			"app, plain, dynamic, tool, inner",
		},
		{
			"Poetry", spec("[color]", "[]", "requirements: libs/poem/pyproject.toml\n"),
			[]string{"-r", "libs/poem/pyproject.toml", "--extra", "color"},
			"tabulate, colorama",
		},
		{
			"script", spec("[]", "[]", `requirements: jobs/train.py
-- jobs/train.py --
# /// script
# dependencies = ["plain", "tool"]
# [tool.uv.sources]
# plain = { path = "../libs/plain" }
# tool = { git = "SERVER/tool", branch = "main" }
# ///
`), []string{"./libs/plain", "git+SERVER/tool"}, "plain, tool",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := written(t, engine, strings.ReplaceAll(tc.files+localFiles, "SERVER", server.URL))
			p.networked(t)
			var install []string
			for _, arg := range tc.install {
				install = append(install, strings.ReplaceAll(arg, "SERVER", server.URL))
			}
			want := installedBy(t, uv, python, p.dir, install)
			got := slices.DeleteFunc(p.installed(t), func(line string) bool { return strings.HasPrefix(line, "pip ") })
			if !slices.Equal(got, want) {
				t.Errorf("installed\n%q\nuv installs\n%q", got, want)
			}
			p.run(t, "python", "-c", "import "+tc.modules)
			if checked := p.run(t, "python", "-m", "pip", "check"); !strings.Contains(checked, "No broken requirements") {
				t.Error(checked)
			}
			p.unchanged(t)
		})
	}
}

// TestUnlockedDeepRepository: a repository may depend on another one.
func TestUnlockedDeepRepository(t *testing.T) {
	server := serveGit(t, "")
	server.add(t, "tool", helloTool)
	server.add(t, "outer", "-- pyproject.toml --\n[project]\nname = 'outer'\nversion = '1'\ndependencies = ['inner @ git+"+server.URL+"/tool#subdirectory=python']\n-- outer.py --\n")
	p := written(t, testengine.Start(t), spec("[]", "[]", "packages: ['git+"+server.URL+"/outer']\n"))
	p.networked(t)
	p.run(t, "python", "-c", "import outer, inner, attrs")
	p.unchanged(t)
}

// TestUnlockedArchives takes wheels and source distributions of the build
// context, by their paths and from a folder with links.
func TestUnlockedArchives(t *testing.T) {
	p := written(t, testengine.Start(t), spec("[]", "[]", `requirements: requirements.txt
packages: ["./here/six-1.16.0-py2.py3-none-any.whl"]
-- requirements.txt --
--find-links here
toolz==1.0.0
colorama
-- here/README --
`))
	download := exec.Command("pip", "download", "--quiet", "--no-deps", "-d", filepath.Join(p.dir, "here"))
	for _, args := range [][]string{{"six==1.16.0", "colorama==0.4.5"}, {"--no-binary=:all:", "toolz==1.0.0"}} {
		cmd := *download
		cmd.Args = append(slices.Clone(cmd.Args), args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	p.networked(t)
	if got := p.run(t, "python", "-c", "import six, toolz, colorama; print(six.__version__, toolz.__version__)"); got != "1.16.0 1.0.0\n" {
		t.Error(got)
	}
	p.unchanged(t)
}

// TestUnlockedEdits: nothing is resolved again by an edit of a module that no
// metadata depends on, and only its wheel is built.
func TestUnlockedEdits(t *testing.T) {
	p := written(t, testengine.Start(t), spec("[]", "[]", "packages: [./libs/plain, ./libs/dynamic]\n"+localFiles))
	p.networked(t)
	greeting := fmt.Sprintf("greeting = %q\n", time.Now())
	p.edit(t, "libs/plain/plain.py", func(string) string { return greeting })
	p.edit(t, "libs/plain/pyproject.toml", func(text string) string { return text + "[tool.ruff]\nline-length = 99\n" })
	var did []string
	for step, state := range p.networked(t).Steps() {
		if state != "CACHED" && (strings.HasPrefix(step, "[resolve] resolve") || strings.Contains(step, "build wheel")) {
			did = append(did, step)
		}
	}
	if want := []string{"[build plain] build wheel"}; !slices.Equal(did, want) {
		t.Errorf("did %q, want %q", did, want)
	}
	p.edit(t, "libs/dynamic/needs.txt", func(string) string { return "click\nidna\n" })
	p.networked(t)
	p.run(t, "python", "-c", "import idna")
}

// TestUnlockedPrivateRepository takes a package from a repository that wants a
// token, by a branch: it moves with the branch, and without the token the error
// says what is missing.
func TestUnlockedPrivateRepository(t *testing.T) {
	server := serveGit(t, token)
	first := server.add(t, "tool", helloTool)
	p := written(t, testengine.Start(t), spec("[]", "[]", "packages: ['tool @ git+"+server.URL+"/tool@main']\n"))
	for name, args := range map[string][]string{
		"none":  nil,
		"wrong": {secretFile(t, "GIT_AUTH_TOKEN."+server.host(), "guess")},
	} {
		built, err := p.tryBuild(t, append(authorities(), args...)...)
		for _, want := range []string{"imagespec.yaml:4: main of " + server.URL + "/tool cannot be fetched: it needs a login", "GIT_AUTH_TOKEN." + server.host()} {
			if err == nil || !strings.Contains(built.Output, want) {
				t.Errorf("%s: %v, no %q in\n%s", name, err, want, built.Output)
			}
		}
	}
	secret := secretFile(t, "GIT_AUTH_TOKEN."+server.host(), token)
	built := p.networked(t, secret, "--provenance=mode=max")
	if got := p.run(t, "cat", "/opt/venv/lib/python3.11/site-packages/tool-1.0.dist-info/direct_url.json"); !strings.Contains(got, first) || !strings.Contains(got, `"requested_revision":"main"`) {
		t.Error(got)
	}
	if leaks := p.engine.Leaks(t, built, p.image, token); len(leaks) > 0 {
		t.Errorf("leaks: %q", leaks)
	}
	second := server.change(t, "tool", "tool.py", "greeting = 'changed'\n")
	p.networked(t, secret)
	if got := p.run(t, "python", "-c", "import tool; print(tool.greeting)"); got != "changed\n" {
		t.Errorf("%s after %s: %s", second, first, got)
	}
	built, err := p.engine.Build(t, p.dir, append(authorities(), secret, "-f", filepath.Join(p.dir, "imagespec.yaml"), "--call=imagespec.lock")...)
	if want := fmt.Sprintf(`vcs = { type = "git", url = %q, requested-revision = "main", commit-id = %q }`, server.URL+"/tool", second); err != nil || !strings.Contains(built.Output, want) {
		t.Errorf("%v, no %s in\n%s", err, want, built.Output)
	}
}
