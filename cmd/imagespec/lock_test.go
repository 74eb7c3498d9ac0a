package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

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

// TestLockLocal locks what is in folders, archives and repositories: each keeps
// its place, and its dependencies are resolved.
func TestLockLocal(t *testing.T) {
	if _, err := exec.LookPath("uv"); err != nil {
		t.Skip("there is no uv")
	}
	dir, repository := t.TempDir(), t.TempDir()
	write(t, repository, txtar.Parse([]byte(`
-- pyproject.toml --
[project]
name = "top"
version = "1"
-- python/pyproject.toml --
[project]
name = "tool"
version = "3"
`)))
	commit := commitAll(t, repository)
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "url."+repository+".insteadOf")
	t.Setenv("GIT_CONFIG_VALUE_0", "https://example.com/tool")
	t.Setenv("UV_CACHE_DIR", filepath.Join(dir, "cache"))
	write(t, dir, txtar.Parse([]byte(`
-- imagespec.yaml --
base_image: python:3.12-slim-bookworm
requirements: sub/requirements.txt
packages: ["./libs/named[more]"]
builder_options: {flytekit: false}
-- sub/requirements.txt --
--no-index
-e ../libs/editable
tool @ git+https://example.com/tool@v1#subdirectory=python
-- libs/editable/pyproject.toml --
[project]
name = "editable"
version = "1"
dependencies = ["member"]
[tool.uv.sources]
member = { workspace = true }
-- libs/member/pyproject.toml --
[project]
name = "member"
version = "1"
-- libs/named/pyproject.toml --
[project]
name = "named"
version = "1"
dependencies = ["top"]
optional-dependencies = { more = ["wheel-of-mine"] }
[tool.uv.sources]
top = { git = "https://example.com/tool" }
wheel-of-mine = { path = "../wheel_of_mine-1.0-py3-none-any.whl" }
-- pyproject.toml --
[tool.uv.workspace]
members = ["libs/editable", "libs/mem*"]
`)))
	writeWheel(t, filepath.Join(dir, "libs", "wheel_of_mine-1.0-py3-none-any.whl"))
	locked := runIn(t, dir, "lock")
	for _, want := range []string{
		"name = \"editable\"\ndirectory = { path = \"libs/editable\" }\n",
		"name = \"member\"\ndirectory = { path = \"libs/member\" }\n",
		"name = \"named\"\ndirectory = { path = \"libs/named\" }\n",
		"name = \"tool\"\nvcs = { type = \"git\", url = \"https://example.com/tool\", requested-revision = \"v1\", commit-id = \"" + commit + "\", subdirectory = \"python\" }\n",
		"name = \"top\"\nvcs = { type = \"git\", url = \"https://example.com/tool\", commit-id = \"" + commit + "\" }\n",
		"name = \"wheel-of-mine\"\nversion = \"1.0\"\nwheels = [\n    { name = \"wheel_of_mine-1.0-py3-none-any.whl\", path = \"libs/wheel_of_mine-1.0-py3-none-any.whl\", hashes",
	} {
		if !strings.Contains(locked.stdout, want) {
			t.Errorf("no\n%s\nin %+v", want, locked)
		}
	}
	write(t, dir, txtar.Parse([]byte("-- imagespec.yaml --\nbase_image: python:3.12-slim-bookworm\nrequirements: pylock.toml\n-- pylock.toml --\n"+locked.stdout)))
	if planned := runIn(t, dir, "plan"); planned.status != 0 || strings.Count(planned.stdout, `"subdirectory": "python"`) != 1 {
		t.Errorf("%+v", planned)
	}
}

// writeWheel writes a wheel that has metadata and no module.
func writeWheel(t *testing.T, file string) {
	t.Helper()
	base := filepath.Base(file)
	parts := strings.Split(base, "-")
	var data bytes.Buffer
	z := zip.NewWriter(&data)
	for name, text := range map[string]string{
		"METADATA": "Metadata-Version: 2.1\nName: " + parts[0] + "\nVersion: " + parts[1] + "\n",
		"WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"RECORD":   "",
	} {
		w, err := z.Create(parts[0] + "-" + parts[1] + ".dist-info/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// commitAll makes a folder a repository whose only commit has the tag v1.
func commitAll(t *testing.T, dir string) string {
	t.Helper()
	var output []byte
	for _, args := range []string{"init --quiet", "add .", "-c user.name=a -c user.email=a@example.com commit --quiet -m first", "tag v1", "rev-parse HEAD"} {
		cmd := exec.Command("git", append([]string{"-C", dir}, strings.Fields(args)...)...)
		var err error
		if output, err = cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, output)
		}
	}
	return strings.TrimSpace(string(output))
}
