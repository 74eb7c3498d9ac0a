package plan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/platforms"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

var (
	glibc241 = wheel.Libc{Family: "glibc", Major: 2, Minor: 41}
	musl12   = wheel.Libc{Family: "musl", Major: 1, Minor: 2}
)

// makePlan plans a project of testdata/projects.
func makePlan(t *testing.T, project, spec, platform string, python plan.Python, libc wheel.Libc) (*plan.Plan, error) {
	t.Helper()
	parsed, _, err := imagespec.Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(spec)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := platforms.Parse(platform)
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := plan.Make(plan.Input{
		Spec:     parsed,
		Context:  os.DirFS(filepath.Join("..", "..", "testdata", "projects", project)),
		Platform: platforms.Normalize(p),
		Base:     plan.Base{Ref: "docker.io/library/python:3.13"},
		Python:   python,
		Libc:     libc,
	})
	return made, err
}

// TestPlatforms shows which files every target gets from one lock; what has no
// wheel for it has to be built.
func TestPlatforms(t *testing.T) {
	var b strings.Builder
	for _, target := range []struct {
		platform string
		python   plan.Python
		libc     wheel.Libc
	}{
		{"linux/amd64", plan.Python{Version: "3.13.1"}, glibc241},
		{"linux/amd64/v3", plan.Python{Version: "3.13.1"}, glibc241},
		{"linux/arm64", plan.Python{Version: "3.13.1"}, glibc241},
		{"linux/arm/v7", plan.Python{Version: "3.13.1"}, glibc241},
		{"linux/386", plan.Python{Version: "3.13.1"}, glibc241},
		{"linux/ppc64le", plan.Python{Version: "3.13.1"}, glibc241},
		{"linux/s390x", plan.Python{Version: "3.13.1"}, glibc241},
		{"linux/riscv64", plan.Python{Version: "3.13.1"}, glibc241},
		{"linux/amd64", plan.Python{Version: "3.13.1"}, musl12},
		{"linux/arm/v7", plan.Python{Version: "3.13.1"}, musl12},
		{"linux/riscv64", plan.Python{Version: "3.13.1"}, musl12},
		{"linux/amd64", plan.Python{Version: "3.14.0", FreeThreaded: true}, glibc241},
		{"linux/arm64", plan.Python{Version: "3.14.0", FreeThreaded: true}, musl12},
		{"linux/amd64", plan.Python{Version: "3.15.0rc1"}, glibc241},
		{"linux/amd64", plan.Python{Version: "3.13.1", FreeThreaded: true}, glibc241},
	} {
		fmt.Fprintf(&b, "%s, Python %s, %s:\n", target.platform, target.python, target.libc)
		p, err := makePlan(t, "platforms", "requirements: uv.lock", target.platform, target.python, target.libc)
		if err != nil {
			fmt.Fprintf(&b, "  %v\n", err)
			continue
		}
		for _, pkg := range p.Packages {
			fmt.Fprintf(&b, "  %-5s %s\n", pkg.Kind, pkg.File)
		}
	}
	golden.Check(t, "testdata/platforms.txt", b.String())
}

// TestPython compares the version that a spec asks for with the base's.
func TestPython(t *testing.T) {
	const (
		usual = "3.13.1"
		hint  = "\ntake a base image with Python %[1]s, or leave python_version out"
	)
	for _, tc := range []struct {
		asked string
		base  plan.Python
		ok    bool
	}{
		{"null", plan.Python{Version: usual, FreeThreaded: true}, true},
		{"3.13", plan.Python{Version: usual}, true},
		{"3.13.1", plan.Python{Version: usual}, true},
		{"3.1", plan.Python{Version: usual}, false},
		{"3.13.10", plan.Python{Version: usual}, false},
		{"3.13t", plan.Python{Version: usual, FreeThreaded: true}, true},
		{"3.13.1t", plan.Python{Version: usual, FreeThreaded: true}, true},
		{"3.13t", plan.Python{Version: usual}, false},
		{"3.13", plan.Python{Version: usual, FreeThreaded: true}, false},
		{"3.15.0rc1", plan.Python{Version: "3.15.0rc1"}, true},
		{"3.15.0rc1", plan.Python{Version: "3.15.0"}, false},
		{"3.15", plan.Python{Version: "3.15.0rc1"}, true},
	} {
		_, err := makePlan(t, "platforms", "python_version: "+tc.asked, "linux/amd64", tc.base, glibc241)
		want := fmt.Sprintf("imagespec.yaml:1: python_version is %[1]s, but the base image docker.io/library/python:3.13 has Python %[2]s"+hint, tc.asked, tc.base)
		if tc.ok != (err == nil) || err != nil && err.Error() != want {
			t.Errorf("python_version %s on %s: %v, want %q", tc.asked, tc.base, err, want)
		}
	}
}
