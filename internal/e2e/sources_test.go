package e2e

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/internal/testengine"
)

// TestSources builds a workspace with the project itself, two members and a
// source distribution of PyPI, each with another build backend.
func TestSources(t *testing.T) {
	p := example(t, testengine.Start(t), "sources")
	p.build(t, caArgs()...)
	if got, want := p.run(t, "/opt/venv/bin/app"), "hello sources red 0.6.2\n"; got != want {
		t.Errorf("the image prints %q, want %q", got, want)
	}
	if got, want := p.installed(t), p.planned(t).versions(); !slices.Equal(got, want) {
		t.Errorf("installed %q, planned %q", got, want)
	}
}

// TestSourceEdit: an edit in one member builds this one wheel anew, and
// installs it; what lies beside the sources does nothing.
func TestSourceEdit(t *testing.T) {
	p := example(t, testengine.Start(t), "sources")
	p.build(t, caArgs()...)
	p.edit(t, "uv.lock", func(text string) string { return "# a comment\n" + text })
	if steps := did(p.solve(t)); len(steps) != 0 {
		t.Errorf("a comment in the lock has run %q", steps)
	}
	greeting := time.Now().String() // that no engine has seen
	p.replace(t, "libs/greet/src/greet/__init__.py", "hello", greeting)
	want := []string{"[build greet 1.2] build wheel", "[build greet] load its source", "[python 5/6] compile greet", "[python 5/6] install greet"}
	if steps := did(p.solve(t)); !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	if got, want := p.run(t, "/opt/venv/bin/app"), greeting+" sources red 0.6.2\n"; got != want {
		t.Errorf("the image prints %q, want %q", got, want)
	}
}

// TestBuildsAreRepeatable: packages without compiled code are the same bytes
// whenever they are built.
func TestBuildsAreRepeatable(t *testing.T) {
	p := example(t, testengine.Start(t), "sources")
	p.build(t, caArgs()...)
	before := p.engine.Image(t, p.image, "").Layers
	built := p.build(t, append(caArgs(), "--no-cache-filter", "build")...)
	if got := built.Steps()["[build docopt 0.6.2] build wheel"]; got != "DONE" {
		t.Errorf("docopt was not built again: %s", got)
	}
	after := p.engine.Image(t, p.image, "").Layers
	if len(before) != len(after) {
		t.Fatalf("%d layers, then %d", len(before), len(after))
	}
	for i := range before {
		if before[i].Digest != after[i].Digest {
			t.Errorf("layer %d was %s, and is %s", i, before[i].Digest, after[i].Digest)
		}
	}
}

// TestRust builds a package in Rust with crates of crates.io, which are
// fetched while there is a network.
func TestRust(t *testing.T) {
	p := written(t, testengine.Start(t), `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.13-slim-trixie
requirements: uv.lock
builder_options:
  user: root
  build_apt_packages: [cargo, rustc, python3-dev]
-- uv.lock --
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "rpds-py"
version = "0.27.1"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.pythonhosted.org/packages/e9/dd/2c0cbe774744272b0ae725f44032c77bdcab6e8bcf544bffa3b6e70c8dba/rpds_py-0.27.1.tar.gz", hash = "sha256:26a1c73171d10b7acccbded82bf6a586ab8203601e565badc74bbbf8bc5a10f8" }

[[package]]
name = "rust"
version = "0.1"
source = { virtual = "." }
dependencies = [
    { name = "rpds-py" },
]
`)
	p.build(t, caArgs()...)
	if got := p.run(t, "/opt/venv/bin/python", "-c", "import rpds; print(rpds.HashTrieMap({1: 2}).get(1))"); got != "2\n" {
		t.Errorf("the image prints %q", got)
	}
}

// did gives the steps that built or installed something.
func did(solved *testengine.Solved) []string {
	names := slices.DeleteFunc(solved.Ran(), func(name string) bool {
		return !strings.HasPrefix(name, "[python") && !strings.HasPrefix(name, "[build") || strings.Contains(name, "fetch wheels")
	})
	slices.Sort(names)
	return names
}

// uv runs it in the project.
func (p project) uv(t *testing.T, uv string, args ...string) {
	t.Helper()
	cmd := exec.Command(uv, append([]string{"--quiet", "--no-python-downloads", "--no-config"}, args...)...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "UV_PYTHON=3.11", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL=/dev/null")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("uv %q: %v\n%s", args, err, output)
	}
}

// setuptoolsProject is a project with one module that says hello.
func setuptoolsProject(dir, name, version string) string {
	return fmt.Sprintf(`
-- %[1]spyproject.toml --
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = %[2]q
version = %[3]q
-- %[1]ssrc/%[2]s/__init__.py --
HELLO = "hello from %[2]s"
`, dir, name, version)
}

// sourceArchive writes a source distribution of the files of a txtar archive.
func sourceArchive(t *testing.T, path, stem, archive string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped := gzip.NewWriter(file)
	w := tar.NewWriter(zipped)
	for _, f := range txtar.Parse([]byte(archive)).Files {
		header := &tar.Header{Name: stem + "/" + f.Name, Mode: 0o644, Size: int64(len(f.Data))}
		if err := errors.Join(w.WriteHeader(header), write(w, f.Data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
}

func write(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}

// TestSourceKinds builds one package of each kind that a lock can name, two of
// them with extension modules. What is installed is what uv installs.
func TestSourceKinds(t *testing.T) {
	uv, _ := tools(t)
	public, private := serveGit(t, ""), serveGit(t, "t0ken")
	commit := public.add(t, "open", setuptoolsProject("python/", "openrepo", "1.0")+"-- README --\nhello\n")
	// A commit that no engine has seen: what it has it need not fetch.
	private.add(t, "closed", setuptoolsProject("", "closedrepo", "2.0")+"-- README --\n"+time.Now().String()+"\n")
	dir := t.TempDir()
	files := testengine.ServeFiles(t, dir)
	sourceArchive(t, filepath.Join(dir, "linked-1.0.tar.gz"), "linked-1.0", setuptoolsProject("", "linked", "1.0"))

	p := written(t, testengine.Start(t), fmt.Sprintf(`
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
requirements: uv.lock
builder_options:
  user: root
  build_apt_packages: [python3-dev]
-- pyproject.toml --
[project]
name = "kinds"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["openrepo", "closedrepo", "linked", "vendored", "tree", "compiled", "netifaces==0.11.0"]

[tool.uv.sources]
openrepo = { git = "%s/open", tag = "v1.0", subdirectory = "python" }
closedrepo = { git = "%s/closed" }
linked = { url = "%s/linked-1.0.tar.gz" }
vendored = { path = "vendor/vendored-3.0.tar.gz" }
tree = { path = "libs/tree", editable = true }
compiled = { path = "libs/compiled" }
-- libs/compiled/pyproject.toml --
[build-system]
requires = ["setuptools>=74"]
build-backend = "setuptools.build_meta"

[project]
name = "compiled"
version = "5.0"

[tool.setuptools]
ext-modules = [{ name = "compiled", sources = ["compiled.c"] }]
-- libs/compiled/compiled.c --
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "compiled", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_compiled(void) { return PyModule_Create(&module); }
`+setuptoolsProject("libs/tree/", "tree", "4.0"), public.URL, strings.Replace(private.URL, "//", "//x:t0ken@", 1), files.URL))
	if err := os.Mkdir(filepath.Join(p.dir, "vendor"), 0o755); err != nil {
		t.Fatal(err)
	}
	sourceArchive(t, filepath.Join(p.dir, "vendor", "vendored-3.0.tar.gz"), "vendored-3.0", setuptoolsProject("", "vendored", "3.0"))
	p.uv(t, uv, "lock")

	for _, token := range []string{"", "wr0ng"} {
		args := caArgs()
		if token != "" {
			t.Setenv("TOKEN", token)
			args = append(args, "--secret", "id=GIT_AUTH_TOKEN."+private.host()+",env=TOKEN")
		}
		built, err := p.tryBuild(t, args...)
		if err == nil || !strings.Contains(built.Output, "/closed: it needs a login\ngive the build a token as a secret: --secret id=GIT_AUTH_TOKEN."+private.host()) {
			t.Errorf("with the token %q: %v\n%s", token, err, built.Output)
		}
	}
	t.Setenv("TOKEN", "t0ken")
	built := p.build(t, append(caArgs(), "--secret", "id=GIT_AUTH_TOKEN."+private.host()+",env=TOKEN")...)
	if strings.Contains(built.Output, "t0ken") {
		t.Errorf("the token is in the output:\n%s", built.Output)
	}
	const hello = `
import closedrepo, compiled, linked, netifaces, openrepo, tree, vendored
for m in closedrepo, linked, openrepo, tree, vendored: print(m.HELLO)
`
	if got := p.run(t, "/opt/venv/bin/python", "-c", hello); strings.Count(got, "hello from ") != 5 {
		t.Errorf("the image prints %q", got)
	}
	url := fmt.Sprintf(`{"url":"%s/open","vcs_info":{"vcs":"git","commit_id":"%s","requested_revision":"v1.0"},"subdirectory":"python"}`, public.URL, commit)
	if got := p.run(t, "cat", "/opt/venv/lib/python3.11/site-packages/openrepo-1.0.dist-info/direct_url.json"); got != url {
		t.Errorf("direct_url.json %s, want %s", got, url)
	}
	p.compareWithUV(t, uv)
}

// listFiles prints each file of each distribution with its digest, "path
// digest" a line, but for what names the environment, the installer or the
// machine: compiled files are listed only.
const listFiles = `
import hashlib, importlib.metadata, json, re
skip = {"INSTALLER", "REQUESTED", "RECORD", "uv_build.json", "uv_cache.json"}
for d in importlib.metadata.distributions():
    if re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower() == "pip":
        continue
    for f in d.files or []:
        if f.name in skip or f.suffix == ".pyc" or str(f).startswith(".."):
            continue
        data = f.locate().read_bytes()
        if f.name == "direct_url.json":
            info = json.loads(data)
            if "dir_info" in info or info["url"].startswith("file:"):
                info.pop("url")
            data = json.dumps(info).encode()
        print(f, "-" if f.suffix == ".so" else hashlib.sha256(data).hexdigest())
`

// compareWithUV holds the image against what uv installs of the same lock.
func (p project) compareWithUV(t *testing.T, uv string) {
	t.Helper()
	venv := filepath.Join(p.dir, ".venv")
	p.uv(t, uv, "sync", "--frozen", "--no-install-project", "--no-editable", "--no-dev")
	output, err := exec.Command(filepath.Join(venv, "bin", "python"), "-c", listFiles).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	got, want := strings.Split(p.run(t, "/opt/venv/bin/python", "-c", listFiles), "\n"), strings.Split(string(output), "\n")
	slices.Sort(got)
	slices.Sort(want)
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("the image has %q", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("uv has %q", line)
		}
	}
	if len(want) < 10 {
		t.Errorf("uv has only %d files", len(want))
	}
}

// caArgs gives the machine's certificate authorities to a build.
func caArgs() []string {
	return slices.DeleteFunc(testengine.HostArgs(), func(arg string) bool { return !strings.HasPrefix(arg, "--secret=") })
}

// unstable is what differs in the output of builds between bases and from run
// to run.
var unstable = []struct{ pattern, instead string }{
	{`(?m)^(    )\S*gcc -.*`, "${1}gcc …"},
	{`line \d+, in`, "line N, in"},
	{`in \d+(\.\d+)?m?s\b`, "in no time"},
	{`Python 3\.11\.\d+`, "Python 3.11"},
	{`\.tmp-\w+`, ".tmp"},
}

// TestFailingBuilds is TestErrors for packages that cannot be built.
func TestFailingBuilds(t *testing.T) {
	engine := testengine.Start(t)
	golden.Archives(t, "testdata/builds/*.txtar", 8, func(t *testing.T, archive *txtar.Archive) string {
		t.Parallel()
		built, err := written(t, engine, string(txtar.Format(&txtar.Archive{Files: archive.Files}))).tryBuild(t, caArgs()...)
		if err == nil {
			t.Fatalf("the build goes through:\n%s", built.Output)
		}
		text := seen(built.Output, engine.FrontendRef(t), "SERVER")
		for _, u := range unstable {
			text = regexp.MustCompile(u.pattern).ReplaceAllString(text, u.instead)
		}
		return text
	})
}
