package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestName prints what flytekit 1.16 prints for these:
// ImageSpec(**yaml.safe_load(file)).image_name().
func TestName(t *testing.T) {
	for _, test := range []struct{ name, yaml, want string }{
		{"flytekit's own example", "python_version: 3.9\nbuilder: test\n", "flytekit:Y1edP_q9HI8EcTl_ynDGHw"},
		{"a comment changes nothing", "# syntax=imagespec/frontend\npython_version: 3.9\n", "flytekit:Y1edP_q9HI8EcTl_ynDGHw"},
		{"quotes do", "registry: GHCR.io/Acme\nname: Demo\npython_version: '3.11'\n", "ghcr.io/acme/demo:oUtadztOxHb5yl9aCjVs3Q"},
		{"the lock's content is in it", "requirements: requirements.txt\n", "flytekit:_1DGGgLJ5y8aAr5C7jTPeg"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for file, data := range map[string]string{"imagespec.yaml": test.yaml, "requirements.txt": "\nidna==3.10 \n"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(data), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := runIn(t, ".", "name", dir); got.status != 0 || got.stdout != test.want+"\n" {
				t.Errorf("got %+v, want %s", got, test.want)
			}
		})
	}
}

// TestNameErrors: what cannot be built has no name, and flytekit's refusals
// point into the file.
func TestNameErrors(t *testing.T) {
	for _, test := range []struct {
		args   string
		yaml   string
		status int
		want   string
	}{
		{"name", "nam: demo\n", 1, `did you mean "name"?`},
		{"name", "name: 3.10\n", 1, "imagespec.yaml:1: name must be a string in flytekit"},
		{"name", "requirements: uv.lock\n", 1, "imagespec.yaml:1: requirements uv.lock cannot be read"},
		{"name -f other.yaml", "", 1, "there is no spec other.yaml"},
		{"name a b", "", 2, "one build context is enough"},
		{"name --platform linux/amd64", "", 2, "flag provided but not defined"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "imagespec.yaml"), []byte(test.yaml), 0o644); err != nil {
			t.Fatal(err)
		}
		got := runIn(t, dir, strings.Fields(test.args)...)
		if got.status != test.status || got.stdout != "" || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: got %+v, want status %d and %q", test.args, got, test.status, test.want)
		}
	}
}
