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
	"github.com/imagespec/imagespec/lockparse/internal/offline"
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
		l, err := lockparse.Read(fsys, test.name, nil)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		s, err := lock.Select(l, target, test.request, offline.Index{})
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

// TestFormats: a file is known by its name, else by what is in it; what is
// neither is taken for requirements.
func TestFormats(t *testing.T) {
	pylockText := "lock-version = \"1.0\"\ncreated-by = \"test\"\n\n[[packages]]\nname = \"idna\"\nversion = \"3.10\"\n" +
		"archive = { url = \"https://files.example/idna-3.10.tar.gz\", hashes = { sha256 = \"12f65c9b470abda6dc35cf8e63cc574b1c52b11df2c86030af0ac09b01b13ea9\" } }\n"
	pinned := "idna==3.10 --hash=sha256:946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3\n"
	for _, test := range []struct{ name, text, want string }{
		{"uv.lock", uvLock, "uv.lock"},
		{"locks/app.lock", uvLock, "uv.lock"},
		{"pylock.toml", pylockText, "pylock.toml"},
		{"pylock.dev.toml", pylockText, "pylock.toml"},
		{"dev.toml", pylockText, "pylock.toml"},
		{"requirements.txt", pinned, "requirements.txt"},
		{"requirements-dev.txt", pinned, "requirements.txt"},
		{"deps/prod.in", pinned, "requirements.txt"},
	} {
		l, err := lockparse.Read(fstest.MapFS{test.name: {Data: []byte(test.text)}}, test.name, nil)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if l.Format != test.want {
			t.Errorf("%s has the format %s, want %s", test.name, l.Format, test.want)
		}
	}
}

// TestPyproject: the lock that belongs to a project stands beside it.
func TestPyproject(t *testing.T) {
	project := &fstest.MapFile{Data: []byte("[project]\nname = \"app\"\n")}
	locked := &fstest.MapFile{Data: []byte(uvLock)}
	for _, test := range []struct {
		name   string
		fsys   fstest.MapFS
		reason error // nil: the lock is found
	}{
		{"one lock", fstest.MapFS{"app/pyproject.toml": project, "app/uv.lock": locked, "uv.lock": {}}, nil},
		{"two locks", fstest.MapFS{"app/pyproject.toml": project, "app/uv.lock": locked, "app/pdm.lock": locked}, lock.Ambiguous},
		{"no lock", fstest.MapFS{"app/pyproject.toml": project, "uv.lock": locked}, lock.NotLocked},
		{"nothing", fstest.MapFS{}, fs.ErrNotExist},
	} {
		l, err := lockparse.Read(test.fsys, "app/pyproject.toml", nil)
		if !errors.Is(err, test.reason) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.reason)
		}
		if err == nil && l.Source.Name != "app/uv.lock" {
			t.Errorf("%s: read %s", test.name, l.Source.Name)
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
		if _, err := lockparse.Read(fsys, name, nil); !errors.Is(err, want) {
			t.Errorf("%s gives the error %v, want %v", name, err, want)
		}
	}
}

// A member outside of the context is done without, as long as it is not asked
// for what only its pyproject.toml says.
func TestMemberOutside(t *testing.T) {
	fsys := fstest.MapFS{"uv.lock": {Data: []byte(strings.Replace(uvLock, `editable = "lib"`, `editable = "../lib"`, 1))}}
	l, err := lockparse.Read(fsys, "uv.lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	target, err := lock.LinuxTarget("amd64", "", "3.12.4", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Select(l, target, lock.Request{}, offline.Index{}); err != nil {
		t.Error(err)
	}
	if _, err := lock.Select(l, target, lock.Request{Package: "lib", DefaultGroups: true}, offline.Index{}); !errors.Is(err, lock.UnknownGroup) {
		t.Errorf("error %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	_, err := lockparse.Read(fstest.MapFS{"uv.lock": {Data: make([]byte, 17<<20)}}, "uv.lock", nil)
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
		l, err := lockparse.Read(fsys, name, nil)
		if err != nil {
			t.Errorf("%s: %s", name, diag.Format(err))
			continue
		}
		s, err := lock.Select(l, target, lock.Request{}, offline.Index{})
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
