package e2e

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
)

// TestGitContext builds straight from a git repository.
func TestGitContext(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-C", p.dir}, args...)...)
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, output)
		}
		return strings.TrimSpace(string(output))
	}
	git("init", "-q", "-b", "main")
	git("add", ".")
	git("commit", "-q", "-m", "hello")
	bare := t.TempDir()
	git("clone", "-q", "--bare", ".", filepath.Join(bare, "hello.git"))

	server := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(git("--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + bare, "GIT_HTTP_EXPORT_ALL=1"},
	})
	defer server.Close()
	built, err := p.engine.Build(t, server.URL+"/hello.git#main", "-f", "imagespec.yaml",
		"--provenance=false", "--output", "type=image,push=true,name="+p.image)
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	if got := p.run(t); strings.TrimSpace(got) != "hello from an ImageSpec" {
		t.Errorf("the image prints %q", got)
	}
}

// TestHTTPContext builds from an archive on a server, with a package in it that
// has to be built and sources that are copied.
func TestHTTPContext(t *testing.T) {
	p := example(t, testengine.Start(t), "sources")
	p.edit(t, "imagespec.yaml", func(text string) string { return text + "copy: [libs/greet]\n" })
	tar := exec.Command("tar", "-C", p.dir, "-czf", filepath.Join(t.TempDir(), "context.tar.gz"), ".")
	if output, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(tar.Args[4]))))
	defer server.Close()
	built, err := p.engine.Build(t, server.URL+"/context.tar.gz", append(caArgs(), "-f", "imagespec.yaml",
		"--provenance=false", "--output", "type=image,push=true,name="+p.image)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	if got, want := p.run(t, "/opt/venv/bin/app"), "hello sources red 0.6.2\n"; got != want {
		t.Errorf("the image prints %q, want %q", got, want)
	}
	if got := p.run(t, "ls", "libs/greet"); !strings.Contains(got, "pyproject.toml") {
		t.Errorf("copied are %s", got)
	}
}

// TestNamedContext puts another base in the place of the spec's.
func TestNamedContext(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.replace(t, "imagespec.yaml", "entrypoint:", "# entrypoint:")
	p.build(t, "--build-context", "python:3.11-slim-bookworm=docker-image://python:3.13-slim-trixie")
	if got := p.run(t, "python", "-c", "import sys, rich; print(sys.version_info[:2], rich.__file__)"); got !=
		"(3, 13) /opt/venv/lib/python3.13/site-packages/rich/__init__.py\n" {
		t.Errorf("the image has %s", got)
	}
}

// TestEmptyEngine: a fresh runner that is given the last image as cache
// fetches nothing and runs nothing.
func TestEmptyEngine(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.build(t, "--cache-to", "type=inline")
	fresh := p
	fresh.engine = emptyEngine(t)
	fresh.takeWheelsAway(t, "")
	if got := ran(fresh.solve(t, "cache-from", p.image)); len(got) != 0 {
		t.Errorf("done again: %q", got)
	}
}

// TestNoCache runs every step again and gives the same layers.
func TestNoCache(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.build(t)
	before := p.engine.Image(t, p.image, "")
	steps := ran(p.solve(t, "no-cache", ""))
	if len(steps) == 0 || !strings.Contains(strings.Join(steps, "\n"), "install") {
		t.Errorf("done again: %q", steps)
	}
	after := p.engine.Image(t, p.image, "")
	for i := range after.Layers {
		if after.Layers[i].Digest != before.Layers[i].Digest {
			t.Errorf("layer %d is another one", i)
		}
	}
}

// TestArm64 builds for another architecture without emulation: no step of the
// build runs a program of the target.
func TestArm64(t *testing.T) {
	p := example(t, testengine.Start(t), "science")
	p.build(t, "--platform", "linux/arm64")
	image := p.engine.Image(t, p.image, "linux/arm64")
	if image.Config.Architecture != "arm64" {
		t.Errorf("architecture %s", image.Config.Architecture)
	}
	var foreign, own int
	for _, layer := range image.Layers {
		for _, file := range layer.Files(t) {
			if strings.HasPrefix(file.Name, "opt/venv/") && strings.HasSuffix(file.Name, ".so") {
				if strings.Contains(file.Name, "x86_64") {
					foreign++
				} else if strings.Contains(file.Name, "aarch64") {
					own++
				}
			}
		}
	}
	if foreign != 0 || own == 0 {
		t.Errorf("%d extension modules for x86_64, %d for aarch64", foreign, own)
	}
}

// TestIndex builds the platforms of the spec into one index. Wheels that fit
// both are fetched and installed once.
func TestIndex(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.edit(t, "imagespec.yaml", func(text string) string { return text + "platform: [linux/amd64, linux/arm64]\n" })
	p.build(t)
	var layers [2][]string
	for i, platform := range []string{"linux/amd64", "linux/arm64"} {
		image := p.engine.Image(t, p.image, platform)
		if image.Index == nil || len(image.Index.Manifests) != 2 {
			t.Fatalf("index %v", image.Index)
		}
		for _, layer := range image.Layers[len(image.Layers)-8:] {
			layers[i] = append(layers[i], layer.Digest.String())
		}
	}
	if !slices.Equal(layers[0], layers[1]) {
		t.Errorf("layers of pure Python %q for one platform, %q for the other", layers[0], layers[1])
	}
}

// TestDirectWheels: wheels by URL and from the build context, which the
// installer checks against the lock.
func TestDirectWheels(t *testing.T) {
	p := example(t, testengine.Start(t), "direct")
	p.build(t)
	if got, want := p.installed(t), []string{"greeting 1.0", "iniconfig 2.1.0"}; !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	got := p.run(t, "python", "-c", `
import greeting, importlib.metadata, json
print(greeting.HELLO)
print(json.loads(importlib.metadata.distribution("iniconfig").read_text("direct_url.json"))["url"].split("/")[-1])
`)
	if want := "hello from a wheel in the build context\niniconfig-2.1.0-py3-none-any.whl\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	p.edit(t, "wheels/greeting-1.0-py3-none-any.whl", func(text string) string { return text + "x" })
	built, err := p.tryBuild(t)
	if err == nil || !strings.Contains(built.Output, "greeting-1.0-py3-none-any.whl") || !strings.Contains(built.Output, "sha256") {
		t.Errorf("a changed wheel: %v\n%s", err, built.Output)
	}
}

// TestWorkspace builds for one member, with an extra and a group.
func TestWorkspace(t *testing.T) {
	p := example(t, testengine.Start(t), "workspace")
	p.build(t)
	names := func() []string {
		var names []string
		for _, line := range p.installed(t) {
			name, _, _ := strings.Cut(line, " ")
			names = append(names, name)
		}
		return names
	}
	if got, want := names(), []string{"anyio", "idna", "iniconfig", "orjson", "starlette", "typing-extensions"}; !slices.Equal(got, want) {
		t.Errorf("api has %q, want %q", got, want)
	}
	p.replace(t, "imagespec.yaml", "package: api\n  extras: [fast]\n  groups: [test]\n", "package: worker\n")
	p.build(t)
	if got, want := names(), []string{"humanize"}; !slices.Equal(got, want) {
		t.Errorf("worker has %q, want %q", got, want)
	}
}
