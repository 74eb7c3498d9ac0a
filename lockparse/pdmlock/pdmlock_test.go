package pdmlock_test

import (
	"cmp"
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
	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pdmlock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

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

// selected names what a request gets from a project of testdata.
func selected(t *testing.T, project, python string, r lock.Request) string {
	t.Helper()
	l, err := readDir(filepath.Join("testdata", project))
	if err != nil {
		t.Fatal(diag.Format(err))
	}
	picks, err := l.Resolver.Resolve(locktest.Bookworm(t, python).Env, r)
	if err != nil {
		return "error: " + err.Error()
	}
	var names []string
	for _, p := range picks {
		names = append(names, p.Package.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// What the tests of TestSelect have in common.
const (
	appAlone = "anyio 4.12.1, app 1.0, certifi 2026.10.19.post1, click 8.1.8, h11 0.16.0, httpcore 1.0.9, httpx 0.28.1, idna 3.20, socksio 1.0.0, typing-extensions 4.16.0"
	appBare  = "anyio 4.12.1, app 1.0, certifi 2026.10.19.post1, click 8.1.8, h11 0.16.0, h2 4.3.0, hpack 4.1.0, httpcore 1.0.9, httpx 0.28.1, hyperframe 6.1.0, idna 3.20, " +
		"iniconfig 2.1.0, mypy-extensions 1.1.0, packaging 26.3, pluggy 1.6.0, pygments 2.21.0, pytest 8.4.2, socksio 1.0.0, starlette 0.49.3, typing-extensions 4.16.0, uvloop 0.23.0"
	appTest = "anyio 4.12.1, app 1.0, certifi 2026.10.19.post1, click 8.1.8, h11 0.16.0, h2 4.3.0, hpack 4.1.0, httpcore 1.0.9, httpx 0.28.1, hyperframe 6.1.0, idna 3.20, " +
		"iniconfig 2.1.0, packaging 26.3, pluggy 1.6.0, pygments 2.21.0, pytest 8.4.2, socksio 1.0.0, typing-extensions 4.16.0"
)

// The answers are PDM's: TestLive asks it for more.
func TestSelect(t *testing.T) {
	tests := []struct {
		project, python string
		request         lock.Request
		want            string
	}{
		{"static", "3.12.4", lock.Request{}, appAlone},
		{"static", "3.12.4", lock.Request{DefaultGroups: true}, appBare},
		{"static", "3.12.4", lock.Request{Groups: []string{"test"}, DefaultGroups: true}, appTest},
		{"static", "3.12.4", lock.Request{Groups: []string{"test"}, NoInstallProject: true}, strings.Replace(appTest, "app 1.0, ", "", 1)},
		{"static", "3.12.4", lock.Request{Groups: []string{"Lint"}, OnlyGroups: true}, "mypy-extensions 1.1.0"},
		{"walk", "3.12.4", lock.Request{}, appAlone},
		{"walk", "3.12.4", lock.Request{DefaultGroups: true}, appBare},
		{"walk", "3.12.4", lock.Request{Groups: []string{"test"}, DefaultGroups: true}, appTest},
		{"walk", "3.12.4", lock.Request{Groups: []string{"lint"}, OnlyGroups: true}, "mypy-extensions 1.1.0"},
		{"walk", "3.10.4", lock.Request{}, strings.Replace(appAlone, "h11", "exceptiongroup 1.3.2, h11", 1)},
		{"static", "3.12.4", lock.Request{Extras: []string{"WEB-UI"}}, strings.Replace(appAlone, "typing", "starlette 0.49.3, typing", 1)},
		{"format-4.0", "3.12.4", lock.Request{}, appAlone},
		{"format-4.2", "3.12.4", lock.Request{DefaultGroups: true}, appBare},
		{"format-4.3", "3.12.4", lock.Request{DefaultGroups: true}, appBare},
		{"format-4.4", "3.12.4", lock.Request{DefaultGroups: true}, appBare},
		{"format-4.4.1", "3.12.4", lock.Request{DefaultGroups: true}, appBare},
		{"format-4.5.0", "3.12.4", lock.Request{DefaultGroups: true}, appBare},
		{"groups", "3.12.4", lock.Request{}, "click 8.1.8"},
		{"groups", "3.12.4", lock.Request{Groups: []string{"dev"}}, "click 8.1.8, iniconfig 2.1.0, mypy-extensions 1.1.0"},
		{"groups", "3.12.4", lock.Request{AllGroups: true, NoGroups: []string{"dev"}}, "click 8.1.8, mypy-extensions 1.1.0"},
		{"groups", "3.12.4", lock.Request{AllExtras: true}, "anyio 4.5.0, click 8.1.8, idna 3.20, sniffio 1.3.1, starlette 0.49.3"},
		{"groups", "3.12.4", lock.Request{Groups: []string{"default", "web"}, NoGroups: []string{"default"}}, "anyio 4.5.0, idna 3.20, sniffio 1.3.1, starlette 0.49.3"},
		{"targets", "3.9.21", lock.Request{}, "anyio 4.12.1, click 8.1.8, exceptiongroup 1.3.2, idna 3.20, targets 1.0, typing-extensions 4.16.0"},
		{"targets", "3.13.1", lock.Request{}, "anyio 4.16.0, click 8.5.1, idna 3.20, targets 1.0, typing-extensions 4.16.0"},
		{"targets-walk", "3.9.21", lock.Request{}, "anyio 4.12.1, click 8.1.8, exceptiongroup 1.3.2, idna 3.20, targets 1.0, typing-extensions 4.16.0"},
		{"targets-walk", "3.13.1", lock.Request{}, "anyio 4.16.0, click 8.5.1, idna 3.20, targets 1.0, typing-extensions 4.16.0"},
		{"sources", "3.12.4", lock.Request{DefaultGroups: true}, "click 8.1.8, idna 3.20, iniconfig 2.0.0, member 0.1, sources 1.0"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s/%s/%v%v", test.project, test.python, test.request.Extras, test.request.Groups), func(t *testing.T) {
			if got := selected(t, test.project, test.python, test.request); got != test.want {
				t.Errorf("selected %s\nwant     %s", got, test.want)
			}
		})
	}
}

// With static_urls, and in the oldest locks, a file is chosen without looking
// up anything; elsewhere the index completes it by name and digest.
func TestFiles(t *testing.T) {
	for project, withURL := range map[string]bool{
		"format-4.0": true, "format-4.2": true, "static": true, "format-4.3": false, "format-4.5.0": false, "few-groups": false,
	} {
		l, err := readDir(filepath.Join("testdata", project))
		if err != nil {
			t.Fatal(err)
		}
		s, err := lock.Select(l, locktest.Bookworm(t, "3.12.4"), lock.Request{NoInstallProject: true}, offline.Index{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Packages {
			f := p.File
			if p.Kind != lock.KindWheel || len(f.Hashes) != 1 || f.Hashes[0].Algorithm != "sha256" {
				t.Errorf("%s: %s is %s %+v", project, p.Package, p.Kind, f)
			}
			if withURL != strings.HasPrefix(f.URL, "https://files.pythonhosted.org/") {
				t.Errorf("%s: %s has the URL %q", project, f.Name, f.URL)
			}
			if !strings.Contains(f.Name, "-"+p.Package.Version+"-") {
				t.Errorf("%s: %s is not one of version %s", project, f.Name, p.Package.Version)
			}
		}
	}
}

// Where packages come from, and by whom.
func TestSources(t *testing.T) {
	l, err := readDir(filepath.Join("testdata", "sources"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := lock.Select(l, locktest.Bookworm(t, "3.12.4"), lock.Request{DefaultGroups: true}, offline.Index{})
	if err != nil {
		t.Fatal(diag.Format(err))
	}
	var rows []string
	for _, p := range s.Packages {
		by := "nobody"
		if p.By != nil {
			by = p.By.Name
		}
		source := p.Package.Source
		row := fmt.Sprintf("%s: %s %s%s, %s by %s", p.Package, source.Origin, source.URL, source.Path, p.Kind, by)
		if source.Editable {
			row += ", editable"
		}
		rows = append(rows, row)
	}
	want := []string{
		"click 8.1.8: archive https://files.pythonhosted.org/packages/7e/d4/7ebdbd03970677812aac39c869717059dbb71a4cfc033ca6e5221787892c/click-8.1.8-py3-none-any.whl, wheel by sources",
		"idna 3.20: registry https://pypi.org/simple, wheel by member",
		"iniconfig 2.0.0: archive wheels/iniconfig-2.0.0-py3-none-any.whl, wheel by sources",
		"member 0.1: directory member, directory by sources, editable",
		"sources 1.0: directory ., directory by nobody, editable",
	}
	if !slices.Equal(rows, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
}

func TestIndexes(t *testing.T) {
	fsys := project(`[project]
name = "app"
[[tool.pdm.source]]
name = "mirror"
url = "https://${USER}:${PASSWORD}@mirror.example/simple"
include_packages = ["torch", "nvidia-*"]
[[tool.pdm.source]]
name = "wheels"
url = "file:///${PROJECT_ROOT}/wheels"
type = "find_links"
[[tool.pdm.source]]
name = "links"
url = "https://links.example/"
type = "find_links"
`, entry("torch", "2.6.0")+entry("nvidia-nccl", "2.0")+entry("click", "8.1.8"))
	l, err := readFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q %+v", l.Indexes.URLs, l.Indexes.Links); got != `["" "https://mirror.example/simple"] `+
		`[{Origin:registry URL: Path:wheels Subdirectory: Commit: Ref: LFS:false Editable:false} `+
		`{Origin:registry URL:https://links.example/ Path: Subdirectory: Commit: Ref: LFS:false Editable:false}]` {
		t.Errorf("indexes %s", got)
	}
	var urls []string
	for _, p := range l.Packages {
		urls = append(urls, p.Source.URL)
	}
	if want := []string{"https://mirror.example/simple", "https://mirror.example/simple", ""}; !slices.Equal(urls, want) {
		t.Errorf("packages come from %q, want %q", urls, want)
	}
	if !slices.ContainsFunc(l.Warnings, func(w diag.Warning) bool { return w.Rule == "IndexCredentials" && w.At.Line == 5 }) {
		t.Errorf("warnings %v, want one about credentials", l.Warnings)
	}
	replaced := project("[[tool.pdm.source]]\nname = 'pypi'\nurl = 'https://mirror.example/simple'\n", "")
	if l, err = readFS(replaced); err != nil || !slices.Equal(l.Indexes.URLs, []string{"https://mirror.example/simple"}) {
		t.Errorf("indexes %v, %v; want the mirror alone", l.Indexes, err)
	}
}

// Without a pyproject.toml a flat lock is still good for its groups.
func TestNoProject(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "groups", "pdm.lock"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := readFS(fstest.MapFS{"pdm.lock": {Data: data}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []lock.Request{{Groups: []string{"web"}}, {Extras: []string{"web"}}} {
		got, err := resolved(t, l, ask("", "3.12.4", "manylinux_2_36_x86_64", r))
		if want := "anyio 4.5.0, click 8.1.8, idna 3.20, sniffio 1.3.1, starlette 0.49.3"; err != nil || !strings.HasPrefix(strings.Join(got, ", "), want[:40]) {
			t.Errorf("%+v selects %v, %v; want %s", r, got, err, want)
		}
	}
}

// A walk that first takes a version which turns out to be excluded.
func TestWalkBeginsAnew(t *testing.T) {
	fsys := fstest.MapFS{
		"pyproject.toml": {Data: []byte("[project]\nname = 'app'\nversion = '1.0'\ndependencies = ['anyio', 'httpx']\n")},
		"pdm.lock": {Data: []byte("[metadata]\nstrategy = []\nlock_version = '4.5.1'\n" +
			entry("anyio", "4.12.1") + entry("anyio", "4.16.0") + "dependencies = ['idna']\n" + entry("idna", "3.20") +
			entry("httpx", "0.28.1") + "dependencies = ['anyio<4.13']\n")},
	}
	l, err := readFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	got, err := resolved(t, l, ask("", "3.12.4", "manylinux_2_36_x86_64", lock.Request{}))
	if want := []string{"anyio 4.12.1", "app 1.0", "httpx 0.28.1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("selected %v, %v; want %v", got, err, want)
	}
}

// Every lock of testdata fits its pyproject.toml, by the digest of its time.
func TestFresh(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "*", "pdm.lock"))
	if err != nil || len(names) == 0 {
		t.Fatal("no locks", err)
	}
	for _, name := range names {
		l, err := readDir(filepath.Dir(name))
		if err != nil {
			t.Fatal(err)
		}
		if why := staleness(l); why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
}

func TestStale(t *testing.T) {
	tests := []struct{ project, before, after, want string }{
		{"static", `"click>=8"`, `"click>=9"`, "it has nothing for click>=9"},
		{"static", `"click>=8"`, `"click>=7"`, "the dependencies, groups, sources or settings of the project have changed"},
		{"static", `"click>=8",`, `"click>=8", "a", "b", "c", "d",`, "it has nothing for a, b, c, …"},
		{"static", `">=3.9"`, `">=3.10"`, "the dependencies, groups, sources or settings of the project have changed"},
		{"static", "[project.opt", "[tool.pdm.resolution.overrides]\nclick = '9'\n[project.opt", "the dependencies, groups, sources or settings of the project have changed"},
		{"static", `version = "1.0"`, `version = "1.1"`, ""},
		{"groups", `["click"]`, `["click>=9"]`, "it has nothing for click>=9"},
		{"groups", `["click"]`, `["click>=7"]`, ""},
		{"groups", `["click"]`, `["click", "idna"]`, `it has nothing for idna`},
		{"groups", `["click"]`, `[]`, `the group "default" has changed`},
		{"groups", "web =", "site =", `it has the group "web", which the project does not have`},
		{"groups", "web =", "site = []\nweb =", `the project has a new group "site"`},
		{"groups", `">=3.9"`, `">=3.10"`, `it is locked for Python ">=3.9", not ">=3.10"`},
	}
	for _, test := range tests {
		dir := os.DirFS(filepath.Join("testdata", test.project))
		lockData, err := fs.ReadFile(dir, "pdm.lock")
		if err != nil {
			t.Fatal(err)
		}
		project, err := fs.ReadFile(dir, "pyproject.toml")
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(project), test.before, test.after, 1)
		l, err := readFS(fstest.MapFS{"pdm.lock": {Data: lockData}, "pyproject.toml": {Data: []byte(changed)}})
		if err != nil {
			t.Fatal(err)
		}
		want := test.want
		if want != "" {
			want = "pdm.lock does not fit pyproject.toml: " + want
		}
		if got := staleness(l); got != want {
			t.Errorf("%s with %s: %q, want %q", test.project, test.after, got, want)
		}
	}
}

// project makes a build context of a pyproject.toml and the packages of a flat
// lock, for which the group "default" is locked.
func project(pyproject, packages string) fstest.MapFS {
	return fstest.MapFS{
		"pyproject.toml": {Data: []byte(pyproject)},
		"pdm.lock":       {Data: []byte(header + packages)},
	}
}

const header = `[metadata]
groups = ["default"]
strategy = ["inherit_metadata"]
lock_version = "4.5.1"
content_hash = "sha256:d92e0000000000000000000000000000000000000000000000000000000000ff"
`

const digest = "9ba8a7f1a2d0d5c1ae5a5c5e7bd6c9ee8a9a0d0e5b1c1c4b6dd3d5d3a0b9c8d7"

// entry is a package of one wheel for everything.
func entry(name, version string) string {
	return fmt.Sprintf("[[package]]\nname = %q\nversion = %q\nfiles = [{file = \"%s-%s-py3-none-any.whl\", hash = \"sha256:%s\"}]\n",
		name, version, strings.ReplaceAll(name, "-", "_"), version, digest)
}

// mistake is a lock, a project or a request that is refused.
type mistake struct {
	name      string
	pyproject string // none if empty
	lock      string
	request   lock.Request
}

// mistakes are what people and tools get wrong, at least one for each message.
func mistakes() []mistake {
	const app = "[project]\nname = 'app'\ndependencies = ['click', 'httpx[http2]']\n[project.optional-dependencies]\nweb = ['starlette']\n[dependency-groups]\ndev = ['pytest']\n"
	const unflat = "[metadata]\nlock_version = '4.4'\n"
	one := func(more string) string { return header + entry("click", "8.1.8") + more + "\n" }
	from := func(keys string) string {
		return header + "[[package]]\nname = 'click'\nversion = '8.1.8'\n" + keys + "\n"
	}
	file := func(keys string) string { return from("files = [{ " + keys + " }]") }
	none := lock.Request{}
	return []mistake{
		{"not TOML", "", "[metadata]\n<<<<<<< HEAD\n", none},
		{"empty", "", "", none},
		{"no version number", "", "[metadata]\nlock_version = 'four'\n", none},
		{"version of another type", "", "[metadata]\nlock_version = 4.5\n", none},
		{"PDM 1", "", "[metadata]\nlock_version = '3.1'\n", none},
		{"PDM of tomorrow", "", "[metadata]\nlock_version = '4.6.0'\n", none},
		{"no name", "", header + "[[package]]\nversion = '1'\n", none},
		{"no version", "", header + "[[package]]\nname = 'click'\n", none},
		{"bad values", "", one("requires_python = '3.9'\nmarker = 'python > 3'\ndependencies = ['idna>>2', 'git+https://git.example/']"), none},
		{"types", "", one("groups = 'default'\nextras = [1]"), none},
		{"bad hash", "", file("file = 'click-8.1.8.tar.gz', hash = 'sha256:abc'"), none},
		{"no file name", "", file("hash = 'sha256:" + digest + "'"), none},
		{"name that leaves its folder", "", file("file = '../click-8.1.8.tar.gz'"), none},
		{"URL without the strategy", "", file("url = 'https://files.example/click-8.1.8.tar.gz', hash = 'sha256:" + digest + "'"), none},
		{"another project's wheel", "", file("file = 'clack-8.1.8-py3-none-any.whl', hash = 'sha256:" + digest + "'"), none},
		{"another version's files", "", file("file = 'click-8.1.7-py3-none-any.whl', hash = 'sha256:" + digest + "'"), none},
		{"branch as revision", "", from("git = 'https://git.example/click'\nrevision = 'main'"), none},
		{"editable repository", "", from("git = 'https://git.example/click'\neditable = true"), none},
		{"Mercurial", "", from("hg = 'https://hg.example/click'\nrevision = '1'"), none},
		{"undefined marker", "", one("marker = \"sys_platform ~= '1.0'\""), none},
		{"Python", "", header + "[[metadata.targets]]\nrequires_python = '>=3.13'\n", none},
		{"platform", "", header + "[[metadata.targets]]\nrequires_python = '>=3.9'\nplatform = 'macos_14_0_arm64'\n", none},
		{"short platform", "", header + "[[metadata.targets]]\nplatform = 'windows'\n", none},
		{"implementation", "", header + "[[metadata.targets]]\nimplementation = 'pypy'\n", none},
		{"unknown extra", app, header, lock.Request{Extras: []string{"wep"}}},
		{"group as extra", app, header, lock.Request{Extras: []string{"dev"}}},
		{"unknown group", app, header, lock.Request{Groups: []string{"test"}}},
		{"unknown group without project", "", header, lock.Request{Groups: []string{"test"}}},
		{"unknown group to leave out", app, header, lock.Request{NoGroups: []string{"test"}}},
		{"extra that is not locked", app, header, lock.Request{Extras: []string{"web"}}},
		{"member", app, header, lock.Request{Package: "lib"}},
		{"bad project", "[project]\nrequires-python = 'all'\nname = 1\n", header, none},
		{"project that is no TOML", "[project", header, none},
		{"nothing to walk from", "", unflat, none},
		{"bad requirement", "[project]\nname = 'app'\ndependencies = ['click>>8']\n", unflat, none},
		{"requirement without name", "[project]\nname = 'app'\ndependencies = ['./lib']\n", unflat, none},
		{"requirement that is not locked", app, unflat + entry("click", "8.1.8"), none},
		{"extras that are not locked", app, unflat + entry("click", "8.1.8") + entry("httpx", "0.28.1"), none},
		{"Python of a package", app, unflat + entry("click", "8.1.8") + "requires_python = '>=3.13'\n", none},
		{"too many entries", "", header + strings.Repeat("[[package]]\nname = 'click'\nversion = '8.1.8'\n", 101), none},
		{"versions that do not fit together", "[project]\nname = 'app'\ndependencies = ['a']\n", unflat + chain(30), none},
		{"Python of the project", "[project]\nname = 'app'\nrequires-python = '>=3.13'\n", unflat, none},
		{"undefined requirement", "[project]\nname = 'app'\ndependencies = [\"click; sys_platform ~= '1.0'\"]\n", unflat, none},
	}
}

// chain gives a package in many versions, each of which makes the package
// before it wrong.
func chain(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(entry("a", fmt.Sprintf("1.%02d", i)) + fmt.Sprintf("dependencies = ['a<1.%02d']\n", i))
	}
	return b.String()
}

// refusal gives the error of a mistake.
func (m mistake) refusal(t *testing.T) error {
	fsys := fstest.MapFS{"pdm.lock": {Data: []byte(m.lock)}}
	if m.pyproject != "" {
		fsys["pyproject.toml"] = &fstest.MapFile{Data: []byte(m.pyproject)}
	}
	l, err := readFS(fsys)
	if err != nil {
		return err
	}
	_, err = lock.Select(l, locktest.Bookworm(t, "3.12.4"), m.request, offline.Index{})
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

// FuzzParse reads mutated locks and projects: whatever is read must be
// consistent, and its selection must not panic.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"targets-walk", "groups", "sources"} {
		lockData, err := os.ReadFile(filepath.Join("testdata", name, "pdm.lock"))
		if err != nil {
			f.Fatal(err)
		}
		project, err := os.ReadFile(filepath.Join("testdata", name, "pyproject.toml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(lockData, project)
	}
	for _, m := range mistakes() {
		f.Add([]byte(m.lock), []byte(m.pyproject))
	}
	fixed := locktest.Bookworm(f, "3.12.4")
	f.Fuzz(func(t *testing.T, lockData, project []byte) {
		fsys := fstest.MapFS{"pdm.lock": {Data: lockData}, "pyproject.toml": {Data: project}}
		l, err := readFS(fsys)
		if err != nil {
			if len(diag.All(err)) == 0 {
				t.Errorf("an error without a place: %v", err)
			}
			return
		}
		for _, p := range l.Packages {
			for _, file := range p.Wheels {
				if file.Name == "" || file.Name != filepath.Base(file.Name) || strings.Contains(file.URL, "#") {
					t.Errorf("%s has a file %+v", p, file)
				}
			}
		}
		picks, err := l.Resolver.Resolve(fixed.Env, lock.Request{DefaultGroups: true})
		if err == nil && len(picks) > len(l.Packages)+1 {
			t.Errorf("%d packages of %d are selected", len(picks), len(l.Packages))
		}
	})
}

func BenchmarkParse(b *testing.B) {
	dir := os.DirFS(filepath.Join("testdata", "static"))
	info, err := fs.Stat(dir, "pdm.lock")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		if _, err := readFS(dir); err != nil {
			b.Fatal(err)
		}
	}
}
