package plan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/containerd/platforms"
	"golang.org/x/tools/txtar"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/llbgen/export"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// answers is a resolver that knows one version of every package, and what it
// was asked.
type answers struct {
	asked    []*resolve.Request
	packages []string // "name version"
	text     string   // in their place
	failure  string
}

func (a *answers) resolve(r *resolve.Request) ([]byte, error) {
	a.asked = append(a.asked, r)
	if a.failure != "" {
		return nil, &resolve.Failure{Output: a.failure}
	}
	if a.text != "" {
		return []byte(a.text), nil
	}
	text := "lock-version = '1.0'\ncreated-by = 'uv'\npackages = []\n"
	if len(a.packages) > 0 {
		text = strings.Replace(text, "packages = []\n", "", 1)
	}
	for _, pkg := range a.packages {
		name, version, _ := strings.Cut(pkg, " ")
		text += fmt.Sprintf("[[packages]]\nname = %q\nversion = %q\nwheels = [{url = 'https://files.example/%s-%s-py3-none-any.whl', size = 9, hashes = {sha256 = '%064d'}}]\n", name, version, name, version, 1)
	}
	return []byte(text), nil
}

// commitOf knows the refs of a repository on example.com.
func commitOf(repository, ref string, at diag.Range) (string, error) {
	digit, ok := map[string]string{"": "0", "main": "1", "v1.0": "2", "feature/x": "3"}[ref]
	if !ok {
		return "", diag.Errorf(at, "%s of %s cannot be fetched: it is not there", ref, repository)
	}
	return strings.Repeat(digit, 40), nil
}

// planned plans the files of an archive, of which imagespec.yaml is the spec.
func (a *answers) planned(t *testing.T, archive *txtar.Archive) (*plan.Plan, []diag.Warning, error) {
	t.Helper()
	files := fstest.MapFS{}
	for _, f := range archive.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	spec, _, err := imagespec.Parse(&diag.Source{Name: "imagespec.yaml", Data: files["imagespec.yaml"].Data})
	if err != nil {
		t.Fatal(err)
	}
	p, err := platforms.Parse("linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	return plan.Make(plan.Input{
		Spec: spec, Context: files, Platform: p, Base: plan.Base{Ref: "docker.io/library/python:3.12"},
		Python: plan.Python{Version: "3.12.4", Home: "/usr/local/bin"}, Libc: glibc241, Resolve: a.resolve, Commit: commitOf,
		Getenv: func(string) string { return "" },
	})
}

// TestRequests shows what is asked of the resolver for each kind of input, or
// the error. Each archive has the files of a context, and in "want" the request
// without its target, or what is printed.
func TestRequests(t *testing.T) {
	golden.Archives(t, "testdata/requests/*.txtar", 12, func(t *testing.T, archive *txtar.Archive) string {
		a := &answers{packages: []string{"idna 3.10"}}
		_, warnings, err := a.planned(t, archive)
		got := diag.Format(err) + "\n"
		if err == nil {
			got = shown(t, a.asked) + listed(warnings)
		}
		if strings.Contains(got, "s3cret") {
			t.Errorf("a secret is shown:\n%s", got)
		}
		return got
	})
}

// shown gives requests as JSON, without the target, which is always the same.
func shown(t *testing.T, requests []*resolve.Request) string {
	t.Helper()
	var b strings.Builder
	for _, r := range requests {
		r.Target = resolve.Target{}
		data, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(strings.Replace(string(data), ",\n  \"target\": {\n    \"python\": \"\",\n    \"machine\": \"\",\n    \"libc\": \"\"\n  }", "", 1) + "\n")
	}
	return b.String()
}

func listed(warnings []diag.Warning) string {
	var b strings.Builder
	for _, w := range warnings {
		fmt.Fprintf(&b, "%s\n", w)
	}
	return b.String()
}

// TestFlytekit: it is added to what is resolved, and to nothing else.
func TestFlytekit(t *testing.T) {
	for _, tc := range []struct{ spec, want string }{
		{"packages: [pandas]", "pandas flytekit"},
		{"packages: [pandas, Flyte_Kit, flytekitplugins-spark]", "pandas Flyte_Kit flytekitplugins-spark flytekit"},
		{"packages: ['FlyteKit[x]>=1.10']", "FlyteKit[x]>=1.10"},
		{"packages: [pandas]\nbuilder_options: {flytekit: false}", "pandas"},
		{"packages: [pandas]\nbuilder_options: {flytekit: 1.16.24}", "pandas flytekit==1.16.24"},
		{"packages: [pandas]\nbuilder_options: {flytekit: true}", "pandas flytekit"},
		{"builder_options: {flytekit: true}", "flytekit"},
		{"packages: []", ""},
		{"builder_options: {flytekit: false}", ""},
	} {
		a := &answers{}
		if _, _, err := a.planned(t, &txtar.Archive{Files: []txtar.File{{Name: "imagespec.yaml", Data: []byte(tc.spec + "\n")}}}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range a.asked {
			for _, line := range r.Requirements {
				got = append(got, line.Text)
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%q asks for %q, want %q", tc.spec, got, tc.want)
		}
	}
}

// onLock plans packages on top of a lock with idna 3.10 and rich 13.0.
func onLock(t *testing.T, a *answers, rest string) (*plan.Plan, []diag.Warning, error) {
	t.Helper()
	locked := &answers{packages: []string{"idna 3.10", "rich 13.0"}}
	text, err := locked.resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.planned(t, &txtar.Archive{Files: []txtar.File{
		{Name: "imagespec.yaml", Data: []byte("requirements: pylock.toml\n" + rest + "\n")},
		{Name: "pylock.toml", Data: text},
		{Name: "lib/pyproject.toml", Data: []byte("[project]\nname = 'lib'\nversion = '1'\n")},
	}})
}

// TestPackagesOnLock: what the lock has stays, what it lacks is added.
func TestPackagesOnLock(t *testing.T) {
	a := &answers{packages: []string{"idna 3.10", "httpx 0.28"}}
	p, warnings, err := onLock(t, a, "packages: [idna>=3, httpx, 'colorama; sys_platform == \"win32\"']")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, pkg := range p.Packages {
		got = append(got, pkg.Name+" "+pkg.Version)
	}
	if want := []string{"httpx 0.28", "idna 3.10", "rich 13.0"}; !slices.Equal(got, want) || p.Lock != "pylock.toml" {
		t.Errorf("%q from %q", got, p.Lock)
	}
	r := a.asked[0]
	if len(r.Requirements) != 1 || r.Requirements[0].Text != "httpx" || len(r.Constraints) != 2 || r.Constraints[1].Text != "rich==13.0" {
		t.Errorf("asked %+v", r)
	}
	if len(warnings) != 1 || warnings[0].Rule != plan.NotLocked || warnings[0].At.Line != 2 {
		t.Errorf("warnings %v", warnings)
	}
	none := &answers{}
	if _, warnings, err = onLock(t, none, "packages: [idna, rich==13.*]\npip_extra_args: --pre"); err != nil || len(none.asked) != 0 {
		t.Errorf("%v, asked %d times for what the lock has", err, len(none.asked))
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0].Msg, "--pre has no effect: pylock.toml has chosen") {
		t.Errorf("warnings %v", warnings)
	}
}

// TestContradiction names both sides.
func TestContradiction(t *testing.T) {
	a := &answers{}
	_, _, err := onLock(t, a, "packages:\n- httpx\n- rich>=14")
	found := diag.All(err)
	if !errors.Is(err, lock.Conflict) || len(a.asked) != 0 || len(found) != 1 ||
		found[0].At[0].String() != "imagespec.yaml:4" || found[0].At[1].String() != "pylock.toml:7" {
		t.Errorf("%v", diag.Format(err))
	}
	a = &answers{failure: "error: No solution\n  cause: httpx depends on rich<12 and you require rich==13.0"}
	_, _, err = onLock(t, a, "packages:\n- httpx\n- attrs")
	found = diag.All(err)
	if len(found) != 1 || len(found[0].At) != 2 || found[0].At[0].String() != "imagespec.yaml:3" || found[0].At[1].String() != "pylock.toml:7" {
		t.Errorf("%v", diag.Format(err))
	}
}

// TestFolderOnLock: what the lock has from an index is not taken from a folder.
func TestFolderOnLock(t *testing.T) {
	folder := func(name string) *answers {
		return &answers{text: fmt.Sprintf("lock-version = '1.0'\ncreated-by = 'uv'\n[[packages]]\nname = %q\ndirectory = { path = 'lib' }\n", name)}
	}
	p, _, err := onLock(t, folder("own"), "packages: [./lib]")
	if err != nil || len(p.Packages) != 3 || p.Packages[1].Path != "lib" {
		t.Errorf("%+v, %v", p, err)
	}
	_, _, err = onLock(t, folder("rich"), "packages: [./lib]")
	if !errors.Is(err, lock.Conflict) || !strings.Contains(err.Error(), "packages asks for rich from elsewhere, but pylock.toml has rich 13.0") {
		t.Error(diag.Format(err))
	}
}

// TestPylock: a lock that is made of plans gives the same packages.
func TestPylock(t *testing.T) {
	a := &answers{packages: []string{"idna 3.10", "rich 13.0"}}
	spec := &txtar.Archive{Files: []txtar.File{{Name: "imagespec.yaml", Data: []byte("packages: [rich]\nbuilder_options: {flytekit: false}\n")}}}
	p, _, err := a.planned(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	text := export.Pylock([]*plan.Plan{p})
	spec.Files = []txtar.File{{Name: "imagespec.yaml", Data: []byte("requirements: pylock.toml\n")}, {Name: "pylock.toml", Data: text}}
	again, warnings, err := a.planned(t, spec)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v, %v\n%s", err, warnings, text)
	}
	if len(again.Packages) != 2 || again.Packages[1].URL != p.Packages[1].URL || again.Packages[1].SHA256 != p.Packages[1].SHA256 {
		t.Errorf("%+v", again.Packages)
	}
}

// TestRewrites: the longest beginning counts.
func TestRewrites(t *testing.T) {
	spec, _, err := imagespec.Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(
		"builder_options:\n  url_rewrites:\n    https://a.example/: https://b.example/\n    https://a.example/files/: http://c.example:8080/x/\n")})
	if err != nil {
		t.Fatal(err)
	}
	rewrites := plan.RewritesOf(spec)
	for url, want := range map[string]string{
		"https://a.example/simple":    "https://b.example/simple",
		"https://a.example/files/a/b": "http://c.example:8080/x/a/b",
		"https://a.example.org/":      "https://a.example.org/",
	} {
		if got := rewrites.Apply(url); got != want {
			t.Errorf("%s is fetched from %s, want %s", url, got, want)
		}
	}
}
