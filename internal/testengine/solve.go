package testengine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Solved is how a solve went, step by step.
type Solved struct {
	// Vertices are in the order in which the engine first named them, each in
	// its last state: Cached, or Started and Completed, or with an Error.
	Vertices []client.Vertex
	Warnings []client.VertexWarning
	Logs     string // what the steps printed
	Response map[string]string
}

// Ran lists the names of the steps that did work, which cached ones do not.
func (s *Solved) Ran() []string {
	var names []string
	for _, vertex := range s.Vertices {
		if vertex.Started != nil && !vertex.Cached {
			names = append(names, vertex.Name)
		}
	}
	return names
}

// Solve solves a definition, or with a nil one what opt.Frontend makes. It
// returns what is known of the steps beside an error, too.
func (e *Engine) Solve(t testing.TB, def *llb.Definition, opt client.SolveOpt) (*Solved, error) {
	t.Helper()
	c, err := e.client(t.Context())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	status := make(chan *client.SolveStatus)
	collected := make(chan *Solved)
	go func() { collected <- collect(status) }()
	response, err := c.Solve(t.Context(), def, opt, status)
	solved := <-collected
	if response != nil {
		solved.Response = response.ExporterResponse
	}
	return solved, err
}

// collect reads the progress of one solve until its channel is closed.
func collect(status <-chan *client.SolveStatus) *Solved {
	solved := &Solved{}
	places := map[digest.Digest]int{}
	for update := range status {
		for _, vertex := range update.Vertexes {
			place, known := places[vertex.Digest]
			if !known {
				place = len(solved.Vertices)
				places[vertex.Digest] = place
				solved.Vertices = append(solved.Vertices, *vertex)
			}
			solved.Vertices[place] = *vertex
		}
		for _, warning := range update.Warnings {
			solved.Warnings = append(solved.Warnings, *warning)
		}
		for _, log := range update.Logs {
			solved.Logs += string(log.Data)
		}
	}
	return solved
}

// Ran is how a container's process ended.
type Ran struct {
	Stdout, Stderr string
	Status         int // exit status
}

// Run runs an image and returns what it printed; see RunImage. A test ends if
// the image cannot be run, but not if its process fails.
func (e *Engine) Run(t testing.TB, ref string, args ...string) Ran {
	t.Helper()
	ran, err := e.RunImage(t.Context(), ref, args...)
	if err != nil {
		t.Fatal(err)
	}
	return ran
}

// RunImage runs an image as docker run does: args replace the image's Cmd,
// its entrypoint, environment, user and working directory hold. There is no
// network. The container is the engine's own, made by runc, so nothing has to
// be exported and nothing is cached.
func (e *Engine) RunImage(ctx context.Context, ref string, args ...string) (Ran, error) {
	c, err := e.client(ctx)
	if err != nil {
		return Ran{}, err
	}
	defer c.Close()
	var ran Ran
	_, err = c.Build(ctx, client.SolveOpt{}, "", func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		ran, err = runIn(ctx, gw, ref, args)
		return nil, err
	}, nil)
	return ran, err
}

func runIn(ctx context.Context, gw gateway.Client, ref string, args []string) (Ran, error) {
	named, err := reference.ParseNormalizedNamed(ref) // python:3.11 as docker.io/library/python:3.11
	if err != nil {
		return Ran{}, err
	}
	pull := sourceresolver.Opt{ImageOpt: &sourceresolver.ResolveImageOpt{ResolveMode: "pull"}}
	_, digest, text, err := gw.ResolveImageConfig(ctx, reference.TagNameOnly(named).String(), pull)
	if err != nil {
		return Ran{}, err
	}
	var image ocispec.Image
	if err := json.Unmarshal(text, &image); err != nil {
		return Ran{}, err
	}
	def, err := llb.Image(reference.TrimNamed(named).String() + "@" + digest.String()).Marshal(ctx)
	if err != nil {
		return Ran{}, err
	}
	root, err := gw.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		return Ran{}, err
	}
	container, err := gw.NewContainer(ctx, gateway.NewContainerRequest{
		Mounts:  []gateway.Mount{{Dest: "/", MountType: pb.MountType_BIND, Ref: root.Ref}},
		NetMode: pb.NetMode_NONE,
	})
	if err != nil {
		return Ran{}, err
	}
	defer container.Release(ctx)
	if len(args) == 0 {
		args = image.Config.Cmd
	}
	var stdout, stderr bytes.Buffer
	process, err := container.Start(ctx, gateway.StartRequest{
		Args:   append(image.Config.Entrypoint, args...),
		Env:    image.Config.Env,
		User:   image.Config.User,
		Cwd:    image.Config.WorkingDir,
		Stdout: nopCloser{&stdout},
		Stderr: nopCloser{&stderr},
	})
	if err != nil {
		return Ran{}, err
	}
	err = process.Wait()
	ran := Ran{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) && exit.ExitCode != gatewaypb.UnknownExitStatus {
		ran.Status, err = int(exit.ExitCode), nil
	}
	return ran, err
}

// nopCloser is a buffer that a process may close.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
