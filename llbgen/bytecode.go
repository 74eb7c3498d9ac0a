package llbgen

import (
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/imagespec/imagespec/llbgen/plan"
)

// Paths inside the compile steps.
const (
	compilerDir = "/lib/imagespec"
	compiler    = compilerDir + "/compile.py"
	layerDir    = "/layer"
)

// Compiler is the Python that compiles the modules of an image. Bytecode is
// the same on every architecture, so it need not be that of the image itself.
type Compiler struct {
	Root        llb.State         // an image for the build platform that has it
	Interpreter *plan.Interpreter // that is laid on the image, where it has none
	Python      plan.Python       // in it; of the planned image's minor version
	LibraryPath string            // LD_LIBRARY_PATH of that image, without which its Python may not start
}

// compile compiles the modules of a layer into another one. The step depends on
// the layer and on the image with Python, and on nothing else of either plan or
// spec: a new base has it run again, but not the installation.
func (g generator) compile(i int, step plan.Install, installed llb.State) llb.State {
	python := g.Compiler.Python
	// -I would do what -S and the empty environment do, but ignore the hash seed.
	command := []string{
		path.Join(python.Home, "python"+python.Minor()), "-S", "-B", "-W", "ignore",
		compiler, layerDir, outDir, path.Join(plan.Prefix, "lib", "python"+python.Minor(), "site-packages"), string(g.plan.Bytecode),
	}
	// What the base's configuration says of environment, user and directory is
	// for containers.
	base := g.Compiler.Root
	if g.Compiler.Interpreter != nil {
		base = g.join(base, []llb.State{g.interpreter(*g.Compiler.Interpreter)})
	}
	root := llb.NewState(base.Output()).AddEnv("PYTHONHASHSEED", "0")
	if g.Compiler.LibraryPath != "" {
		root = root.AddEnv("LD_LIBRARY_PATH", g.Compiler.LibraryPath)
	}
	return g.step(root, command,
		llb.WithCustomNamef("[%spython %d/%d] compile %s", g.StepPrefix, i+1, len(g.plan.Installs()), summary(step.Packages)),
		g.Locate(g.plan.RequirementsAt),
		llb.AddMount(compilerDir, g.Helper, llb.Readonly, llb.SourcePath(compilerDir)),
		llb.AddMount(layerDir, installed, llb.Readonly),
	)
}
