package base

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

var (
	glibc236 = wheel.Libc{Family: "glibc", Major: 2, Minor: 36}
	musl12   = wheel.Libc{Family: "musl", Major: 1, Minor: 2}
)

func python(version, home string) plan.Python { return plan.Python{Version: version, Home: home} }

// parsed reads a spec.
func parsed(t *testing.T, yaml string) *imagespec.Spec {
	t.Helper()
	spec, _, err := imagespec.Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(yaml)})
	if err != nil {
		t.Fatalf("%s: %v", yaml, err)
	}
	return spec
}

// of gives the base of a spec in an empty build context.
func of(t *testing.T, yaml string) (plan.Base, error) {
	t.Helper()
	spec := parsed(t, yaml)
	return Of(spec, func() (Version, error) { return Wanted(spec, fstest.MapFS{}) })
}

func TestOf(t *testing.T) {
	for _, tc := range []struct{ spec, want string }{
		{"name: a", "docker.io/library/python:3.13-slim-bookworm"},
		{"python_version: 3.15.0rc1", "docker.io/library/python:3.15.0rc1-slim-bookworm"},
		{"python_version: 3.13t\nbase_image: ghcr.io/org/nogil", "ghcr.io/org/nogil:latest"},
		{"python_version: 3.10", "docker.io/library/python:3.10-slim-bookworm"},
		{"base_image: python:3.11-slim", "docker.io/library/python:3.11-slim"},
		{"base_image: ghcr.io/org/base", "ghcr.io/org/base:latest"},
		{"base_image: ghcr.io/org/base\ncuda: 12.4.1", "ghcr.io/org/base:latest"},
		{"cuda: 12.4.1", "docker.io/nvidia/cuda:12.4.1-runtime-ubuntu22.04"},
		{"cuda: 12.4\ncudnn: 9", "docker.io/nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"},
		{"cuda: 12.5", "docker.io/nvidia/cuda:12.5.1-runtime-ubuntu24.04"},
		{"cuda: 12.5\ncudnn: 9.2", "docker.io/nvidia/cuda:12.5.1-cudnn-runtime-ubuntu22.04"},
		{"cuda: 12\ncudnn: 8", "docker.io/nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04"},
		{"cuda: 13.2", "docker.io/nvidia/cuda:13.2.1-cudnn-runtime-ubuntu24.04"}, // none without cuDNN is known
	} {
		got, err := of(t, tc.spec)
		if err != nil || got.Ref != tc.want {
			t.Errorf("%s: base %q, %v; want %q", tc.spec, got.Ref, err, tc.want)
		}
	}
}

// A free-threaded Python has no default base.
func TestOfFreeThreaded(t *testing.T) {
	want := "imagespec.yaml:1: python_version is 3.13t, but there is no official image of a free-threaded Python\n" +
		"name a base_image that has python3.13t in its PATH"
	if _, err := of(t, "python_version: 3.13t\n"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestKnown(t *testing.T) {
	for _, tc := range []struct {
		ref  string
		want Facts
	}{
		{"docker.io/library/python:3.12.4-slim-bookworm", Facts{Python: python("3.12.4", "/usr/local/bin"), Libc: glibc236}},
		{"docker.io/library/python:3.10-slim-bookworm", Facts{Python: python("3.10.22", "/usr/local/bin"), Libc: glibc236}},
		{"mirror.example:5000/hub/python:3.14-alpine3.23", Facts{Python: python("3.14.10", "/usr/local/bin"), Libc: musl12}},
		{"python:3.15.0rc1-slim-bookworm", Facts{Python: python("3.15.0rc1", "/usr/local/bin"), Libc: glibc236}},
		// The plain tags move from one Debian release to the next.
		{"python:3.12-slim", Facts{Python: python("3.12.16", "/usr/local/bin")}},
		{"python:latest", Facts{}},
		{"debian:bookworm", Facts{NoPython: true, Libc: glibc236}},
		{"ubuntu:24.04", Facts{NoPython: true, Libc: wheel.Libc{Family: "glibc", Major: 2, Minor: 39}}},
		{"docker.io/nvidia/cuda:12.4.1-runtime-ubuntu22.04", Facts{NoPython: true, Libc: wheel.Libc{Family: "glibc", Major: 2, Minor: 35}}},
		{"debian:stable", Facts{}},
		{"ghcr.io/org/debian:bookworm", Facts{}}, // may have one
		{"ghcr.io/org/my-python:3.12-bookworm", Facts{}},
	} {
		if got := Known(tc.ref); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.ref, got, tc.want)
		}
	}
}

func TestFromConfig(t *testing.T) {
	got := FromConfig([]string{"PATH=/usr/local/bin:/bin", "PYTHON_VERSION=3.13.0rc2"})
	if want := (Facts{Python: python("3.13.0rc2", "/usr/local/bin")}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := FromConfig([]string{"PATH=/bin"}); got != (Facts{}) {
		t.Errorf("%+v of an image that tells nothing", got)
	}
}

// file is the data of an executable that holds some strings.
func file(strs ...string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("\x7fELF\x00" + strings.Join(strs, "\x00") + "\x00"), Mode: 0o755}
}

func TestInspect(t *testing.T) {
	const (
		banner236 = "ld.so (Debian GLIBC 2.36-9+deb12u9) stable release version 2.36."
		banner231 = "GNU C Library (Debian GLIBC 2.31-13+deb11u11) stable release version 2.31."
	)
	path := []string{"/usr/local/bin", "/usr/bin", "/absent"}
	for _, tc := range []struct {
		name string
		arch string
		root fstest.MapFS
		want Facts
	}{
		{
			"Debian's own Python", "amd64",
			fstest.MapFS{
				"usr/bin/python3":            file("3.11.2"),
				"usr/bin/python3.11":         file("3.2.0", "3.11.2", "%.80s (%.80s) %.80s"),
				"usr/bin/python3.11-config":  file(),
				"lib64/ld-linux-x86-64.so.2": file(banner236),
			},
			Facts{Python: python("3.11.2", "/usr/bin"), Libc: glibc236},
		},
		{
			"a shared libpython, the newest of two", "arm64",
			fstest.MapFS{
				"usr/local/bin/python3.9":             file("3.9.1"),
				"usr/local/bin/python3.14":            file(),
				"usr/local/lib/libpython3.14.so.1.0":  file("3.14.0rc1+"),
				"lib/ld-linux-aarch64.so.1":           file(banner236),
				"usr/bin/python3.11":                  file("3.11.2"),
				"lib64/ld-linux-x86-64.so.2":          file("no banner"),
				"usr/local/lib/libpython3.9.so.1.0":   file("3.9.1"),
				"usr/local/lib/libpython3.14.so.1.0x": file("3.14.9"),
			},
			Facts{Python: python("3.14.0rc1", "/usr/local/bin"), Libc: glibc236},
		},
		{
			"a loader without banner", "amd64",
			fstest.MapFS{
				"usr/bin/python3.9":              file("3.9.2"),
				"lib64/ld-linux-x86-64.so.2":     file(),
				"lib/x86_64-linux-gnu/libc.so.6": file(banner231),
			},
			Facts{Python: python("3.9.2", "/usr/bin"), Libc: wheel.Libc{Family: "glibc", Major: 2, Minor: 31}},
		},
		{
			"Alpine", "amd64",
			fstest.MapFS{
				"usr/bin/python3.12":      file("3.12.9"),
				"lib/ld-musl-x86_64.so.1": file("musl libc", "1.2.5"),
			},
			Facts{Python: python("3.12.9", "/usr/bin"), Libc: musl12},
		},
		{"nothing of it", "amd64", fstest.MapFS{"bin/sh": file()}, Facts{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Inspect(tc.root, path, tc.arch, false); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

// TestInspectFreeThreaded has images with both builds of a Python, or one.
func TestInspectFreeThreaded(t *testing.T) {
	usual, free := python("3.13.1", "/usr/local/bin"), plan.Python{Version: "3.14.0rc1", Home: "/usr/bin", FreeThreaded: true}
	files := fstest.MapFS{
		"usr/local/bin/python3.13":       file("3.13.1"),
		"usr/bin/python3.14t":            file(),
		"usr/bin/python3.14t-config":     file("3.14.7"),
		"usr/lib/libpython3.14t.so.1.0":  file("3.14.0rc1"),
		"usr/lib/libpython3.14.so.1.0":   file("3.14.2"),
		"usr/local/bin/python3.13td.exe": file("3.13.9"),
	}
	only := fstest.MapFS{"usr/bin/python3.14t": file("3.14.0rc1")}
	path := []string{"/usr/local/bin", "/usr/bin"}
	for _, tc := range []struct {
		name         string
		root         fstest.MapFS
		freeThreaded bool
		want         plan.Python
	}{
		{"both", files, false, usual},
		{"both, asked for", files, true, free},
		{"only free-threaded", only, false, free},
		{"only free-threaded, asked for", only, true, free},
		{"none, asked for", fstest.MapFS{"usr/bin/python3.14": file("3.14.0")}, true, plan.Python{}},
	} {
		if got := Inspect(tc.root, path, "amd64", tc.freeThreaded).Python; got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func TestParseLibc(t *testing.T) {
	for s, want := range map[string]wheel.Libc{"glibc-2.36": glibc236, "musl-1.2": musl12} {
		if got, err := ParseLibc(s); err != nil || got != want {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "glibc", "glibc-2", "uclibc-1.0", "2.36"} {
		if got, err := ParseLibc(s); err == nil {
			t.Errorf("%q is read as %+v", s, got)
		}
	}
}
