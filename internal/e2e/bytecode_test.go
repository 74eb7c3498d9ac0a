package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/testengine"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// layersWith gives the digests of an image's layers whose entry of history
// begins with a word: "install" or "compile". There has to be one entry per
// layer.
func layersWith(t *testing.T, image *testengine.Image, word string) []string {
	t.Helper()
	var digests []string
	n := 0
	for _, h := range image.Config.History {
		if h.EmptyLayer {
			continue // of the base, all of ours have folders
		}
		if n < len(image.Layers) && strings.HasPrefix(h.CreatedBy, word+" ") {
			digests = append(digests, image.Layers[n].Digest.String())
		}
		n++
	}
	if n != len(image.Layers) {
		t.Errorf("%d entries of history for %d layers", n, len(image.Layers))
	}
	return digests
}

// bytecodeFiles gives the bytecode that an image has below the environment.
func bytecodeFiles(t *testing.T, image *testengine.Image) []testengine.File {
	t.Helper()
	var found []testengine.File
	for _, layer := range image.Layers {
		for _, f := range layer.Files(t) {
			if strings.HasPrefix(f.Name, "opt/venv/") && strings.HasSuffix(f.Name, ".pyc") {
				found = append(found, f)
			}
		}
	}
	return found
}

// loadAll loads the code of every module that has bytecode, as an import by the
// image's user does, and prints those that Python compiles all the same or
// that were compiled at another path.
const loadAll = `
import importlib.machinery, importlib.util, os, sys
site = next(p for p in sys.path if p.startswith("/opt/venv/"))
stale = good = 0
for folder, _, files in os.walk(site):
    for name in files:
        module = os.path.join(folder, name)
        if not name.endswith(".py") or not os.path.exists(importlib.util.cache_from_source(module)):
            continue
        loader = importlib.machinery.SourceFileLoader("m", module)
        compiled = []
        loader.source_to_code = lambda *args, **kwargs: compiled.append(1)
        loader._cache_bytecode = lambda *args, **kwargs: None
        code = loader.get_code("m")
        if compiled or code.co_filename != module:
            stale += 1
            print(module)
        else:
            good += 1
print(good, "good,", stale, "stale")
`

// TestBytecode: all modules have bytecode that Python takes, with the modes
// and times of everything else, in layers that are also the same when done
// again.
func TestBytecode(t *testing.T) {
	p := example(t, testengine.Start(t), "science")
	p.build(t)
	image := p.engine.Image(t, p.image, "")
	compiled := layersWith(t, image, "compile")
	if len(compiled) == 0 || len(compiled) != len(layersWith(t, image, "install")) {
		t.Errorf("%d layers of bytecode for %d of packages", len(compiled), len(layersWith(t, image, "install")))
	}
	files := bytecodeFiles(t, image)
	if len(files) < 5000 {
		t.Errorf("only %d modules are compiled", len(files))
	}
	lines := strings.Split(strings.TrimSpace(p.run(t, "python", "-c", loadAll)), "\n")
	if last := lines[len(lines)-1]; !strings.HasSuffix(last, " good, 0 stale") || strings.HasPrefix(last, "0 ") {
		t.Errorf("%s:\n%s", last, strings.Join(lines[:min(20, len(lines)-1)], "\n"))
	}
	t.Logf("%d modules, %s", len(files), lines[len(lines)-1])
	checkSameTree(t, image)

	p.solve(t, "no-cache", "install")
	again := p.engine.Image(t, p.image, "")
	if got := layersWith(t, again, "compile"); !slices.Equal(got, compiled) {
		t.Errorf("layers %q, done again they are %q", compiled, got)
	}
}

// checkSameTree: a folder is the same in all layers, and bytecode is as old as
// its folder.
func checkSameTree(t *testing.T, image *testengine.Image) {
	t.Helper()
	folders := map[string]testengine.File{}
	for _, layer := range image.Layers {
		for _, f := range layer.Files(t) {
			if !strings.HasPrefix(f.Name, "opt/") || !f.Mode.IsDir() {
				continue
			}
			before, known := folders[f.Name]
			if known && (before.Mode != f.Mode || !before.ModTime.Equal(f.ModTime) || before.UID != f.UID || before.GID != f.GID) {
				t.Errorf("%s is %+v in one layer and %+v in another", f.Name, before, f)
			}
			folders[f.Name] = f
		}
	}
	for _, f := range bytecodeFiles(t, image) {
		folder := folders[path.Dir(f.Name)]
		if !f.ModTime.Equal(folder.ModTime) || f.UID != 0 || f.GID != 0 || f.Mode.Perm() != folder.Mode.Perm()&0o666 {
			t.Errorf("%+v in %+v", f, folder)
		}
	}
}

// TestBytecodeLikeUV: the same modules have bytecode as after uv's
// --compile-bytecode of the same packages.
func TestBytecodeLikeUV(t *testing.T) {
	uv, err := exec.LookPath("uv")
	if err != nil {
		t.Skip("needs uv, which make deps installs")
	}
	python, err := exec.LookPath("python3.11")
	if err != nil || exec.Command(python, "-c", "").Run() != nil {
		t.Skip("needs a python3.11, as the base has")
	}
	p := example(t, testengine.Start(t), "hello")
	p.edit(t, "imagespec.yaml", func(text string) string { return text + "builder_options: {pip: false}\n" })
	p.build(t)
	var got []string
	for _, f := range bytecodeFiles(t, p.engine.Image(t, p.image, "")) {
		_, name, _ := strings.Cut(f.Name, "/site-packages/")
		got = append(got, name)
	}
	slices.Sort(got)

	venv := filepath.Join(t.TempDir(), "venv")
	cmd := exec.Command(uv, "sync", "--frozen", "--no-dev", "--no-install-project", "--compile-bytecode", "--quiet", "--python", python)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "UV_PROJECT_ENVIRONMENT="+venv)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("uv: %v\n%s", err, text)
	}
	var want []string
	site := filepath.Join(venv, "lib", "python3.11", "site-packages")
	err = filepath.WalkDir(site, func(name string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(name, ".pyc") {
			want = append(want, strings.TrimPrefix(name, site+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// uv's own start-up file of an environment, which has no modules of packages.
	want = slices.DeleteFunc(want, func(name string) bool { return strings.HasPrefix(name, "__pycache__/_virtualenv.") })
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d modules have bytecode, with uv %d:\n%s\n%s", len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	t.Logf("%d modules", len(got))
}

// TestBytecodeOff: the spec can do without.
func TestBytecodeOff(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.edit(t, "imagespec.yaml", func(text string) string { return text + "builder_options: {compile_bytecode: false}\n" })
	p.build(t)
	image := p.engine.Image(t, p.image, "")
	if files, layers := bytecodeFiles(t, image), layersWith(t, image, "compile"); len(files) != 0 || len(layers) != 0 {
		t.Errorf("%d modules are compiled, in %d layers", len(files), len(layers))
	}
}

// TestBytecodeSurvivesTheEpoch: the exporter makes all files as old as the
// epoch, and Python still takes the bytecode.
func TestBytecodeSurvivesTheEpoch(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.replace(t, "imagespec.yaml", "entrypoint:", "# entrypoint:")
	for _, epoch := range []string{"0", "1700000000"} {
		p.build(t, "--build-arg", "SOURCE_DATE_EPOCH="+epoch,
			"--output", "type=image,push=true,rewrite-timestamp=true,name="+p.image)
		got := strings.TrimSpace(p.run(t, "python", "-c", loadAll))
		if !strings.HasSuffix(got, " good, 0 stale") || strings.HasPrefix(got, "0 ") {
			t.Errorf("with epoch %s: %s", epoch, got)
		}
	}
}

// TestBytecodeOfAnotherPlatform: it is the same on every architecture, and the
// Python of the build's platform makes it.
func TestBytecodeOfAnotherPlatform(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	var layers [][]string
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		p.build(t, "--platform", platform)
		layers = append(layers, layersWith(t, p.engine.Image(t, p.image, platform), "compile"))
	}
	if len(layers[0]) == 0 || len(layers[0]) != len(layers[1]) {
		t.Fatalf("%d layers for one platform, %d for the other", len(layers[0]), len(layers[1]))
	}
	same := 0
	for i := range layers[0] {
		if layers[0][i] == layers[1][i] {
			same++
		}
	}
	if same == 0 {
		t.Errorf("no layer is the same for both:\n%q\n%q", layers[0], layers[1])
	}
	t.Logf("%d of %d layers are the same", same, len(layers[0]))
}

// file writes a file into a folder of its own.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNewBaseCompilesOnly: with another base of the same Python all modules are
// compiled again, but no wheel is fetched or installed.
func TestNewBaseCompilesOnly(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.build(t)
	before := p.engine.Image(t, p.image, "")
	base := strings.TrimSuffix(p.image, ":latest") + "-base:latest"
	dockerfile := fmt.Sprintf("FROM python:3.11-slim-bookworm\nRUN echo %d > /new\n", time.Now().UnixNano())
	built, err := p.engine.Build(t, filepath.Dir(file(t, "Dockerfile", dockerfile)),
		"--provenance=false", "--output", "type=image,push=true,name="+base)
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	p.takeWheelsAway(t, "")
	p.replace(t, "imagespec.yaml", "python:3.11-slim-bookworm", base)
	steps := ran(p.solve(t))
	if len(steps) == 0 {
		t.Error("nothing is compiled again")
	}
	for _, step := range steps {
		if !strings.Contains(step, " compile ") {
			t.Errorf("done again: %s", step)
		}
	}
	after := p.engine.Image(t, p.image, "")
	for _, word := range []string{"create", "install", "compile"} {
		if got, want := layersWith(t, after, word), layersWith(t, before, word); !slices.Equal(got, want) {
			t.Errorf("layers of %q are %q, were %q", word, got, want)
		}
	}
}

// TestLayerWithoutModules: a layer with nothing to compile has a layer of
// bytecode all the same, so that layers and history stay in step.
func TestLayerWithoutModules(t *testing.T) {
	p := example(t, testengine.Start(t), "direct")
	var wheel bytes.Buffer
	archive := zip.NewWriter(&wheel)
	for _, f := range [][2]string{
		{"greeting/libgreeting.so", "\x7fELF"},
		{"greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n"},
		{"greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{"greeting-1.0.dist-info/RECORD", "greeting/libgreeting.so,,\ngreeting-1.0.dist-info/METADATA,,\ngreeting-1.0.dist-info/WHEEL,,\ngreeting-1.0.dist-info/RECORD,,\n"},
	} {
		w, err := archive.Create(f[0])
		if err == nil {
			_, err = io.WriteString(w, f[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "wheels", "greeting-1.0-py3-none-any.whl"), wheel.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	p.edit(t, "uv.lock", func(text string) string {
		return regexp.MustCompile(`(greeting.*)sha256:[0-9a-f]+`).ReplaceAllString(text, "${1}"+digest.FromBytes(wheel.Bytes()).String())
	})
	p.build(t)
	image := p.engine.Image(t, p.image, "")
	if got := layersWith(t, image, "compile"); len(got) != 3 {
		t.Errorf("%d layers of bytecode, want 3, pip's among them", len(got))
	}
	for _, f := range bytecodeFiles(t, image) {
		if strings.Contains(f.Name, "greeting") {
			t.Errorf("%s is compiled", f.Name)
		}
	}
}

// TestCopiedLayers: where an engine cannot merge, the layers have the same
// bytes.
func TestCopiedLayers(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.build(t)
	merged := p.engine.Image(t, p.image, "")
	built, err := p.engine.Build(t, p.dir, "-f", filepath.Join(p.dir, "imagespec.yaml"), "--call=imagespec.plan,format=json")
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	var planned plan.Plan
	if err := json.NewDecoder(strings.NewReader(built.Output[strings.Index(built.Output, "{"):])).Decode(&planned); err != nil {
		t.Fatal(err)
	}
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	base := llb.Image(planned.Base.Ref, llb.Platform(platform))
	def, err := llbgen.State(&planned, llbgen.Options{
		NoCache:       func(string) bool { return false },
		Base:          base,
		Helper:        llb.Image(p.engine.FrontendRef(t)),
		Compiler:      llbgen.Compiler{Root: base, Python: planned.Python},
		BuildPlatform: platform,
		Caps:          pb.Caps.CapSet(nil), // no MergeOp, as nothing else
		Locate:        func(diag.Range) llb.ConstraintsOpt { return llb.WithDescription(nil) },
	}).Marshal(t.Context(), llb.Platform(platform))
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Replace(p.image, ":latest", ":copied", 1)
	if _, err := p.engine.Solve(t, def, client.SolveOpt{
		Exports: []client.ExportEntry{{Type: "image", Attrs: map[string]string{"name": name, "push": "true"}}},
	}); err != nil {
		t.Fatal(err)
	}
	copied := p.engine.Image(t, name, "")
	if len(copied.Layers) != len(merged.Layers) {
		t.Fatalf("%d layers copied, %d merged", len(copied.Layers), len(merged.Layers))
	}
	for i := range copied.Layers {
		if copied.Layers[i].DiffID != merged.Layers[i].DiffID {
			t.Errorf("layer %d is another one", i)
			t.Log(merged.Layers[i].Files(t)[:4], copied.Layers[i].Files(t)[:4])
		}
	}
}
