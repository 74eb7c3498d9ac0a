package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imagespec/imagespec/internal/testengine"
)

// TestSources builds a workspace with the project itself, two members and a
// source distribution of PyPI, each with another build backend.
func TestSources(t *testing.T) {
	p := example(t, testengine.Start(t), "sources")
	p.build(t, testengine.HostArgs()...)
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
	p.build(t, testengine.HostArgs()...)
	p.edit(t, "uv.lock", func(text string) string { return "# a comment\n" + text })
	if steps := did(p.solve(t)); len(steps) != 0 {
		t.Errorf("a comment in the lock has run %q", steps)
	}
	greeting := time.Now().String() // that no engine has seen
	p.replace(t, "libs/greet/src/greet/__init__.py", "hello", greeting)
	want := []string{"[build greet 1.2] build wheel", "[build greet 1.2] install build requirements", "[build greet] load its source", "[python 5/6] install greet"}
	if steps := did(p.solve(t)); !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	if got, want := p.run(t, "/opt/venv/bin/app"), greeting+" sources red 0.6.2\n"; got != want {
		t.Errorf("the image prints %q, want %q", got, want)
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
