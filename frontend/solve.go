package frontend

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/frontend/explain"
	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/index"
)

// solve builds a compiled image. The result is evaluated here and not by the
// exporter, so that a wheel that cannot be fetched is explained.
func (b *build) solve(ctx context.Context, c *compiled) (*dockerui.BuildResult, error) {
	if err := c.plan.CheckBuilds(); err != nil {
		return nil, err
	}
	ref, err := b.engine.Run(ctx, c.state, llb.Platform(c.platform))
	if err != nil {
		return nil, b.explainStep(ctx, b.explainFetch(ctx, err, c.plan), c)
	}
	return &dockerui.BuildResult{
		Reference: ref,
		Image:     llbgen.Image(c.plan, c.base.config, c.platform, b.ui.Labels),
		BaseImage: &c.base.config,
	}, nil
}

// solveAnew builds an image again of which a file could not be fetched from
// where it was remembered to be, if the index now says otherwise.
func (b *build) solveAnew(ctx context.Context, spec *imagespec.Spec, platform *ocispecs.Platform, old *compiled, failure error) (*dockerui.BuildResult, error) {
	c, err := b.compile(ctx, spec, platform, old)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(slices.Collect(maps.Values(c.moved(old))), true) {
		return nil, failure
	}
	return b.solve(ctx, c)
}

// errFetch is in the chain of errors of files that cannot be fetched.
var errFetch = errors.New("a file cannot be fetched")

// explainFetch turns the failure of a wheel's source into an error that names
// the package. BuildKit itself says "digest mismatch" for whatever the server
// sent, an error page included (moby/buildkit#6380).
func (b *build) explainFetch(ctx context.Context, err error, p *plan.Plan) error {
	if e := explain.Secret(err, p.Secrets); e != nil {
		return e
	}
	pkg := failedPackage(err, p)
	if pkg == nil {
		return err
	}
	url := p.Rewrites.Apply(pkg.URL)
	e := diag.Errorf(pkg.At, "%s %s cannot be fetched from %s", pkg.Name, pkg.Version, url)
	e.Err = errors.Join(errFetch, err)
	if status := explain.Refusal(err); status != nil {
		return withStatus(e, url, status)
	}
	if pkg.Private {
		e.Msg += ": " + explain.Cause(err)
		return e.WithHint("check that the index still has the file, or lock again")
	}
	if status := b.engine.Status(ctx, url); status != nil {
		return withStatus(e, url, explain.Status(errors.New(explain.Cause(status))))
	}
	if strings.Contains(err.Error(), "digest mismatch") {
		e.Msg += ": its sha256 is not the " + pkg.SHA256 + " of the lock"
		return e.WithHint("the file has changed since it was locked: find out why before locking it again")
	}
	e.Msg += ": " + explain.Cause(err)
	return e
}

// withStatus adds what the server has answered.
func withStatus(e *diag.Error, url string, status error) error {
	e.Msg += ": " + status.Error()
	var code index.StatusError
	if errors.As(status, &code) && (code == http.StatusUnauthorized || code == http.StatusForbidden) {
		return e.WithHint("%s", resolve.LoginHint(url))
	}
	return e.WithHint("check that the index still has the file, or lock again")
}

// failedPackage gives the package whose source failed, nil if it was another
// step that did.
func failedPackage(err error, p *plan.Plan) *plan.Package {
	var failed *gateway.Failure
	if !errors.As(err, &failed) {
		return nil
	}
	url, ok := llbgen.Fetched(failed.Op)
	if !ok {
		return nil
	}
	return packageByURL(p, url)
}

func packageByURL(p *plan.Plan, url string) *plan.Package {
	for i := range p.Packages {
		if p.Rewrites.Apply(p.Packages[i].URL) == url {
			return &p.Packages[i]
		}
	}
	return nil
}
