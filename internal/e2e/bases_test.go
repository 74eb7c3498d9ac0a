package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/standalone"
	"github.com/imagespec/imagespec/internal/testengine"
)

// bare are images without Python, and an archive of one. The archives of
// python-build-standalone bring their libraries; the one that stands in for
// them is made of Debian's Python and finds these in the base.
const bare = `
FROM python:3.11-slim-bookworm AS python
RUN mkdir -p /a/python/bin /a/python/lib /out && cp -a /usr/local/bin/python3.11 /a/python/bin/ && \
    ln -s python3.11 /a/python/bin/python3 && cp -a /usr/local/lib/python3.11 /a/python/lib/ && \
    find /a -type l ! -exec test -e {} \; -delete && find /a/python/lib -type l -delete && \
    tar -C /a -czf /out/python.tar.gz python

FROM scratch AS archive
COPY --from=python /out/python.tar.gz /

FROM debian:bookworm-slim AS debian
RUN apt-get update && apt-get install -y --no-install-recommends libexpat1 libssl3 libffi8 libsqlite3-0 && rm -rf /var/lib/apt/lists/*

FROM debian AS cuda
ENV CUDA_VERSION=12.4.1

FROM debian AS odd
WORKDIR "/a b"
USER nobody

FROM debian AS with-musl
RUN apt-get update && apt-get install -y --no-install-recommends musl && mkdir -p /out/lib && cp -L /lib/ld-musl-x86_64.so.1 /out/lib/

FROM scratch AS musl
COPY --from=with-musl /out /

FROM debian AS python-exec
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-six && rm -rf /var/lib/apt/lists/*
`

// target builds one of the bare images.
func target(t *testing.T, engine *testengine.Engine, name, output string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, []byte(bare), 0o600); err != nil {
		t.Fatal(err)
	}
	built, err := engine.Build(t, filepath.Dir(file), "-f", file, "--target", name, "--provenance=false", "--output", output)
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
}

// bareBase makes the project hello on one of the bare images, and has the
// engine fetch the stand-in in place of the archive of Python 3.11: that is
// how a mirror is named to BuildKit.
func bareBase(t *testing.T, name string) (p project, base string) {
	t.Helper()
	p = example(t, testengine.Start(t), "hello")
	base = strings.TrimSuffix(p.image, ":latest") + "-base:latest"
	target(t, p.engine, name, "type=image,push=true,name="+base)
	dir := t.TempDir()
	target(t, p.engine, "archive", "type=local,dest="+dir)
	data, err := os.ReadFile(filepath.Join(dir, "python.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := standalone.Find("3.11", "amd64", "glibc")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(data)
	policy, err := json.Marshal(map[string]any{"rules": []any{map[string]any{
		"action":   "CONVERT",
		"selector": map[string]any{"identifier": archive.URL},
		"updates": map[string]any{
			"identifier": testengine.ServeFiles(t, dir).URL + "/python.tar.gz",
			"attrs":      map[string]string{"http.checksum": "sha256:" + hex.EncodeToString(digest[:])},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(file, policy, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY", file)
	p.replace(t, "imagespec.yaml", "entrypoint:", "builder_options: {user: root}\n# entrypoint:")
	return p, base
}

// runsOn prints the interpreter, and imports C extensions of it and a wheel.
const runsOn = "import sys, _json, zlib, rich; print(sys.base_prefix, sys.prefix, rich.__file__)"

const onStandalone = "/opt/python /opt/venv /opt/venv/lib/python3.11/site-packages/rich/__init__.py\n"

// TestBaseWithoutPython: plain Debian gets an interpreter, which runs the
// environment; so does an image whose user and directory are its own.
func TestBaseWithoutPython(t *testing.T) {
	for _, name := range []string{"debian", "odd"} {
		t.Run(name, func(t *testing.T) {
			p, base := bareBase(t, name)
			p.replace(t, "imagespec.yaml", "base_image: python:3.11-slim-bookworm", "python_version: 3.11\nbase_image: "+base)
			p.build(t)
			if got := p.run(t, "python", "-c", runsOn); got != onStandalone {
				t.Errorf("the image has %swant %s", got, onStandalone)
			}
			if home := p.planned(t).Python.Home; home != "/opt/python/bin" {
				t.Errorf("planned in %s", home)
			}
		})
	}
}

// TestCUDA: the base is the image of nvidia/cuda that the version means.
func TestCUDA(t *testing.T) {
	p, _ := bareBase(t, "cuda")
	target(t, p.engine, "cuda", "type=image,push=true,name="+p.engine.Registry+"/nvidia/cuda:12.4.1-runtime-ubuntu22.04")
	p.replace(t, "imagespec.yaml", "base_image: python:3.11-slim-bookworm", "python_version: 3.11\ncuda: 12.4")
	p.build(t)
	if got := p.run(t, "python", "-c", "import os; print(os.environ['CUDA_VERSION']); "+runsOn); got != "12.4.1\n"+onStandalone {
		t.Errorf("the image has %s", got)
	}
}

// TestMusl: of a base with musl the wheels and the Python are those for musl.
// Such an image cannot be run here: no Python for musl can be had.
func TestMusl(t *testing.T) {
	p, base := bareBase(t, "musl")
	p.replace(t, "imagespec.yaml", "base_image: python:3.11-slim-bookworm", "python_version: 3.11\nbase_image: "+base)
	planned := p.planned(t)
	if planned.Libc != "musl-1.2" || !strings.Contains(planned.Interpreter.URL, "-x86_64-unknown-linux-musl-") {
		t.Errorf("planned for %s with %s", planned.Libc, planned.Interpreter.URL)
	}
}

// TestPythonExec: the environment stands on the interpreter of the base and
// sees the packages of its distribution.
func TestPythonExec(t *testing.T) {
	p, base := bareBase(t, "python-exec")
	p.replace(t, "imagespec.yaml", "base_image: python:3.11-slim-bookworm", "python_exec: /usr/bin/python3\nbase_image: "+base)
	p.build(t)
	got := p.run(t, "python", "-c", "import sys, rich, six; print(sys.base_prefix, sys.prefix, rich.__file__, six.__file__)")
	if want := "/usr /opt/venv /opt/venv/lib/python3.11/site-packages/rich/__init__.py /usr/lib/python3/dist-packages/six.py\n"; got != want {
		t.Errorf("the image has %swant %s", got, want)
	}
	p.replace(t, "imagespec.yaml", "/usr/bin/python3", "/usr/bin/python3.12")
	built, err := p.tryBuild(t)
	if err == nil || !strings.Contains(built.Output, "there is /usr/bin/python3, /usr/bin/python3.11") {
		t.Errorf("%v\n%s", err, built.Output)
	}
}

// TestNestedSpec: a spec that is another's base is built in the same build, and
// the packages of both are in one environment, whichever of them brings them.
func TestNestedSpec(t *testing.T) {
	for name, place := range map[string]struct{ outer, inner string }{
		"inner": {"", "\n  requirements: uv.lock"},
		"outer": {"\nrequirements: uv.lock", ""},
		"both":  {"\nrequirements: uv.lock", "\n  requirements: uv.lock"},
	} {
		t.Run(name, func(t *testing.T) {
			p := example(t, testengine.Start(t), "hello")
			p.replace(t, "imagespec.yaml", "base_image: python:3.11-slim-bookworm\nrequirements: uv.lock", `builder_options: {user: root}`+place.outer+`
base_image:
  base_image: python:3.11-slim-bookworm
  builder_options: {user: root}
  env: {INNER: "of the base", GREETING: inner}`+place.inner)
			p.replace(t, "imagespec.yaml", "entrypoint:", "# entrypoint:")
			p.build(t)
			const print = "import os, rich; print(os.environ['INNER'], '/', os.environ['GREETING'], rich.__file__)"
			want := "of the base / hello from an ImageSpec /opt/venv/lib/python3.11/site-packages/rich/__init__.py\n"
			if got := p.run(t, "python", "-c", print); got != want {
				t.Errorf("the image has %swant %s", got, want)
			}
		})
	}
}

// TestReplacedInBase: the packages of a spec take the place of those of the spec
// that it is built on, of which no file is left; what that one runs still has its
// own. The image is the same whenever it is built.
func TestReplacedInBase(t *testing.T) {
	p := written(t, testengine.Start(t), `
-- imagespec.yaml --
# syntax=imagespec/frontend
packages: [click==8.1.8, idna==3.10]
builder_options: {user: root, flytekit: false}
base_image:
  base_image: python:3.11-slim-bookworm
  packages: [click==7.1.2, idna==3.10]
  builder_options: {user: root, flytekit: false}
  commands: ["/opt/venv/bin/python -c 'import click; print(click.__version__)' > /inner"]
`)
	built := p.networked(t)
	if !strings.Contains(built.Output, "BasePackageReplaced: click 8.1.8 takes the place of the 7.1.2") {
		t.Errorf("no warning in\n%s", built.Output)
	}
	const print = "import click, glob; print(click.__version__, open('/inner').read().strip(), glob.glob('/opt/venv/lib/*/site-packages/click-*'), glob.glob('/opt/venv/lib/*/site-packages/click/_bashcomplete*'))"
	if got, want := p.run(t, "python", "-c", print), "8.1.8 7.1.2 ['/opt/venv/lib/python3.11/site-packages/click-8.1.8.dist-info'] []\n"; got != want {
		t.Errorf("the image prints %s, want %s", got, want)
	}
	if checked := p.run(t, "python", "-m", "pip", "check"); !strings.Contains(checked, "No broken requirements") {
		t.Error(checked)
	}
	before := p.engine.Image(t, p.image, "").Layers
	again := p.networked(t, "--no-cache-filter=install").Steps()
	if again["[python] remove click"] != "DONE" {
		t.Errorf("nothing is removed again: %v", again)
	}
	for i, layer := range p.engine.Image(t, p.image, "").Layers {
		ofCommand := slices.ContainsFunc(layer.Files(t), func(f testengine.File) bool { return f.Name == "inner" })
		if (i >= len(before) || layer.Digest != before[i].Digest) && !ofCommand { // which has the time
			t.Errorf("layer %d of %d is another one", i, len(before))
		}
	}
}

// TestPythonOfProject: without python_version and base_image the project says
// which Python it is.
func TestPythonOfProject(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.replace(t, "imagespec.yaml", "base_image: python:3.11-slim-bookworm", "")
	if err := os.WriteFile(filepath.Join(p.dir, ".python-version"), []byte("# ours\n3.11\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	planned := p.planned(t)
	if planned.Base.Ref != "docker.io/library/python:3.11-slim-bookworm" || planned.Python.From != ".python-version:2" {
		t.Errorf("planned on %s, from %q", planned.Base.Ref, planned.Python.From)
	}
	p.build(t)
}
