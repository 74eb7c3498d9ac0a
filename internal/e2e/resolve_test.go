package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
)

// networked builds with what the steps with a network need on this machine: its
// certificate authorities.
func (p project) networked(t *testing.T, args ...string) *testengine.Built {
	t.Helper()
	return p.build(t, append(authorities(), args...)...)
}

// authorities are the arguments that pass on this machine's certificate
// authorities.
func authorities() []string {
	return slices.DeleteFunc(testengine.HostArgs(), func(arg string) bool { return !strings.HasPrefix(arg, "--secret") })
}

// plain is what the specs of these tests begin with: an image for anything, of
// packages that will be the same tomorrow.
const plain = `# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
builder_options: {user: root, pip: true, flytekit: false, exclude_newer: 2026-06-01, extras: EXTRAS, groups: GROUPS}
`

// spec gives the files of a project that is not locked.
func spec(extras, groups, rest string) string {
	head := strings.NewReplacer("EXTRAS", extras, "GROUPS", groups).Replace(plain)
	return "-- imagespec.yaml --\n" + head + rest
}

// TestUnlocked builds each kind of input that is not locked from PyPI. The image
// has what uv pip install installs of the same input, and nothing in it
// contradicts anything else. The second build does nothing.
func TestUnlocked(t *testing.T) {
	engine := testengine.Start(t)
	uv, python := tools(t)
	for _, tc := range []struct {
		name, files string
		install     []string // arguments of uv pip install
	}{
		{
			"packages", spec("[]", "[]", "packages: [requests>=2, \"rich[jupyter]==13.*; python_version > '3'\", 'colorama; sys_platform == \"win32\"']\n"),
			[]string{"requests>=2", "rich[jupyter]==13.*", `colorama; sys_platform == "win32"`},
		},
		{
			"requirements and packages", spec("[]", "[]", `requirements: requirements.txt
packages: [rich]
-- requirements.txt --
httpx[http2]  # a comment
-r more.in
-c constraints.txt
-- more.in --
attrs
-- constraints.txt --
h2<4.2
rich<14
attrs==23.2.0
`), []string{"-r", "requirements.txt", "rich"},
		},
		{
			"project", spec("[table]", "[ml]", `requirements: pyproject.toml
-- pyproject.toml --
[project]
name = "hello"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["httpx"]
[project.optional-dependencies]
table = ["rich", "hello[more]"]
more = ["attrs"]
unused = ["django"]
[dependency-groups]
ml = ["click", {include-group = "base"}]
base = ["packaging"]
dev = ["pytest"]
[tool.uv]
constraint-dependencies = ["rich<14"]
`), []string{"-r", "pyproject.toml", "--extra", "table", "--group", "ml"},
		},
		{
			"script", spec("[]", "[]", `requirements: train.py
-- train.py --
#!/usr/bin/env python
# /// script
# requires-python = ">=3.9"
# dependencies = [
#   "httpx<0.28",
#   "rich",
# ]
# ///
import httpx
`), []string{"-r", "train.py"},
		},
		{
			"flags", spec("[]", "[]", "packages: [httpx, pydantic]\npip_extra_args: \"--resolution lowest-direct --no-cache -U --only-binary :all:\"\n"),
			[]string{"httpx", "pydantic", "--resolution", "lowest-direct", "--only-binary", ":all:"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := written(t, engine, tc.files)
			first := p.networked(t)
			if !strings.Contains(first.Output, "NotLocked: ") {
				t.Errorf("no warning in\n%s", first.Output)
			}
			want := installedBy(t, uv, python, p.dir, tc.install)
			got := slices.DeleteFunc(p.installed(t), func(line string) bool { return strings.HasPrefix(line, "pip ") })
			if !slices.Equal(got, want) {
				t.Errorf("installed\n%q\nuv installs\n%q", got, want)
			}
			if checked := p.run(t, "python", "-m", "pip", "check"); !strings.Contains(checked, "No broken requirements") {
				t.Error(checked)
			}
			p.unchanged(t)
		})
	}
}

// unchanged builds again without what a network needs, and wants no step to
// run.
func (p project) unchanged(t *testing.T, args ...string) {
	t.Helper()
	for step, state := range p.build(t, args...).Steps() {
		working := strings.HasPrefix(step, "[resolve] resolve") || strings.HasPrefix(step, "[python")
		if working && !strings.Contains(step, "fetch") && state != "CACHED" {
			t.Errorf("%s is %s in an unchanged build", step, state)
		}
	}
}

// uvHere is the uv of this machine.
func uvHere(t *testing.T) string {
	t.Helper()
	uv, err := exec.LookPath("uv")
	if err != nil {
		t.Skip("there is no uv to compare with")
	}
	return uv
}

// tools gives uv and a Python of the version that the images have.
func tools(t *testing.T) (uv, python string) {
	t.Helper()
	uv = uvHere(t)
	found, err := exec.Command(uv, "python", "find", "--no-python-downloads", "3.11").Output()
	if err != nil {
		t.Skip("there is no Python 3.11 to compare with")
	}
	return uv, strings.TrimSpace(string(found))
}

// installedBy gives what uv itself installs.
func installedBy(t *testing.T, uv, python, dir string, install []string) []string {
	t.Helper()
	venv := filepath.Join(t.TempDir(), "venv")
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command(uv, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "VIRTUAL_ENV="+venv, "UV_FIND_LINKS=", "UV_PYTHON_DOWNLOADS=never")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("uv %q: %v %s", args, err, err.(*exec.ExitError).Stderr) //nolint:errorlint,forcetypeassert // Output makes no other
		}
		return out
	}
	run("venv", "--python", python, venv)
	run(append([]string{"pip", "install", "--exclude-newer", "2026-06-02T00:00:00Z"}, install...)...)
	var packages []struct{ Name, Version string }
	if err := json.Unmarshal(run("pip", "list", "--format", "json"), &packages); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, pkg := range packages {
		lines = append(lines, pkg.Name+" "+pkg.Version)
	}
	slices.Sort(lines)
	return lines
}

// TestOneMorePackage: what is not concerned stays cached.
func TestOneMorePackage(t *testing.T) {
	p := written(t, testengine.Start(t), spec("[]", "[]", "packages: [rich]\n"))
	p.networked(t)
	p.replace(t, "imagespec.yaml", "[rich]", "[rich, attrs]")
	for step, state := range p.networked(t).Steps() {
		if strings.Contains(step, "install ") && state != "CACHED" && !strings.Contains(step, "attrs") {
			t.Errorf("%s is %s", step, state)
		}
	}
	if got := p.installed(t); !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "attrs ") }) {
		t.Errorf("installed %q", got)
	}
}

// TestNoSolution: what cannot be resolved is explained at its lines, and not
// remembered.
func TestNoSolution(t *testing.T) {
	p := written(t, testengine.Start(t), spec("[]", "[]", "packages:\n- httpx==0.27.0\n- rich\n- httpcore==0.9.0\n"))
	for range 2 {
		built, err := p.tryBuild(t, authorities()...)
		for _, want := range []string{
			"imagespec.yaml:5: the requirements cannot be resolved for Python 3.11", "httpx==0.27.0 depends on httpcore==1.*",
			">>> - httpx==0.27.0", ">>> - httpcore==0.9.0",
		} {
			if err == nil || !strings.Contains(built.Output, want) {
				t.Errorf("%v, no %q in\n%s", err, want, built.Output)
			}
		}
		if strings.Contains(built.Output, ">>> - rich") {
			t.Error("a line is blamed that has nothing to do with it")
		}
	}
	p.replace(t, "imagespec.yaml", "- httpcore==0.9.0\n", "")
	p.networked(t)
}

// TestPackagesOnLock adds a package to a lock: the lock's own layers stay, and
// what contradicts the lock is an error that names both.
func TestPackagesOnLock(t *testing.T) {
	engine := testengine.Start(t)
	p := example(t, engine, "hello")
	p.edit(t, "imagespec.yaml", func(text string) string {
		return strings.Replace(text, "requirements: uv.lock", "requirements: uv.lock\n#packages", 1)
	})
	p.networked(t)
	before := p.planned(t)
	p.replace(t, "imagespec.yaml", "#packages", "packages: [tabulate, markdown-it-py>=1]")
	p.networked(t)
	after := p.planned(t)
	var added []string
	for _, v := range after.versions() {
		if !slices.Contains(before.versions(), v) {
			added = append(added, v)
		}
	}
	if len(added) != 1 || !strings.HasPrefix(added[0], "tabulate ") || len(after.Packages) != len(before.Packages)+1 {
		t.Errorf("added %q to %q", added, before.versions())
	}
	p.replace(t, "imagespec.yaml", "markdown-it-py>=1", "markdown-it-py<1")
	built, err := p.tryBuild(t)
	if err == nil || !strings.Contains(built.Output, "packages asks for markdown-it-py<1, but uv.lock has markdown-it-py") || !strings.Contains(built.Output, `>>> name = "markdown-it-py"`) && !strings.Contains(built.Output, ">>> [[package]]") {
		t.Errorf("%v\n%s", err, built.Output)
	}
}

// TestLockCall: the lock that is printed gives the same image, without a
// warning and without asking anyone.
func TestLockCall(t *testing.T) {
	p := written(t, testengine.Start(t), spec("[]", "[]", "packages: [rich, numpy]\nplatform: [linux/amd64, linux/arm64]\n"))
	built, err := p.engine.Build(t, p.dir, append(authorities(), "-f", filepath.Join(p.dir, "imagespec.yaml"), "--call=imagespec.lock")...)
	if err != nil {
		t.Fatal(built.Output)
	}
	p.networked(t, "--platform", "linux/amd64")
	before := p.engine.Image(t, p.image, "")
	_, text, _ := strings.Cut(built.Output, "lock-version")
	if err := os.WriteFile(filepath.Join(p.dir, "pylock.toml"), []byte("lock-version"+text), 0o644); err != nil {
		t.Fatal(err)
	}
	p.replace(t, "imagespec.yaml", "packages: [rich, numpy]", "requirements: pylock.toml")
	locked := p.build(t, "--platform", "linux/amd64")
	if strings.Contains(locked.Output, "NotLocked") || strings.Contains(locked.Output, "[resolve]") {
		t.Error(locked.Output)
	}
	after := p.engine.Image(t, p.image, "")
	for i := range before.Layers {
		if after.Layers[i].Digest != before.Layers[i].Digest {
			t.Errorf("layer %d is another one", i)
		}
	}
	if planned := p.planned(t, "--platform", "linux/arm64"); !slices.ContainsFunc(planned.Packages, func(pkg plannedPackage) bool {
		return strings.HasPrefix(pkg.File, "numpy-") && strings.Contains(pkg.File, "aarch64")
	}) {
		t.Errorf("%+v", planned.Packages)
	}
}

// TestResolveAnew: --no-cache-filter resolve asks again, and later builds have
// the new answer. The index has got a newer version meanwhile.
func TestResolveAnew(t *testing.T) {
	i := newIndexed(t)
	i.edit(t, "imagespec.yaml", func(text string) string {
		return strings.Replace(text, "requirements: requirements.txt", "packages: [greeting]\nbuilder_options: {user: root, flytekit: false, pip: false}", 1)
	})
	i.build(t)
	page := i.dir + "/simple/greeting/index.html"
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	reads := i.reads()
	i.unchanged(t)
	if i.reads() != reads {
		t.Error("the index was asked in an unchanged build")
	}
	// The same file under the name of another version, which nobody looks into.
	i.serve(t, "simple/greeting/index.html", string(old)+"<!-- nothing new -->")
	i.build(t, "--no-cache-filter", "resolve")
	if i.reads() == reads {
		t.Error("the index was not asked again")
	}
	reads = i.reads()
	i.unchanged(t)
	if i.reads() != reads {
		t.Error("the index was asked after that")
	}
}

// TestBuildToResolve: what a package depends on may only be known by a build of
// it, which is then done on the base.
func TestBuildToResolve(t *testing.T) {
	p := written(t, testengine.Start(t), spec("[]", "[]", "packages: [odfpy==1.4.1]\n"))
	planned := p.planned(t, authorities()...)
	if want := []string{"defusedxml", "odfpy"}; !slices.Equal(slices.Sorted(maps.Keys(planned.byName())), want) {
		t.Errorf("%+v", planned.Packages)
	}
}

func (p plannedImage) byName() map[string]string {
	versions := map[string]string{}
	for _, pkg := range p.Packages {
		versions[pkg.Name] = pkg.Version
	}
	return versions
}
