package imagespec

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
)

// flytekit runs a script with the Python that the environment variable
// IMAGESPEC_FLYTEKIT_PYTHON names, one that can import flytekit, and reads the
// JSON that it prints.
func flytekit(t *testing.T, script string, input, into any) {
	t.Helper()
	python := os.Getenv("IMAGESPEC_FLYTEKIT_PYTHON")
	if python == "" {
		t.Skip("IMAGESPEC_FLYTEKIT_PYTHON names no Python with flytekit")
	}
	stdin, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", script)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(stdin)), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
}

// TestFieldsAreFlytekits wants flytekit's names in flytekit's order.
func TestFieldsAreFlytekits(t *testing.T) {
	var want []string
	flytekit(t, `
import dataclasses, json
from flytekit import ImageSpec
print(json.dumps([f.name for f in dataclasses.fields(ImageSpec)]))
`, nil, &want)
	if got := names(new(Spec).fields()); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestAgreesWithFlytekit gives the same files to flytekit, as its --image
// option reads them, and compares name, registry, and which are refused.
// Where we differ on purpose the case says so.
func TestAgreesWithFlytekit(t *testing.T) {
	type result struct{ Name, Registry, Error string }
	cases := []struct {
		yaml   string
		differ bool
	}{
		{"name: My-Image", false},
		{"name: Demo\nregistry: GHCR.io/Org", false},
		{"registry: localhost:30000", false},
		{"registry: localhost:300000", false},
		{"registry: docker.io/user", false},
		{"registry: pingsutw", false},
		{"registry: ghcr.io/org/", false},
		{"registry: 'a b'", false},
		{"registry: ghcr.io/org:tag", false},
		{"registry: ''", false},
		{"registry: https://ghcr.io/org", true}, // public examples show it: a warning here
		{"entrypoint: []", false},
		{"entrypoint: sh", false},
		{"entrypoint: [sh, 1]", true}, // scalars are text here
		{"packages: numpy", false},
		{"version: 1", false},
		{"builder_options: {}", false},
		{"builder_options: [a]", false},
		{"builder_options: {anything: 1}", true}, // would do nothing here
		{"python_version: 3.11\nenv: {Debug: 'True'}", false},
		{"env: &e {A: b}\nbuilder_config: null", false},
	}
	var input []string
	for _, c := range cases {
		input = append(input, c.yaml)
	}
	var want []result
	flytekit(t, `
import json, sys, yaml
from flytekit import ImageSpec
def read(text):
    try:
        spec = ImageSpec(**yaml.safe_load(text))
    except (TypeError, ValueError) as e:
        return {"Error": str(e)}
    return {"Name": spec.name, "Registry": spec.registry or ""}
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
`, input, &want)
	for i, c := range cases {
		spec, _, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(c.yaml)})
		same := (err == nil) == (want[i].Error == "")
		if same && err == nil {
			same = spec.Name.Value == want[i].Name && spec.Registry.Value == want[i].Registry
		}
		if same == c.differ {
			t.Errorf("%q: flytekit has %+v, we %+v and error %v", c.yaml, want[i], spec, err)
		}
	}
}
