package plan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// sourcesLock has a package of every kind that is built.
const sourcesLock = `version = 1
revision = 3
requires-python = ">=3.10"

[options]
exclude-newer = "2025-06-01T00:00:00Z"

[manifest]
members = ["app", "member"]
build-constraints = [
    { name = "setuptools", specifier = "<80" },
    { name = "wheel", specifier = ">=0.40", marker = "python_version < '3.12'" },
]

[[package]]
name = "app"
version = "0.1.0"
source = { editable = "." }
dependencies = [{ name = "linked" }, { name = "member" }, { name = "plain" }, { name = "repo" }, { name = "vendored" }]

[[package]]
name = "linked"
version = "1.0"
source = { url = "https://example.org/linked-1.0.tar.gz", subdirectory = "python" }
sdist = { hash = "sha256:0000000000000000000000000000000000000000000000000000000000000001" }

[[package]]
name = "member"
version = "2.0"
source = { editable = "libs/member" }

[[package]]
name = "plain"
version = "3.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://example.org/plain-3.0.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000002", size = 30000000 }

[[package]]
name = "repo"
version = "4.0"
source = { git = "https://example.org/repo?tag=v4&subdirectory=py#0123456789012345678901234567890123456789" }

[[package]]
name = "vendored"
version = "5.0"
source = { path = "vendor/vendored-5.0.tar.gz" }
sdist = { hash = "sha256:0000000000000000000000000000000000000000000000000000000000000003" }
`

// warnSources plans a context with that lock, the files of two projects, and
// more files.
func warnSources(t *testing.T, spec, platform string, more map[string]string) (*plan.Plan, []diag.Warning, error) {
	t.Helper()
	const hatchling = "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n[project]\n"
	files := map[string]string{
		"sub/uv.lock":                    sourcesLock,
		"sub/pyproject.toml":             hatchling + "name = \"app\"\n",
		"sub/libs/member/pyproject.toml": hatchling + "name = \"member\"\n",
	}
	for name, text := range more {
		files[name] = text
	}
	context := fstest.MapFS{}
	for name, text := range files {
		context[name] = &fstest.MapFile{Data: []byte(text)}
	}
	parsed, _, err := imagespec.Parse(&diag.Source{Name: "sub/imagespec.yaml", Data: []byte("requirements: sub/uv.lock\n" + spec)})
	if err != nil {
		t.Fatal(err)
	}
	p, warnings, err := plan.Make(plan.Input{
		Spec: parsed, Context: context, Platform: ocispecs.Platform{OS: "linux", Architecture: platform},
		Python: plan.Python{Version: "3.12.4", Home: "/usr/local/bin"}, Libc: glibc241,
	})
	return p, warnings, err
}

// planSources is the same without the warnings.
func planSources(t *testing.T, spec, platform string, more map[string]string) (*plan.Plan, error) {
	t.Helper()
	p, _, err := warnSources(t, spec, platform, more)
	return p, err
}

func find(t *testing.T, p *plan.Plan, name string) plan.Package {
	t.Helper()
	i := slices.IndexFunc(p.Packages, func(pkg plan.Package) bool { return pkg.Name == name })
	if i < 0 {
		t.Fatalf("%s is not in the plan", name)
	}
	return p.Packages[i]
}

// TestBuilds: how each kind is built, and where it says that it came from: the
// texts of direct_url.json are uv's.
func TestBuilds(t *testing.T) {
	p, err := planSources(t, "builder_options: {install_project: true}", "amd64", nil)
	if err != nil {
		t.Fatal(err)
	}
	const compilers = `"apt":["build-essential","git"]`
	for name, want := range map[string]struct{ kind, build, url string }{
		"linked":   {"archive", `{"subdirectory":"python",` + compilers + `}`, `{"url":"https://example.org/linked-1.0.tar.gz","archive_info":{},"subdirectory":"python"}`},
		"plain":    {"sdist", `{` + compilers + `}`, ""},
		"vendored": {"archive", `{` + compilers + `}`, `{"url":"file:///root/sub/vendor/vendored-5.0.tar.gz","archive_info":{}}`},
		"repo": {
			"git", `{"subdirectory":"py","commit":"0123456789012345678901234567890123456789","ref":"v4",` + compilers + `}`,
			`{"url":"https://example.org/repo","vcs_info":{"vcs":"git","commit_id":"0123456789012345678901234567890123456789","requested_revision":"v4"},"subdirectory":"py"}`,
		},
		"member": {"directory", `{"requires":["hatchling"]}`, `{"url":"file:///root/sub/libs/member","dir_info":{"editable":false}}`},
		"app":    {"directory", `{"requires":["hatchling"]}`, `{"url":"file:///root/sub","dir_info":{"editable":false}}`},
	} {
		pkg := find(t, p, name)
		url := pkg.DirectURL()
		pkg.Build.Exclude = nil
		build, err := json.Marshal(pkg.Build)
		if err != nil || string(build) != want.build || string(pkg.Kind) != want.kind || url != want.url {
			t.Errorf("%s: %s, build %s, direct URL %s, %v\nwant %+v", name, pkg.Kind, build, url, err, want)
		}
	}
	builds, err := json.Marshal(p.Builds)
	if want := `{"constraints":["setuptools\u003c80","wheel\u003e=0.40 ; python_version \u003c '3.12'"],"exclude_newer":"2025-06-01T00:00:00Z"}`; string(builds) != want || err != nil {
		t.Errorf("builds %s, %v, want %s", builds, err, want)
	}
	var layers []string
	for _, layer := range p.Layers {
		layers = append(layers, layer.Name)
	}
	if want := []string{"linked", "plain", "repo", "vendored", "app", "member"}; !slices.Equal(layers, want) {
		t.Errorf("layers %q, want %q", layers, want)
	}
}

// TestRewrittenIndexes: build requirements come from where the indexes are.
func TestRewrittenIndexes(t *testing.T) {
	const mirror = "builder_options: {url_rewrites: {'https://pypi.org/': 'https://mirror.example/pypi/', 'https://files.pythonhosted.org/': 'https://mirror.example/files/'}}\n"
	for spec, want := range map[string][]string{
		"":     nil,
		mirror: {"https://mirror.example/pypi/simple"},
		mirror + "pip_extra_index_url: ['https://more.example/simple']": {"https://mirror.example/pypi/simple", "https://more.example/simple"},
		mirror + "pip_index: https://own.example/simple":                {"https://own.example/simple"},
	} {
		p, err := planSources(t, spec, "amd64", nil)
		if err != nil || !slices.Equal(p.Builds.Indexes, want) {
			t.Errorf("%s: %q, %v, want %q", spec, p.Builds.Indexes, err, want)
		}
	}
}

// TestInstallProject: without it there are only the dependencies.
func TestInstallProject(t *testing.T) {
	p, err := planSources(t, "", "amd64", nil)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(p.Packages, func(pkg plan.Package) bool { return pkg.Name == "app" }) {
		t.Error("the project is installed though nobody asked for it")
	}
}

// TestOwnFiles: of the project at the root of a workspace neither the members
// nor what only describes the image are its own, nor what tools leave.
func TestOwnFiles(t *testing.T) {
	p, err := planSources(t, "builder_options: {install_project: true}", "amd64", nil)
	if err != nil {
		t.Fatal(err)
	}
	root, member := find(t, p, "app").Build.Exclude, find(t, p, "member").Build.Exclude
	for _, pattern := range []string{"libs/member", "uv.lock", "imagespec.yaml", ".git", "**/__pycache__"} {
		if !slices.Contains(root, pattern) {
			t.Errorf("the project is read with %s", pattern)
		}
	}
	for _, pattern := range []string{"uv.lock", "imagespec.yaml", "", "."} {
		if slices.Contains(member, pattern) {
			t.Errorf("the member excludes %q, which is not in it", pattern)
		}
	}
}

// TestCompilers: a folder gets them if its files do not tell that it compiles
// nothing, and what the user says comes first.
func TestCompilers(t *testing.T) {
	const pyproject, setup = "sub/libs/member/pyproject.toml", "sub/libs/member/setup.py"
	build := func(requires string) string { return "[build-system]\nrequires = [" + requires + "]\n" }
	for name, test := range map[string]struct {
		files   map[string]string
		options string
		want    string
	}{
		"hatchling":             {nil, "", ""},
		"setuptools":            {map[string]string{pyproject: build(`"setuptools>=61", "setuptools_scm[toml]>=8"`)}, "", ""},
		"no build-system":       {map[string]string{pyproject: "[project]\nname = \"member\"\n"}, "", ""},
		"Cython":                {map[string]string{pyproject: build(`"setuptools", "Cython>=3"`)}, "", "build-essential git"},
		"maturin":               {map[string]string{pyproject: build(`"maturin>=1"`)}, "", "build-essential git"},
		"an extension":          {map[string]string{pyproject: build(`"setuptools"`), setup: "setup(ext_modules=[Extension('a', ['a.c'])])"}, "", "build-essential git"},
		"an extension, by TOML": {map[string]string{pyproject: build(`"setuptools"`) + "[tool.setuptools]\next-modules = []\n"}, "", "build-essential git"},
		"a build hook":          {map[string]string{pyproject: build(`"hatchling"`) + "[tool.hatch.build.hooks.custom]\n"}, "", "build-essential git"},
		"asked for":             {nil, "builder_options: {build_apt_packages: [libpq-dev, gcc]}", "build-essential gcc git libpq-dev"},
		"refused":               {map[string]string{pyproject: build(`"maturin>=1"`)}, "builder_options: {build_apt_packages: []}", ""},
	} {
		p, err := planSources(t, test.options, "amd64", test.files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(find(t, p, "member").Build.Apt, " "); got != test.want {
			t.Errorf("%s: Debian packages %q, want %q", name, got, test.want)
		}
	}
}

// TestRequires: requirements are known where only pyproject.toml can have any.
func TestRequires(t *testing.T) {
	const pyproject = "sub/libs/member/pyproject.toml"
	system := func(requires, backend string) string {
		return "[build-system]\nrequires = [" + requires + "]\nbuild-backend = \"" + backend + "\"\n"
	}
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"hatchling":             {map[string]string{pyproject: system(`"hatchling==1.27.0"`, "hatchling.build")}, "hatchling==1.27.0"},
		"hatchling with a hook": {map[string]string{pyproject: system(`"hatchling"`, "hatchling.build") + "[tool.hatch.build.hooks.vcs]\n"}, ""},
		"setuptools":            {map[string]string{pyproject: system(`"setuptools>=61"`, "setuptools.build_meta")}, "setuptools>=61, wheel"},
		"setuptools with code":  {map[string]string{pyproject: system(`"setuptools>=61"`, "setuptools.build_meta"), "sub/libs/member/setup.py": "setup()"}, ""},
		"a backend of its own":  {map[string]string{pyproject: system(`"setuptools"`, "setuptools.build_meta") + "backend-path = [\".\"]\n"}, ""},
		"an unknown backend":    {map[string]string{pyproject: system(`"maturin"`, "maturin")}, ""},
		"no build-system":       {map[string]string{pyproject: "[project]\nname = \"member\"\n"}, ""},
	} {
		p, err := planSources(t, "", "amd64", test.files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(find(t, p, "member").Build.Requires, ", "); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestIgnoredSettings: what uv would do is said if it is not done.
func TestIgnoredSettings(t *testing.T) {
	const text = "[project]\nname = \"app\"\n\n[tool.uv.extra-build-dependencies]\nplain = [\"numpy\"]\n"
	_, warnings, err := warnSources(t, "", "amd64", map[string]string{"sub/pyproject.toml": text})
	if err != nil {
		t.Fatal(err)
	}
	const want = "BuildSettingIgnored: tool.uv.extra-build-dependencies is not heeded when packages are built (sub/pyproject.toml:4)"
	if !slices.ContainsFunc(warnings, func(w diag.Warning) bool { return w.String() == want }) {
		t.Errorf("warnings %q, want %q", warnings, want)
	}
}

// TestCheckBuilds: uv runs on amd64 and arm64.
func TestCheckBuilds(t *testing.T) {
	for _, architecture := range []string{"amd64", "arm64"} {
		p, err := planSources(t, "", architecture, nil)
		if err != nil || p.CheckBuilds() != nil {
			t.Errorf("%s: %v, %v", architecture, err, p.CheckBuilds())
		}
	}
	p, err := planSources(t, "", "s390x", nil)
	if err != nil {
		t.Fatal(err)
	}
	found := diag.All(p.CheckBuilds())
	if len(found) != 5 || !strings.Contains(found[0].Msg, "linked 1.0 is locked as archive, and cannot be built for linux/s390x") {
		t.Errorf("%d errors: %v", len(found), found)
	}
}

// TestCannotBeBuilt: what no engine could fetch is an error of the plan.
func TestCannotBeBuilt(t *testing.T) {
	for old, want := range map[string]string{
		"repo?tag=v4&subdirectory=py#":                     "",
		"repo?tag=v4&subdirectory=py&lfs=true#":            "repo 4.0 needs files of Git LFS",
		"repo?tag=v4&path=dist/repo-4.0-py3-none-any.whl#": "repo 4.0 is an archive within a git repository",
	} {
		text := strings.Replace(sourcesLock, "repo?tag=v4&subdirectory=py#", old, 1)
		if strings.Contains(old, "path=") {
			text = strings.Replace(text, "#0123456789012345678901234567890123456789\" }", "#0123456789012345678901234567890123456789\" }\nwheels = [{ filename = \"repo-4.0-py3-none-any.whl\", hash = \"sha256:0000000000000000000000000000000000000000000000000000000000000004\" }]", 1)
		}
		_, err := planSources(t, "", "amd64", map[string]string{"sub/uv.lock": text})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", old, err, want)
		}
	}
}

// TestWheelsAreNotBuilt: everything else is.
func TestWheelsAreNotBuilt(t *testing.T) {
	p, err := planSources(t, "", "amd64", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range p.Packages {
		if (pkg.Kind == lock.KindWheel) != (pkg.Build == nil) {
			t.Errorf("%s is of kind %s, its build is %+v", pkg.Name, pkg.Kind, pkg.Build)
		}
	}
}
