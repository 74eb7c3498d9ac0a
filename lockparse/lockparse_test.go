package lockparse_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

const (
	uvLock = `version = 1
requires-python = ">=3.10"

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }

[package.dev-dependencies]
test = [{ name = "lib" }]

[[package]]
name = "lib"
version = "0.1.0"
source = { editable = "lib" }

[manifest]
members = ["app", "lib"]
`
	scriptLock = `version = 1
requires-python = ">=3.10"

[manifest]
requirements = [{ name = "lib", marker = "sys_platform == 'linux'" }]

[[package]]
name = "lib"
version = "0.1.0"
source = { directory = "lib" }
`
)

func TestRead(t *testing.T) {
	fsys := fstest.MapFS{
		"backend/uv.lock":            {Data: []byte(uvLock)},
		"backend/pyproject.toml":     {Data: []byte("[project]\nname = \"app\"\n[dependency-groups]\ntest = []\n[tool.uv]\ndefault-groups = [\"test\"]\n")},
		"backend/lib/pyproject.toml": {Data: []byte("[project]\nname = \"lib\"\n")},
		"uv.lock":                    {Data: []byte(uvLock)},
		"tool.py.lock":               {Data: []byte(scriptLock)},
	}
	tests := []struct {
		name    string
		request lock.Request
		want    string
	}{
		{"backend/uv.lock", lock.Request{}, ""},
		{"backend/uv.lock", lock.Request{DefaultGroups: true}, "lib"},
		{"./backend/../backend/uv.lock", lock.Request{AllPackages: true}, "lib"},
		{"uv.lock", lock.Request{Groups: []string{"test"}}, "lib"},
		{"tool.py.lock", lock.Request{}, "lib"},
	}
	target, err := lock.LinuxTarget("amd64", "", "3.12.4", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		l, err := lockparse.Read(fsys, test.name)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		s, err := lock.Select(l, target, test.request)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var names []string
		for _, p := range s.Packages {
			names = append(names, p.Package.Name)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%s with %+v gives %q, want %q", test.name, test.request, got, test.want)
		}
	}
}

func TestUnsupported(t *testing.T) {
	tests := []struct{ name, want string }{
		{"poetry.lock", "\"poetry.lock\" is not supported yet\nsupported: uv.lock, *.py.lock"},
		{"deep/pdm.lock", `"deep/pdm.lock" is not supported yet`},
		{"Pipfile.lock", `"Pipfile.lock" is not supported yet`},
		{"pylock.toml", `"pylock.toml" is not supported yet`},
		{"pylock.dev.toml", `"pylock.dev.toml" is not supported yet`},
		{"requirements.txt", `"requirements.txt" is not supported yet`},
		{"requirements-dev.txt", `"requirements-dev.txt" is not supported yet`},
		{"pyproject.toml", `"pyproject.toml" is not supported yet`},
		{"Cargo.lock", "\"Cargo.lock\" is no lock file that is known by its name\nknown: uv.lock, *.py.lock, poetry.lock, pdm.lock, " +
			"Pipfile.lock, pylock.toml, pylock.*.toml, pyproject.toml, requirements*.txt"},
		{"", `"" is no lock file that is known by its name`},
	}
	for _, test := range tests {
		_, err := lockparse.Read(fstest.MapFS{}, test.name)
		if !errors.Is(err, lock.UnsupportedFormat) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s gives the error %v, want %s", test.name, err, test.want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for name, want := range map[string]error{
		"gone/uv.lock":   fs.ErrNotExist,
		"../uv.lock":     fs.ErrNotExist,
		"/etc/uv.lock":   fs.ErrNotExist,
		"folder/uv.lock": fs.ErrInvalid,
		"broken/uv.lock": fs.ErrInvalid,
	} {
		fsys := fstest.MapFS{
			"folder/uv.lock/x":      {},
			"broken/uv.lock":        {Data: []byte(uvLock)},
			"broken/pyproject.toml": {Mode: fs.ModeDir},
		}
		if _, err := lockparse.Read(fsys, name); !errors.Is(err, want) {
			t.Errorf("%s gives the error %v, want %v", name, err, want)
		}
	}
}

// A member outside of the context is done without, as long as it is not asked
// for what only its pyproject.toml says.
func TestMemberOutside(t *testing.T) {
	fsys := fstest.MapFS{"uv.lock": {Data: []byte(strings.Replace(uvLock, `editable = "lib"`, `editable = "../lib"`, 1))}}
	l, err := lockparse.Read(fsys, "uv.lock")
	if err != nil {
		t.Fatal(err)
	}
	target, err := lock.LinuxTarget("amd64", "", "3.12.4", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Select(l, target, lock.Request{}); err != nil {
		t.Error(err)
	}
	if _, err := lock.Select(l, target, lock.Request{Package: "lib", DefaultGroups: true}); !errors.Is(err, lock.UnknownGroup) {
		t.Errorf("error %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	_, err := lockparse.Read(fstest.MapFS{"uv.lock": {Data: make([]byte, 17<<20)}}, "uv.lock")
	if !errors.Is(err, lock.Malformed) || err.Error() != `"uv.lock" has more than 16777216 bytes` {
		t.Errorf("error %v", err)
	}
}

// TestProjects reads the locks of the example projects, which uv made, and
// selects from them for the images that they are for.
func TestProjects(t *testing.T) {
	target, err := lock.LinuxTarget("amd64", "", "3.12.4", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		t.Fatal(err)
	}
	fsys := os.DirFS("../testdata/projects")
	names, err := fs.Glob(fsys, "*/uv.lock")
	if err != nil || len(names) == 0 {
		t.Fatalf("no projects: %v", err)
	}
	for _, name := range names {
		l, err := lockparse.Read(fsys, name)
		if err != nil {
			t.Errorf("%s: %s", name, diag.Format(err))
			continue
		}
		s, err := lock.Select(l, target, lock.Request{})
		if err != nil {
			t.Errorf("%s: %s", name, diag.Format(err))
			continue
		}
		for _, p := range s.Packages {
			if p.Kind == lock.KindWheel && (p.File.URL == "" && p.File.Path == "" || len(p.File.Hashes) != 1) {
				t.Errorf("%s: %s has the file %+v", name, p.Package, p.File)
			}
		}
		t.Logf("%s: %d packages", name, len(s.Packages))
	}
}
