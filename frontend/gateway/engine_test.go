package gateway

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// broken is an engine in which the step "make" fails.
type broken struct {
	client.Client
	solved client.SolveRequest
}

func (b *broken) BuildOpts() client.BuildOpts {
	return client.BuildOpts{LLBCaps: pb.Caps.CapSet(pb.Caps.All())}
}

func (b *broken) Solve(_ context.Context, req client.SolveRequest) (*client.Result, error) {
	b.solved = req
	for _, dt := range req.Definition.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, err
		}
		if slices.Equal(op.GetExec().GetMeta().GetArgs(), []string{"make"}) {
			return nil, errdefs.WrapVertex(errors.New("exit code: 2"), digest.FromBytes(dt))
		}
	}
	return nil, errors.New("the engine has no disk left")
}

// TestFailure: an error says of which operation it is, if it is of one.
func TestFailure(t *testing.T) {
	step := func(command string) llb.State {
		return llb.Image("debian").Run(
			llb.Args([]string{command}),
			llb.WithDescription(map[string]string{"of": command}),
		).Root()
	}
	for _, tc := range []struct{ command, says, of string }{
		{"make", "exit code: 2", "make"},
		{"true", "the engine has no disk left", ""},
	} {
		_, err := Engine{Client: &broken{}}.Run(t.Context(), step(tc.command))
		var failed *Failure
		if !errors.As(err, &failed) || err.Error() != tc.says {
			t.Fatalf("%s: %v", tc.command, err)
		}
		if of := failed.Description["of"]; of != tc.of || (failed.Op != nil) != (tc.of != "") {
			t.Errorf("%s: the failure of %q, %v", tc.command, of, failed.Op)
		}
	}
}

// TestSolve: the client's caches are for each solve, and only Run waits.
func TestSolve(t *testing.T) {
	b := &broken{}
	e := Engine{Client: b, CacheImports: []client.CacheOptionsEntry{{Type: "registry"}}}
	for name, solve := range map[string]func() error{
		"Run": func() error { _, err := e.Run(t.Context(), llb.Image("debian")); return err },
		"Ref": func() error { _, err := e.Ref(t.Context(), llb.Image("debian")); return err },
	} {
		if err := solve(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if len(b.solved.CacheImports) != 1 || b.solved.Evaluate != (name == "Run") {
			t.Errorf("%s has cache imports %v, evaluates %v", name, b.solved.CacheImports, b.solved.Evaluate)
		}
	}
}
