package uvlock_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// These tests compare with "uv sync --frozen --dry-run" of the uv on PATH,
// and are skipped without one. It is the whole selection of uv that runs, for
// a platform that uv is told; it names packages and versions, but not files,
// so the choice of files is not compared here.
//
// uv asks an interpreter for its version. There is not one here for every
// version of the tests, so uv is given a script that asks the python3 on PATH
// and changes the version in the answer. Nothing is installed or downloaded.

// uv runs "uv sync" in copies of projects.
type uv struct {
	path, scratch string
	pythons       map[string]string // version → script
	real          string            // version of the python3 on PATH
}

func newUV(t *testing.T) *uv {
	t.Helper()
	if testing.Short() {
		t.Skip("uv is not asked in short tests")
	}
	path, err := exec.LookPath("uv")
	if err != nil {
		t.Skip("there is no uv on PATH to compare with")
	}
	real, err := exec.Command("python3", "-c", "import platform; print(platform.python_version())").Output()
	if err != nil {
		t.Skip("there is no python3 on PATH for uv to ask")
	}
	version, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("comparing with %s", bytes.TrimSpace(version))
	return &uv{path: path, scratch: t.TempDir(), pythons: make(map[string]string), real: strings.TrimSpace(string(real))}
}

// python gives an interpreter that says it has a version.
func (u *uv) python(t *testing.T, version string) string {
	t.Helper()
	if script, ok := u.pythons[version]; ok {
		return script
	}
	minor := func(v string) string { return v[:strings.LastIndexByte(v, '.')] }
	quote := strings.NewReplacer(".", `\.`)
	script := filepath.Join(u.scratch, "python"+version)
	text := fmt.Sprintf("#!/bin/sh\nout=$(python3 \"$@\") || exit\nprintf '%%s\\n' \"$out\" | sed -e 's/%s/%s/g' -e 's/%s/%s/g'\n",
		quote.Replace(u.real), version, quote.Replace(minor(u.real)), minor(version))
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	u.pythons[version] = script
	return script
}

// sync gives what uv would install: name → version, empty for a source tree
// or commit.
func (u *uv) sync(t *testing.T, dir, python, platform string, r lock.Request) (map[string]string, error) {
	t.Helper()
	args := append([]string{"sync", "--frozen", "--dry-run", "--python", u.python(t, python), "--python-platform", platform}, arguments(r)...)
	cmd := exec.Command(u.path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "UV_CACHE_DIR="+filepath.Join(u.scratch, "cache"), "UV_OFFLINE=1", "UV_NO_CONFIG=1", "UV_PYTHON_DOWNLOADS=never", "VIRTUAL_ENV=")
	output, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("uv %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	names := make(map[string]string)
	for line := range strings.Lines(string(output)) {
		if added, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), " + "); ok {
			name, _, _ := strings.Cut(added, " @ ")
			name, version, _ := strings.Cut(name, "==")
			version, _, _ = strings.Cut(version, " ")
			names[name] = version
		}
	}
	return names, nil
}

// arguments puts a request in terms of uv.
func arguments(r lock.Request) []string {
	var args []string
	flag := func(name string, set bool) {
		if set {
			args = append(args, name)
		}
	}
	each := func(name string, values []string) {
		for _, value := range values {
			args = append(args, name, value)
		}
	}
	each("--extra", r.Extras)
	if r.OnlyGroups {
		each("--only-group", r.Groups)
	} else {
		each("--group", r.Groups)
		flag("--no-default-groups", !r.DefaultGroups)
	}
	each("--no-group", r.NoGroups)
	flag("--all-extras", r.AllExtras)
	flag("--all-groups", r.AllGroups)
	flag("--all-packages", r.AllPackages)
	if r.Package != "" {
		args = append(args, "--package", r.Package)
	}
	flag("--no-install-project", r.NoInstallProject)
	flag("--no-install-workspace", r.NoInstallWorkspace)
	return args
}

// refusals is what uv says when it refuses for one of our reasons.
func refusals() map[lock.Reason][]string {
	return map[lock.Reason][]string{
		lock.WrongPython:         {"incompatible with the project's Python requirement"},
		lock.UnsupportedPlatform: {"is not compatible with the lockfile's supported environments"},
		lock.NoArtifact:          {"can't be installed because it doesn't have a source distribution or wheel", "can't be installed because it is a binary distribution"},
		lock.Conflict:            {"incompatible with the declared conflicts"},
		lock.UnknownGroup:        {"is not defined in the project's `dependency-groups` table"},
	}
}

// agree compares our selection with uv's; where one refuses, both must, and
// for the same reason.
func (u *uv) agree(t *testing.T, l *lock.Lock, dir string, target lock.Target, platform string, r lock.Request) {
	t.Helper()
	want, uvErr := u.sync(t, dir, target.Env.PythonFullVersion, platform, r)
	s, err := lock.Select(l, target, r, nil)
	switch {
	case err != nil && uvErr != nil:
		var reason lock.Reason
		if !errors.As(err, &reason) || !slices.ContainsFunc(refusals()[reason], func(text string) bool { return strings.Contains(uvErr.Error(), text) }) {
			t.Errorf("we refuse because of %v\nuv because of %v", err, uvErr)
		}
		return
	case err != nil:
		t.Errorf("uv installs %d packages, but we say: %v", len(want), err)
		return
	case uvErr != nil:
		t.Errorf("uv refuses: %v", uvErr)
		return
	}
	got := versions(s)
	for _, p := range s.Packages {
		if p.Kind != lock.KindWheel && p.Kind != lock.KindSdist {
			got[p.Package.Name] = ""
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("selected %v\nuv says  %v", got, want)
	}
}

func TestLiveWorkspace(t *testing.T) {
	u := newUV(t)
	for _, test := range workspaceCases() {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", test.project))); err != nil {
				t.Fatal(err)
			}
			l, err := lockparse.Read(os.DirFS(dir), "uv.lock", nil)
			if err != nil {
				t.Fatal(err)
			}
			target := linux(t, "3.12")
			target.Env.PythonFullVersion = test.python
			target.Env.PythonVersion = test.python[:strings.LastIndexByte(test.python, '.')]
			u.agree(t, l, dir, target, "x86_64-manylinux_2_36", test.request)
		})
	}
}

// TestLiveProjects asks uv for all cases of the vectors' projects. That takes
// minutes, so the environment variable IMAGESPEC_LIVE must ask for it.
func TestLiveProjects(t *testing.T) {
	if os.Getenv("IMAGESPEC_LIVE") == "" {
		t.Skip("IMAGESPEC_LIVE is not set")
	}
	u := newUV(t)
	// uv cannot be told the version of macOS.
	platforms := map[string]string{
		"cp3.10-linux-x86_64-glibc2.36": "x86_64-manylinux_2_36", "cp3.11-linux-x86_64-glibc2.36": "x86_64-manylinux_2_36",
		"cp3.12-linux-x86_64-glibc2.36": "x86_64-manylinux_2_36", "cp3.13-linux-x86_64-glibc2.36": "x86_64-manylinux_2_36",
		"cp3.14-linux-x86_64-glibc2.36": "x86_64-manylinux_2_36", "cp3.12-linux-aarch64-glibc2.36": "aarch64-manylinux_2_36",
		"cp3.12-linux-x86_64-musl1.2": "x86_64-unknown-linux-musl",
	}
	root := filepath.Join(vectors.Dir(t), "uv-locks")
	projects, err := fs.Glob(os.DirFS(root), "*/uv.lock")
	if err != nil {
		t.Fatal(err)
	}
	targets := projectTargets(t)
	met, total := 0, 0
	for _, name := range projects {
		name = path.Dir(name)
		var p project
		vectors.Load(t, path.Join("uv-locks", name, "cases.json"), &p)
		dir := t.TempDir()
		copyProject(t, dir, unredactFS{os.DirFS(filepath.Join(root, name))})
		l, err := lockparse.Read(os.DirFS(dir), "uv.lock", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Cases {
			if platforms[c.Target] == "" {
				continue
			}
			total++
			if t.Run(name+"/"+c.String(), func(t *testing.T) {
				u.agree(t, l, dir, targets[c.Target], platforms[c.Target], c.request())
			}) {
				met++
			}
		}
	}
	t.Logf("cases in which uv agrees: %d of %d", met, total)
}

func copyProject(t *testing.T, dir string, from fs.FS) {
	t.Helper()
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
