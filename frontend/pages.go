package frontend

import (
	"cmp"
	"context"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec/frontend/explain"
	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/index"
)

// pageFile is what a page of an index is called as a file.
const pageFile = "page"

// page reads a page of an index through the engine, which has the network,
// the credentials and the policies. Without a checksum the engine looks at the
// status, and asks whether the page it has is still the newest.
//
// Where the spec has secrets, or the netrc a login, a step that has them reads it
// instead: in each build anew, too.
func (b *build) page(ctx context.Context, url string, secrets []plan.Secret) (data []byte, err error) {
	defer recoverTo(&err) // many pages are read at once
	if private, err := b.isPrivate(ctx, url, secrets); err != nil {
		return nil, err
	} else if private {
		return b.privatePage(ctx, url, secrets)
	}
	opts := []llb.HTTPOption{
		llb.Filename(pageFile),
		llb.WithCustomNamef("read %s", url),
		llb.ProgressGroup("imagespec.index", "[index] look up files", false),
	}
	caps := b.ui.BuildOpts().LLBCaps
	if caps.Supports(pb.CapSourceHTTPHeader) == nil {
		opts = append(opts, llb.Header(llb.HTTPHeader{Accept: index.Accept}))
	} // else the index sends HTML
	ref, err := b.engine.Run(ctx, llb.HTTP(url, opts...))
	if err != nil {
		return nil, explain.Status(err)
	}
	return gateway.Open(ctx, ref).ReadLarge(pageFile, index.MaxBytes)
}

// isPrivate says whether a page is read by a step that has secrets.
func (b *build) isPrivate(ctx context.Context, url string, secrets []plan.Secret) (bool, error) {
	host := plan.Server(url)
	if len(secrets) > 0 || host == "" {
		return len(secrets) > 0, nil
	}
	known, err := b.known(ctx, []string{host})
	return len(known) > 0, err
}

// privatePage reads a page with the secrets of spec and build.
func (b *build) privatePage(ctx context.Context, url string, secrets []plan.Secret) ([]byte, error) {
	opt, err := b.stepOptions()
	if err != nil {
		return nil, err
	}
	fetch := llbgen.Fetch{URL: url, Accept: index.Accept, File: pageFile, Secrets: secrets}
	st := fetch.State(opt,
		llb.AddEnv("BUILD", b.ui.BuildOpts().SessionID),
		llb.WithCustomNamef("read %s", url),
		llb.ProgressGroup("imagespec.index", "[index] look up files", false),
	)
	ref, err := b.engine.Run(ctx, st)
	if err != nil {
		return nil, cmp.Or(explain.Secret(err, secrets), explain.Refusal(err), err)
	}
	return gateway.Open(ctx, ref).ReadLarge(pageFile, index.MaxBytes)
}
