package frontend

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	commonexptypes "github.com/moby/buildkit/exporter/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"
)

// A small project: the lock has a development dependency that no image gets.
const (
	specYAML = `# syntax=imagespec/frontend
name: example
base_image: python:3.12-slim-bookworm
builder_options: {pip: false}
requirements: uv.lock
env:
  GREETING: "hello world"
`
	pyprojectTOML = `[project]
name = "example"
version = "0.1.0"
requires-python = ">=3.10"
dependencies = ["idna"]

[dependency-groups]
dev = ["iniconfig"]

[tool.uv]
package = false
`
	lockTOML = `version = 1
revision = 3
requires-python = ">=3.10"

[[package]]
name = "example"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "idna" },
]

[package.dev-dependencies]
dev = [
    { name = "iniconfig" },
]

[package.metadata]
requires-dist = [{ name = "idna" }]

[package.metadata.requires-dev]
dev = [{ name = "iniconfig" }]

[[package]]
name = "idna"
version = "3.10"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.example/idna-3.10-py3-none-any.whl", hash = "sha256:946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3", size = 70442 },
]

[[package]]
name = "iniconfig"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.example/iniconfig-2.0.0-py3-none-any.whl", hash = "sha256:b6a85871a79d2e3b22d2d1b94ac2824226a63c6b741c88f7ae975f18b6778374", size = 5892 },
]
`
)

// example is a build context with the small project.
func example() map[string]string {
	return map[string]string{"imagespec.yaml": specYAML, "pyproject.toml": pyprojectTOML, "uv.lock": lockTOML}
}

func TestBuild(t *testing.T) {
	e := newEngine(example())
	e.opts["label:team"] = "ml"
	e.opts["cache-from"] = "registry.example/cache"
	e.opts["build-arg:SOURCE_DATE_EPOCH"] = "1700000000"
	res, err := e.build(t)
	if err != nil {
		t.Fatal(err)
	}

	img := config(t, res, exptypes.ExporterImageConfigKey)
	if !slices.Contains(img.Config.Env, "GREETING=hello world") || img.Config.Labels["team"] != "ml" || img.Architecture != "amd64" {
		t.Errorf("image configuration %+v", img)
	}
	if got := string(res.Metadata[commonexptypes.ExporterEpochKey]); got != "1700000000" {
		t.Errorf("epoch %q", got)
	}
	for key, env := range map[string]string{exptypes.ExporterImageBaseConfigKey: "PYTHON_VERSION=3.12.4", exptypes.ExporterImageConfigKey: "PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/nvidia/bin:/usr/local/cuda/bin"} {
		if img := config(t, res, key); !slices.Contains(img.Config.Env, env) {
			t.Errorf("%s has env %q, not %s", key, img.Config.Env, env)
		}
	}
	if len(e.solved) != 1 {
		t.Fatalf("%d images were solved, want 1", len(e.solved))
	}
	req := e.solved[0]
	if len(req.CacheImports) != 1 || req.CacheImports[0].Attrs["ref"] != "registry.example/cache" {
		t.Errorf("cache imports %v", req.CacheImports)
	}
	if wheels := sources(t, req.Definition, "https://"); !slices.Equal(wheels, []string{"https://files.example/idna-3.10-py3-none-any.whl"}) {
		t.Errorf("wheels %v", wheels)
	}
	if bases := sources(t, req.Definition, "docker-image://docker.io/"); len(bases) != 1 || !strings.Contains(bases[0], "@sha256:") {
		t.Errorf("the base is not pinned by digest: %v", bases)
	}
}

// TestEveryOpHasAPlace: an op that fails shows the lines that it comes from.
func TestEveryOpHasAPlace(t *testing.T) {
	e := newEngine(example())
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	def := e.solved[0].Definition
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			t.Fatal(err)
		}
		frontendImage := strings.Contains(op.GetSource().GetIdentifier(), "imagespec/frontend")
		if op.Op == nil || op.GetMerge() != nil || frontendImage {
			continue // joins and the frontend's own image fail for nothing in the file
		}
		if def.Source.Locations[digest.FromBytes(dt).String()] == nil {
			t.Errorf("no location on %v", op.Op)
		}
	}
	var files []string
	for _, info := range def.Source.Infos {
		files = append(files, info.Filename)
	}
	slices.Sort(files)
	if want := []string{"imagespec.yaml", "uv.lock"}; !slices.Equal(files, want) {
		t.Errorf("sources %v, want each of %v once", files, want)
	}
}

// TestOnlyThePlanReachesLLB: what changes nothing of the image changes no
// vertex.
func TestOnlyThePlanReachesLLB(t *testing.T) {
	digests := func(edit func(files map[string]string)) []string {
		files := example()
		edit(files)
		e := newEngine(files)
		if _, err := e.build(t); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, dt := range e.solved[0].Definition.Def {
			all = append(all, digest.FromBytes(dt).String())
		}
		return all
	}
	replace := func(file, old, new string) func(map[string]string) {
		return func(files map[string]string) {
			if !strings.Contains(files[file], old) {
				t.Fatalf("%s has no %q", file, old)
			}
			files[file] = strings.Replace(files[file], old, new, 1)
		}
	}
	before := digests(func(map[string]string) {})
	for name, edit := range map[string]func(map[string]string){
		"a comment in the lock": replace("uv.lock", "version = 1", "# a comment\nversion = 1"),
		"a comment in the spec": replace("imagespec.yaml", "name:", "# a comment\nname:"),
		"the name":              replace("imagespec.yaml", "name: example", "name: other"),
		"a dev dependency":      replace("uv.lock", "b6a8", "c6a8"),
		"the project's version": replace("uv.lock", `version = "0.1.0"`, `version = "0.2.0"`),
		"the environment":       replace("imagespec.yaml", "hello world", "good bye"),
		"another platform's file": replace("uv.lock", "wheels = [", `wheels = [
    { url = "https://files.example/idna-3.10-cp312-cp312-win_amd64.whl", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000", size = 1 },`),
	} {
		if after := digests(edit); !slices.Equal(before, after) {
			t.Errorf("%s changes LLB", name)
		}
	}
	if after := digests(replace("uv.lock", "946d", "046d")); slices.Equal(before, after) {
		t.Error("another wheel changes nothing")
	}
}

func TestPlatforms(t *testing.T) {
	for _, tc := range []struct {
		name, spec, client string
		want               []string
	}{
		{"none", "", "", []string{"linux/amd64"}},
		{"of the spec", "platform: linux/arm64\n", "", []string{"linux/arm64"}},
		{"of the client", "platform: linux/arm64\n", "linux/amd64", []string{"linux/amd64"}},
		{"several", "platform: [linux/amd64, linux/arm64]\n", "", []string{"linux/amd64", "linux/arm64"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files := example()
			files["imagespec.yaml"] += tc.spec
			e := newEngine(files)
			e.anyArch = true
			if tc.client != "" {
				e.opts["platform"] = tc.client
			}
			res, err := e.build(t)
			if err != nil {
				t.Fatal(err)
			}
			var exported exptypes.Platforms
			if err := json.Unmarshal(res.Metadata[exptypes.ExporterPlatformsKey], &exported); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range exported.Platforms {
				got = append(got, p.ID)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("platforms %v, want %v", got, tc.want)
			}
			// The install steps run where the build runs, whatever the target.
			for _, req := range e.solved {
				for _, op := range execs(t, req.Definition) {
					if op.Platform.Architecture != "amd64" {
						t.Errorf("a step runs on %v", op.Platform)
					}
				}
			}
			if (res.Ref == nil) != (len(tc.want) > 1) {
				t.Errorf("single reference %v, %d references", res.Ref, len(res.Refs))
			}
		})
	}
}

func TestNoCache(t *testing.T) {
	for _, tc := range []struct {
		filter string
		want   bool
	}{{"", true}, {"install", true}, {"resolve", false}} {
		e := newEngine(example())
		e.opts["no-cache"] = tc.filter
		if _, err := e.build(t); err != nil {
			t.Fatal(err)
		}
		def := e.solved[0].Definition
		for _, dt := range def.Def {
			var op pb.Op
			if err := op.UnmarshalVT(dt); err != nil {
				t.Fatal(err)
			}
			if meta := def.Metadata[digest.FromBytes(dt).String()]; op.GetExec() != nil && meta.IgnoreCache != tc.want {
				t.Errorf("--no-cache-filter=%s: step has IgnoreCache %v", tc.filter, meta.IgnoreCache)
			}
		}
	}
}

func TestPullResolvesTheBaseAnew(t *testing.T) {
	e := newEngine(example())
	e.opts["image-resolve-mode"] = "pull"
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	if want := "docker.io/library/python:3.12-slim-bookworm pull"; !slices.Contains(e.asked, want) {
		t.Errorf("asked for %v, want %q", e.asked, want)
	}
}

// TestNamedContext: the client can put another image in the place of any that
// the spec names. What the name of the first one tells no longer counts.
func TestNamedContext(t *testing.T) {
	e := newEngine(example())
	e.opts["context:python:3.12-slim-bookworm"] = "docker-image://mirror.example/python:3.12"
	e.bases["mirror.example/python:3.12"] = fakeImage{
		env: []string{"PYTHON_VERSION=3.12.5"}, arch: "amd64",
		files: map[string]string{"lib/ld-musl-x86_64.so.1": "\x001.2.5\x00"},
	}
	e.opts["requestid"] = "frontend.imagespec.plan"
	res, err := e.build(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(res.Metadata["result.json"]); !strings.Contains(got, `"libc": "musl-1.2"`) || !strings.Contains(got, `"version": "3.12.5"`) {
		t.Errorf("plan of the base in the spec, not of the one given:\n%s", got)
	}
}

// TestBaseIsLookedAt: an image that tells nothing in its configuration.
func TestBaseIsLookedAt(t *testing.T) {
	e := newEngine(example())
	e.files["imagespec.yaml"] = strings.Replace(specYAML, "python:3.12-slim-bookworm", "example.com/own:1", 1)
	e.bases["example.com/own:1"] = fakeImage{arch: "amd64", files: map[string]string{
		"usr/bin/python3.11":         "\x003.11.2\x00",
		"lib64/ld-linux-x86-64.so.2": "ld.so (Debian GLIBC 2.36-9) stable release version 2.36.",
	}}
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, op := range execs(t, e.solved[0].Definition) {
		commands = append(commands, strings.Join(op.GetExec().Meta.Args, " "))
	}
	if !slices.ContainsFunc(commands, func(c string) bool {
		return strings.Contains(c, "--home /usr/bin") && strings.Contains(c, "--version 3.11.2")
	}) {
		t.Errorf("commands %q", commands)
	}
}

// TestFreeThreadedBase: only the files of an image tell about a free-threaded
// Python, whatever its configuration says.
func TestFreeThreadedBase(t *testing.T) {
	e := newEngine(example())
	e.files["imagespec.yaml"] = strings.Replace(specYAML, "python:3.12-slim-bookworm", "example.com/own:1\npython_version: 3.14t", 1)
	own := fakeImage{env: []string{"PYTHON_VERSION=3.14.2"}, arch: "amd64", files: map[string]string{
		"usr/local/bin/python3.14":   "\x003.14.2\x00",
		"lib64/ld-linux-x86-64.so.2": "ld.so (Debian GLIBC 2.36-9) stable release version 2.36.",
	}}
	e.bases["example.com/own:1"] = own
	if _, err := e.build(t); err == nil || !strings.Contains(err.Error(), "has no free-threaded Python, such as python3.14t, in its PATH") {
		t.Errorf("a base without one gives %v", err)
	}
	own.files["usr/local/bin/python3.14t"] = "\x003.14.2\x00"
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	for _, op := range execs(t, e.solved[0].Definition) {
		args := op.GetExec().Meta.Args
		if args[0] != "/bin/imagespec-account" && !strings.Contains(strings.Join(args, " "), "3.14t") {
			t.Errorf("%q is not for 3.14t", op.GetExec().Meta.Args)
		}
	}
}

func TestWithoutMergeOp(t *testing.T) {
	e := newEngine(example())
	e.without = []apicaps.CapID{pb.CapMergeOp}
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	for _, dt := range e.solved[0].Definition.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil || op.GetMerge() != nil {
			t.Errorf("merge op for an engine without it (%v)", err)
		}
	}
}

// TestPanicsBecomeErrors: nobody sees what a frontend prints.
func TestPanicsBecomeErrors(t *testing.T) {
	e := newEngine(example())
	e.bases = nil
	e.panics = true
	_, err := e.build(t)
	if err == nil || !strings.Contains(err.Error(), "this is a bug in the frontend") || !strings.Contains(err.Error(), "build.go") {
		t.Errorf("error %v", err)
	}
}

func TestUnknownCapability(t *testing.T) {
	e := newEngine(example())
	e.opts["frontend.caps"] = "moby.buildkit.frontend.contexts+forward,moby.buildkit.frontend.teleport"
	_, err := e.build(t)
	var unsupported *errdefs.UnsupportedFrontendCapError
	if !errors.As(err, &unsupported) || unsupported.Name != "moby.buildkit.frontend.teleport" {
		t.Errorf("error %v", err)
	}
}

// TestMissingWheel: BuildKit says "digest mismatch" for an error page.
func TestMissingWheel(t *testing.T) {
	e := newEngine(example())
	e.fetchStatus = "404 Not Found"
	_, err := e.build(t)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"idna 3.10", "https://files.example/idna-3.10-py3-none-any.whl", "uv.lock:29", "404"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
	if sources := errdefs.Sources(err); len(sources) != 1 || sources[0].Info.Filename != "uv.lock" || sources[0].Ranges[0].Start.Line != 29 {
		t.Errorf("excerpts %v", sources)
	}
}

func TestUnusedBuildArg(t *testing.T) {
	e := newEngine(example())
	for _, name := range []string{"VERSION", "HTTPS_PROXY", "BUILDKIT_INLINE_CACHE"} {
		e.opts["build-arg:"+name] = "1"
	}
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	if want := `UnusedBuildArg: build argument "VERSION" is not used: a spec has no variables`; !slices.Equal(e.warnings, []string{want}) {
		t.Errorf("warnings %q, want %q", e.warnings, want)
	}
}

// TestCredentialsStayOut: what is sent to the engine with an op, and kept in
// provenance, has no credentials of a URL in a file.
func TestCredentialsStayOut(t *testing.T) {
	e := newEngine(example())
	e.files["uv.lock"] = strings.Replace(lockTOML, "https://files.example/idna", "https://user:s3cret@files.example/idna", 1)
	e.files["imagespec.yaml"] += "# https://user:s3cret@index.example\n"
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	if def := e.solved[0].Definition.String(); strings.Contains(def, "s3cret") {
		t.Error("the definition has the password")
	}
}

func sources(t *testing.T, def *pb.Definition, prefix string) []string {
	t.Helper()
	var found []string
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			t.Fatal(err)
		}
		if id := op.GetSource().GetIdentifier(); strings.HasPrefix(id, prefix) {
			found = append(found, id)
		}
	}
	return found
}

func execs(t *testing.T, def *pb.Definition) []*pb.Op {
	t.Helper()
	var found []*pb.Op
	for _, dt := range def.Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(dt); err != nil {
			t.Fatal(err)
		}
		if op.GetExec() != nil {
			found = append(found, op)
		}
	}
	return found
}

var _ client.Client = (*engine)(nil)

// TestBaseWithoutPython: an archive by digest is unpacked below the
// environment, which stands on it.
func TestBaseWithoutPython(t *testing.T) {
	e := newEngine(example())
	e.files["imagespec.yaml"] = strings.Replace(specYAML, "python:3.12-slim-bookworm", "example.com/own:1\npython_version: 3.12", 1)
	own := fakeImage{arch: "amd64", files: map[string]string{
		"lib64/ld-linux-x86-64.so.2": "ld.so (Debian GLIBC 2.36-9) stable release version 2.36.",
	}}
	e.bases["example.com/own:1"] = own
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, op := range execs(t, e.solved[0].Definition) {
		commands = append(commands, strings.Join(op.GetExec().Meta.Args[1:], " "))
	}
	for _, want := range []string{"python --root /out --prefix /opt/python --python 3.12 /python.tar.gz", "--home /opt/python/bin"} {
		if !slices.ContainsFunc(commands, func(c string) bool { return strings.Contains(c, want) }) {
			t.Errorf("commands %q, want %s", commands, want)
		}
	}
	delete(own.files, "lib64/ld-linux-x86-64.so.2")
	if _, err := e.build(t); err == nil || !strings.Contains(err.Error(), "has neither glibc nor musl") {
		t.Errorf("a base without C library gives %v", err)
	}
}
