package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// Failure is the error of an operation. It reads as the engine has put it.
type Failure struct {
	error
	Op          *pb.Op            // nil if the engine does not tell which one
	Description map[string]string // that it was given in LLB
}

// Unwrap gives the engine's error.
func (f *Failure) Unwrap() error { return f.error }

// failed finds the operation of an error.
func failed(err error, def *llb.Definition) *Failure {
	failure := &Failure{error: err}
	var vertex *errdefs.VertexError
	if !errors.As(err, &vertex) {
		return failure
	}
	for _, dt := range def.Def {
		dgst := digest.FromBytes(dt)
		if dgst.String() != vertex.Digest {
			continue
		}
		var op pb.Op
		if op.UnmarshalVT(dt) == nil {
			failure.Op = &op
		}
		failure.Description = def.Metadata[dgst].Description
	}
	return failure
}

// maxOutput is how much of the end of an output is read, in bytes.
const maxOutput = 32 << 10

// Output gives the end of a file that a failed step has left in its root file
// system, empty where it cannot be had. BuildKit sends what a step prints to
// the client alone, so a step whose output an error is to show writes it to a
// file, too. The root is kept with the error, and is read by a process in it;
// nothing of this is cached, and the step runs again in the next build.
func (e Engine) Output(ctx context.Context, failure error, file string) string {
	var failed *errdefs.SolveError
	caps := e.BuildOpts().Caps
	if !errors.As(failure, &failed) || failed.Solve == nil || caps.Supports(gwpb.CapGatewayExec) != nil {
		return ""
	}
	mount := rootMount(failed.Solve)
	if mount == nil {
		return ""
	}
	container, err := e.NewContainer(ctx, client.NewContainerRequest{
		Mounts:   []client.Mount{*mount},
		NetMode:  pb.NetMode_NONE,
		Platform: failed.Solve.Op.GetPlatform(),
	})
	if err != nil {
		return ""
	}
	defer container.Release(ctx) //nolint:errcheck // the build is over
	var text bytes.Buffer
	process, err := container.Start(ctx, client.StartRequest{
		Args:   []string{"tail", "-c", strconv.Itoa(maxOutput), file},
		Cwd:    "/",
		Env:    []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Stdout: nopCloser{&text},
	})
	if err != nil || process.Wait() != nil {
		return ""
	}
	return text.String()
}

// rootMount is the root of a failed exec as it has left it, nil if it is none.
func rootMount(failed *errdefs.Solve) *client.Mount {
	for i, m := range failed.Op.GetExec().GetMounts() {
		if m.Dest == pb.RootMount && i < len(failed.MountIDs) && failed.MountIDs[i] != "" {
			return &client.Mount{Dest: pb.RootMount, MountType: pb.MountType_BIND, ResultID: failed.MountIDs[i], Readonly: true}
		}
	}
	return nil
}

// nopCloser is a buffer that a process may close.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
