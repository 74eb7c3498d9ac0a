// Package llbgen turns a plan into LLB and an image configuration. Which
// packages go where is decided in the plan; here is only how BuildKit gets
// there: one source per wheel, network-less steps that install and compile each
// layer, and the join on the base.
package llbgen

import (
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// Paths inside the install steps.
const (
	helperPath = "/bin/imagespec-install"
	wheelsDir  = "/wheels"
	outDir     = "/out"
)

// Options is what the engine and the client add to a plan. None of it changes
// what the image contains.
type Options struct {
	Base          llb.State                           // the base image
	Helper        llb.State                           // an image with the installer at /bin/imagespec-install and the compiler in /lib/imagespec
	Compiler      Compiler                            // needed where the plan has bytecode
	BuildPlatform ocispecs.Platform                   // where the install steps run, whatever the target
	Caps          apicaps.CapSet                      // what the engine can do
	Files         map[string]llb.State                // the build context, by the path of the file in it that a package is
	Trees         map[string]llb.State                // the build context, by the name of a package whose folder is in it
	Limits        []llb.RunOption                     // what the client allows each step, such as memory
	Network       []llb.RunOption                     // what the client says of the network of those that have one
	Locate        func(diag.Range) llb.ConstraintsOpt // the source location of an op
	NoCache       func(step string) bool              // whether to run steps of a name anew
	Moved         map[string]bool                     // files, by name, that this build has failed to fetch from another URL
	StepPrefix    string                              // before the name of each step, "linux/arm64 " where several platforms are built
}

// State gives the file system of the planned image.
func State(p *plan.Plan, opt Options) llb.State {
	g := generator{plan: p, Options: opt}
	base := g.remove(g.apt(opt.Base))
	layers := []llb.State{g.account(base)}
	if p.Interpreter != nil {
		layers = append(layers, g.interpreter(*p.Interpreter))
	}
	if p.Base.Plan == nil { // else the environment is there
		layers = append(layers, g.venv())
	}
	below := len(layers)
	for i, step := range p.Installs() {
		layers = append(layers, g.install(i, step))
	}
	if p.Bytecode != "" {
		for i, step := range p.Installs() {
			layers = append(layers, g.compile(i, step, layers[below+i]))
		}
	}
	return g.commands(g.copies(g.join(base, layers)))
}

// generator holds what the steps of one image have in common.
type generator struct {
	plan *plan.Plan
	Options
}

// interpreter unpacks a Python for a base that has none.
func (g generator) interpreter(python plan.Interpreter) llb.State {
	const file = "/python.tar.gz"
	archive := llb.HTTP(g.plan.Rewrites.Apply(python.URL),
		llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, python.SHA256)),
		llb.Filename(path.Base(file)),
		llb.WithCustomNamef("fetch Python %s", python.Version),
		g.Locate(python.At),
	)
	return g.helper(
		[]string{"python", "--root", outDir, "--prefix", python.Prefix, "--python", g.plan.Python.Minor(), file},
		llb.WithCustomNamef("[%spython] unpack Python %s", g.StepPrefix, python.Version),
		llb.AddMount(file, archive, llb.Readonly, llb.SourcePath(path.Base(file))),
		g.Locate(python.At),
	)
}

// venv makes the environment without packages: links to the base's
// interpreter, and pyvenv.cfg.
func (g generator) venv() llb.State {
	py := g.plan.Python
	args := append(g.layout("venv"), "--version", py.Version, "--home", py.Home)
	if py.Executable != "" {
		args = append(args, "--executable", py.Executable)
	}
	if py.SystemSite {
		args = append(args, "--system-site")
	}
	return g.helper(
		args,
		llb.WithCustomNamef("[%spython] create %s", g.StepPrefix, plan.Prefix),
		g.Locate(g.plan.Base.At),
	)
}

// install unpacks the wheels of a layer. BuildKit checks the digests of what
// it fetches, the installer those of files in the build context.
func (g generator) install(i int, step plan.Install) llb.State {
	flags, files := g.layout("wheels"), []string{}
	opts := []llb.RunOption{
		llb.WithCustomNamef("[%spython %d/%d] install %s", g.StepPrefix, i+1, len(g.plan.Installs()), summary(step.Packages)),
		g.Locate(g.plan.RequirementsAt),
	}
	for _, pkg := range step.Wheels {
		if pkg.Build != nil {
			dir := path.Join(builtDir, pkg.Name)
			flags = append(flags, "--built", dir)
			if origin := pkg.DirectURL(); origin != "" {
				flags = append(flags, "--origin", pkg.Name+"="+origin)
			}
			_, wheel := g.built(pkg)
			opts = append(opts, llb.AddMount(dir, wheel, llb.Readonly))
			continue
		}
		file := path.Join(wheelsDir, pkg.File)
		files = append(files, file)
		if pkg.URL == "" {
			flags = append(flags, "--sha256", pkg.File+"="+pkg.SHA256)
			opts = append(opts, llb.AddMount(file, g.Files[pkg.Path], llb.Readonly, llb.SourcePath(pkg.Path)))
			continue
		}
		if pkg.Direct {
			flags = append(flags, "--direct-url", pkg.File+"="+pkg.URL)
		}
		opts = append(opts, llb.AddMount(file, g.wheel(pkg), llb.Readonly, llb.SourcePath(pkg.File)))
	}
	return g.helper(append(flags, files...), opts...)
}

// wheel is the source of one wheel. BuildKit keys it by file name and digest
// alone, so it stays cached wherever it is fetched from.
//
// For the same reason a failure holds for all URLs of a file until the build
// ends. The mode, which is the one that it gets anyway, makes a new key.
func (g generator) wheel(pkg plan.Package) llb.State {
	if pkg.Private {
		return g.privateWheel(pkg)
	}
	opts := []llb.HTTPOption{
		llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, pkg.SHA256)),
		llb.Filename(pkg.File),
		llb.WithCustomNamef("fetch %s", pkg.File),
		llb.ProgressGroup("imagespec.wheels", "[python] fetch wheels", false),
		g.Locate(pkg.At),
	}
	if g.Moved[pkg.File] {
		opts = append(opts, llb.Chmod(0o600))
	}
	return llb.HTTP(g.plan.Rewrites.Apply(pkg.URL), opts...)
}

// remove takes packages out of the environment that the base has. It changes the
// base itself: only so are files gone.
func (g generator) remove(base llb.State) llb.State {
	if len(g.plan.Removes) == 0 {
		return base
	}
	command := []string{helperPath, "remove", "--root", baseDir, "--prefix", plan.Prefix, "--python", g.plan.Python.Minor()}
	return g.exec(llb.Scratch(), append(command, g.plan.Removes...),
		llb.WithCustomNamef("[%spython] remove %s", g.StepPrefix, summary(g.plan.Removes)),
		g.Locate(g.plan.Base.At),
		llb.AddMount(helperPath, g.Helper, llb.Readonly, llb.SourcePath(helperPath)),
	).AddMount(baseDir, base)
}

// layout begins a command of the installer with the environment's place.
func (g generator) layout(command string) []string {
	return []string{command, "--root", outDir, "--prefix", plan.Prefix, "--python", g.plan.Python.Minor()}
}

// helper runs a command of the installer on an empty root. The installer is
// mounted by path, so that its own bytes are part of the key and the rest of
// the frontend image is not.
func (g generator) helper(args []string, opts ...llb.RunOption) llb.State {
	opts = append(opts, llb.AddMount(helperPath, g.Helper, llb.Readonly, llb.SourcePath(helperPath)))
	return g.step(llb.Scratch(), append([]string{helperPath}, args...), opts...)
}

// step runs a command on a root without network and gives what it wrote to
// outDir.
func (g generator) step(root llb.State, command []string, opts ...llb.RunOption) llb.State {
	return g.exec(root, command, opts...).AddMount(outDir, llb.Scratch())
}

// exec runs a command on a root without network, on the build's platform.
func (g generator) exec(root llb.State, command []string, opts ...llb.RunOption) llb.ExecState {
	opts = append(opts,
		llb.Args(command),
		llb.Dir("/"),
		llb.Network(pb.NetMode_NONE),
		llb.Platform(g.BuildPlatform),
	)
	opts = append(opts, g.Limits...)
	if g.NoCache("install") {
		opts = append(opts, llb.IgnoreCache)
	}
	return root.Run(opts...)
}

// join lays the layers on the base. Where the engine cannot merge, they are
// copied one upon the other: the layers have the same bytes, but a changed
// layer has those above it copied again.
func (g generator) join(base llb.State, layers []llb.State) llb.State {
	name := llb.WithCustomNamef("[%sexport] join %d layers on the base", g.StepPrefix, len(layers))
	if g.Caps.Supports(pb.CapMergeOp) == nil {
		return llb.Merge(append([]llb.State{base}, layers...), name)
	}
	joined := base
	for _, layer := range layers {
		joined = joined.File(llb.Copy(layer, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}), name)
	}
	return joined
}

// summary names the packages of a layer as far as they fit into a line.
func summary(names []string) string {
	const shown = 4
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
