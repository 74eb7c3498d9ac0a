package pdmlock_test

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pdmlock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// readFS reads the lock of a build context.
func readFS(fsys fs.FS) (*lock.Lock, error) {
	open := func(name string) (*diag.Source, error) {
		data, err := fs.ReadFile(fsys, name)
		return &diag.Source{Name: name, Data: data}, err
	}
	src, err := open("pdm.lock")
	if err != nil {
		return nil, err
	}
	return pdmlock.Parse(src, open)
}

func readDir(dir string) (*lock.Lock, error) { return readFS(os.DirFS(dir)) }

// target gives that of an image, by Python and PDM's name of the platform.
func target(t testing.TB, python, platform string) lock.Target {
	t.Helper()
	arch := "amd64"
	if strings.HasSuffix(platform, "_aarch64") {
		arch = "arm64"
	}
	target, err := lock.LinuxTarget(arch, "", python, false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// resolved gives "name version" of what a question selects, sorted.
func resolved(t *testing.T, l *lock.Lock, q question) ([]string, error) {
	t.Helper()
	picks, err := l.Resolver.Resolve(target(t, q.Python, q.Platform).Env, q.request)
	if err != nil {
		return nil, err
	}
	var rows []string
	for _, p := range picks {
		rows = append(rows, p.Package.Name+" "+cmp.Or(p.Package.Version, "-"))
	}
	slices.Sort(rows)
	return rows, nil
}

// staleness gives the warning that a lock is stale, empty if it is not.
func staleness(l *lock.Lock) string {
	for _, w := range l.Warnings {
		if w.Rule == lock.StaleLock {
			return w.Msg
		}
	}
	return ""
}

var _ = fmt.Sprint
var _ = filepath.Join
var _ = fstest.MapFS{}
var _ = update
