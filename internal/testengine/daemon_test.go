package testengine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func ready(context.Context) error { return nil }

func TestDaemonLives(t *testing.T) {
	d := daemon{dir: t.TempDir()}
	if _, ok := d.running(); ok {
		t.Error("runs before its start")
	}
	if err := d.start(t.Context(), ready, "sleep", "60"); err != nil {
		t.Fatal(err)
	}
	pid, ok := d.running()
	if !ok {
		t.Fatal("does not run after its start")
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := startTime(pid); err == nil {
		t.Error("the process is still there")
	}
	if err := d.stop(); err != nil {
		t.Errorf("a second stop: %v", err)
	}
}

// A daemon that ends at once is reported with what it said.
func TestDaemonEnds(t *testing.T) {
	d := daemon{dir: t.TempDir()}
	never := func(context.Context) error { return errors.New("not ready") }
	err := d.start(t.Context(), never, "sh", "-c", "sleep 0.1; echo no such option; exit 1")
	if err == nil || !strings.Contains(err.Error(), "no such option") {
		t.Errorf("got %v", err)
	}
}

// A pid that meanwhile belongs to another process is left alone.
func TestDaemonOfAnotherLife(t *testing.T) {
	d := daemon{dir: t.TempDir()}
	if err := os.WriteFile(d.pidFile(), fmt.Appendf(nil, "%d 12345\n", os.Getpid()), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.running(); ok {
		t.Error("the test itself is taken for the daemon")
	}
	if err := d.stop(); err != nil {
		t.Error(err)
	}
}

func TestUnmountBelow(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "a/b"} {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("none", path, "tmpfs", 0, ""); err != nil {
			t.Skipf("mount: %v", err)
		}
	}
	if err := unmountBelow(dir); err != nil {
		t.Fatal(err)
	}
	if mounts, _ := os.ReadFile("/proc/self/mountinfo"); strings.Contains(string(mounts), dir) {
		t.Errorf("still mounted:\n%s", mounts)
	}
}

// A socket's path must fit in 107 bytes, however deep the checkout.
func TestSocketPath(t *testing.T) {
	short := t.TempDir()
	if path, err := socketPath(short); err != nil || filepath.Dir(path) != short {
		t.Errorf("short: %s, %v", path, err)
	}
	if os.Geteuid() != 0 {
		t.Skip("the short way is made in /run")
	}
	deep := filepath.Join(short, strings.Repeat("deep/", 30))
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		path, err := socketPath(deep)
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(filepath.Dir(path))
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(deep, "buildkitd.sock")); err != nil {
			t.Error(err)
		}
		listener.Close()
	}
}

func TestKeptAddress(t *testing.T) {
	file := filepath.Join(t.TempDir(), "address")
	first, err := keptAddress(file)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := keptAddress(file); err != nil || second != first {
		t.Errorf("first %s, then %s, %v", first, second, err)
	}
}

func TestSplitRef(t *testing.T) {
	const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for _, test := range []struct{ ref, repository, name string }{
		{"localhost:5000/a/b:1", "http://localhost:5000/v2/a/b/", "1"},
		{"localhost:5000/a/b", "http://localhost:5000/v2/a/b/", "latest"},
		{"localhost:5000/a@" + digest, "http://localhost:5000/v2/a/", digest},
		{"localhost:5000/a:1@" + digest, "http://localhost:5000/v2/a/", digest},
	} {
		repo, name := splitRef(test.ref)
		if string(repo) != test.repository || name != test.name {
			t.Errorf("%s: %s, %s", test.ref, repo, name)
		}
	}
}

func TestSteps(t *testing.T) {
	built := Built{Output: `#0 building with "imagespec" instance using remote driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 2B done
#1 DONE 0.0s

#2 [1/2] FROM docker.io/library/python
#2 CACHED

#3 [2/2] RUN false
#3 0.1 DONE is only a word here
#3 ERROR: process "/bin/sh -c false" did not complete successfully: exit code: 1
`}
	want := map[string]string{
		"[internal] load build definition from Dockerfile": "DONE",
		"[1/2] FROM docker.io/library/python":              "CACHED",
		"[2/2] RUN false":                                  "ERROR",
	}
	got := built.Steps()
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for name, how := range want {
		if got[name] != how {
			t.Errorf("%s: %q, want %q", name, got[name], how)
		}
	}
}
