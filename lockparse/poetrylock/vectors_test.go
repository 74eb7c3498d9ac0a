package poetrylock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// absent opens no file.
func absent(string) (*diag.Source, error) { return nil, fs.ErrNotExist }

// beside opens files of a folder.
func beside(dir string) func(string) (*diag.Source, error) {
	return func(name string) (*diag.Source, error) {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		return &diag.Source{Name: name, Data: data}, err
	}
}

// readDir reads the poetry.lock of a folder.
func readDir(t testing.TB, dir string) *lock.Lock {
	t.Helper()
	src, err := beside(dir)(Format)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Parse(src, beside(dir))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// names gives "name version kind" of the picks, sorted, without the project.
func names(picks []lock.Pick) []string {
	var list []string
	for _, p := range picks {
		if p.Package.Source.Path == "." {
			continue
		}
		text := p.Package.String()
		if origin := p.Package.Source.Origin; origin != lock.Registry {
			text += " " + string(origin)
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// vectorEnv is an environment as cases.json has it.
type vectorEnv map[string]string

func (e vectorEnv) env() pep508.Env {
	return pep508.Env{
		PythonVersion: e["python_version"], PythonFullVersion: e["python_full_version"],
		ImplementationName: e["implementation_name"], ImplementationVersion: e["implementation_version"],
		OSName: e["os_name"], SysPlatform: e["sys_platform"], PlatformSystem: e["platform_system"],
		PlatformMachine: e["platform_machine"], PlatformPythonImplementation: e["platform_python_implementation"],
		PlatformRelease: e["platform_release"], PlatformVersion: e["platform_version"],
	}
}

// TestVectorCases selects from real locks of version 2.1. Each is selected a
// second time by walking, as if the lock did not know groups and markers: for
// a lock that fits its project the two ways must agree.
func TestVectorCases(t *testing.T) {
	total, met, walked := 0, 0, 0
	for _, project := range []string{"poetry-2.1", "poetry-plugin-export", "poetry-core"} {
		var golden struct {
			Environments map[string]vectorEnv
			Cases        []struct {
				Env            string
				Groups, Extras []string
				Packages       []string
			}
		}
		vectors.Load(t, "poetry-locks/"+project+"/cases.json", &golden)
		l := readDir(t, filepath.Join(vectors.Dir(t), "poetry-locks", project))
		for i, c := range golden.Cases {
			id := fmt.Sprintf("%s[%d] %s %v %v", project, i, c.Env, c.Groups, c.Extras)
			total++
			r := lock.Request{Extras: c.Extras, Groups: c.Groups, OnlyGroups: true}
			picks, err := l.Resolver.Resolve(golden.Environments[c.Env].env(), r)
			if got := names(picks); err != nil || !slices.Equal(got, c.Packages) {
				t.Errorf("%s: %v\ngot  %v\nwant %v", id, err, got, c.Packages)
				continue
			}
			met++
			old := *l.Resolver.(*file)
			old.flat = false
			picks, err = old.Resolve(golden.Environments[c.Env].env(), r)
			if got := names(picks); err != nil || !slices.Equal(got, c.Packages) {
				t.Errorf("%s by walking: %v\ngot  %v\nwant %v", id, err, got, c.Packages)
				continue
			}
			walked++
		}
	}
	t.Logf("%d of %d cases met, %d of them by walking too", met, total, walked)
}

// TestVectorLocks reads and selects from the locks of four versions, and
// finds all of them fresh.
func TestVectorLocks(t *testing.T) {
	for _, project := range []string{"poetry-1.0", "poetry-1.1", "poetry-2.0", "poetry-2.1", "poetry-plugin-export", "poetry-core"} {
		l := readDir(t, filepath.Join(vectors.Dir(t), "poetry-locks", project))
		if len(l.Warnings) != 0 {
			t.Errorf("%s: warnings %+v", project, l.Warnings)
		}
		picks, err := l.Resolver.Resolve(bookworm("3.11.2"), lock.Request{DefaultGroups: true})
		if err != nil {
			t.Errorf("%s: %v", project, err)
		}
		t.Logf("%s: %d of %d packages", project, len(picks), len(l.Packages))
	}
}

// TestVectorFixtures reads Poetry's own test locks.
func TestVectorFixtures(t *testing.T) {
	dir := filepath.Join(vectors.Dir(t), "poetry-locks", "poetry-fixtures")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]lock.Reason{
		"fixtures__incompatible_lock__poetry.lock": lock.UnsupportedVersion,
		"fixtures__invalid_lock__poetry.lock":      lock.Malformed,
		// Written by hand, with the commit "123456".
		"installation__fixtures__with-vcs-dependency-with-extras.test": lock.Malformed,
		"installation__fixtures__with-vcs-dependency-without-ref.test": lock.Malformed,
	}
	total, met := 0, 0
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), "pyproject.toml") {
			continue
		}
		total++
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(&diag.Source{Name: entry.Name(), Data: data}, absent)
		reason, bad := refused[entry.Name()]
		if bad != (err != nil) || bad && !errors.Is(err, reason) {
			t.Errorf("%s: %v", entry.Name(), err)
			continue
		}
		met++
	}
	t.Logf("%d of %d locks read, or refused as they should be", met, total)
}

// bookworm is a Linux machine with a Python.
func bookworm(python string) pep508.Env {
	short := strings.Join(strings.Split(python, ".")[:2], ".")
	return pep508.Env{
		PythonVersion: short, PythonFullVersion: python,
		ImplementationName: "cpython", ImplementationVersion: python,
		OSName: "posix", SysPlatform: "linux", PlatformSystem: "Linux", PlatformMachine: "x86_64",
		PlatformPythonImplementation: "CPython",
	}
}

// BenchmarkSelect reads a lock of 78 packages and selects from it.
func BenchmarkSelect(b *testing.B) {
	dir := filepath.Join(vectors.Dir(b), "poetry-locks", "poetry-2.1")
	src, err := beside(dir)(Format)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src.Data)))
	env := bookworm("3.11.2")
	for b.Loop() {
		l, err := Parse(src, beside(dir))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := l.Resolver.Resolve(env, lock.Request{}); err != nil {
			b.Fatal(err)
		}
	}
}
