package frontend

import (
	"context"
	"encoding/json"
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/flytekit"
	"github.com/imagespec/imagespec/internal/flytekit/content"
)

// nameOf gives what flytekit calls the image: registry, name and tag. A spec
// that it has no name for is built all the same, with a warning.
func (b *build) nameOf(ctx context.Context, spec *imagespec.Spec) (string, []diag.Warning) {
	called, err := flytekit.Read(spec.Source)
	if err != nil {
		return "", nameless(err, spec)
	}
	digests, err := b.digests(ctx, called)
	if err != nil {
		return "", nameless(called.Locate(err), spec)
	}
	name, err := called.Name(digests)
	if err != nil {
		return "", nameless(err, spec)
	}
	return name, called.Warnings()
}

// nameless warns that the exporter gets no name.
func nameless(err error, spec *imagespec.Spec) []diag.Warning {
	w := diag.Warning{
		Rule: "NoFlytekitName",
		Msg:  "flytekit has no name for this image: " + err.Error(),
		Hint: "name the image with -t or --output",
		At:   diag.Range{Source: spec.Source, Line: 1},
	}
	if all := diag.All(err); len(all) > 0 && len(all[0].At) > 0 {
		w.Msg, w.At = "flytekit has no name for this image: "+all[0].Msg, all[0].At[0]
	}
	return []diag.Warning{w}
}

// Paths in the step that computes digests.
const (
	digestPath    = "/bin/imagespec-digest"
	digestContext = "/context"
	digestOut     = "/out"
	digestFile    = "digests.json"
)

// digests computes what the tag needs of the build context: of folders in a step
// that is keyed by their content, since file by file over the gateway would take
// seconds, in every build. What is ignored has not been sent, and is not in the image either.
func (b *build) digests(ctx context.Context, called *flytekit.Spec) (content.Digests, error) {
	needs, err := called.Needs()
	if err != nil {
		return content.Digests{}, err
	}
	if !needs.Folders() {
		return content.Of(b.context.FS(ctx), needs)
	}
	step, err := b.digestStep(ctx, needs)
	if err != nil {
		return content.Digests{}, err
	}
	ref, err := b.engine.Run(ctx, step)
	if err != nil {
		return content.Digests{}, err
	}
	data, err := gateway.Open(ctx, ref).ReadLarge(digestFile, maxAnswer)
	if err != nil {
		return content.Digests{}, err
	}
	var answer content.Answer
	if err := json.Unmarshal(data, &answer); err != nil {
		return content.Digests{}, err
	}
	if answer.Failure != nil {
		return content.Digests{}, answer.Failure
	}
	return answer.Digests, nil
}

// digestStep is that step.
func (b *build) digestStep(ctx context.Context, needs content.Needs) (llb.State, error) {
	files, err := b.context.Tagged(ctx, needs.Paths())
	if err != nil {
		return llb.State{}, err
	}
	helper, err := b.engine.FrontendImage()
	if err != nil {
		return llb.State{}, err
	}
	question, err := json.Marshal(needs)
	if err != nil {
		return llb.State{}, err
	}
	opts := append(b.limits(),
		llb.Args([]string{digestPath, digestContext, string(question), path.Join(digestOut, digestFile)}),
		llb.Dir("/"),
		llb.Network(pb.NetMode_NONE),
		llb.Platform(b.ui.BuildPlatforms[0]),
		llb.AddMount(digestPath, helper, llb.Readonly, llb.SourcePath(digestPath)),
		llb.AddMount(digestContext, *files, llb.Readonly),
		llb.WithCustomName("[internal] digest what the tag is made of"),
	)
	return llb.Scratch().Run(opts...).AddMount(digestOut, llb.Scratch()), nil
}
