package pylock_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pylock"
)

// digest is some digest, for files whose digest does not matter.
const digest = "9ba8a7f1a2d0d5c1ae5a5c5e7bd6c9ee8a9a0d0e5b1c1c4b6dd3d5d3a0b9c8d7"

func parse(text string) (*lock.Lock, error) {
	return pylock.Parse(&diag.Source{Name: "pylock.toml", Data: []byte(text)})
}

func mustParse(t testing.TB, text string) *lock.Lock {
	t.Helper()
	l, err := parse(text)
	if err != nil {
		t.Fatal(diag.Format(err))
	}
	return l
}

// header begins a lock that is good for anything.
const header = `lock-version = "1.0"
created-by = "uv"
`

// pure is a package of one wheel for everything.
func pure(name, version, more string) string {
	return fmt.Sprintf("[[packages]]\nname = %q\nversion = %q\n%s\nwheels = [{ url = \"https://files.example/%s-%s-py3-none-any.whl\", hashes = { sha256 = %q } }]\n",
		name, version, more, strings.ReplaceAll(name, "-", "_"), version, digest)
}

// trainer is a lock with extras, groups and a fork, as pdm or uv write them.
func trainer() string {
	return `lock-version = "1.0"
created-by = "pdm"
requires-python = ">=3.10"
environments = ["sys_platform == 'linux'", "sys_platform == 'darwin'"]
extras = ["cpu", "cuda"]
dependency-groups = ["default", "dev", "docs"]
default-groups = ["default"]

[[packages]]
name = "trainer"
directory = { path = ".", editable = true }

` + pure("click", "8.1.8", `marker = "'default' in dependency_groups or 'docs' in dependency_groups"`) +
		pure("torch", "2.6.0", `marker = "'cpu' in extras"`) +
		pure("torch", "2.5.0", `marker = "'cuda' in extras"`) +
		pure("pytest", "8.3.5", `marker = "'dev' in dependency_groups"`) +
		pure("sphinx", "8.2.3", "marker = \"'docs' in dependency_groups\"\nrequires-python = \">=3.11\"") +
		pure("colorama", "0.4.6", `marker = "sys_platform == 'win32'"`) +
		pure("tomli", "2.2.1", `marker = "python_full_version < '3.11'"`)
}

func TestSelect(t *testing.T) {
	tests := []struct {
		name, python string
		request      lock.Request
		want         string
	}{
		{"defaults", "3.12.4", lock.Request{DefaultGroups: true}, "click 8.1.8, trainer"},
		{"no group", "3.12.4", lock.Request{}, "trainer"},
		{"older Python", "3.10.1", lock.Request{DefaultGroups: true}, "click 8.1.8, tomli 2.2.1, trainer"},
		{"an extra", "3.12.4", lock.Request{Extras: []string{"CPU"}, DefaultGroups: true}, "click 8.1.8, torch 2.6.0, trainer"},
		{"a group replaces the defaults", "3.12.4", lock.Request{Groups: []string{"dev"}, DefaultGroups: true}, "pytest 8.3.5, trainer"},
		{"two groups", "3.12.4", lock.Request{Groups: []string{"Default", "dev"}}, "click 8.1.8, pytest 8.3.5, trainer"},
		{"all groups", "3.12.4", lock.Request{AllGroups: true}, "click 8.1.8, pytest 8.3.5, sphinx 8.2.3, trainer"},
		{"all groups but one", "3.12.4", lock.Request{AllGroups: true, NoGroups: []string{"docs"}}, "click 8.1.8, pytest 8.3.5, trainer"},
		{"without defaults", "3.12.4", lock.Request{DefaultGroups: true, NoGroups: []string{"default"}}, "trainer"},
		{"without the project", "3.12.4", lock.Request{DefaultGroups: true, NoInstallProject: true}, "click 8.1.8"},
		{"without members", "3.12.4", lock.Request{DefaultGroups: true, NoInstallWorkspace: true}, "click 8.1.8"},
		{
			"extras that exclude each other", "3.12.4",
			lock.Request{AllExtras: true},
			"error: pylock.toml:18: the lock selects torch twice: 2.6.0 and 2.5.0\n" +
				"if extras or groups ask for different versions, request only one of them",
		},
	}
	l := mustParse(t, trainer())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := locktest.Selected(t, l, test.python, test.request); got != test.want {
				t.Errorf("selected %s\nwant     %s", got, test.want)
			}
		})
	}
}

// Selection does not depend on the order of packages.
func TestOrder(t *testing.T) {
	head, rest, _ := strings.Cut(trainer(), "[[packages]]")
	tables := strings.Split(rest, "[[packages]]")
	slices.Reverse(tables)
	reversed := head + "[[packages]]" + strings.Join(tables, "\n[[packages]]")
	r := lock.Request{AllGroups: true, Extras: []string{"cpu"}}
	if got, want := locktest.Selected(t, mustParse(t, reversed), "3.12.4", r), locktest.Selected(t, mustParse(t, trainer()), "3.12.4", r); got != want {
		t.Errorf("selected %s from the reversed lock, %s from the lock", got, want)
	}
}

// Every kind of source that the specification has.
func TestSources(t *testing.T) {
	l := mustParse(t, header+`
[[packages]]
name = "imagespec-tools"
vcs = { type = "git", url = "git+https://user:secret@git.example/tools.git", requested-revision = "main", commit-id = "dd3d5d3a0b9c8d79ba8a7f1a2d0d5c1ae5a5c5e7", subdirectory = "py" }

[[packages]]
name = "plugin"
directory = { path = '.\plugins\first', editable = true, subdirectory = "sub" }

[[packages]]
name = "local-wheel"
version = "1.0"
archive = { url = "file:///home/me/local_wheel-1.0-py3-none-any.whl", path = "wheels/local_wheel-1.0-py3-none-any.whl", size = 7, hashes = { sha256 = "`+digest+`" } }

[[packages]]
name = "branch"
archive = { url = "https://git.example/archive/main.zip#sha256=1", subdirectory = "py", hashes = { sha256 = "`+digest+`" } }

[[packages]]
name = "torch"
version = "2.6.0+cpu"
index = "https://user:secret@index.example/simple/"
sdist = { name = "torch-2.6.0+cpu.tar.gz", path = "../torch.tar.gz", hashes = { SHA256 = "`+strings.ToUpper(digest)+`" } }
wheels = [
    { name = "torch-2.6.0+cpu-cp312-cp312-linux_x86_64.whl", url = "https://files.example/download?id=5", hashes = { md5 = "d41d8cd98f00b204e9800998ecf8427e", sha256 = "`+digest+`" } },
]
`)
	want := []string{
		"git https://git.example/tools.git dd3d5d3a0b9c8d79ba8a7f1a2d0d5c1ae5a5c5e7 main py",
		"directory plugins/first sub editable",
		"archive  wheels/local_wheel-1.0-py3-none-any.whl; wheel local_wheel-1.0-py3-none-any.whl  wheels/local_wheel-1.0-py3-none-any.whl 7 sha256",
		"archive https://git.example/archive/main.zip  py; sdist main.zip https://git.example/archive/main.zip  0 sha256",
		"registry https://index.example/simple/; wheel torch-2.6.0+cpu-cp312-cp312-linux_x86_64.whl https://files.example/download?id=5  0 md5 sha256; " +
			"sdist torch-2.6.0+cpu.tar.gz  ../torch.tar.gz 0 sha256",
	}
	for i, p := range l.Packages {
		if got := describe(p); got != want[i] {
			t.Errorf("%s is\n%s\nwant\n%s", p, got, want[i])
		}
	}
	if l.Packages[4].Sdist.Hashes[0].Hex != digest {
		t.Error("the digest is not in lower case")
	}
	if len(l.Warnings) != 1 || l.Warnings[0].Rule != "LockCredentials" || l.Warnings[0].At.Line != 6 {
		t.Errorf("warnings %v, want one about credentials", l.Warnings)
	}
}

// describe writes a package's source and files.
func describe(p *lock.Package) string {
	s := p.Source
	parts := []string{strings.TrimRight(strings.Join([]string{string(s.Origin), s.URL, s.Commit + s.Path, s.Ref + s.Subdirectory}, " "), " ")}
	if s.Origin == lock.Git {
		parts[0] = strings.Join([]string{string(s.Origin), s.URL, s.Commit, s.Ref, s.Subdirectory}, " ")
	}
	if s.Origin == lock.Directory {
		parts[0] = strings.Join([]string{string(s.Origin), s.Path, s.Subdirectory}, " ")
	}
	if s.Editable {
		parts[0] += " editable"
	}
	file := func(kind string, f lock.File) {
		text := fmt.Sprintf("%s %s %s %s %d", kind, f.Name, f.URL, f.Path, f.Size)
		for _, h := range f.Hashes {
			text += " " + h.Algorithm
		}
		parts = append(parts, text)
	}
	for _, f := range p.Wheels {
		file("wheel", f)
	}
	if p.Sdist != nil {
		file("sdist", *p.Sdist)
	}
	return strings.Join(parts, "; ")
}

// uv writes the names of wheels in normal form, which are not those of the
// files that the URLs lead to.
func TestFileNames(t *testing.T) {
	for _, test := range []struct{ name, url, want string }{
		{"markupsafe-3.0.2-py3-none-any.whl", "https://files.example/MarkupSafe-3.0.2-py3-none-any.whl", "MarkupSafe-3.0.2-py3-none-any.whl"},
		{"", "https://files.example/MarkupSafe-3.0.2%2Bcpu-py3-none-any.whl#sha256=1", "MarkupSafe-3.0.2+cpu-py3-none-any.whl"},
		{"markupsafe-3.0.2-py3-none-any.whl", "https://files.example/blob/17", "markupsafe-3.0.2-py3-none-any.whl"},
		{"markupsafe-3.0.2-1-py3-none-any.whl", "https://files.example/MarkupSafe-3.0.2-py3-none-any.whl", "markupsafe-3.0.2-1-py3-none-any.whl"},
	} {
		version := "3.0.2"
		if strings.Contains(test.url, "cpu") {
			version += "+cpu"
		}
		l := mustParse(t, fmt.Sprintf("%s[[packages]]\nname = \"markupsafe\"\nversion = %q\n[[packages.wheels]]\nurl = %q\nhashes.sha256 = %q\n%s",
			header, version, test.url, digest, nameLine(test.name)))
		if got := l.Packages[0].Wheels[0].Name; got != test.want {
			t.Errorf("%q at %s is called %s, want %s", test.name, test.url, got, test.want)
		}
	}
}

func nameLine(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("name = %q\n", name)
}

// A newer minor version may have more keys, and is read.
func TestNewerVersion(t *testing.T) {
	l := mustParse(t, "lock-version = '1.1'\ncreated-by = 'uv'\npackages = []\nnew = true\n")
	if len(l.Warnings) != 1 || l.Warnings[0].Rule != "LockVersion" || l.Warnings[0].At.Line != 1 {
		t.Errorf("warnings %v, want one about the version", l.Warnings)
	}
}

// mistake is a lock or a request that is refused.
type mistake struct {
	name    string
	lock    string
	request lock.Request
}

// mistakes are what people and tools get wrong, at least one for each message.
func mistakes() []mistake {
	one := func(more string) string { return header + pure("click", "8.1.8", more) }
	file := func(keys string) string {
		return header + "[[packages]]\nname = \"click\"\nversion = \"8.1.8\"\nwheels = [{ " + keys + " }]\n"
	}
	source := func(keys string) string { return header + "[[packages]]\nname = \"click\"\n" + keys + "\n" }
	const hashes = `hashes = { sha256 = "` + digest + `" }`
	const wheel = `url = "https://files.example/click-8.1.8-py3-none-any.whl", `
	return []mistake{
		{"not TOML", "lock-version = '1.0'\n<<<<<<< HEAD\n", lock.Request{}},
		{"empty", "", lock.Request{}},
		{"version of another type", "lock-version = 1.0\n", lock.Request{}},
		{"no version number", "lock-version = 'one'\n", lock.Request{}},
		{"version 2", "lock-version = '2.0'\n", lock.Request{}},
		{"version 1 release candidate", "lock-version = '1.0rc1'\n", lock.Request{}},
		{"nothing but a version", "lock-version = '1.0'\n", lock.Request{}},
		{"pipenv", "lock-version = '1.0'\ncreated-by = 'pipenv'\npackages = []\n", lock.Request{}},
		{"names", header + "extras = ['Web_UI', '-']\npackages = [{ name = 'Jaraco.Classes', directory = { path = 'a' } }, { directory = { path = 'b' } }, { name = '' }]\n", lock.Request{}},
		{"specifiers and versions", header + "requires-python = '3.10'\n" + pure("click", "eight", "requires-python = '>'"), lock.Request{}},
		{"markers", header + "environments = ['python > 3']\n" + pure("click", "8.1.8", `marker = "extra == 'cpu'"`), lock.Request{}},
		{"string as upload-time", file(wheel + "upload-time = '2022-07-13T14:00:00Z', " + hashes), lock.Request{}},
		{"neither url nor path", file(hashes), lock.Request{}},
		{"no hashes", file(strings.TrimSuffix(wheel, ", ")), lock.Request{}},
		{"bad hashes", file(wheel + "hashes = { sha256 = 'abc' }"), lock.Request{}},
		{"hash of another type", file(wheel + "hashes = { md5 = 1 }"), lock.Request{}},
		{"negative size", file(wheel + "size = -1, " + hashes), lock.Request{}},
		{"another project's wheel", file(`url = "https://files.example/clack-8.1.8-py3-none-any.whl", ` + hashes), lock.Request{}},
		{"another version's wheel", file(`url = "https://files.example/click-8.1.7-py3-none-any.whl", ` + hashes), lock.Request{}},
		{"wheel with a local version", file(`url = "https://files.example/click-8.1.8%2Bcpu-py3-none-any.whl", ` + hashes), lock.Request{}},
		{"no wheel", file(`url = "https://files.example/click.tar.gz", ` + hashes), lock.Request{}},
		{"name that leaves its folder", file(`name = "../click-8.1.8-py3-none-any.whl", ` + wheel + hashes), lock.Request{}},
		{"old sdist", source(`sdist = { path = "click-8.1.8.tar.bz2", ` + hashes + " }"), lock.Request{}},
		{"another project's sdist", source(`sdist = { path = "clack-8.1.8.tar.gz", ` + hashes + " }"), lock.Request{}},
		{"another project's archive", source(`archive = { path = "clack-8.1.8-py3-none-any.whl", ` + hashes + " }"), lock.Request{}},
		{"no source", source("wheels = []"), lock.Request{}},
		{"two sources", source("directory = { path = 'a' }\narchive = { path = 'b.zip', " + hashes + " }"), lock.Request{}},
		{"files and a source", source("directory = { path = 'a' }\nsdist = { path = 'click-8.1.8.tar.gz', " + hashes + " }"), lock.Request{}},
		{"directory without path", source("directory = { editable = 'yes' }"), lock.Request{}},
		{"branch as commit", source("vcs = { type = 'git', url = 'https://git.example/click', commit-id = 'main' }"), lock.Request{}},
		{"incomplete vcs", source("vcs = {}"), lock.Request{}},
		{"attestation without kind", one("attestation-identities = [{ repository = 'pallets/click' }]"), lock.Request{}},
		{"Mercurial", source("vcs = { type = 'hg', url = 'https://hg.example/click', commit-id = '1' }"), lock.Request{}},
		{"repository on disk", source("vcs = { type = 'git', path = '../click', commit-id = '1' }"), lock.Request{}},
		{"Python of the lock", header + "requires-python = '>=3.13'\npackages = []\n", lock.Request{}},
		{"Python of a package", one("requires-python = '>=3.13'"), lock.Request{}},
		{"another platform", header + "environments = [\"sys_platform == 'win32'\"]\npackages = []\n", lock.Request{}},
		{"no environment", header + "environments = []\npackages = []\n", lock.Request{}},
		{"undefined marker", one(`marker = "sys_platform ~= '1.0'"`), lock.Request{}},
		{"undefined environment", header + "environments = [\"'linux' == 'linux'\"]\npackages = []\n", lock.Request{}},
		{"unknown extra", trainer(), lock.Request{Extras: []string{"cpuu"}}},
		{"unknown group", trainer(), lock.Request{Groups: []string{"test"}}},
		{"unknown group to leave out", trainer(), lock.Request{NoGroups: []string{"doc"}}},
		{"member", trainer(), lock.Request{Package: "trainer"}},
		{"groups alone", trainer(), lock.Request{Groups: []string{"dev"}, OnlyGroups: true}},
		{"too many mistakes", header + strings.Repeat("[[packages]]\nname = 'Click'\n", 20), lock.Request{}},
	}
}

// refusal gives the error of a mistake.
func (m mistake) refusal(t *testing.T) error {
	l, err := parse(m.lock)
	if err != nil {
		return err
	}
	_, err = lock.Select(l, target(t, "cp312-linux-x86_64"), m.request, nil)
	return err
}

func TestMessages(t *testing.T) {
	var b strings.Builder
	for _, m := range mistakes() {
		err := m.refusal(t)
		if err == nil {
			t.Errorf("%s: no error", m.name)
			continue
		}
		fmt.Fprintf(&b, "== %s\n%s\n\n", m.name, diag.Format(err))
	}
	golden.Check(t, "testdata/messages.txt", b.String())
}

// FuzzParse reads mutated locks: whatever is read must be consistent, and its
// selection must not panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(trainer()))
	for _, m := range mistakes() {
		f.Add([]byte(m.lock))
	}
	fixed := lock.Target{}
	f.Fuzz(func(t *testing.T, data []byte) {
		if fixed.Tags == nil {
			fixed = target(t, "cp312-linux-x86_64")
		}
		l, err := pylock.Parse(&diag.Source{Name: "pylock.toml", Data: data})
		if err != nil {
			if len(diag.All(err)) == 0 {
				t.Errorf("an error without a place: %v", err)
			}
			return
		}
		for _, p := range l.Packages {
			checkPackage(t, p)
		}
		s, err := lock.Select(l, fixed, lock.Request{DefaultGroups: true, AllExtras: true}, nil)
		if err == nil && len(s.Packages) > len(l.Packages) {
			t.Errorf("%d packages of %d are selected", len(s.Packages), len(l.Packages))
		}
	})
}

func checkPackage(t *testing.T, p *lock.Package) {
	t.Helper()
	files := slices.Clone(p.Wheels)
	if p.Sdist != nil {
		files = append(files, *p.Sdist)
	}
	for _, f := range files {
		if f.Name == "" || f.Name != filepath.Base(f.Name) || (f.URL == "") == (f.Path == "") || f.Size < 0 {
			t.Errorf("%s has a file %+v", p, f)
		}
		if strings.Contains(f.URL, "#") {
			t.Errorf("%s has a file with a fragment: %s", p, f.URL)
		}
	}
	if isTree := p.Source.Origin == lock.Git || p.Source.Origin == lock.Directory; p.Name == "" || isTree == (len(files) > 0) {
		t.Errorf("%+v is no package", p)
	}
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString(header)
	for i := range 400 {
		text.WriteString(pure(fmt.Sprintf("package-%d", i), "1.0", `marker = "python_version >= '3.9'"`))
	}
	src := &diag.Source{Name: "pylock.toml", Data: []byte(text.String())}
	b.SetBytes(int64(len(src.Data)))
	for b.Loop() {
		if _, err := pylock.Parse(src); err != nil {
			b.Fatal(err)
		}
	}
}
