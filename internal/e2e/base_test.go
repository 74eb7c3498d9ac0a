package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
)

// bases are images whose configuration does not tell their Python, so that it
// is found in their files. The free-threaded interpreter is a script: none of
// Debian's releases has one.
const bases = `
FROM python:3.11-slim-bookworm AS official
ENV PYTHON_VERSION=

FROM debian:bookworm-slim AS debian
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*

FROM official AS free-threaded
RUN printf '#!/bin/sh\nexec python3.11 "$@"\n# \0003.13.1\000\n' > /usr/bin/python3.13t && chmod +x /usr/bin/python3.13t
`

// onBase makes the project hello on one of the bases.
func onBase(t *testing.T, target string) project {
	t.Helper()
	p := example(t, testengine.Start(t), "hello")
	dockerfile := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(dockerfile, []byte(bases), 0o644); err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(p.image, ":latest") + "-base:latest"
	built, err := p.engine.Build(t, filepath.Dir(dockerfile), "--target", target,
		"--provenance=false", "--output", "type=image,push=true,name="+base)
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	p.replace(t, "imagespec.yaml", "python:3.11-slim-bookworm", base)
	p.replace(t, "imagespec.yaml", "entrypoint:", "# entrypoint:")
	return p
}

// TestBaseIsInspected: Python and the C library are found in a real image that
// does not say them.
func TestBaseIsInspected(t *testing.T) {
	for _, target := range []string{"official", "debian"} {
		t.Run(target, func(t *testing.T) {
			p := onBase(t, target)
			p.build(t)
			planned := p.planned(t)
			if planned.Python.FreeThreaded || !strings.HasPrefix(planned.Python.Version, "3.11.") || planned.Libc != "glibc-2.36" {
				t.Errorf("planned for Python %+v and %s", planned.Python, planned.Libc)
			}
			const print = "import platform, rich; print(platform.python_version(), *platform.libc_ver(), rich.__file__)"
			want := fmt.Sprintf("%s glibc 2.36 /opt/venv/lib/python3.11/site-packages/rich/__init__.py\n", planned.Python.Version)
			if got := p.run(t, "python", "-c", print); got != want {
				t.Errorf("the image has %swant %s", got, want)
			}
		})
	}
}

// TestFreeThreadedBase: the interpreter with the t is taken where the spec
// asks for it, and the environment is laid out for it.
func TestFreeThreadedBase(t *testing.T) {
	p := onBase(t, "free-threaded")
	p.replace(t, "imagespec.yaml", "name: hello", "name: hello\npython_version: 3.13t")
	p.build(t)
	planned := p.planned(t)
	if !planned.Python.FreeThreaded || planned.Python.Version != "3.13.1" || planned.Python.Home != "/usr/bin" {
		t.Errorf("planned for Python %+v", planned.Python)
	}
	got := p.run(t, "sh", "-c", "readlink /opt/venv/bin/python; ls -d /opt/venv/lib/*/site-packages/rich")
	if want := "/usr/bin/python3.13t\n/opt/venv/lib/python3.13t/site-packages/rich\n"; got != want {
		t.Errorf("the image has %swant %s", got, want)
	}
	p.replace(t, "imagespec.yaml", "3.13t", "3.14t")
	built, err := p.tryBuild(t)
	if err == nil || !strings.Contains(built.Output, "python_version is 3.14t, but the base image "+strings.TrimSuffix(p.image, ":latest")+"-base:latest has Python 3.13.1t") {
		t.Errorf("%v\n%s", err, built.Output)
	}
}
