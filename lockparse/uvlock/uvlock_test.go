package uvlock_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/uvlock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// workspaceCase is a question to one of the locks below testdata, which uv
// made, and uv's answer: TestLiveWorkspace asks uv again.
type workspaceCase struct {
	name, project, python string
	request               lock.Request
	want                  string
}

func workspaceCases() []workspaceCase {
	const base = "anyio 4.13.0, idna 3.17, "
	return []workspaceCase{
		{"no groups", "workspace", "3.13.0", lock.Request{}, base + "top 0.1.0"},
		{"markers", "workspace", "3.11.2", lock.Request{}, base + "top 0.1.0, typing-extensions 4.15.0"},
		{
			"default groups", "workspace", "3.13.0",
			lock.Request{DefaultGroups: true},
			"anyio 4.13.0, attrs 26.1.0, idna 3.17, mypy-extensions 1.1.0, top 0.1.0",
		},
		{
			"Python of an included group", "workspace", "3.11.4",
			lock.Request{DefaultGroups: true},
			"error: pyproject.toml:34: Python 3.11.4 does not satisfy requires-python \">=3.12\" of the dependency group \"docs\"\n" +
				"choose another Python, or leave the group out",
		},
		{"default group left out", "workspace", "3.11.4", lock.Request{DefaultGroups: true, NoGroups: []string{"Docs"}}, base + "top 0.1.0, typing-extensions 4.15.0"},
		{"extra", "workspace", "3.13.0", lock.Request{Extras: []string{"OLD"}}, base + "sniffio 1.3.0, top 0.1.0"},
		{"empty extra and group", "workspace", "3.13.0", lock.Request{Extras: []string{"empty"}, Groups: []string{"none"}}, base + "top 0.1.0"},
		{"group alone", "workspace", "3.13.0", lock.Request{Groups: []string{"dev"}, OnlyGroups: true}, "iniconfig 2.3.0"},
		{"group alone, defaults are off", "workspace", "3.13.0", lock.Request{Groups: []string{"dev"}, OnlyGroups: true, DefaultGroups: true}, "iniconfig 2.3.0"},
		{"member", "workspace", "3.13.0", lock.Request{Package: "member"}, base + "six 1.17.0, sniffio 1.3.1, top 0.1.0"},
		{
			"member's own defaults", "workspace", "3.13.0",
			lock.Request{Package: "member", DefaultGroups: true},
			base + "packaging 26.2, six 1.17.0, sniffio 1.3.1, top 0.1.0",
		},
		{
			"root's group for a member", "workspace", "3.13.0",
			lock.Request{Package: "member", Groups: []string{"typing"}},
			"anyio 4.13.0, idna 3.17, mypy-extensions 1.1.0, six 1.17.0, sniffio 1.3.1, top 0.1.0",
		},
		{
			"member's group hides the root's", "workspace", "3.13.0",
			lock.Request{Package: "member", Groups: []string{"dev"}},
			base + "packaging 26.2, six 1.17.0, sniffio 1.3.1, top 0.1.0",
		},
		{"all packages", "workspace", "3.13.0", lock.Request{AllPackages: true}, base + "six 1.17.0, sniffio 1.3.1, top 0.1.0"},
		{"without the project", "workspace", "3.13.0", lock.Request{NoInstallProject: true}, "anyio 4.13.0, idna 3.17"},
		{
			"without the workspace", "workspace", "3.13.0",
			lock.Request{Package: "member", NoInstallWorkspace: true},
			base + "six 1.17.0, sniffio 1.3.1",
		},
		{
			"without a member that is no project", "workspace", "3.13.0",
			lock.Request{Package: "member", NoInstallProject: true},
			base + "six 1.17.0, sniffio 1.3.1, top 0.1.0",
		},
		{"no project", "rootless", "3.13.0", lock.Request{}, "idna 3.17"},
		{"defaults of no project", "rootless", "3.13.0", lock.Request{DefaultGroups: true}, "idna 3.17, iniconfig 2.3.0, packaging 26.2"},
		{"group of no project", "rootless", "3.13.0", lock.Request{Groups: []string{"dev"}}, "attrs 26.1.0, idna 3.17, six 1.17.0"},
		{"group of a member", "rootless", "3.13.0", lock.Request{Package: "member", Groups: []string{"docs"}}, "idna 3.17, packaging 26.2"},
	}
}

func TestWorkspace(t *testing.T) {
	for _, test := range workspaceCases() {
		l, err := lockparse.Read(os.DirFS(filepath.Join("testdata", test.project)), "uv.lock", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := locktest.Selected(t, l, test.python, test.request); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// Where the pyproject.toml is not in the build context, a lock of revision 5
// says the rest too; an older one does not know the default groups.
func TestWithoutProject(t *testing.T) {
	for _, project := range []string{"workspace", "rootless"} {
		data, err := os.ReadFile(filepath.Join("testdata", project, "uv.lock"))
		if err != nil {
			t.Fatal(err)
		}
		read := func(text string) *lock.Lock {
			l, err := lockparse.Read(fstest.MapFS{"uv.lock": {Data: []byte(text)}}, "uv.lock", nil)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		whole, err := lockparse.Read(os.DirFS(filepath.Join("testdata", project)), "uv.lock", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []lock.Request{{}, {DefaultGroups: true}, {Package: "member", DefaultGroups: true}, {AllPackages: true, AllGroups: true, NoGroups: []string{"dev"}}} {
			got, want := locktest.Selected(t, read(string(data)), "3.13.0", r), locktest.Selected(t, whole, "3.13.0", r)
			if got != want {
				t.Errorf("%s %+v:\n got %s\nwant %s", project, r, got, want)
			}
		}
		got := locktest.Selected(t, read(string(data)), "3.11.4", lock.Request{DefaultGroups: true})
		if refused := strings.Contains(got, `of the dependency group "docs"`); refused != (project == "workspace") {
			t.Errorf("%s: Python 3.11 gives %s", project, got)
		}
		older := read(strings.Replace(string(data), "revision = 5", "revision = 3", 1))
		if got := locktest.Selected(t, older, "3.13.0", lock.Request{}); strings.HasPrefix(got, "error") {
			t.Errorf("%s: %s", project, got)
		}
	}
}

// Every package knows who asked for it, so that a plan can say why it is there.
func TestBy(t *testing.T) {
	l, err := lockparse.Read(os.DirFS("testdata/workspace"), "uv.lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	target, err := lock.LinuxTarget("amd64", "", "3.12.0", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		t.Fatal(err)
	}
	s, err := lock.Select(l, target, lock.Request{Package: "member"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	by := make(map[string]string)
	for _, p := range s.Packages {
		if by[p.Package.Name] = "nobody"; p.By != nil {
			by[p.Package.Name] = p.By.Name
		}
	}
	for name, want := range map[string]string{
		"six": "member", "top": "member", "anyio": "top", "idna": "anyio", "typing-extensions": "anyio", "sniffio": "top",
	} {
		if by[name] != want {
			t.Errorf("%s was asked for by %s, want %s", name, by[name], want)
		}
	}
}

const sha = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// TestSources reads one package of each kind of source that uv writes.
func TestSources(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	hashes := []lock.Hash{{Algorithm: "sha256", Hex: strings.TrimPrefix(sha, "sha256:")}}
	tests := []struct {
		text   string
		source lock.Source
		wheel  *lock.File
		sdist  *lock.File
	}{
		{
			`version = "1.0"
source = { registry = "https://user:pass@pypi.org/simple" }
wheels = [{ url = "https://host/p/a-1.0%2Bcpu-py3-none-any.whl#x", hash = "` + sha + `", size = 5, zstd = { hash = "` + sha + `" } }]`,
			lock.Source{Origin: lock.Registry, URL: "https://pypi.org/simple"},
			&lock.File{Name: "a-1.0+cpu-py3-none-any.whl", URL: "https://host/p/a-1.0%2Bcpu-py3-none-any.whl", Hashes: hashes, Size: 5}, nil,
		},
		{
			`version = "1.0"
source = { registry = "../links" }
sdist = { path = "a-1.0.tar.gz" }
wheels = [{ path = "sub/a-1.0-py3-none-any.whl" }]`,
			lock.Source{Origin: lock.Registry, Path: "../links"},
			&lock.File{Name: "a-1.0-py3-none-any.whl", Path: "../links/sub/a-1.0-py3-none-any.whl"},
			&lock.File{Name: "a-1.0.tar.gz", Path: "../links/a-1.0.tar.gz"},
		},
		{
			`version = "1.0"
source = { registry = "/index" }
sdist = { path = "/elsewhere/a-1.0.tar.gz" }`,
			lock.Source{Origin: lock.Registry, Path: "/index"},
			nil,
			&lock.File{Name: "a-1.0.tar.gz", Path: "/elsewhere/a-1.0.tar.gz"},
		},
		{
			`version = "1.0"
source = { url = "https://host/a-1.0-py3-none-any.whl" }
wheels = [{ url = "https://host/a-1.0-py3-none-any.whl", hash = "` + sha + `" }]`,
			lock.Source{Origin: lock.Archive, URL: "https://host/a-1.0-py3-none-any.whl"},
			&lock.File{Name: "a-1.0-py3-none-any.whl", URL: "https://host/a-1.0-py3-none-any.whl", Hashes: hashes}, nil,
		},
		{
			`source = { url = "https://host/main.zip", subdirectory = "lib" }
sdist = { hash = "` + sha + `" }`,
			lock.Source{Origin: lock.Archive, URL: "https://host/main.zip", Subdirectory: "lib"},
			nil,
			&lock.File{Name: "main.zip", URL: "https://host/main.zip", Hashes: hashes},
		},
		{
			`version = "1.0"
source = { path = "dist/a-1.0-py3-none-any.whl" }
wheels = [{ filename = "a-1.0-py3-none-any.whl", hash = "` + sha + `" }]`,
			lock.Source{Origin: lock.Archive, Path: "dist/a-1.0-py3-none-any.whl"},
			&lock.File{Name: "a-1.0-py3-none-any.whl", Path: "dist/a-1.0-py3-none-any.whl", Hashes: hashes}, nil,
		},
		{
			`source = { git = "https://host/a?subdirectory=lib%2Fa&lfs=true&tag=v1#` + commit + `" }`,
			lock.Source{Origin: lock.Git, URL: "https://host/a", Commit: commit, Subdirectory: "lib/a", Ref: "v1", LFS: true},
			nil, nil,
		},
		{
			`version = "1.0"
source = { git = "ssh://git@host/a?path=dist%2Fa-1.0.tar.gz#` + commit + `" }
sdist = { hash = "` + sha + `" }`,
			lock.Source{Origin: lock.Git, URL: "ssh://git@host/a", Commit: commit, Path: "dist/a-1.0.tar.gz"},
			nil,
			&lock.File{Name: "a-1.0.tar.gz", Path: "dist/a-1.0.tar.gz", Hashes: hashes},
		},
		{`source = { directory = "../lib" }`, lock.Source{Origin: lock.Directory, Path: "../lib"}, nil, nil},
		{`source = { editable = "lib/" }`, lock.Source{Origin: lock.Directory, Path: "lib", Editable: true}, nil, nil},
		{`source = { virtual = "." }`, lock.Source{Origin: lock.Virtual, Path: "."}, nil, nil},
	}
	for _, test := range tests {
		l, err := parse("version = 1\nrequires-python = \">=3.10\"\n[[package]]\nname = \"a\"\n" + test.text + "\n")
		if err != nil {
			t.Errorf("%s\n%v", test.text, err)
			continue
		}
		p := l.Packages[0]
		if p.Source != test.source {
			t.Errorf("%s\nis read as %+v", test.text, p.Source)
		}
		var first *lock.File
		if len(p.Wheels) > 0 {
			first = &p.Wheels[0]
		}
		if !equalFiles(first, test.wheel) || !equalFiles(p.Sdist, test.sdist) {
			t.Errorf("%s\nhas the files %+v and %+v", test.text, first, p.Sdist)
		}
	}
}

// equalFiles compares all but the line.
func equalFiles(a, b *lock.File) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Name == b.Name && a.URL == b.URL && a.Path == b.Path && a.Size == b.Size && slices.Equal(a.Hashes, b.Hashes)
}

// parse reads a lock that has no files beside it.
func parse(text string) (*lock.Lock, error) {
	return uvlock.Parse(&diag.Source{Name: "uv.lock", Data: []byte(text)}, func(name string) (*diag.Source, error) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	})
}

// Lines of packages and files are those of the lock.
func TestLines(t *testing.T) {
	data, err := os.ReadFile("testdata/workspace/uv.lock")
	if err != nil {
		t.Fatal(err)
	}
	l, err := parse(string(data))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for _, p := range l.Packages {
		if lines[p.At.Line-1] != "[[package]]" || lines[p.At.Line] != `name = "`+p.Name+`"` {
			t.Errorf("%s is said to be in line %d: %s", p, p.At.Line, lines[p.At.Line-1])
		}
		for _, f := range p.Wheels {
			if !strings.Contains(lines[f.Line-1], f.Name) {
				t.Errorf("%s is said to be in line %d: %s", f.Name, f.Line, lines[f.Line-1])
			}
		}
	}
	if line := lines[l.RequiresLine-1]; !strings.HasPrefix(line, "requires-python") {
		t.Errorf("requires-python is said to be in line %d: %s", l.RequiresLine, line)
	}
}

func TestWarnings(t *testing.T) {
	const text = `version = 1
revision = 99
requires-python = ">=3.10"

[[package]]
name = "a"
version = "1.0"
source = { registry = "https://token@host/simple" }
wheels = [
    { url = "https://user:secret@host/a-1.0-py3-none-any.whl", hash = "` + sha + `" },
]
`
	l, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range l.Warnings {
		got = append(got, w.At.String()+" "+w.Rule)
		if strings.Contains(w.Msg+w.Hint, "user") {
			t.Errorf("the warning tells the secret: %s", w.Msg)
		}
	}
	if want := []string{"uv.lock:2 LockRevision", "uv.lock:8 LockCredentials"}; !slices.Equal(got, want) {
		t.Errorf("warnings %v, want %v", got, want)
	}
	if url := l.Packages[0].Wheels[0].URL; strings.Contains(url, "@") {
		t.Errorf("the URL has credentials: %s", url)
	}
}

// An error of the files beside the lock is not taken for their absence.
func TestUnreadableProject(t *testing.T) {
	_, err := uvlock.Parse(&diag.Source{Name: "uv.lock", Data: []byte("version = 1\nrequires-python = \">=3.10\"\n")},
		func(string) (*diag.Source, error) { return nil, fs.ErrPermission })
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v", err)
	}
}

// TestBuilds: what the lock says of build requirements. Beside a span the time
// is one that nothing has.
func TestBuilds(t *testing.T) {
	const text = `version = 1
revision = 3
requires-python = ">=3.10"

[options]
exclude-newer = "2025-06-01T00:00:00Z"

[manifest]
build-constraints = [
    { name = "Setuptools", specifier = "<80" },
    { name = "wheel", marker = "python_full_version < '3.12'", specifier = ">=0.40" },
    { name = "tool", git = "https://example.org/tool" },
]
`
	for _, tc := range []struct{ text, newest string }{
		{text, "2025-06-01T00:00:00Z"},
		{strings.Replace(text, "[manifest]", "exclude-newer-span = \"P7D\"\n[manifest]", 1), "P7D"},
	} {
		l, err := uvlock.Parse(&diag.Source{Name: "uv.lock", Data: []byte(tc.text)}, func(name string) (*diag.Source, error) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"setuptools<80", "wheel>=0.40 ; python_full_version < '3.12'"}
		if !slices.Equal(l.Builds.Constraints, want) || l.Builds.ExcludeNewer != tc.newest {
			t.Errorf("%+v, want constraints %q and nothing after %s", l.Builds, want, tc.newest)
		}
	}
}
