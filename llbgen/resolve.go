package llbgen

import (
	"encoding/json"
	"errors"
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
)

// Paths in the step that resolves.
const (
	resolverPath = "/bin/imagespec-resolve"
	requestDir   = "/request"
	requestFile  = "request.json"
	answerDir    = "/answer"
)

// Resolution is the step that answers a request. Its key is the request, uv and
// the helper; only where a package has to be built to know what it depends on,
// the base image too.
type Resolution struct {
	Request *resolve.Request
	// Python is the interpreter of Options.Base that builds such packages. Where
	// it is empty the step has no root file system at all.
	Python string
	// Report makes another step of it, which answers with uv's output where the
	// first one has failed. It is something that no other build has.
	Report string
}

// State gives the folder with the answer: see imagespec-resolve.
func (r Resolution) State(opt Options) (llb.State, error) {
	g := generator{Options: opt}
	uv, ok := plan.UV(opt.BuildPlatform.Architecture)
	if !ok {
		return llb.State{}, errors.New("there is no uv for the machine of the builder, " + opt.BuildPlatform.Architecture)
	}
	data, err := json.Marshal(r.Request)
	if err != nil {
		return llb.State{}, err
	}
	request := llb.Scratch().File(llb.Mkfile(requestFile, 0o644, data), llb.WithCustomName("[resolve] what to resolve"))
	args := []string{resolverPath}
	if r.Report != "" {
		args = append(args, "--report")
	}
	var names []string
	for _, line := range r.Request.Requirements {
		names = append(names, line.Text)
	}
	opts := append(g.connection(),
		llb.Args(append(args, path.Join(requestDir, requestFile), answerDir)),
		llb.Dir("/"),
		llb.Platform(g.BuildPlatform),
		llb.AddEnv("TMPDIR", scratchDir),
		llb.AddEnv("UV_NO_CONFIG", "1"),
		llb.AddEnv("IMAGESPEC_CA", secretCAPath),
		llb.AddMount(resolverPath, g.Helper, llb.Readonly, llb.SourcePath(resolverPath)),
		llb.AddMount(requestDir, request, llb.Readonly),
		g.withTool(uv),
		llb.WithCustomNamef("[%sresolve] resolve %s", g.StepPrefix, summary(names)),
		g.Locate(r.Request.Place("")),
	)
	root := llb.Scratch()
	if r.Python != "" {
		root = g.Base
		opts = append(opts, llb.AddEnv("IMAGESPEC_PYTHON", r.Python))
	}
	if r.Report != "" {
		opts = append(opts, llb.AddEnv("BUILD", r.Report))
	}
	if r.Report == "" && g.NoCache("resolve") {
		opts = append(opts, llb.IgnoreCache)
	}
	return root.Run(opts...).AddMount(answerDir, llb.Scratch()), nil
}
