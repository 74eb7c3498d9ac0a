package llbgen

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/llbgen/plan"
)

// withBytecode is the example with its modules compiled, for arm64 on amd64.
func withBytecode(caps ...string) (*plan.Plan, Options) {
	p, opt := example(), options(caps...)
	p.Platform, p.Bytecode = "linux/arm64", plan.Timestamp
	opt.Compiler = Compiler{
		Root: llb.Image("docker.io/library/python:3.12-slim-bookworm", llb.Platform(amd64)).
			AddEnv("PYTHONHOME", "/elsewhere").User("nobody").Dir("/home"),
		Python: p.Python,
	}
	return p, opt
}

// compileSteps gives the steps that run Python, by the name of their digest.
func compileSteps(t *testing.T, def [][]byte) map[string]*pb.Op {
	t.Helper()
	steps := map[string]*pb.Op{}
	for i, op := range ops(t, def) {
		if exec := op.GetExec(); exec != nil && slices.Contains(exec.Meta.Args, compiler) {
			steps[digest.FromBytes(def[i]).String()] = op
		}
	}
	return steps
}

// TestCompileSteps: the modules of each layer are compiled by a step that gets
// that layer, Python, the program, and nothing else.
func TestCompileSteps(t *testing.T) {
	p, opt := withBytecode(string(pb.CapMergeOp))
	opt.Compiler.LibraryPath = "/var/lang/lib"
	def := marshal(t, p, opt)
	steps := compileSteps(t, def)
	if len(steps) != len(p.Layers) {
		t.Fatalf("%d steps for %d layers", len(steps), len(p.Layers))
	}
	for _, op := range steps {
		exec := op.GetExec()
		if got, want := strings.Join(exec.Meta.Args, " "), "/usr/local/bin/python3.12 -S -B -W ignore /lib/imagespec/compile.py /layer /out /opt/venv/lib/python3.12/site-packages timestamp"; got != want {
			t.Errorf("command %q, want %q", got, want)
		}
		if want := []string{"PYTHONHASHSEED=0", "LD_LIBRARY_PATH=/var/lang/lib"}; !slices.Equal(exec.Meta.Env, want) || exec.Meta.User != "" || exec.Meta.Cwd != "/" {
			t.Errorf("environment %q, user %q, folder %q of the base", exec.Meta.Env, exec.Meta.User, exec.Meta.Cwd)
		}
		if exec.Network != pb.NetMode_NONE || op.Platform.Architecture != "amd64" {
			t.Errorf("network %v, platform %v", exec.Network, op.Platform)
		}
		var mounts []string
		for _, m := range exec.Mounts {
			mounts = append(mounts, m.Dest)
			if writable := m.Dest == "/" || m.Dest == outDir; m.Readonly == writable {
				t.Errorf("%s read-only %v", m.Dest, m.Readonly)
			}
		}
		slices.Sort(mounts)
		if want := []string{"/", layerDir, compilerDir, outDir}; !slices.Equal(mounts, want) {
			t.Errorf("mounts %q, want %q", mounts, want)
		}
	}
}

// TestWithoutBytecode: the plan decides, whatever Python there is.
func TestWithoutBytecode(t *testing.T) {
	p, opt := withBytecode(string(pb.CapMergeOp))
	p.Bytecode = ""
	if steps := compileSteps(t, marshal(t, p, opt)); len(steps) != 0 {
		t.Errorf("%d steps compile", len(steps))
	}
}

// TestBumpCompilesOneLayer: the steps of the other layers stay as they are.
func TestBumpCompilesOneLayer(t *testing.T) {
	p, opt := withBytecode(string(pb.CapMergeOp))
	before := compileSteps(t, marshal(t, p, opt))
	p.Packages[1] = wheel("idna", "3.8", "+1")
	after := compileSteps(t, marshal(t, p, opt))
	kept := 0
	for name := range after {
		if before[name] != nil {
			kept++
		}
	}
	if len(after) != 2 || kept != 1 {
		t.Errorf("%d of %d steps are kept, want 1 of 2", kept, len(after))
	}
}

// TestNewBaseInstallsNothing: another base has modules compiled anew, but the
// steps that install stay as they are.
func TestNewBaseInstallsNothing(t *testing.T) {
	p, opt := withBytecode(string(pb.CapMergeOp))
	before := marshal(t, p, opt)
	opt.Base = llb.Image("docker.io/library/python:3.12-slim-trixie")
	opt.Compiler.Root = opt.Base
	after := marshal(t, p, opt)
	for i, op := range ops(t, after) {
		same := slices.ContainsFunc(before, func(dt []byte) bool { return bytes.Equal(dt, after[i]) })
		if exec := op.GetExec(); exec != nil && exec.Meta.Args[0] != accountPath && same == slices.Contains(exec.Meta.Args, compiler) {
			t.Errorf("the same step %v: %q", same, exec.Meta.Args)
		}
	}
}

// TestBytecodeOrder: the layers with bytecode come last, in the layers' order,
// merged or copied; so a base's history does not move with what is compiled.
func TestBytecodeOrder(t *testing.T) {
	p, opt := withBytecode(string(pb.CapMergeOp))
	def := marshal(t, p, opt)
	compiles := compileSteps(t, def)
	for _, op := range ops(t, def) {
		if op.GetMerge() == nil {
			continue
		}
		var order []string
		for _, input := range op.Inputs {
			kind := "other"
			if compiles[input.Digest] != nil {
				kind = "compile"
			}
			order = append(order, kind)
		}
		if want := []string{"other", "other", "other", "other", "other", "compile", "compile"}; !slices.Equal(order, want) {
			t.Errorf("base, user, environment, layers and bytecode are joined as %q", order)
		}
	}

	p, opt = withBytecode()
	copies := 0
	for _, op := range ops(t, marshal(t, p, opt)) {
		if op.GetFile() != nil {
			copies++
		}
	}
	if copies != 6 {
		t.Errorf("%d copies on an engine without MergeOp, want 6", copies)
	}

	var got []string
	for _, h := range Image(p, dockerspec.DockerOCIImage{}, ocispecs.Platform{}, nil).History {
		got = append(got, h.CreatedBy)
	}
	want := []string{"make user flytekit and certificates", "create /opt/venv", "install anyio, idna", "install numpy", "compile anyio, idna", "compile numpy"}
	if !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
}
