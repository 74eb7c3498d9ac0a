package pylock_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
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

// selectCase is a lock and what packaging.pylock selects from it.
type selectCase struct {
	File     string
	Target   string
	Extras   []string
	Groups   []string `json:"dependency_groups"` // nil for the default groups
	Packages []string // "name version kind file-or-path hash"
	Error    string   // of the selection
	Invalid  string   // of the lock
}

// target gives a target of the vectors by its name, such as
// "cp312-linux-x86_64-musl1.2". The patch levels are those that the errors of
// the vectors name.
func target(t *testing.T, name string) lock.Target {
	t.Helper()
	pythons := map[string]string{"cp39": "3.9.21", "cp310": "3.10.18", "cp311": "3.11.13", "cp312": "3.12.11", "cp313": "3.13.5", "cp314": "3.14.2"}
	archs := map[string]string{"x86_64": "amd64", "aarch64": "arm64", "win_amd64": "amd64"}
	parts := strings.Split(strings.Replace(name, "-linux", "", 1), "-")
	libc := wheel.Libc{Family: "glibc", Major: 2, Minor: 36}
	if strings.HasSuffix(name, "musl1.2") {
		libc = wheel.Libc{Family: "musl", Major: 1, Minor: 2}
	}
	target, err := lock.LinuxTarget(archs[parts[1]], "", pythons[parts[0]], false, libc)
	if err != nil {
		t.Fatal(err)
	}
	if parts[1] == "win_amd64" {
		// No image has it, but the markers of locks know it.
		target.Env.OSName, target.Env.SysPlatform, target.Env.PlatformSystem = "nt", "win32", "Windows"
		target.Env.PlatformMachine = "AMD64"
		target.Tags = wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, []string{"win_amd64"})
	}
	return target
}

func readVector(t *testing.T, name string) (*lock.Lock, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectors.Dir(t), "pylock", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return pylock.Parse(&diag.Source{Name: name, Data: data})
}

// TestSelectCases compares with packaging.pylock.
func TestSelectCases(t *testing.T) {
	var cases []selectCase
	vectors.Load(t, "pylock/select_cases.json", &cases)
	met := 0
	for _, c := range cases {
		if t.Run(fmt.Sprintf("%s/%s/%d", c.File, c.Target, len(c.Extras)), func(t *testing.T) { c.check(t) }) {
			met++
		}
	}
	t.Logf("cases: %d of %d", met, len(cases))
	if len(cases) != 156 {
		t.Errorf("the vectors have changed: %d cases", len(cases))
	}
}

func (c selectCase) check(t *testing.T) {
	l, err := readVector(t, c.File)
	if c.Invalid != "" {
		if !errors.Is(err, lock.Malformed) {
			t.Errorf("error %v, packaging says %s", err, c.Invalid)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := lock.Select(l, target(t, c.Target), lock.Request{Extras: c.Extras, Groups: c.Groups, DefaultGroups: c.Groups == nil}, nil)
	if c.Error != "" {
		if reason := c.reason(); !errors.Is(err, reason) {
			t.Errorf("error %v, want %q, packaging says %s", err, reason, c.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(s), c.rows(); !slices.Equal(got, want) {
		t.Errorf("selected\n%s\npackaging selects\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// reason puts an error of packaging in our terms.
func (c selectCase) reason() lock.Reason {
	switch {
	case strings.Contains(c.Error, "does not satisfy the Python version"):
		return lock.WrongPython
	case strings.Contains(c.Error, "No wheel found"):
		return lock.NoArtifact
	}
	return lock.Reason(c.Error)
}

// rows gives the packages of a case sorted, with the spelling of wheels'
// names that a URL has.
func (c selectCase) rows() []string {
	var rows []string
	for _, row := range c.Packages {
		fields := strings.Fields(row)
		if fields[2] == "wheel" {
			fields[3] = spelled(fields[3])
		}
		rows = append(rows, strings.Join(fields, " "))
	}
	slices.Sort(rows)
	return rows
}

// spelled gives a wheel's name with the project in normal form: uv writes
// names that the files do not have, which we do not repeat.
func spelled(file string) string {
	name, err := wheel.ParseFilename(file)
	if err != nil {
		return file
	}
	_, rest, _ := strings.Cut(file, "-")
	return name.Name + "-" + rest
}

// rows writes a selection as the vectors do.
func rows(s *lock.Selection) []string {
	var rows []string
	for _, p := range s.Packages {
		row := fmt.Sprintf("%s %s ", p.Package.Name, cmp.Or(p.Package.Version, "-"))
		switch {
		case p.Package.Source.Origin == lock.Archive:
			row += "archive " + cmp.Or(p.File.Path, p.File.URL)
		case p.Kind == lock.KindDirectory:
			row += "directory " + p.Package.Source.Path
		case p.Kind == lock.KindGit:
			row += "vcs " + p.Package.Source.URL
		default:
			row += fmt.Sprintf("%s %s %s:%s", p.Kind, spelled(p.File.Name), p.File.Hashes[0].Algorithm, p.File.Hashes[0].Hex)
		}
		rows = append(rows, row)
	}
	slices.Sort(rows)
	return rows
}

// export is one of uv's own snapshot tests of "uv export".
type export struct {
	ID, Pylock string
	Args       []string
}

// source puts something in the place of what uv's tests take out.
func (e export) source() *diag.Source {
	text := strings.NewReplacer(
		"[X]", "0", "[TEMP_DIR]", "/tmp/project", "[LOCALHOST]", "localhost:8000", "[TIME]", "1s",
		"[COMMIT]", strings.Repeat("0", 40),
	).Replace(e.Pylock)
	return &diag.Source{Name: "pylock.toml", Data: []byte(text)}
}

// TestExports reads what uv exports, and selects all that it has.
func TestExports(t *testing.T) {
	var exports []export
	vectors.Load(t, "pylock/uv_export_pylock_snapshots.json", &exports)
	met := 0
	for _, e := range exports {
		if t.Run(e.ID, func(t *testing.T) { e.check(t) }) {
			met++
		}
	}
	t.Logf("exports: %d of %d", met, len(exports))
	if len(exports) != 26 {
		t.Errorf("the vectors have changed: %d exports", len(exports))
	}
}

func (e export) check(t *testing.T) {
	l, err := pylock.Parse(e.source())
	if err != nil {
		t.Fatal(diag.Format(err))
	}
	if got, want := len(l.Packages), strings.Count(e.Pylock, "[[packages]]"); got != want {
		t.Errorf("read %d packages of %d", got, want)
	}
	s, err := lock.Select(l, target(t, "cp313-linux-x86_64"), lock.Request{DefaultGroups: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Packages) == 0 && len(l.Packages) > 0 {
		t.Error("nothing is selected")
	}
}
