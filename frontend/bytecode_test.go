package frontend

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagespec/imagespec/llbgen/plan"
)

// bytecodeOf gives how the modules are compiled, empty if they are not, and the
// architecture of the base whose Python does it.
func bytecodeOf(t *testing.T, def *pb.Definition) (mode, arch string) {
	t.Helper()
	ops := map[string]*pb.Op{}
	for _, dt := range def.Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(dt); err != nil {
			t.Fatal(err)
		}
		ops[digest.FromBytes(dt).String()] = op
	}
	for _, op := range execs(t, def) {
		exec := op.GetExec()
		if !strings.Contains(exec.Meta.Args[0], "python") {
			continue
		}
		for _, m := range exec.Mounts {
			if m.Dest == "/" {
				arch = ops[op.Inputs[m.Input].Digest].Platform.Architecture
			}
		}
		mode = exec.Meta.Args[len(exec.Meta.Args)-1]
	}
	return mode, arch
}

// TestBytecode: what is compiled, how, and by whose Python.
func TestBytecode(t *testing.T) {
	for _, tc := range []struct {
		name, spec, platform, epoch string
		mode, arch                  string
	}{
		{"by default", "", "", "", "timestamp", "amd64"},
		{"asked for", "builder_options: {pip: false, compile_bytecode: true}", "", "", "timestamp", "amd64"},
		{"unset", "builder_options: {pip: false, compile_bytecode: ~}", "", "", "timestamp", "amd64"},
		{"turned off", "builder_options: {pip: false, compile_bytecode: false}", "", "", "", ""},
		{"for another architecture", "", "linux/arm64", "", "timestamp", "amd64"},
		{"an epoch after all times", "", "", "315619200", "timestamp", "amd64"},
		{"an epoch before them", "", "", "315619199", "checked-hash", "amd64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := newEngine(example())
			e.anyArch = true
			e.files["imagespec.yaml"] = strings.Replace(specYAML, "builder_options: {pip: false}", cmp.Or(tc.spec, "builder_options: {pip: false}"), 1)
			if tc.platform != "" {
				e.opts["platform"] = tc.platform
			}
			if tc.epoch != "" {
				e.opts["build-arg:SOURCE_DATE_EPOCH"] = tc.epoch
			}
			if _, err := e.build(t); err != nil {
				t.Fatal(err)
			}
			if mode, arch := bytecodeOf(t, e.solved[0].Definition); mode != tc.mode || arch != tc.arch {
				t.Errorf("compiled as %q by Python of %q, want %q by %q", mode, arch, tc.mode, tc.arch)
			}
			if len(e.warnings) != 0 {
				t.Errorf("warnings %q", e.warnings)
			}
		})
	}
}

// TestBytecodeSkipped: a base that the build's own platform does not have
// cannot compile; the image is built all the same.
func TestBytecodeSkipped(t *testing.T) {
	e := newEngine(example())
	arm := officialPython()
	arm.arch = "arm64"
	e.bases["docker.io/library/python:3.12-slim-bookworm"] = arm
	e.opts["platform"] = "linux/arm64"
	res, err := e.build(t)
	if err != nil {
		t.Fatal(err)
	}
	if mode, _ := bytecodeOf(t, e.solved[0].Definition); mode != "" {
		t.Errorf("compiled as %q", mode)
	}
	for _, h := range config(t, res, "containerimage.config").History {
		if strings.HasPrefix(h.CreatedBy, "compile") {
			t.Errorf("history has %q", h.CreatedBy)
		}
	}
	if len(e.warnings) != 1 || !strings.HasPrefix(e.warnings[0], "BytecodeSkipped: ") || !strings.Contains(e.warnings[0], "is for linux/arm64, not for linux/amd64") {
		t.Errorf("warnings %q", e.warnings)
	}
}

func TestSameBytecode(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"3.12.4", "3.12.4", true},
		{"3.12.4", "3.12.9", true},
		{"3.12.4", "3.13.4", false},
		{"3.13.4", "3.13.4t", false},
		{"3.13.4t", "3.13.5t", true},
		{"3.15.0b1", "3.15.0b1", true},
		{"3.15.0a4", "3.15.0b1", false},
		{"3.15.0rc1", "3.15.0", false},
	} {
		python := func(s string) plan.Python {
			version, freeThreaded := strings.CutSuffix(s, "t")
			return plan.Python{Version: version, FreeThreaded: freeThreaded}
		}
		if got := sameBytecode(python(tc.a), python(tc.b)); got != tc.want {
			t.Errorf("%s and %s: %v", tc.a, tc.b, got)
		}
	}
	if slices.ContainsFunc([]string{"3.12.4", "3.12"}, func(v string) bool { return (plan.Python{Version: v}).PreRelease() }) {
		t.Error("a release is taken for a pre-release")
	}
}
