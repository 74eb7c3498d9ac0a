package pylock_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pylock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// uv exports the locks of real projects as pylock.toml and says what it would
// install from the export, on a platform that it is told. Nothing is
// downloaded. uv asks an interpreter for its version; it gets a script that
// asks the python3 on PATH and changes the version in the answer.
type uv struct {
	scratch string
	real    string // version of the python3 on PATH
}

func newUV(t *testing.T) uv {
	t.Helper()
	version, err := exec.Command("uv", "--version").Output()
	if err != nil {
		t.Skip("there is no uv on PATH to compare with")
	}
	real, err := exec.Command("python3", "-c", "import platform; print(platform.python_version())").Output()
	if err != nil {
		t.Skip("there is no python3 on PATH for uv to ask")
	}
	t.Logf("comparing with %s", strings.TrimSpace(string(version)))
	return uv{scratch: t.TempDir(), real: strings.TrimSpace(string(real))}
}

func minor(version string) string { return version[:strings.LastIndexByte(version, '.')] }

// python gives an interpreter that says it has a version.
func (u uv) python(t *testing.T, version string) string {
	t.Helper()
	quote := strings.NewReplacer(".", `\.`)
	script := filepath.Join(u.scratch, "python"+version)
	text := fmt.Sprintf("#!/bin/sh\nout=$(python3 \"$@\") || exit\nprintf '%%s\\n' \"$out\" | sed -e 's/%s/%s/g' -e 's/%s/%s/g'\n",
		quote.Replace(u.real), version, quote.Replace(minor(u.real)), minor(version))
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return script
}

func (u uv) run(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("uv", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "UV_CACHE_DIR="+filepath.Join(u.scratch, "cache"), "UV_OFFLINE=1", "UV_NO_CONFIG=1", "UV_PYTHON_DOWNLOADS=never", "VIRTUAL_ENV=")
	return cmd.CombinedOutput()
}

// install gives what uv would install: "name version", without a version for
// a source tree, commit or archive.
func (u uv) install(t *testing.T, dir, python, platform string) ([]string, error) {
	t.Helper()
	output, err := u.run(dir, "pip", "install", "--dry-run", "--no-deps", "--python", u.python(t, python), "--python-platform", platform,
		"--target", filepath.Join(u.scratch, "target"), "-r", "pylock.toml")
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, output)
	}
	var rows []string
	for line := range strings.Lines(string(output)) {
		if added, ok := strings.CutPrefix(strings.TrimSpace(line), "+ "); ok {
			name, _, direct := strings.Cut(added, " @ ")
			name, version, _ := strings.Cut(name, "==")
			if direct {
				version = ""
			}
			rows = append(rows, strings.TrimSpace(name+" "+version))
		}
	}
	slices.Sort(rows)
	return rows, nil
}

// liveTargets are PDM's and uv's names of platforms and our targets.
func liveTargets(t *testing.T, python string) map[string]lock.Target {
	t.Helper()
	targets := make(map[string]lock.Target)
	for platform, arch := range map[string]string{"x86_64-manylinux_2_36": "amd64", "aarch64-manylinux_2_36": "arm64"} {
		target, err := lock.LinuxTarget(arch, "", python, false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
		if err != nil {
			t.Fatal(err)
		}
		targets[platform] = target
	}
	return targets
}

// TestLiveUV compares with uv. It takes a minute, so the environment variable
// IMAGESPEC_LIVE must ask for it.
func TestLiveUV(t *testing.T) {
	if os.Getenv("IMAGESPEC_LIVE") == "" {
		t.Skip("IMAGESPEC_LIVE is not set")
	}
	u := newUV(t)
	agreed, refused := 0, 0
	for _, project := range []string{"docling", "prefect", "lerobot", "mcp-python-sdk", "python-telegram-bot", "uv-self", "eco-jupyterlab"} {
		dir := filepath.Join(t.TempDir(), project)
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(vectors.Dir(t), "uv-locks", project))); err != nil {
			t.Fatal(err)
		}
		if output, err := u.run(dir, "export", "--quiet", "--frozen", "--format", "pylock.toml", "--output-file", "pylock.toml"); err != nil {
			t.Errorf("%s: %v\n%s", project, err, output)
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, "pylock.toml"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := pylock.Parse(&diag.Source{Name: "pylock.toml", Data: data})
		if err != nil {
			t.Errorf("%s: %s", project, diag.Format(err))
			continue
		}
		for _, python := range []string{"3.10.16", "3.11.11", "3.12.9", "3.13.2", "3.14.0"} {
			targets := liveTargets(t, python)
			for _, platform := range slices.Sorted(maps.Keys(targets)) {
				want, uvErr := u.install(t, dir, python, platform)
				s, err := lock.Select(l, targets[platform], lock.Request{DefaultGroups: true}, nil)
				switch {
				case err != nil && uvErr != nil:
					refused++
				case err != nil || uvErr != nil:
					t.Errorf("%s on %s %s: we say %v, uv %v", project, python, platform, err, uvErr)
				case !slices.Equal(uvRows(s), want):
					t.Errorf("%s on %s %s: selected\n%v\nuv\n%v", project, python, platform, uvRows(s), want)
				default:
					agreed++
				}
			}
		}
	}
	t.Logf("%d selections agree, %d are refused by both", agreed, refused)
}

// uvRows writes a selection as install does.
func uvRows(s *lock.Selection) []string {
	var rows []string
	for _, p := range s.Packages {
		if p.Package.Source.Origin == lock.Registry {
			rows = append(rows, p.Package.String())
		} else {
			rows = append(rows, p.Package.Name)
		}
	}
	slices.Sort(rows)
	return rows
}
