package poetrylock_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// FuzzParse reads and selects from any pair of files. Whatever they hold, the
// answer is packages or an error with a type, for the same question always
// the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"sources-1.1", "sources-2.0", "sources-2.1", "exclusive"} {
		var texts [2]string
		for i, file := range []string{"poetry.lock", "pyproject.toml"} {
			data, err := os.ReadFile(filepath.Join("testdata", name, file))
			if err != nil {
				f.Fatal(err)
			}
			texts[i] = string(data)
		}
		f.Add(texts[0], texts[1])
	}
	f.Add(locked("a 1", "a 2")+with("b 1", "[package.dependencies]", `a = [{version = "<2", markers = "extra == 'x'"}, ">=1"]`, "[package.extras]", `x = ["b[x]", "a"]`)+
		metadata("2.0"), poetryProject+"a = \"^1 || ^2\"\nb = {version = \"~1\", extras = [\"x\"], python = \"!=3.8.*\", platform = \"linux\"}\n")
	f.Add(locked("a 1")+metadata("1.0")+"[metadata.hashes]\na = [\"00\"]\n", "[project]\nname = \"p\"\ndependencies = [\"a~=1.0\"]\n[dependency-groups]\nx = [{include-group = \"x\"}]\n")
	target := locktest.Bookworm(f, "3.12.4")
	f.Fuzz(func(t *testing.T, lockfile, pyproject string) {
		for _, r := range []lock.Request{{}, {AllExtras: true, AllGroups: true, NoInstallProject: true}} {
			first, second := outcome(t, lockfile, pyproject, target, r), outcome(t, lockfile, pyproject, target, r)
			if first != second {
				t.Errorf("%+v gives %s, then %s", r, first, second)
			}
		}
	})
}

func outcome(t *testing.T, lockfile, pyproject string, target lock.Target, r lock.Request) string {
	t.Helper()
	l, err := read(lockfile, pyproject)
	if err == nil {
		var s *lock.Selection
		if s, err = lock.Select(l, target, r, offline.Index{}); err == nil {
			var b strings.Builder
			for _, p := range s.Packages {
				fmt.Fprintf(&b, "%s %s %s, ", p.Package, p.Kind, p.File.Name)
			}
			return b.String()
		}
	}
	var reason lock.Reason
	if !errors.As(err, &reason) || len(diag.All(err)) == 0 {
		t.Errorf("the error %v has no type or place", err)
	}
	return err.Error()
}

// TestHostile reads locks that are made to cost much.
func TestHostile(t *testing.T) {
	several := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	many := func(format string) string { return several(10000, format) }
	rivals := several(2000, "[[package]]\nname = \"a%[1]d\"\nversion = \"2\"\n[package.dependencies]\nz = \">=2\"\n[[package]]\nname = \"a%[1]d\"\nversion = \"1\"\n")
	tests := []struct{ name, lock, project string }{
		{"a chain", many("[[package]]\nname = \"a%[1]d\"\nversion = \"1\"\n[package.dependencies]\nA.%[1]d = \"*\"\n") + metadata("2.0"), poetryProject + "a0 = \"*\"\n"},
		{"versions that exclude each other", rivals + locked("z 1") + metadata("2.0"), poetryProject + "z = \"*\"\n" + several(2000, "a%d = \"*\"\n")},
		{"extras of one package", "[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\n" + many("b%d = {version = \"*\", optional = true}\n") +
			"[package.extras]\n" + many("e%d = [\"a[e1,e2,e3]\", \"b1\", \"b2\"]\n") + metadata("2.0"), poetryProject + "a = {version = \"*\", extras = [" + many("\"e%d\",") + "]}\n"},
		{"a long constraint", with("a 1", "[package.dependencies]", `b = "`+many("!=%d,")+`>0"`) + metadata("2.0"), poetryProject + "a = \"*\"\n"},
		{"groups that include each other", metadata("2.0"), poetryProject + "[dependency-groups]\n" + many("g%[1]d = [{include-group = \"g0\"}]\n")},
	}
	for _, test := range tests {
		start := time.Now()
		outcome(t, test.lock, test.project, locktest.Bookworm(t, "3.12.4"), lock.Request{AllGroups: true, NoInstallProject: true})
		took := time.Since(start)
		t.Logf("%s: %d kB in %v", test.name, (len(test.lock)+len(test.project))>>10, took.Round(time.Millisecond))
		if took > 20*time.Second {
			t.Errorf("%s took %v", test.name, took)
		}
	}
}
