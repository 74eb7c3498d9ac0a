package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
)

// unlockedSpec is a project that only says what it wants.
const unlockedSpec = `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
packages: [requests>=2, "rich[jupyter]==13.*; python_version > '3'"]

`

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

// TestPackages builds what is not locked from PyPI, runs it, and builds it
// again without the network.
func TestPackages(t *testing.T) {
	engine := testengine.Start(t)
	p := written(t, engine, unlockedSpec)
	first := p.networked(t)
	if !strings.Contains(first.Output, "NotLocked: ") {
		t.Errorf("no warning in\n%s", first.Output)
	}
	if got := p.installed(t); !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "requests 2.") }) {
		t.Errorf("installed: %q", got)
	}
	for step, state := range p.build(t).Steps() {
		if (strings.HasPrefix(step, "[resolve] resolve") || strings.HasPrefix(step, "[python")) && !strings.Contains(step, "fetch") && state != "CACHED" {
			t.Errorf("%s is %s in an unchanged build", step, state)
		}
	}
}
