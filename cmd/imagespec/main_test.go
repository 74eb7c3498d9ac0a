package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imagespec/imagespec/internal/golden"
)

// ran is what a command did.
type ran struct {
	status         int
	stdout, stderr string
}

func runIn(t *testing.T, dir string, args ...string) ran {
	t.Helper()
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	code := status(args, &stdout, &stderr)
	return ran{code, stdout.String(), stderr.String()}
}

// TestErrors shows every kind of mistake as a user sees it. Each archive has
// the command line in its first line, the files of a build context, and in
// "want" what is printed to stderr. Nothing is on stdout then, and the status
// is 1. A file has secrets that nobody may see: they hold "s3cret".
func TestErrors(t *testing.T) {
	golden.Archives(t, "testdata/errors/*.txtar", 25, func(t *testing.T, archive *txtar.Archive) string {
		dir := t.TempDir()
		write(t, dir, archive)
		command, _, _ := strings.Cut(string(archive.Comment), "\n")
		got := runIn(t, dir, strings.Fields(command)...)
		if got.status != 1 || got.stdout != "" {
			t.Errorf("%s ends with status %d and prints %q", command, got.status, got.stdout)
		}
		if strings.Contains(got.stderr, "s3cret") {
			t.Error("a secret is shown")
		}
		return got.stderr
	})
}

// write writes the files of an archive.
func write(t *testing.T, dir string, archive *txtar.Archive) {
	t.Helper()
	for _, f := range archive.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// projects is where the examples are.
const projects = "../../testdata/projects"

// TestPlans compares the plans of the example projects, of two platforms.
func TestPlans(t *testing.T) {
	for _, name := range []string{"hello", "workspace", "direct"} {
		for _, arch := range []string{"amd64", "arm64"} {
			t.Run(name+"-"+arch, func(t *testing.T) {
				got := runIn(t, ".", "plan", "--platform", "linux/"+arch, filepath.Join(projects, name))
				if got.status != 0 || got.stderr != "" {
					t.Fatalf("status %d: %s", got.status, got.stderr)
				}
				golden.Check(t, filepath.Join("testdata/plans", name+"-"+arch+".json"), got.stdout)
			})
		}
	}
}

// TestContract is what scripts rely on: the keys of the JSON, and the order of
// the packages.
func TestContract(t *testing.T) {
	got := runIn(t, ".", "plan", "--python", "3.12.4", "--libc", "musl-1.2", filepath.Join(projects, "platforms"))
	var plan struct {
		Platform, Libc, Lock string
		Python               map[string]any
		Packages             []map[string]any
	}
	if err := json.Unmarshal([]byte(got.stdout), &plan); err != nil || got.status != 0 {
		t.Fatalf("%v: %+v", err, got)
	}
	if plan.Libc != "musl-1.2" || plan.Lock != "uv.lock" || plan.Python["version"] != "3.12.4" {
		t.Errorf("%+v", plan)
	}
	keys := []string{"file", "group", "kind", "name", "sha256", "size", "url", "version"}
	var names []string
	for _, pkg := range plan.Packages {
		names = append(names, pkg["name"].(string))
		if got := slices.Sorted(maps.Keys(pkg)); !slices.Equal(got, keys) {
			t.Errorf("%s has the keys %q, want %q", pkg["name"], got, keys)
		}
	}
	if !slices.IsSorted(names) || len(names) != 5 {
		t.Errorf("packages %q", names)
	}
	if strings.Contains(got.stdout, `\u003c`) || !strings.HasSuffix(got.stdout, "}\n") {
		t.Error("the JSON is escaped for HTML, or has no line break at its end")
	}
}

func TestFreeThreaded(t *testing.T) {
	project := filepath.Join(projects, "platforms")
	got := runIn(t, ".", "plan", "--platform", "linux/amd64", "--python", "3.14.0t", project)
	for _, want := range []string{`"version": "3.14.0",`, `"free_threaded": true`, "-cp314-cp314t-manylinux"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %s in %+v", want, got)
		}
	}
	if got := runIn(t, ".", "plan", project); strings.Contains(got.stdout, "free_threaded") {
		t.Error("the usual build has a key of the other")
	}
}

func TestWhy(t *testing.T) {
	for _, tc := range []struct{ project, name, want string }{
		{"hello", "mdurl", "mdurl 0.1.2 (uv.lock:L)\nasked for by markdown-it-py 4.3.0 (uv.lock:L)\nasked for by rich 15.0.0 (uv.lock:L)\nasked for by hello 0.1.0 (uv.lock:L)\n"},
		{"hello", "Markdown_It.py", "markdown-it-py 4.3.0 (uv.lock:L)\nasked for by rich 15.0.0 (uv.lock:L)\nasked for by hello 0.1.0 (uv.lock:L)\n"},
		{"direct", "greeting", "greeting 1.0 (uv.lock:L)\nasked for by direct 0.1.0 (uv.lock:L)\n"},
	} {
		lockText, err := os.ReadFile(filepath.Join(projects, tc.project, "uv.lock"))
		if err != nil {
			t.Fatal(err)
		}
		// The lines are those of the tables in the lock.
		want := tc.want
		for line := range strings.Lines(tc.want) {
			name := strings.Fields(strings.TrimPrefix(line, "asked for by "))[0]
			before, _, found := strings.Cut(string(lockText), "[[package]]\nname = \""+name+"\"\n")
			if !found {
				t.Fatalf("the lock of %s has no %s", tc.project, name)
			}
			want = strings.Replace(want, ":L)", ":"+lineNumber(before)+")", 1)
		}
		got := runIn(t, ".", "plan", "--why", tc.name, filepath.Join(projects, tc.project))
		if got.status != 0 || got.stderr != "" || got.stdout != want {
			t.Errorf("--why %s: %+v, want %q", tc.name, got, want)
		}
	}
}

// lineNumber is the number of the line that follows a text.
func lineNumber(before string) string {
	text, _ := json.Marshal(strings.Count(before, "\n") + 1)
	return string(text)
}

// TestUsage has wrong command lines, with the status 2, and questions for
// help. What is printed names the flags.
func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args   string
		status int
		stderr string // in it
	}{
		{"", 2, "usage:"},
		{"paln", 2, `unknown command "paln"; did you mean "plan"?`},
		{"build", 2, `unknown command "build"; known: "help", "lock", "name", "plan", "schema"`},
		{"plan --nope", 2, "flag provided but not defined: -nope"},
		{"plan --python", 2, "flag needs an argument: -python"},
		{"plan a b", 2, `one build context is enough, not ["a" "b"]`},
		{"plan -h", 0, "-why"},
		{"plan --help", 0, "-libc"},
	} {
		got := runIn(t, ".", strings.Fields(tc.args)...)
		if got.status != tc.status || got.stdout != "" || !strings.Contains(got.stderr, tc.stderr) {
			t.Errorf("imagespec %s: %+v, want status %d and %q on stderr", tc.args, got, tc.status, tc.stderr)
		}
	}
	for _, args := range []string{"help", "-h", "--help"} {
		if got := runIn(t, ".", args); got.status != 0 || got.stderr != "" || !strings.Contains(got.stdout, "usage:") {
			t.Errorf("imagespec %s: %+v", args, got)
		}
	}
}

// TestFlags gives each flag in a context of its own.
func TestFlags(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, txtar.Parse([]byte(`
-- other.yaml --
base_image: ghcr.io/org/base
platform: [linux/arm64, linux/amd64]
builder: default
-- sub/imagespec.yaml --
python_version: 3.12
`)))
	for _, tc := range []struct{ args, stdout, stderr string }{
		{"plan sub", `"ref": "docker.io/library/python:3.12-slim-bookworm"`, ""},
		{"plan --platform linux/riscv64 sub", `"platform": "linux/riscv64"`, ""},
		{"plan --platform linux/arm/v7 sub", `"platform": "linux/arm/v7"`, ""},
		{"plan -f other.yaml --python 3.12.4 --libc musl-1.2", `"platform": "linux/arm64"`, "BuilderIgnored: "},
		{"plan -f other.yaml --python 3.15.0rc1 --libc glibc-2.36 sub", `"version": "3.15.0rc1"`, "BuilderIgnored: "},
		{"plan -f other.yaml --python 3.12 --libc glibc-2.36 sub", `"version": "3.12.`, "BuilderIgnored: "},
	} {
		got := runIn(t, dir, strings.Fields(tc.args)...)
		if got.status != 0 || !strings.Contains(got.stdout, tc.stdout) || !strings.HasPrefix(got.stderr, tc.stderr) || (tc.stderr == "") != (got.stderr == "") {
			t.Errorf("imagespec %s: %+v, want %s", tc.args, got, tc.stdout)
		}
	}
}

// TestStaleLockIsAWarning: without builder_options.locked there is a plan.
func TestStaleLockIsAWarning(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/errors/stale-locked.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, archive)
	if err := os.WriteFile(filepath.Join(dir, "imagespec.yaml"), []byte("requirements: uv.lock\nbuilder_options: {locked: false}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := runIn(t, dir, "plan")
	if got.status != 0 || !strings.HasPrefix(got.stderr, "StaleLock: uv.lock does not fit pyproject.toml: ") || !strings.Contains(got.stdout, `"name": "idna"`) {
		t.Errorf("%+v", got)
	}
}

// TestNestedSpec: what a spec in base_image installs is replaced by another
// version, and not installed again if it is the same. The interpreter is that of
// its base.
func TestNestedSpec(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/nested.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, archive)
	other := runIn(t, dir, "plan", "--platform", "linux/amd64")
	if !strings.Contains(other.stdout, "\"removes\": [\n    \"six\"\n  ]") ||
		!strings.Contains(other.stderr, "BasePackageReplaced: six 1.17.0 takes the place of the 1.16.0 that the spec in base_image has (uv.lock:12)\n") {
		t.Errorf("%+v", other)
	}
	same, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "base/uv.lock"), same, 0o600); err != nil {
		t.Fatal(err)
	}
	got := runIn(t, dir, "plan", "--platform", "linux/arm64")
	type planned struct {
		Python   struct{ Home string }
		Packages []struct{ Name string }
		Pip      *struct{ Name string }
		Platform string
	}
	var p struct {
		planned
		Base struct{ Plan planned }
	}
	if err := json.Unmarshal([]byte(got.stdout), &p); err != nil {
		t.Fatalf("%v\n%s", err, got.stderr)
	}
	inner := p.Base.Plan
	if len(inner.Packages) != 1 || inner.Pip == nil || inner.Platform != "linux/arm64" {
		t.Errorf("the inner spec has %+v", inner)
	}
	if len(p.Packages) != 0 || p.Pip != nil || p.Python != inner.Python {
		t.Errorf("the outer spec has %+v", p.planned)
	}
}
