package frontend

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"

	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
)

// resolution answers requests to the resolver, for one platform.
type resolution struct {
	*build
	ctx      context.Context //nolint:containedctx // plan.Input has no context; it lives as long as one compile
	compiled *compiled
	secrets  []plan.Secret
}

// resolve gives the lock that answers a request. Nothing is asked again while
// the request stays the same: the engine has the step.
func (r *resolution) resolve(req *resolve.Request) ([]byte, error) {
	step := llbgen.Resolution{Request: req, Secrets: r.secrets}
	ref, err := r.solve(step)
	if err == nil && has(r.ctx, ref, resolver.NeedsPython) {
		if r.compiled.base.interpreter != nil {
			return nil, fmt.Errorf("%w, and the base has none", resolver.ErrPython)
		}
		step.Python = r.compiled.base.facts.Python.Home + "/python3"
		ref, err = r.solve(step)
	}
	if e := explainSecret(err, r.secrets); e != nil {
		return nil, e
	}
	if err != nil {
		return nil, r.explain(step, err)
	}
	return readAll(r.ctx, ref, resolve.Format, maxAnswer)
}

// explain tries a failed step again to learn what uv has to say: a step that
// fails leaves nothing to read, and one that does not is kept in the cache.
func (r *resolution) explain(step llbgen.Resolution, failure error) error {
	step.Report = r.ui.BuildOpts().SessionID
	ref, err := r.solve(step)
	if err != nil {
		return fmt.Errorf("resolving: %w", failure)
	}
	if !has(r.ctx, ref, resolver.FailureFile) {
		return errors.Join(errors.New("resolving has failed once, and then not: the index may be overloaded; build again"), failure)
	}
	output, err := readAll(r.ctx, ref, resolver.FailureFile, maxAnswer)
	if err != nil {
		return err
	}
	return &resolve.Failure{Output: string(output)}
}

// solve runs the step.
func (r *resolution) solve(step llbgen.Resolution) (client.Reference, error) {
	opt, err := r.stepOptions()
	if err != nil {
		return nil, err
	}
	opt.Base, opt.StepPrefix = r.compiled.base.state, r.stepPrefix(r.compiled.platform)
	st, err := step.State(opt)
	if err != nil {
		return nil, err
	}
	def, err := st.Marshal(r.ctx, llb.WithCaps(r.ui.BuildOpts().LLBCaps))
	if err != nil {
		return nil, err
	}
	return r.ref(r.ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
}

// stepOptions is what all steps have, also those that are run before there is
// a plan.
func (b *build) stepOptions() (llbgen.Options, error) {
	helper, err := b.helper()
	return llbgen.Options{
		Helper:        helper,
		BuildPlatform: b.ui.BuildPlatforms[0],
		Caps:          b.ui.BuildOpts().LLBCaps,
		Limits:        b.limits(),
		Network:       b.network(),
		Locate:        b.files.location,
		NoCache:       b.ui.IsNoCache,
	}, err
}

// has says whether a reference has a file.
func has(ctx context.Context, ref client.Reference, name string) bool {
	_, err := ref.StatFile(ctx, client.StatRequest{Path: name})
	return err == nil
}
