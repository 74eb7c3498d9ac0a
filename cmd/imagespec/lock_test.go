package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/resolver"
)

// TestMain makes the test's own program the Python that uv asks, as the command
// is.
func TestMain(m *testing.M) {
	if resolver.Pretends(os.Args) {
		os.Exit(resolver.Answer(os.Args, os.Stdout))
	}
	os.Exit(m.Run())
}

// TestLock locks with the uv of this machine, and plans with the lock.
func TestLock(t *testing.T) {
	if _, err := exec.LookPath("uv"); err != nil {
		t.Skip("there is no uv")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/simple/greeting/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<a href="/greeting-1.0-py3-none-any.whl#sha256=%064d" data-core-metadata="true">greeting-1.0-py3-none-any.whl</a>`, 1)
		case "/greeting-1.0-py3-none-any.whl.metadata":
			fmt.Fprint(w, "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	t.Setenv("UV_CACHE_DIR", filepath.Join(dir, "cache"))
	spec := "base_image: python:3.12-slim-bookworm\nplatform: [linux/amd64, linux/arm64]\npackages: [greeting]\nbuilder_options: {flytekit: false}\npip_index: " + server.URL + "/simple\n"
	if err := os.WriteFile(filepath.Join(dir, "imagespec.yaml"), []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}
	locked := runIn(t, dir, "lock")
	if locked.status != 0 || locked.stderr != "" || strings.Count(locked.stdout, "greeting-1.0-py3-none-any.whl\"") != 2 {
		t.Fatalf("%+v", locked)
	}
	unlocked := runIn(t, dir, "plan")
	if unlocked.status != 0 || !strings.HasPrefix(unlocked.stderr, "NotLocked: ") || !strings.Contains(unlocked.stdout, `"resolved": {`) {
		t.Errorf("%+v", unlocked)
	}
	spec = strings.Replace(spec, "packages: [greeting]", "requirements: pylock.toml", 1)
	for name, text := range map[string]string{"imagespec.yaml": spec, "pylock.toml": locked.stdout} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	planned := runIn(t, dir, "plan")
	if planned.status != 0 || strings.Contains(planned.stderr, "NotLocked") || !strings.Contains(planned.stdout, `"name": "greeting"`) {
		t.Errorf("%+v", planned)
	}
}

// TestLockWithoutUV says what to do.
func TestLockWithoutUV(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if err := os.WriteFile(filepath.Join(dir, "imagespec.yaml"), []byte("python_version: 3.12\npackages: [greeting]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := runIn(t, dir, "lock")
	if got.status != 1 || !strings.Contains(got.stderr, "imagespec.yaml:2") || !strings.Contains(got.stderr, "uv is not in PATH") {
		t.Errorf("%+v", got)
	}
}
