package uvlock_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// FuzzParse reads anything, and selects from what it could read: each package
// once, in order, with a file that runs on the target. Every error has a
// reason and a place in the lock.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"workspace", "rootless"} {
		data, err := os.ReadFile(filepath.Join("testdata", name, "uv.lock"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(header + projectTable + wheelOf("a", "1", "a-1-py3-none-any.whl")))
	f.Add([]byte("version = 1\nrequires-python = \">=3\"\n[[distribution]]\nname = \"a\"\nsource = { git = \"g?path=x#" + strings.Repeat("0", 40) + "\" }\n"))
	target, err := lock.LinuxTarget("amd64", "", "3.12.9", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parse(string(data))
		if err != nil {
			checkError(t, err)
			return
		}
		for _, r := range []lock.Request{{}, {AllPackages: true, AllExtras: true, AllGroups: true}} {
			s, err := lock.Select(l, target, r, nil)
			if err != nil {
				checkError(t, err)
				continue
			}
			if !slices.IsSortedFunc(s.Packages, func(a, b lock.Selected) int { return strings.Compare(a.Package.Name, b.Package.Name) }) {
				t.Fatal("the selection is not sorted")
			}
			for _, p := range s.Packages {
				checkSelected(t, p, target)
			}
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var reason lock.Reason
	if !errors.As(err, &reason) || len(diag.All(err)) == 0 {
		t.Fatalf("%v (%T) has no reason or no place", err, err)
	}
}

func checkSelected(t *testing.T, p lock.Selected, target lock.Target) {
	t.Helper()
	if strings.ContainsAny(p.File.Name, "/\\") || p.Package.Source.Origin == lock.Virtual {
		t.Fatalf("selected %+v", p)
	}
	if p.Kind != lock.KindWheel {
		return
	}
	name, err := wheel.ParseFilename(p.File.Name)
	if _, ok := target.Tags.Priority(name); err != nil || !ok || name.Name != p.Package.Name {
		t.Fatalf("the wheel %q was selected for %s", p.File.Name, p.Package)
	}
}

// docling is the largest lock of the vectors, and has no conflicts.
func docling(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectors.Dir(t), "uv-locks", "docling", "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The order of packages in a lock means nothing.
func TestPackageOrder(t *testing.T) {
	text := docling(t)
	parts := strings.Split(text, "\n[[package]]\n")
	slices.Reverse(parts[1:])
	r := lock.Request{AllExtras: true, AllGroups: true, AllPackages: true, NoInstall: []string{"onnxruntime-gpu"}}
	var selections [2][]string
	for i, text := range []string{text, strings.Join(parts, "\n[[package]]\n") + "\n"} {
		l, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := lock.Select(l, linux(t, "3.12"), r, nil)
		if err != nil {
			t.Fatal(err)
		}
		selections[i] = rows(s)
	}
	if !slices.Equal(selections[0], selections[1]) || len(selections[0]) < 300 {
		t.Errorf("%d packages, and %d in reverse order", len(selections[0]), len(selections[1]))
	}
}

// One more extra never takes packages away, where nothing conflicts.
func TestExtrasAdd(t *testing.T) {
	l, err := parse(docling(t))
	if err != nil {
		t.Fatal(err)
	}
	var before []string
	var extras []string
	for _, extra := range []string{"cli", "format-pdf", "models-local", "format-audio"} {
		extras = append(extras, extra)
		s, err := lock.Select(l, linux(t, "3.12"), lock.Request{Extras: extras}, nil)
		if err != nil {
			t.Fatal(err)
		}
		after := rows(s)
		for _, row := range before {
			if !slices.Contains(after, row) {
				t.Errorf("the extra %s takes away %s", extra, row)
			}
		}
		if len(after) < len(before) {
			t.Errorf("the extra %s leaves %d of %d packages", extra, len(after), len(before))
		}
		before = after
	}
}

// Locks that were made to cost a lot are read or refused soon.
func TestHostile(t *testing.T) {
	repeat := func(n int, text string) string { return strings.Repeat(text, n) }
	tests := []struct{ name, text string }{
		{"deep marker", header + "supported-markers = [\"" + repeat(200_000, "(") + "\"]\n"},
		{"deep arrays", header + "conflicts = " + repeat(500_000, "[") + "\n"},
		{"deep keys", header + repeat(500_000, "a.") + "a = 1\n"},
		{"many values", header + "conflicts = [" + repeat(900_000, "[],") + "]\n"},
		{"one name, many packages", header + repeat(100_000, "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { virtual = \"x\" }\n")},
		{"many conflicts", header + "conflicts = [[" + repeat(100_000, "{ package = \"a\", extra = \"b\" },\n") + "]]\n"},
		{"many mistakes", header + repeat(100_000, "[[package]]\n")},
		{"many edges", header + projectTable + "dependencies = [" + repeat(300_000, "{ name = \"project\" },\n") + "]\n"},
		{"many groups", header + projectTable + "[package.dev-dependencies]\n" + manyKeys(200_000)},
		{"a wheel for everything", header + wheelOf("a", "1", "a-1-"+repeat(1000, "py3.")+"py3-"+repeat(1000, "none.")+"none-"+repeat(1000, "any.")+"any.whl")},
	}
	for _, test := range tests {
		start := time.Now()
		l, err := parse(test.text)
		if err == nil {
			_, err = lock.Select(l, linux(t, "3.12"), lock.Request{AllGroups: true, AllExtras: true, AllPackages: true}, nil)
		}
		if err != nil {
			checkError(t, err)
		}
		// Real locks of that size take a fifth of a second; the bound leaves
		// room for slow machines and the race detector.
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: %v", test.name, took)
		} else {
			t.Logf("%s: %v, error %.100v", test.name, took.Round(time.Millisecond), err)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("k" + strings.Repeat("x", i%7) + string(rune('a'+i%26)))
		for j := i; j > 0; j /= 10 {
			b.WriteByte(byte('0' + j%10))
		}
		b.WriteString(" = []\n")
	}
	return b.String()
}
