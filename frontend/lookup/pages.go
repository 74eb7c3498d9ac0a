// Package lookup asks package indexes through the engine, which has the network,
// the credentials and the policies: for pages, and for what it remembers of
// their answers. It also finds out what the secret netrc is for.
//
// What an index is asked for, and which of its files is taken, is up to
// lockparse.
package lookup

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

// Servers are those of indexes and files, as a spec has them asked.
type Servers struct {
	Engine    gateway.Engine
	Options   llbgen.Options // of all steps
	Secrets   []plan.Secret  // of the spec
	Namespace string         // of the client's cache mounts
	Logins    *Logins        // of the build
}

// pageFile is what a page of an index is called as a file.
const pageFile = "page"

// Page reads a page of an index. Where the spec has secrets, or the netrc a
// login, a step that has them reads it. The error is an index.StatusError where
// the server answers with one.
func (s *Servers) Page(ctx context.Context, url string) ([]byte, error) {
	private, err := s.private(ctx, url)
	if err != nil {
		return nil, err
	}
	page := s.source(url)
	if private {
		page = s.step(url)
	}
	ref, err := s.Engine.Run(ctx, page)
	if err != nil {
		return nil, cmp.Or(explain.Secret(err, s.Secrets), explain.Refusal(err), explain.Status(err))
	}
	return gateway.Open(ctx, ref).ReadLarge(pageFile, index.MaxBytes)
}

// private says whether a page is read by a step that has secrets.
func (s *Servers) private(ctx context.Context, url string) (bool, error) {
	host := plan.Server(url)
	if len(s.Secrets) > 0 || host == "" {
		return len(s.Secrets) > 0, nil
	}
	known, err := s.Netrc(ctx, []string{host})
	return len(known) > 0, err
}

// source has BuildKit read a page. Without a checksum it looks at the status,
// and asks whether the page it has is still the newest.
func (s *Servers) source(url string) llb.State {
	opts := []llb.HTTPOption{
		llb.Filename(pageFile),
		llb.WithCustomNamef("read %s", url),
		llb.ProgressGroup("imagespec.index", "[index] look up files", false),
	}
	if s.Options.Caps.Supports(pb.CapSourceHTTPHeader) == nil {
		opts = append(opts, llb.Header(llb.HTTPHeader{Accept: index.Accept}))
	} // else the index sends HTML
	return llb.HTTP(url, opts...)
}

// step reads a page with the secrets of spec and build, in each build anew.
func (s *Servers) step(url string) llb.State {
	fetch := llbgen.Fetch{URL: url, Accept: index.Accept, File: pageFile, Secrets: s.Secrets}
	return fetch.State(s.Options,
		llb.AddEnv("BUILD", s.Engine.BuildOpts().SessionID),
		llb.WithCustomNamef("read %s", url),
		llb.ProgressGroup("imagespec.index", "[index] look up files", false),
	)
}
