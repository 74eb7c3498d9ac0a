package poetrylock_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/poetrylock"
)

// read reads a poetry.lock and the pyproject.toml beside it, where that is
// not empty.
func read(lockfile, pyproject string) (*lock.Lock, error) {
	fsys := fstest.MapFS{}
	if pyproject != "" {
		fsys["pyproject.toml"] = &fstest.MapFile{Data: []byte(pyproject)}
	}
	return poetrylock.Parse(&diag.Source{Name: "poetry.lock", Data: []byte(lockfile)}, func(name string) (*diag.Source, error) {
		data, err := fsys.ReadFile(name)
		return &diag.Source{Name: name, Data: data}, err
	})
}

func mustRead(t *testing.T, lockfile, pyproject string) *lock.Lock {
	t.Helper()
	l, err := read(lockfile, pyproject)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// project reads one of the projects below testdata.
func project(t testing.TB, name string) *lock.Lock {
	t.Helper()
	open := func(name string) func(string) (*diag.Source, error) {
		return func(file string) (*diag.Source, error) {
			data, err := os.ReadFile(filepath.Join("testdata", name, file))
			return &diag.Source{Name: file, Data: data}, err
		}
	}(name)
	src, err := open(poetrylock.Format)
	if err != nil {
		t.Fatal(err)
	}
	l, err := poetrylock.Parse(src, open)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestProjects compares with what Poetry 2 installs from locks of every
// version, which releases of that time wrote: testdata/oracle.py asked.
func TestProjects(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*", "poetry.json"))
	if err != nil || len(files) < 9 {
		t.Fatalf("projects %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			Python         string
			Groups, Extras []string
			Defaults       bool
			Packages       []string
		}
		if err := json.Unmarshal(data, &cases); err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(file))
		l := project(t, name)
		if len(l.Warnings) != 0 {
			t.Errorf("%s: warnings %+v", name, l.Warnings)
		}
		for _, c := range cases {
			r := lock.Request{Extras: c.Extras, Groups: c.Groups, DefaultGroups: c.Defaults, OnlyGroups: !c.Defaults}
			if c.Defaults {
				r.NoInstallProject = true
			}
			s, err := lock.Select(l, locktest.Bookworm(t, c.Python), r, offline.Index{})
			if err != nil {
				t.Errorf("%s %+v: %v", name, c, err)
				continue
			}
			var got []string
			for _, p := range s.Packages {
				got = append(got, p.Package.String())
			}
			if !slices.Equal(got, c.Packages) {
				t.Errorf("%s Python %s groups %v extras %v:\n got %v\nwant %v", name, c.Python, c.Groups, c.Extras, got, c.Packages)
			}
		}
	}
}
