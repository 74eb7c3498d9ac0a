package frontend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"

	"github.com/imagespec/imagespec/internal/diag"
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
	step := llbgen.Resolution{Request: req, Secrets: r.secrets, Rewrites: plan.RewritesOf(r.compiled.spec)}
	var err error
	if step.Trees, err = r.context.with(r.ctx).inputs(req.Trees); err != nil {
		return nil, err
	}
	ref, err := r.solve(step)
	if err == nil && has(r.ctx, ref, resolver.NeedsPython) {
		step.Stage, step.Apt = r.stage(step), req.Apt
		ref, err = r.solve(step)
	}
	if err == nil && has(r.ctx, ref, resolver.NeedsGit) {
		step.Stage, step.Apt = r.stage(step), req.Git
		ref, err = r.solve(step)
	}
	if e := explainSecret(err, r.secrets); e != nil {
		return nil, e
	}
	var failed *stepError
	if errors.As(err, &failed) && failed.step != "" {
		return nil, r.explainInput(failed, req)
	}
	if err != nil {
		return nil, r.explain(step, err)
	}
	return readAll(r.ctx, ref, resolve.Format, maxAnswer)
}

// stage is what is built on where a package has to be built to be resolved.
func (r *resolution) stage(step llbgen.Resolution) *plan.Plan {
	base := r.compiled.base
	return &plan.Plan{
		Base: base.Base, Interpreter: base.interpreter, Python: base.facts.Python,
		Rewrites: step.Rewrites, RequirementsAt: step.Request.Place(""),
	}
}

// stepError is the failure of a solve, with what llbgen has called the step.
type stepError struct {
	error
	step string // empty for the step that resolves
	of   string // the repository, for one that fetches a commit
}

func (e *stepError) Unwrap() error { return e.error }

// explainInput says why there is not what uv needs.
func (r *resolution) explainInput(failed *stepError, req *resolve.Request) error {
	i := slices.IndexFunc(req.Repositories, func(of resolve.Repository) bool { return of.URL == failed.of })
	var e *diag.Error
	switch {
	case failed.step == llbgen.GitStep && i >= 0:
		of := req.Repositories[i]
		e = explainGit(failed, of.At, fmt.Sprintf("commit %.12s of %s cannot be fetched", of.Commit, of.Location), of.Location)
	case strings.HasPrefix(failed.step, llbgen.BuildAptStep):
		e = r.explainBuildApt(r.ctx, failed, req.Place(""), r.compiled)
	default:
		return failed
	}
	e.Err = failed
	return e
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
	ref, err := r.ref(r.ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		description := failedDescription(err, def)
		return nil, &stepError{err, description[llbgen.StepKey], description[llbgen.PackageKey]}
	}
	return ref, nil
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
