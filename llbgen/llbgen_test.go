package llbgen

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/lock"
)

var amd64 = ocispecs.Platform{OS: "linux", Architecture: "amd64"}

// sha gives a digest that looks like one.
func sha(of string) string { return digest.FromString(of).Encoded() }

// wheel is a package of the example plan.
func wheel(name, version, group string) plan.Package {
	file := fmt.Sprintf("%s-%s-py3-none-any.whl", name, version)
	return plan.Package{
		Name: name, Version: version, Kind: lock.KindWheel, Group: group,
		File: file, URL: "https://files.example/" + file, SHA256: sha(file), Size: 1000,
	}
}

// example is a plan with three packages in two layers.
func example() *plan.Plan {
	return &plan.Plan{
		Platform: "linux/amd64",
		Base:     plan.Base{Ref: "docker.io/library/python:3.12-slim-bookworm"},
		Python:   plan.Python{Version: "3.12.4", Home: "/usr/local/bin"},
		Config:   plan.Config{User: "flytekit"},
		Packages: []plan.Package{wheel("anyio", "4.4.0", "+1"), wheel("idna", "3.7", "+1"), wheel("numpy", "2.0.0", "numpy")},
		Layers: []plan.Layer{
			{Name: "+1", Packages: []string{"anyio", "idna"}},
			{Name: "numpy", Packages: []string{"numpy"}},
		},
	}
}

func options(caps ...string) Options {
	var list []*apicaps.PBCap
	for _, c := range caps {
		list = append(list, &apicaps.PBCap{ID: c, Enabled: true})
	}
	var known apicaps.CapList
	known.Init(apicaps.Cap{ID: pb.CapMergeOp, Enabled: true, Status: apicaps.CapStatusExperimental})
	return Options{
		Base:          llb.Image("docker.io/library/python:3.12-slim-bookworm"),
		Helper:        llb.Image("example.com/imagespec/frontend"),
		BuildPlatform: amd64,
		Caps:          known.CapSet(list),
		NoCache:       func(string) bool { return false },
		Locate:        func(diag.Range) llb.ConstraintsOpt { return llb.WithDescription(nil) },
	}
}

func marshal(t *testing.T, p *plan.Plan, opt Options) [][]byte {
	t.Helper()
	def, err := State(p, opt).Marshal(context.Background(), llb.Platform(amd64))
	if err != nil {
		t.Fatal(err)
	}
	return def.Def
}

// ops decodes a definition.
func ops(t *testing.T, def [][]byte) []*pb.Op {
	t.Helper()
	var all []*pb.Op
	for _, dt := range def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(dt); err != nil {
			t.Fatal(err)
		}
		all = append(all, op)
	}
	return all
}

// TestStateIsDeterministic: map order and the clock show up within a few runs;
// 25 make a passing test with a random order of two things a 1 in 3e7 event.
func TestStateIsDeterministic(t *testing.T) {
	first := marshal(t, example(), options(string(pb.CapMergeOp)))
	for range 25 {
		if !slices.EqualFunc(first, marshal(t, example(), options(string(pb.CapMergeOp))), bytes.Equal) {
			t.Fatal("two marshals of one plan differ")
		}
	}
}

// TestInstallSteps: an install step has no network, runs where the build runs,
// and gets its wheels as files under their own names.
func TestInstallSteps(t *testing.T) {
	opt := options(string(pb.CapMergeOp))
	opt.BuildPlatform = ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	var commands []string
	for _, op := range ops(t, marshal(t, example(), opt)) {
		exec := op.GetExec()
		if exec == nil {
			continue
		}
		commands = append(commands, strings.Join(exec.Meta.Args, " "))
		if exec.Network != pb.NetMode_NONE {
			t.Errorf("%v has network %v", exec.Meta.Args, exec.Network)
		}
		if op.Platform.Architecture != "arm64" {
			t.Errorf("%v runs on %v", exec.Meta.Args, op.Platform)
		}
	}
	slices.Sort(commands)
	const common = "--root /out --prefix /opt/venv --python 3.12 "
	want := []string{
		"/bin/imagespec-account --base /base --root /out",
		"/bin/imagespec-install venv " + common + "--version 3.12.4 --home /usr/local/bin",
		"/bin/imagespec-install wheels " + common + "/wheels/anyio-4.4.0-py3-none-any.whl /wheels/idna-3.7-py3-none-any.whl",
		"/bin/imagespec-install wheels " + common + "/wheels/numpy-2.0.0-py3-none-any.whl",
	}
	if !slices.Equal(commands, want) {
		t.Errorf("commands:\n%s\nwant:\n%s", strings.Join(commands, "\n"), strings.Join(want, "\n"))
	}
}

// TestFreeThreaded: the installer is told the t that names the files of a
// free-threaded interpreter.
func TestFreeThreaded(t *testing.T) {
	p := example()
	p.Python = plan.Python{Version: "3.14.0rc1", Home: "/usr/bin", FreeThreaded: true}
	for _, op := range ops(t, marshal(t, p, options(string(pb.CapMergeOp)))) {
		if exec := op.GetExec(); exec != nil && exec.Meta.Args[0] == helperPath && !slices.Contains(exec.Meta.Args, "3.14t") {
			t.Errorf("%q is not for 3.14t", exec.Meta.Args)
		}
	}
}

// TestDirectAndLocalWheels: the installer is told the URL to record, and the
// digest of a file that BuildKit does not check.
func TestDirectAndLocalWheels(t *testing.T) {
	p := example()
	p.Packages[0].Direct = true
	p.Packages[1].URL, p.Packages[1].Path = "", "wheels/"+p.Packages[1].File
	opt := options(string(pb.CapMergeOp))
	opt.Files = map[string]llb.State{p.Packages[1].Path: llb.Local("context")}
	want := "wheels --root /out --prefix /opt/venv --python 3.12" +
		" --direct-url anyio-4.4.0-py3-none-any.whl=https://files.example/anyio-4.4.0-py3-none-any.whl" +
		" --sha256 idna-3.7-py3-none-any.whl=" + sha("idna-3.7-py3-none-any.whl") +
		" /wheels/anyio-4.4.0-py3-none-any.whl /wheels/idna-3.7-py3-none-any.whl"
	for _, op := range ops(t, marshal(t, p, opt)) {
		if exec := op.GetExec(); exec != nil && strings.HasSuffix(strings.Join(exec.Meta.Args, " "), want) {
			local := slices.ContainsFunc(exec.Mounts, func(m *pb.Mount) bool { return m.Selector == p.Packages[1].Path && m.Readonly })
			if !local {
				t.Errorf("no mount of the build context: %v", exec.Mounts)
			}
			return
		}
	}
	t.Errorf("no step runs %q", want)
}

// TestSourcesHaveDigest: BuildKit can key a wheel without fetching it only if
// its source has a digest and a name.
func TestSourcesHaveDigest(t *testing.T) {
	found := 0
	for _, op := range ops(t, marshal(t, example(), options(string(pb.CapMergeOp)))) {
		source := op.GetSource()
		if source == nil || !strings.HasPrefix(source.Identifier, "https:") {
			continue
		}
		found++
		if source.Attrs[pb.AttrHTTPChecksum] == "" || source.Attrs[pb.AttrHTTPFilename] == "" {
			t.Errorf("%s: attributes %v", source.Identifier, source.Attrs)
		}
		if op.Platform != nil {
			t.Errorf("%s depends on platform %v", source.Identifier, op.Platform)
		}
	}
	if found != 3 {
		t.Errorf("%d wheels, want 3", found)
	}
}

// TestBumpTouchesOneLayer: a new version of one package changes its own layer
// and no other op but the join.
func TestBumpTouchesOneLayer(t *testing.T) {
	before := marshal(t, example(), options(string(pb.CapMergeOp)))
	bumped := example()
	bumped.Packages[1] = wheel("idna", "3.8", "+1")
	after := marshal(t, bumped, options(string(pb.CapMergeOp)))

	var changed []string
	for _, dt := range after {
		if slices.ContainsFunc(before, func(b []byte) bool { return bytes.Equal(b, dt) }) {
			continue
		}
		changed = append(changed, kind(ops(t, [][]byte{dt})[0]))
	}
	slices.Sort(changed)
	// The last op only names the result.
	if want := []string{"exec", "merge", "result", "source"}; !slices.Equal(changed, want) {
		t.Errorf("changed ops %v, want %v", changed, want)
	}
}

// TestWithoutMerge: an engine without MergeOp gets a chain of copies.
func TestWithoutMerge(t *testing.T) {
	count := map[string]int{}
	for _, op := range ops(t, marshal(t, example(), options())) {
		count[kind(op)]++
	}
	if count["merge"] != 0 || count["file"] != 4 {
		t.Errorf("ops %v, want no merge and 4 copies: the user, the environment and two layers", count)
	}
}

func kind(op *pb.Op) string {
	switch op.Op.(type) {
	case *pb.Op_Exec:
		return "exec"
	case *pb.Op_Source:
		return "source"
	case *pb.Op_File:
		return "file"
	case *pb.Op_Merge:
		return "merge"
	case nil:
		return "result"
	}
	return fmt.Sprintf("%T", op.Op)
}
