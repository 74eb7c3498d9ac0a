package llbgen

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pelletier/go-toml/v2"

	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// sources is the example plan with a package of each kind that is built.
func sources() *plan.Plan {
	p := example()
	p.Base.Env = []string{"PATH=/opt/conda/bin:/usr/bin", "CUDA_HOME=/usr/local/cuda"}
	p.Builds = &plan.Builds{Constraints: []string{"setuptools<80"}, Indexes: []string{"https://index.example/simple", "https://more.example/simple"}, ExcludeNewer: "2025-06-01T00:00:00Z"}
	compilers := []string{"build-essential", "git"}
	for _, pkg := range []plan.Package{
		{
			Name: "plain", Version: "3.0", Kind: lock.KindSdist, File: "plain-3.0.tar.gz", URL: "https://files.example/plain-3.0.tar.gz", SHA256: sha("plain"),
			Build: &plan.Build{Apt: compilers},
		},
		{
			Name: "my-repo", Version: "4.0", Kind: lock.KindGit, URL: "https://example.org/repo",
			Build: &plan.Build{Apt: compilers, Commit: strings.Repeat("1", 40), Subdirectory: "py"},
		},
		{Name: "tree", Kind: lock.KindDirectory, Path: "libs/tree", Build: &plan.Build{Exclude: []string{".git"}}},
	} {
		pkg.Group = pkg.Name
		p.Packages = append(p.Packages, pkg)
		p.Layers = append(p.Layers, plan.Layer{Name: pkg.Name, Packages: []string{pkg.Name}})
	}
	return p
}

func sourceOptions() Options {
	opt := options(string(pb.CapMergeOp))
	opt.Trees = map[string]llb.State{"tree": llb.Local("context")}
	return opt
}

// running gives the ops that run a command which contains some text.
func running(t *testing.T, p *plan.Plan, opt Options, text string) []*pb.Op {
	t.Helper()
	return slices.DeleteFunc(ops(t, marshal(t, p, opt)), func(op *pb.Op) bool {
		return op.GetExec() == nil || !strings.Contains(strings.Join(op.GetExec().Meta.Args, " "), text)
	})
}

// TestBuildSteps: requirements are installed with a network, wheels are built
// without one, both on the target platform and as root; nothing else has one.
func TestBuildSteps(t *testing.T) {
	opt := sourceOptions()
	opt.BuildPlatform.Architecture = "arm64"
	requires, builds := running(t, sources(), opt, "build.py requires"), running(t, sources(), opt, "build.py wheel")
	if len(requires) != 3 || len(builds) != 3 || len(running(t, sources(), opt, "imagespec-scripts/apt")) != 1 {
		t.Fatalf("%d steps for requirements, %d builds", len(requires), len(builds))
	}
	for _, op := range slices.Concat(requires, builds) {
		exec := op.GetExec()
		if (exec.Network == pb.NetMode_NONE) != slices.Contains(exec.Meta.Args, "wheel") {
			t.Errorf("%q has network %v", exec.Meta.Args, exec.Network)
		}
		if op.Platform.Architecture != "amd64" || exec.Meta.User != "0:0" || exec.Meta.Cwd != "/" {
			t.Errorf("%q runs on %v as %s in %s", exec.Meta.Args, op.Platform, exec.Meta.User, exec.Meta.Cwd)
		}
		for _, want := range []string{"CUDA_HOME=/usr/local/cuda", "SOURCE_DATE_EPOCH=315532800", "PYTHONHASHSEED=0"} {
			if !slices.Contains(exec.Meta.Env, want) {
				t.Errorf("%q lacks %s", exec.Meta.Args, want)
			}
		}
	}
	var wanted []string
	for _, op := range builds {
		wanted = append(wanted, op.GetExec().Meta.Args[len(op.GetExec().Meta.Args)-1])
		if !slices.Contains(op.GetExec().Meta.Env, "PATH=/build/env/bin:/opt/conda/bin:/usr/bin") {
			t.Errorf("environment %q", op.GetExec().Meta.Env)
		}
	}
	slices.Sort(wanted)
	if want := []string{"my-repo==4.0", "plain==3.0", "tree"}; !slices.Equal(wanted, want) {
		t.Errorf("built are %q, want %q", wanted, want)
	}
	for _, want := range []string{
		"CONSTRAINTS=setuptools<80", "UV_DEFAULT_INDEX=https://index.example/simple", "UV_INDEX=https://more.example/simple", "UV_EXCLUDE_NEWER=2025-06-01T00:00:00Z",
	} {
		if !slices.Contains(requires[0].GetExec().Meta.Env, want) {
			t.Errorf("requirements are resolved without %s", want)
		}
	}
}

// TestBuildLogins: the step that installs build requirements has the secrets for
// its indexes on every platform, the one that builds has none, and neither has
// a program of the frontend's own platform.
func TestBuildLogins(t *testing.T) {
	p := sources()
	p.Secrets = []plan.Secret{{ID: "secret_0", Target: "/root/.netrc"}}
	for _, architecture := range []string{"amd64", "arm64"} {
		opt := sourceOptions()
		opt.BuildPlatform.Architecture = architecture
		for command, want := range map[string][]string{
			"build.py requires": {
				"HTTP_AUTH_HEADER_index.example", "HTTP_AUTH_HEADER_more.example", "HTTP_AUTH_TOKEN_index.example", "HTTP_AUTH_TOKEN_more.example",
				"ca-certificates", "netrc", "secret_0",
			},
			"build.py wheel": nil,
		} {
			for _, op := range running(t, p, opt, command) {
				var ids []string
				for _, m := range op.GetExec().Mounts {
					if m.SecretOpt != nil {
						ids = append(ids, m.SecretOpt.ID)
					}
					if m.Dest == resolverPath {
						t.Errorf("%s on %s has %s", command, architecture, m.Dest)
					}
				}
				if slices.Sort(ids); !slices.Equal(ids, want) {
					t.Errorf("%s on %s has the secrets %q, want %q", command, architecture, ids, want)
				}
			}
		}
	}
}

// TestLogIn: a build has uv log in as a resolution does.
func TestLogIn(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const program = `
import json, os, build
build.log_in()
print(json.dumps({k: v for k, v in os.environ.items() if k in ("NETRC", "UV_CREDENTIALS_DIR")}))`
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, files := range map[string]map[string]string{
		"nothing":                 nil,
		"a header":                {"auth/own.example/header": basic("bob:s3cret") + "\n"},
		"any password":            {"auth/own.example/header": basic("bob:\"pä\\ss:'wörd'\t")},
		"a header that is bearer": {"auth/own.example/header": "bearer  t0ken"},
		"a token":                 {"auth/own.example/token": "t0ken\n"},
		"an empty token":          {"auth/own.example/token": ""},
		"header before token":     {"auth/own.example/header": basic("bob:s3cret"), "auth/own.example/token": "t0ken"},
		"two hosts":               {"auth/own.example/token": "t0ken", "auth/More.example/header": basic("eve:x")},
		"another host":            {"auth/other.example/token": "t0ken"},
		"another scheme":          {"auth/own.example/header": "Digest x"},
		"no base64":               {"auth/own.example/header": "Basic !"},
		"no password":             {"auth/own.example/header": basic("bob")},
		"a netrc":                 {"netrc": "machine own.example login bob password s3cret"},
	} {
		dir := t.TempDir()
		secrets := resolver.Secrets(filepath.Join(dir, "secrets"))
		for name, text := range files {
			file := filepath.Join(string(secrets), name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		reference := t.TempDir()
		want, err := secrets.Env(reference, []string{"https://own.example:8443/simple", "https://More.example/simple"})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, "-B", "-c", program)
		cmd.Dir = "scripts"
		cmd.Env = []string{"IMAGESPEC_SECRETS=" + string(secrets), "UV_DEFAULT_INDEX=https://own.example:8443/simple", "UV_INDEX=https://More.example/simple"}
		output, err := cmd.CombinedOutput()
		var set map[string]string
		if err != nil || json.Unmarshal(output, &set) != nil {
			t.Errorf("%s: %v\n%s", name, err, output)
			continue
		}
		var got []string
		for key, value := range set {
			if value != "/root/.netrc" { // of whoever runs the test
				got = append(got, key+"="+strings.ReplaceAll(value, dir, reference))
			}
		}
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], dir, reference)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: environment %q, of a resolution %q", name, got, want)
		}
		if got, want := credentials(t, dir), credentials(t, reference); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: credentials %v, of a resolution %v", name, got, want)
		}
	}
}

// credentials reads what uv is given, nil if that is nothing.
func credentials(t *testing.T, dir string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "credentials.toml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var store map[string]any
	if err := errors.Join(err, toml.Unmarshal(data, &store)); err != nil {
		t.Fatal(err)
	}
	return store
}

// TestVersionOfTheLock: backends that ask a version control system are told
// the version instead.
func TestVersionOfTheLock(t *testing.T) {
	for _, op := range running(t, sources(), sourceOptions(), "build.py wheel my-repo") {
		for _, want := range []string{"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_MY_REPO=4.0", "SUBDIRECTORY=py"} {
			if !slices.Contains(op.GetExec().Meta.Env, want) {
				t.Errorf("no %s in %q", want, op.GetExec().Meta.Env)
			}
		}
	}
}

// TestBuildIsKeyedByItsOwn: another package, another base for the steps that
// install, the place in the lock or in the plan change no build.
func TestBuildIsKeyedByItsOwn(t *testing.T) {
	before := builtOps(t, sources())
	changed := sources()
	changed.Packages = append([]plan.Package{wheel("aiohttp", "3.9.5", "+1")}, changed.Packages...)
	changed.Layers[0].Packages = []string{"aiohttp", "anyio", "idna"}
	if after := builtOps(t, changed); !slices.EqualFunc(before, after, bytes.Equal) {
		t.Error("another package has changed a build")
	}
	constrained := sources()
	constrained.Builds.Constraints = []string{"setuptools<70"}
	if slices.EqualFunc(before, builtOps(t, constrained), bytes.Equal) {
		t.Error("another constraint has changed no build")
	}
}

// builtOps gives the definition of the wheel of the sdist.
func builtOps(t *testing.T, p *plan.Plan) [][]byte {
	t.Helper()
	g := generator{plan: p, Options: sourceOptions()}
	i := slices.IndexFunc(p.Packages, func(pkg plan.Package) bool { return pkg.Name == "plain" })
	_, wheel := g.built(p.Packages[i])
	def, err := wheel.Marshal(context.Background(), llb.Platform(amd64))
	if err != nil {
		t.Fatal(err)
	}
	return def.Def
}

// TestBuildSources: a commit is fetched by its id with its .git, a file by its
// digest.
func TestBuildSources(t *testing.T) {
	var found []string
	for _, op := range ops(t, marshal(t, sources(), sourceOptions())) {
		source := op.GetSource()
		if source == nil {
			continue
		}
		if strings.HasPrefix(source.Identifier, "git://") {
			found = append(found, source.Identifier+" "+source.Attrs[pb.AttrFullRemoteURL]+" "+source.Attrs[pb.AttrKeepGitDir])
		}
		if strings.HasSuffix(source.Identifier, ".tar.gz") {
			found = append(found, source.Attrs[pb.AttrHTTPChecksum])
		}
	}
	slices.Sort(found)
	want := []string{"git://example.org/repo#" + strings.Repeat("1", 40) + " https://example.org/repo true", "sha256:" + sha("plain")}
	if !slices.Equal(found, want) {
		t.Errorf("sources %q, want %q", found, want)
	}
}

// TestRemote: the ways in which locks write repositories.
func TestRemote(t *testing.T) {
	for _, tc := range []struct {
		repository, host string
		ssh              bool
	}{
		{"https://git.example:8443/team/a.git", "git.example:8443", false},
		{"ssh://git@git.example:2222/team/a.git", "git.example:2222", true},
		{"git@git.example:team/a.git", "git.example", true},
		{"nonsense", "nonsense", false},
	} {
		if host, ssh := Remote(tc.repository); host != tc.host || ssh != tc.ssh {
			t.Errorf("%s is on %s, over ssh: %t", tc.repository, host, ssh)
		}
	}
}

// TestRewrittenRepository: a commit is fetched from elsewhere, which is all that
// changes, and is recorded as that of the lock.
func TestRewrittenRepository(t *testing.T) {
	p := sources()
	p.Rewrites = plan.Rewrites{{From: "https://example.org/", To: "https://mirror.example/git/"}}
	before := unplaced(t, sources())
	if !slices.Equal(unplaced(t, p), before) {
		t.Error("a step has changed")
	}
	if len(running(t, p, sourceOptions(), `--origin my-repo={"url":"https://example.org/repo"`)) != 1 {
		t.Error("the installer is told another origin")
	}
	var found []string
	for _, op := range ops(t, marshal(t, p, sourceOptions())) {
		if source := op.GetSource(); strings.HasPrefix(source.GetIdentifier(), "git://") {
			found = append(found, source.Attrs[pb.AttrFullRemoteURL])
		}
	}
	if want := []string{"https://mirror.example/git/repo"}; !slices.Equal(found, want) {
		t.Errorf("fetched from %q, want %q", found, want)
	}
}

// unplaced gives all steps of a plan without their inputs, which a source has with
// its URL, though it is keyed without.
func unplaced(t *testing.T, p *plan.Plan) []string {
	t.Helper()
	var all []string
	for _, op := range running(t, p, sourceOptions(), "") {
		op.Inputs = nil
		all = append(all, op.String())
	}
	slices.Sort(all)
	return all
}

// TestNoCacheBuild: --no-cache-filter build resolves requirements anew, and
// with them everything that is built.
func TestNoCacheBuild(t *testing.T) {
	opt := sourceOptions()
	opt.NoCache = func(step string) bool { return step == BuildStep }
	def, err := State(sources(), opt).Marshal(context.Background(), llb.Platform(amd64))
	if err != nil {
		t.Fatal(err)
	}
	ignored := 0
	for _, meta := range def.Metadata {
		if meta.IgnoreCache {
			ignored++
		}
	}
	if ignored != 6 {
		t.Errorf("%d steps ignore the cache, want two for each of three packages", ignored)
	}
}
