package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/tonistiigi/fsutil"

	"github.com/imagespec/imagespec/internal/testengine"
)

// project is a build context on disk whose spec names the frontend under test.
type project struct {
	engine *testengine.Engine
	dir    string
	image  string // where it is pushed to
}

// syntax is the line of a spec that names the frontend.
var syntax = regexp.MustCompile(`(?m)^# syntax=.*`)

// example copies a project of testdata.
func example(t *testing.T, engine *testengine.Engine, name string) project {
	t.Helper()
	p := empty(t, engine)
	if err := os.CopyFS(p.dir, os.DirFS(filepath.Join("..", "..", "testdata", "projects", name))); err != nil {
		t.Fatal(err)
	}
	p.edit(t, "imagespec.yaml", func(text string) string { return text })
	return p
}

// written makes a project of the files in a txtar archive.
func written(t *testing.T, engine *testengine.Engine, archive string) project {
	t.Helper()
	p := empty(t, engine)
	writeFiles(t, p.dir, archive)
	p.edit(t, "imagespec.yaml", func(text string) string { return text })
	return p
}

func empty(t *testing.T, engine *testengine.Engine) project {
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(t.Name()), "-")
	return project{engine: engine, dir: t.TempDir(), image: engine.Registry + "/e2e/" + name + ":latest"}
}

// emptyEngine is the second engine without anything that it has built before.
func emptyEngine(t *testing.T) *testengine.Engine {
	t.Helper()
	engine := testengine.Second(t)
	if err := engine.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	return engine
}

// edit changes a file of the project. In a spec, the frontend under test takes
// the place of the one that it names.
func (p project) edit(t *testing.T, name string, change func(string) string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		if os.IsNotExist(err) && name == "imagespec.yaml" {
			return // a test of just that
		}
		t.Fatal(err)
	}
	text := change(string(data))
	if name == "imagespec.yaml" {
		text = syntax.ReplaceAllString(text, "# syntax="+p.engine.FrontendRef(t))
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace changes one place of a file.
func (p project) replace(t *testing.T, name, old, new string) {
	t.Helper()
	p.edit(t, name, func(text string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%s has no %q", name, old)
		}
		return strings.Replace(text, old, new, 1)
	})
}

// build builds and pushes the project.
func (p project) build(t *testing.T, args ...string) *testengine.Built {
	t.Helper()
	built, err := p.tryBuild(t, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	return built
}

func (p project) tryBuild(t *testing.T, args ...string) (*testengine.Built, error) {
	t.Helper()
	args = append([]string{
		"-f", filepath.Join(p.dir, "imagespec.yaml"), "--provenance=false", "--output", "type=image,push=true,name=" + p.image,
	}, args...)
	return p.engine.Build(t, p.dir, args...)
}

// solve builds the project through the engine's API, as buildx does, pushes it
// and gives what became of each step.
func (p project) solve(t *testing.T, attrs ...string) *testengine.Solved {
	t.Helper()
	dir, err := fsutil.NewFS(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	opt := client.SolveOpt{
		Frontend:      "gateway.v0",
		FrontendAttrs: map[string]string{"source": p.engine.FrontendRef(t), "filename": "imagespec.yaml"},
		LocalMounts:   map[string]fsutil.FS{"context": dir, "dockerfile": dir},
		Session:       []session.Attachable{testengine.HostSecrets(t)},
		Exports:       []client.ExportEntry{{Type: "image", Attrs: map[string]string{"name": p.image, "push": "true"}}},
	}
	for i := 0; i < len(attrs); i += 2 {
		opt.FrontendAttrs[attrs[i]] = attrs[i+1]
	}
	solved, err := p.engine.Solve(t, nil, opt)
	if err != nil {
		t.Fatal(err)
	}
	return solved
}

// ran gives the steps that ran the installer.
func ran(solved *testengine.Solved) []string {
	names := slices.DeleteFunc(solved.Ran(), func(name string) bool { return !strings.HasPrefix(name, "[python") })
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return strings.Contains(name, "fetch wheels") })
}

// takeWheelsAway has the lock name a server without wheels, but for the wheel
// whose file name begins with except.
func (p project) takeWheelsAway(t *testing.T, except string) {
	t.Helper()
	server := testengine.ServeFiles(t, t.TempDir())
	p.edit(t, "uv.lock", func(text string) string {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if except == "" || !strings.Contains(line, "/"+except) {
				lines[i] = strings.Replace(line, "https://files.pythonhosted.org", server.URL, 1)
			}
		}
		return strings.Join(lines, "\n")
	})
}

// run runs the image that was pushed last.
func (p project) run(t *testing.T, command ...string) string {
	t.Helper()
	ran := p.engine.Run(t, p.image, command...)
	if ran.Status != 0 {
		t.Fatalf("%q ends with status %d:\n%s%s", command, ran.Status, ran.Stdout, ran.Stderr)
	}
	return ran.Stdout
}

// planned asks the frontend for the plan.
func (p project) planned(t *testing.T, args ...string) plannedImage {
	t.Helper()
	built, err := p.engine.Build(t, p.dir, append([]string{"-f", filepath.Join(p.dir, "imagespec.yaml"), "--call=imagespec.plan,format=json"}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	var planned plannedImage
	text := built.Output[strings.Index(built.Output, "{"):]
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&planned); err != nil {
		t.Fatalf("plan: %v\n%s", err, built.Output)
	}
	return planned
}

// plannedImage is what the tests need of a plan.
type plannedImage struct {
	Python struct {
		Version, Home, From string
		FreeThreaded        bool `json:"free_threaded"`
	}
	Base        struct{ Ref string }
	Interpreter struct{ URL string }
	Libc        string
	Packages    []plannedPackage
	Layers      []struct{ Name string }
}

type plannedPackage struct{ Name, Version, Group, File, URL, SHA256 string }

// versions gives what is installed beside pip, one "name version" for each.
func (p plannedImage) versions() []string {
	var versions []string
	for _, pkg := range p.Packages {
		versions = append(versions, pkg.Name+" "+pkg.Version)
	}
	slices.Sort(versions)
	return versions
}

// listInstalled prints what Python itself says is installed, one "name
// version" a line; checkImports imports everything that the packages say is
// importable, and prints what cannot be.
const (
	listInstalled = `
import importlib.metadata, re
for d in importlib.metadata.distributions():
    print(re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(), d.version)
`
	checkImports = `
import importlib, importlib.metadata, sys, warnings
warnings.simplefilter("ignore")
names = sorted(n for n in importlib.metadata.packages_distributions() if n.isidentifier() and not n.startswith("_"))
bad = []
for n in names:
    try:
        importlib.import_module(n)
    except BaseException as e:
        bad.append(f"{n}: {type(e).__name__}: {e}")
print(len(names), "imports")
print("\n".join(bad))
`
)

// installed gives what Python says is installed in the image, beside the pip
// that every image has.
func (p project) installed(t *testing.T) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(p.run(t, "python", "-c", listInstalled)), "\n")
	slices.Sort(lines)
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "pip ") })
}
