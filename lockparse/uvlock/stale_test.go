package uvlock_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// mutation is a change to the project in testdata/fresh after it was locked,
// and whether its lock is stale then: what "uv lock --check" says, which
// TestLiveStale asks.
type mutation struct {
	name  string
	edits []edit
	stale bool
}

// edit replaces a text, which must be there, in a file.
type edit struct{ file, old, new string }

// in makes an edit of the main pyproject.toml.
func in(old, new string) []edit { return []edit{{"pyproject.toml", old, new}} }

// atGit takes a requirement from a repository, in the project and in its lock.
func atGit(asked, locked string) []edit {
	return []edit{
		{"pyproject.toml", `packaging = { url = "` + packagingURL + `" }`, "packaging = { git = \"https://github.com/pypa/packaging\"" + asked + " }"},
		{
			"uv.lock", `source = { url = "` + packagingURL + `" }`,
			`source = { git = "https://github.com/pypa/packaging?` + locked + `#85442b8032cb7bae72866dfd7782234a98dd2fb7" }`,
		},
		{"uv.lock", `    { url = "` + packagingURL + `", hash = "sha256:5b8f2217dbdbd2f7f384c41c628544e6d52f2d0f53c6d0c3ea61aa5d1d7ff124" },` + "\n", ""},
		{"uv.lock", `{ name = "packaging", url = "` + packagingURL + `" }`, `{ name = "packaging", git = "https://github.com/pypa/packaging?` + locked + `" }`},
	}
}

const packagingURL = "https://files.pythonhosted.org/packages/08/aa/cc0199a5f0ad350994d660967a8efb233fe0416e4639146c089643407ce6/packaging-24.1-py3-none-any.whl"

func mutations() []mutation {
	return []mutation{
		// What means the same.
		{"unchanged", nil, false},
		{"a comment", in("[project]\n", "# the shop\n[project] # of all\n"), false},
		{"another order", []edit{
			{"pyproject.toml", "    \"packaging\",\n", ""},
			{"pyproject.toml", "    \"Core\",\n", "    \"packaging\",\n    \"Core\",\n"},
		}, false},
		{"another form", in(`"idna >=3.4, <4"`, `'IDNA<4.0,>=3.4'`), false},
		{"line breaks", in(`cli = ["certifi>=2024", `, "cli = [\n  \"certifi>=2024\",\n  "), false},
		{"a name in another form", in(`"typing_extensions>=4.0"`, `"Typing.Extensions >= 4"`), false},
		{"a requirement twice", in("    \"Core\",\n", "    \"Core\",\n    \"core\",\n"), false},
		{"a marker in another form", in("python_version < '3.11'", "python_full_version < '3.11' and python_version >= '3.8'"), false},
		{"a marker that always holds", in(`"packaging"`, `"packaging ; python_version >= '3.9'"`), false},
		{"requires-python in another form", in(">=3.10,<4", "<4.0, >=3.10.0"), false},
		{"requires-python without one release", in(">=3.10,<4", ">=3.10,<4,!=3.10.1"), false},
		{"a wider member", []edit{{"libs/core/pyproject.toml", ">=3.9", ">=3.8"}}, false},
		{"a description", in("version = \"1.4.0\"\n", "version = \"1.4.0\"\ndescription = \"a shop\"\n"), false},
		{"version in another form", in(`"1.4.0"`, `"1.4"`), false},
		{"another build system", in(`["hatchling"]`, `["hatchling>=1.20"]`), false},
		{"settings of other tools", in("[build-system]", "[tool.ruff]\nline-length = 100\n\n[build-system]"), false},
		{"extra in another form", in("Old_Style", `"old.style"`), false},
		{"group in another form", in("lint = [", "Lint = ["), false},
		{"a group written out", in(`{ include-group = "lint" }`, `"pathspec"`), false},
		{"a source of a dependency of a member", in("[tool.uv.sources]\n", "[tool.uv.sources]\nattrs = { git = \"https://github.com/python-attrs/attrs\" }\n"), true},
		{"a source of nothing", in("[tool.uv.sources]\n", "[tool.uv.sources]\nunused = { git = \"https://github.com/python-attrs/attrs\" }\n"), false},
		{"a path in another form", in(`path = "beside"`, `path = "./libs/../beside/"`), false},
		{"an index that is not used", in("[build-system]", "[[tool.uv.index]]\nname = \"other\"\nurl = \"https://other.example/simple\"\nexplicit = true\n\n[build-system]"), false},
		{"default groups", in("[tool.uv]\n", "[tool.uv]\ndefault-groups = [\"lint\"]\n"), true},
		{"default groups as they are", in("[tool.uv]\n", "[tool.uv]\ndefault-groups = [\"dev\"]\n"), false},
		{"conflicts in another order", in(`[[{ extra = "cli" }, { extra = "old-style" }]]`, `[[{ extra = "Old_Style" }, { extra = "cli", package = "shop" }]]`), false},
		{"environments in another form", in(`environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]`,
			`environments = ["'linux' == sys_platform", "sys_platform == 'win32' and python_version >= '3'"]`), false},
		{"git", atGit("", "rev=24.1"), true},
		{"git by tag", atGit(`, tag = "24.1"`, "tag=24.1"), false},
		{"git as a URL of pip", append(atGit(`, tag = "24.1"`, "tag=24.1"), edit{"pyproject.toml", "\"https://github.com", "\"git+https://github.com"}), false},
		{"git by branch", atGit(`, branch = "main"`, "branch=main"), false},
		{"git by revision", atGit(`, rev = "24.1"`, "rev=24.1"), false},
		{"git below a folder", atGit(`, rev = "24.1", subdirectory = "src"`, "subdirectory=src&rev=24.1"), false},

		// Dependencies.
		{"dependency added", in("    \"packaging\",\n", "    \"packaging\",\n    \"attrs\",\n"), true},
		{"dependency removed", in("    \"idna >=3.4, <4\",\n", ""), true},
		{"specifier changed", in(`"idna >=3.4, <4"`, `"idna >=3.5, <4"`), true},
		{"specifier removed", in(`"idna >=3.4, <4"`, `"idna"`), true},
		{"extra asked for", in(`"packaging"`, `"packaging[socks]"`), true},
		{"marker changed", in("python_version < '3.11'", "python_version < '3.12'"), true},
		{"marker of another system", in("sys_platform == 'win32'\"]", "sys_platform == 'darwin'\"]"), true},
		{"marker removed", in(" ; python_version < '3.11'", ""), true},
		{"dependencies removed", []edit{{"libs/core/pyproject.toml", "dependencies = [\"attrs>=23\"]\n", ""}}, true},
		{"dependency of a member", []edit{{"libs/core/pyproject.toml", "attrs>=23", "attrs>=24"}}, true},
		{"dependency of a path dependency", []edit{{"beside/pyproject.toml", "iniconfig", "iniconfig>=2"}}, true},

		// Extras and groups.
		{"extra renamed", in("Old_Style", "older"), true},
		{"extra added", in("[project.optional-dependencies]\n", "[project.optional-dependencies]\nnone = []\n"), true},
		{"dependency of an extra", in("six==1.16.0", "six==1.17.0"), true},
		{"dependency moved to another extra", in(`Old_Style = ["six==1.16.0"]`, `Old_Style = []`), true},
		{"group changed", in("iniconfig~=2.0", "iniconfig~=2.1"), true},
		{"group renamed", in("empty = []", "void = []"), true},
		{"group added", in("empty = []", "empty = []\ndocs = [\"six\"]"), true},
		{"group removed", in("empty = []\n", ""), true},
		{"included group changed", in(`["pathspec"]`, `["pathspec", "six"]`), true},
		{"include removed", in(`, { include-group = "lint" }`, ""), true},
		{"group for fewer Pythons", in("[tool.uv.sources]", "[tool.uv.dependency-groups]\nlint = { requires-python = \">=3.12\" }\n\n[tool.uv.sources]"), true},

		// The project.
		{"requires-python raised", in(">=3.10,<4", ">=3.11,<4"), true},
		{"requires-python without end", in(">=3.10,<4", ">=3.10"), true},
		{"requires-python of a member", []edit{{"libs/tool/pyproject.toml", ">=3.9", ">=3.12"}}, true},
		{"version changed", in(`"1.4.0"`, `"1.5.0"`), true},
		{"version dynamic", in("version = \"1.4.0\"", "dynamic = [\"version\"]"), true},
		{"version static", []edit{{"libs/tool/pyproject.toml", "dynamic = [\"version\"]", "version = \"2.0\""}}, true},
		{"no package", in("[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n", ""), true},
		{"a package", in("[tool.uv]\n", "[tool.uv]\npackage = false\n"), true},

		// The workspace.
		{"member removed", in(`["libs/core", "libs/tool"]`, `["libs/core"]`), true},
		{"member excluded", in(`members = ["libs/core", "libs/tool"]`, "members = [\"libs/core\", \"libs/tool\"]\nexclude = [\"libs/tool\"]"), true},
		{"member added", []edit{
			{"pyproject.toml", `"libs/tool"]`, `"libs/tool", "libs/new"]`},
			{"libs/new/pyproject.toml", "", "[project]\nname = \"new\"\nversion = \"1\"\n"},
		}, true},
		{"members by pattern", in(`["libs/core", "libs/tool"]`, `["libs/*"]`), false},

		// Sources.
		{"source removed", in(`packaging = { url = "`+packagingURL+"\" }\n", ""), true},
		{"source added", in("[tool.uv.sources]\n", "[tool.uv.sources]\nidna = { index = \"pypi\" }\n"), true},
		{"URL changed", in("files.pythonhosted.org", "mirror.example"), true},
		{"path changed", []edit{
			{"pyproject.toml", `path = "beside"`, `path = "other"`},
			{"other/pyproject.toml", "", "[project]\nname = \"vendored\"\nversion = \"9\"\ndependencies = [\"iniconfig\"]\n"},
		}, true},
		{"no longer editable", in(`path = "beside", editable = true`, `path = "beside"`), true},
		{"source for another system", in("marker = \"sys_platform == 'linux'\"", "marker = \"sys_platform == 'win32'\""), true},
		{"explicit index moved", in(`"https://pypi.org/simple"`, `"https://mirror.example/simple"`), true},
		{"git by another tag", atGit(`, tag = "24.2"`, "tag=24.1"), true},
		{"git by tag and not by branch", atGit(`, tag = "main"`, "branch=main"), true},
		{"git in another folder", atGit(`, rev = "24.1", subdirectory = "docs"`, "subdirectory=src&rev=24.1"), true},

		// Settings.
		{"constraint changed", in("typing-extensions<5", "typing-extensions<4.99"), true},
		{"constraint removed", in("constraint-dependencies = [\"typing-extensions<5\"]\n", ""), true},
		{"override added", in(`["attrs>=20"]`, `["attrs>=20", "six<2"]`), true},
		{"build constraint added", in("[tool.uv]\n", "[tool.uv]\nbuild-constraint-dependencies = [\"setuptools<80\"]\n"), true},
		{"dependency excluded", in("[tool.uv]\n", "[tool.uv]\nexclude-dependencies = [\"six\"]\n"), true},
		{"environment removed", in(`environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]`, `environments = ["sys_platform == 'linux'"]`), true},
		{"required environment changed", in("platform_machine == 'x86_64'", "platform_machine == 'aarch64'"), true},
		{"conflicts removed", in("conflicts = [[{ extra = \"cli\" }, { extra = \"old-style\" }]]\n", ""), true},
		{"pre-releases", in("[tool.uv]\n", "[tool.uv]\nprerelease = \"allow\"\n"), true},
		{"pre-releases as they are", in("[tool.uv]\n", "[tool.uv]\nprerelease = \"if-necessary\"\n"), false},
		{"no pre-releases", in("[tool.uv]\n", "[tool.uv]\nprerelease = \"disallow\"\n"), true},
		{"lowest versions", in("[tool.uv]\n", "[tool.uv]\nresolution = \"lowest\"\n"), true},
	}
}

// mutate gives the files of testdata/fresh after a mutation.
func mutate(t *testing.T, m mutation) fstest.MapFS {
	t.Helper()
	files := readFS(t, os.DirFS(filepath.Join("testdata", "fresh")))
	for _, e := range m.edits {
		if e.old == "" {
			files[e.file] = &fstest.MapFile{Data: []byte(e.new)}
			continue
		}
		before := string(files[e.file].Data)
		if !strings.Contains(before, e.old) {
			t.Fatalf("%s: %s has no %q", m.name, e.file, e.old)
		}
		files[e.file] = &fstest.MapFile{Data: []byte(strings.Replace(before, e.old, e.new, 1))}
	}
	return files
}

// readFS reads all files.
func readFS(t *testing.T, fsys fs.FS) fstest.MapFS {
	t.Helper()
	files := make(fstest.MapFS)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// staleness gives the warning for a lock that does not fit, empty for one
// that does.
func staleness(t *testing.T, fsys fs.FS) string {
	t.Helper()
	l, err := lockparse.Read(fsys, "uv.lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range l.Warnings {
		if w.Rule == lock.StaleLock {
			if w.Hint != `run "uv lock"` || w.At.Line == 0 {
				t.Errorf("%s: hint %q, line %d", w, w.Hint, w.At.Line)
			}
			return w.String()
		}
	}
	return ""
}

func TestStale(t *testing.T) {
	var b strings.Builder
	for _, m := range mutations() {
		warning := staleness(t, mutate(t, m))
		if (warning != "") != m.stale {
			t.Errorf("%s: stale = %t, want %t: %s", m.name, !m.stale, m.stale, warning)
		}
		if warning != "" {
			fmt.Fprintf(&b, "%s:\n%s\n\n", m.name, warning)
		}
	}
	golden.Check(t, "testdata/stale.txt", b.String())
}

// TestStaleWithoutProjects wants no claim about what is not in the build
// context.
func TestStaleWithoutProjects(t *testing.T) {
	for _, missing := range []string{"pyproject.toml", "libs/core/pyproject.toml", "libs/tool/pyproject.toml", "beside/pyproject.toml"} {
		files := mutate(t, mutation{})
		delete(files, missing)
		if warning := staleness(t, files); warning != "" {
			t.Errorf("without %s: %s", missing, warning)
		}
	}
}

// verdict asks uv whether a lock fits: what it logs before it would resolve
// again, since that needs an index. The bool is false where uv gives up
// before. What is set for the lock by flags is set again.
func (u *uv) verdict(t *testing.T, dir, python string) (stale, known bool) {
	t.Helper()
	cmd := exec.Command(u.path, "lock", "--check", "--offline", "--python", u.python(t, python))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "UV_CACHE_DIR="+filepath.Join(u.scratch, "cache"), "XDG_CONFIG_HOME="+u.scratch, "UV_INDEX=", "UV_DEFAULT_INDEX=",
		"UV_PYTHON_DOWNLOADS=never", "VIRTUAL_ENV=", "RUST_LOG=uv=debug")
	text, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := os.ReadFile(filepath.Join(dir, "pyproject.toml"))
	if err != nil {
		t.Fatal(err)
	}
	options := regexp.MustCompile(`(?m)^\[options\]\n((?:[a-z-]+ = .*\n)*)`).FindSubmatch(text)
	if options != nil {
		for _, o := range regexp.MustCompile(`(?m)^([a-z-]+) = "(.*)"$`).FindAllStringSubmatch(string(options[1]), -1) {
			name := strings.TrimSuffix(o[1], "-mode")
			if !strings.Contains(string(project), "\n"+name+" = ") {
				cmd.Env = append(cmd.Env, "UV_"+strings.ReplaceAll(strings.ToUpper(name), "-", "_")+"="+o[2])
			}
		}
	}
	output, _ := cmd.CombinedOutput() //nolint:errcheck // its log is the answer
	switch log := string(output); {
	case strings.Contains(log, "satisfies workspace requirements"):
		return false, true
	case strings.Contains(log, "Resolving despite existing lockfile"), strings.Contains(log, "Ignoring existing lockfile"):
		return true, true
	default:
		t.Logf("uv gives no verdict on %s: %s", filepath.Base(dir), lastLines(log))
		return false, false
	}
}

// lastLines gives what uv says at the end, without its log.
func lastLines(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if !regexp.MustCompile(`^(DEBUG|TRACE|INFO|WARN|   )`).MatchString(line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}

// count counts verdicts and reports those that differ. A lock that we call
// stale and uv does not is an error, and so is one that uv calls stale if we
// were to know.
type count struct{ equal, passed, total, unknown int }

func (c *count) add(t *testing.T, name, warning string, stale, known, exact bool) {
	t.Helper()
	switch {
	case !known:
		c.unknown++
		if warning != "" {
			t.Logf("%s: uv does not say, but we do: %s", name, warning)
		}
	case (warning != "") == stale:
		c.equal++
		c.total++
	case warning != "" || exact:
		c.total++
		t.Errorf("%s: uv says stale = %t, we say: %q", name, stale, warning)
	default:
		c.total++
		c.passed++
		t.Logf("%s: stale to uv, not to us", name)
	}
}

func (c *count) report(t *testing.T) {
	t.Logf("%d of %d verdicts equal; %d stale ones let pass; %d without a verdict of uv", c.equal, c.total, c.passed, c.unknown)
}

// TestLiveStale asks uv about all mutations. That takes minutes, so the
// environment variable IMAGESPEC_LIVE must ask for it, as for the tests below.
func TestLiveStale(t *testing.T) {
	u := newStaleUV(t)
	var c count
	for _, m := range mutations() {
		files := mutate(t, m)
		dir := t.TempDir()
		if err := os.CopyFS(dir, files); err != nil {
			t.Fatal(err)
		}
		stale, known := u.verdict(t, dir, "3.12.4")
		c.add(t, m.name, staleness(t, files), stale, known, true)
	}
	c.report(t)
}

func newStaleUV(t *testing.T) *uv {
	if os.Getenv("IMAGESPEC_LIVE") == "" {
		t.Skip("IMAGESPEC_LIVE is not set")
	}
	return newUV(t)
}

// TestLiveStaleProjects asks uv about real projects: those of the vectors and
// of this repository, as they are and with changes.
func TestLiveStaleProjects(t *testing.T) {
	u := newStaleUV(t)
	var c count
	var dirs []string
	for _, pattern := range []string{
		filepath.Join(vectors.Dir(t), "uv-locks", "*", "uv.lock"),
		filepath.Join("..", "..", "testdata", "projects", "*", "uv.lock"),
		filepath.Join("testdata", "*", "uv.lock"),
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, found...)
	}
	for _, file := range dirs {
		files := readFS(t, os.DirFS(filepath.Dir(file)))
		project := string(files["pyproject.toml"].Data)
		for _, m := range realMutations() {
			changed := m.pattern.ReplaceAllString(project, m.with)
			if m.name != "unchanged" && changed == project {
				continue
			}
			files["pyproject.toml"] = &fstest.MapFile{Data: []byte(changed)}
			if _, err := lockparse.Read(files, "uv.lock", nil); err != nil {
				continue // one has redacted versions, another a group that is used
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, files); err != nil {
				t.Fatal(err)
			}
			stale, known := u.verdict(t, dir, u.real)
			if !known { // the project may want a newer Python
				stale, known = u.verdict(t, dir, "3.14.2")
			}
			c.add(t, filepath.Base(filepath.Dir(file))+": "+m.name, staleness(t, files), stale, known, false)
		}
	}
	c.report(t)
}

// realMutation changes any pyproject.toml that has what its pattern finds.
type realMutation struct {
	name    string
	pattern *regexp.Regexp
	with    string
}

func realMutations() []realMutation {
	mutation := func(name, pattern, with string) realMutation {
		return realMutation{name, regexp.MustCompile(pattern), with}
	}
	return []realMutation{
		mutation("unchanged", `^$`, ""),
		mutation("comments", `(?m)^\[`, "# of all\n["),
		mutation("spaces", `>= *(\d)`, " >=  $1"),
		mutation("quotes", `(?m)^( +)"([a-z0-9]+)",`, "$1'$2',"),
		mutation("bounds raised", `>= *0\.(\d)`, ">=0.1$1"),
		mutation("dependencies gone", `(?m)^    "[a-f][a-z0-9>=.,]*",\n`, ""),
		mutation("dependency added", `(?m)^dependencies = \[`, `dependencies = ["six", `),
		mutation("Python raised", `(?m)^requires-python = .*`, `requires-python = ">=3.11.1"`),
		mutation("dev group renamed", `(?m)^dev = \[`, "developers = ["),
		mutation("sources gone", `(?m)^([a-z0-9_-]+) = \{ *(git|index|path) = .*\n`, ""),
		mutation("version", `(?m)^version = "(\d)`, `version = "1$1`),
	}
}

// TestLiveStaleSnapshots asks uv about its own test projects.
func TestLiveStaleSnapshots(t *testing.T) {
	u := newStaleUV(t)
	var cases []struct {
		ID     string
		Python []string
		Files  map[string]string
		Lock   string
	}
	vectors.Load(t, "uv-sync/uv_sync_snapshots.json", &cases)
	var c count
	for _, test := range cases {
		files := fstest.MapFS{"uv.lock": {Data: []byte(test.Lock)}}
		for _, name := range slices.Sorted(maps.Keys(test.Files)) {
			files[filepath.ToSlash(filepath.Clean(name))] = &fstest.MapFile{Data: []byte(test.Files[name])}
		}
		if files["pyproject.toml"] == nil || test.Lock == "" {
			continue
		}
		if _, err := lockparse.Read(files, "uv.lock", nil); err != nil {
			continue
		}
		dir := t.TempDir()
		if err := os.CopyFS(dir, files); err != nil {
			t.Fatal(err)
		}
		python := u.real
		if len(test.Python) > 0 && strings.Count(test.Python[0], ".") == 1 {
			python = test.Python[0] + ".1"
		}
		stale, known := u.verdict(t, dir, python)
		c.add(t, test.ID, staleness(t, files), stale, known, false)
	}
	c.report(t)
}

// FuzzStale wants an answer for any project beside a lock, and none that
// depends on chance.
func FuzzStale(f *testing.F) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", "fresh", name))
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	lockText := read("uv.lock")
	f.Add(lockText, read("pyproject.toml"), read("libs/core/pyproject.toml"))
	f.Fuzz(func(t *testing.T, lockText, project, member []byte) {
		files := fstest.MapFS{
			"uv.lock":                  {Data: lockText},
			"pyproject.toml":           {Data: project},
			"libs/core/pyproject.toml": {Data: member},
		}
		first, err := lockparse.Read(files, "uv.lock", nil)
		if err != nil {
			return
		}
		second, err := lockparse.Read(files, "uv.lock", nil)
		if err != nil || fmt.Sprint(first.Warnings) != fmt.Sprint(second.Warnings) {
			t.Errorf("%v, then %v, %v", first.Warnings, second.Warnings, err)
		}
	})
}
