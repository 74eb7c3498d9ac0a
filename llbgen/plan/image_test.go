package plan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// TestFields shows what each field changes in the plan, beside a spec without
// it: the lines of the printed plan that come and go.
func TestFields(t *testing.T) {
	var b strings.Builder
	python := plan.Python{Version: "3.13.1", Home: "/usr/local/bin"}
	without := printed(t, "", python)
	for _, field := range []string{
		"name: demo",
		"registry: ghcr.io/acme",
		"env: {GREETING: 'hello, \"$USER\"', PYTHONPATH: /src}",
		"entrypoint: []",
		"entrypoint: [python, -m, app]",
		"apt_packages: [git, curl=7.88.1-10]",
		"source_root: src",
		"{source_root: src, source_copy_mode: NO_COPY}",
		"copy: [data, conf/app.ini]",
		"commands: ['echo one', 'echo two']",
		"runtime_packages: [pandas]",
		"builder_options: {user: app, workdir: /app}",
		"builder_options: {user: root}",
		"builder_options: {user: '1000:1000'}",
		"builder_options: {labels: {team: ml}}",
		"builder_options: {pip: false}",
	} {
		with := printed(t, field, python)
		fmt.Fprintf(&b, "%s\n", field)
		for _, line := range without {
			if !slices.Contains(with, line) {
				fmt.Fprintf(&b, "  - %s\n", strings.TrimSpace(line))
			}
		}
		for _, line := range with {
			if !slices.Contains(without, line) {
				fmt.Fprintf(&b, "  + %s\n", strings.TrimSpace(line))
			}
		}
	}
	golden.Check(t, "testdata/fields.txt", b.String())
}

// printed gives the lines of the plan of a spec.
func printed(t *testing.T, spec string, python plan.Python) []string {
	t.Helper()
	if spec == "" {
		spec = "{}"
	}
	p, err := makePlan(t, "platforms", spec, "linux/amd64", python, glibc241)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	text, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// TestEnviron: the plan's directories go around those of the base, once.
func TestEnviron(t *testing.T) {
	config := plan.Config{
		Path:        []string{"/opt/venv/bin"},
		PathBehind:  []string{"/usr/local/nvidia/bin"},
		LibraryPath: []string{"/usr/local/nvidia/lib64"},
		Env:         []plan.EnvVar{{Name: "LANG", Value: "de_DE"}, {Name: "A", Value: "a=b"}},
	}
	for name, test := range map[string]struct{ base, want []string }{
		"no variables": {nil, []string{
			"PATH=/opt/venv/bin:" + plan.DefaultPath + ":/usr/local/nvidia/bin",
			"LD_LIBRARY_PATH=/usr/local/nvidia/lib64", "LANG=de_DE", "A=a=b",
		}},
		"nvidia/cuda": {
			[]string{"PATH=/usr/local/nvidia/bin:/usr/bin", "LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64", "LANG=C"},
			[]string{"PATH=/opt/venv/bin:/usr/local/nvidia/bin:/usr/bin", "LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64", "LANG=de_DE", "A=a=b"},
		},
		"an image of ours": {
			[]string{"PATH=/opt/venv/bin:/usr/bin:/usr/local/nvidia/bin", "LD_LIBRARY_PATH=/usr/local/nvidia/lib64"},
			[]string{"PATH=/opt/venv/bin:/usr/bin:/usr/local/nvidia/bin", "LD_LIBRARY_PATH=/usr/local/nvidia/lib64", "LANG=de_DE", "A=a=b"},
		},
	} {
		p := plan.Plan{Base: plan.Base{Env: test.base}, Config: config}
		if got := p.Environ(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestPip: every environment has a pip for its Python, but for one that the
// lock brings its own to.
func TestPip(t *testing.T) {
	for version, want := range map[string]string{"3.8.20": "25.0.1", "3.9.25": "26.0.1", "3.10.22": "26.3", "3.15.2": "26.3"} {
		p, err := makePlan(t, "platforms", "{}", "linux/amd64", plan.Python{Version: version}, glibc241)
		if err != nil || p.Pip == nil || p.Pip.Version != want {
			t.Errorf("Python %s: %+v, %v, want pip %s", version, p.Pip, err, want)
		}
	}
}
