package frontend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/frontend/explain"
	"github.com/imagespec/imagespec/frontend/gateway"
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
	steps    llbgen.Options
	secrets  []plan.Secret
}

// resolve gives the lock that answers a request. Nothing is asked again while
// the request stays the same: the engine has the step.
func (r *resolution) resolve(req *resolve.Request) ([]byte, error) {
	step := llbgen.Resolution{Request: req, Secrets: r.secrets, Rewrites: plan.RewritesOf(r.compiled.spec)}
	var err error
	if step.Trees, err = r.context.Inputs(r.ctx, req.Trees); err != nil {
		return nil, err
	}
	answer, err := r.run(step)
	if err == nil && answer.Has(resolver.NeedsPython) {
		step.Stage, step.Apt = r.stage(step), req.Apt
		answer, err = r.run(step)
	}
	if err == nil && answer.Has(resolver.NeedsGit) {
		step.Stage, step.Apt = r.stage(step), req.Git
		answer, err = r.run(step)
	}
	if e := explain.Secret(err, r.secrets); e != nil {
		return nil, e
	}
	var failed *gateway.Failure
	if errors.As(err, &failed) && failed.Description[llbgen.StepKey] != "" {
		return nil, r.explainInput(failed, req)
	}
	if err != nil {
		return nil, r.explain(step, err)
	}
	return answer.ReadLarge(resolve.Format, maxAnswer)
}

// stage is what is built on where a package has to be built to be resolved.
func (r *resolution) stage(step llbgen.Resolution) *plan.Plan {
	base := r.compiled.base
	return &plan.Plan{
		Base: base.Base, Interpreter: base.interpreter, Python: base.facts.Python,
		Rewrites: step.Rewrites, RequirementsAt: step.Request.Place(""),
	}
}

// explainInput says why there is not what uv needs.
func (r *resolution) explainInput(failed *gateway.Failure, req *resolve.Request) error {
	step, url := failed.Description[llbgen.StepKey], failed.Description[llbgen.PackageKey]
	i := slices.IndexFunc(req.Repositories, func(of resolve.Repository) bool { return of.URL == url })
	var e *diag.Error
	switch {
	case step == llbgen.GitStep && i >= 0:
		of := req.Repositories[i]
		e = explain.Git(failed, of.At, fmt.Sprintf("commit %.12s of %s cannot be fetched", of.Commit, of.Location), of.Location)
	case strings.HasPrefix(step, llbgen.BuildAptStep):
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
	report, err := r.run(step)
	if err != nil {
		return fmt.Errorf("resolving: %w", failure)
	}
	if !report.Has(resolver.FailureFile) {
		return errors.Join(errors.New("resolving has failed once, and then not: the index may be overloaded; build again"), failure)
	}
	output, err := report.ReadLarge(resolver.FailureFile, maxAnswer)
	if err != nil {
		return err
	}
	return &resolve.Failure{Output: string(output)}
}

// run runs the step, and gives the files that it leaves.
func (r *resolution) run(step llbgen.Resolution) (gateway.Files, error) {
	st, err := step.State(r.steps)
	if err != nil {
		return gateway.Files{}, err
	}
	ref, err := r.engine.Run(r.ctx, st)
	return gateway.Open(r.ctx, ref), err
}

// maxAnswer limits what is read of a step's answer, in bytes: a lock has some
// 100 kB.
const maxAnswer = 16 << 20

// stepOptions is what all steps have, also those that are run before there is
// a plan.
func (b *build) stepOptions() (llbgen.Options, error) {
	helper, err := b.engine.FrontendImage()
	return llbgen.Options{
		Helper:        helper,
		BuildPlatform: b.ui.BuildPlatforms[0],
		Caps:          b.ui.BuildOpts().LLBCaps,
		Limits:        b.limits(),
		Network:       b.network(),
		Locate:        b.files.Location,
		NoCache:       b.ui.IsNoCache,
	}, err
}
