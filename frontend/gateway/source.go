package gateway

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
)

// Commit gives the commit that a ref of a repository stands for now. An engine
// that does not tell has to fetch it.
func (e Engine) Commit(ctx context.Context, repository, ref string) (string, error) {
	name := strings.TrimSpace(ref + " of " + repository)
	source := llb.Git(repository, "", llb.GitRef(ref), llb.KeepGitDir(), llb.WithCustomName("[internal] look up "+name))
	found, err := e.metadata(ctx, source, name)
	if err != nil {
		return "", err
	}
	if found != nil && found.Git != nil {
		return cmp.Or(found.Git.CommitChecksum, found.Git.Checksum), nil // the second is that of an annotated tag
	}
	fetched, err := e.Run(ctx, source)
	if err != nil {
		return "", err
	}
	head, err := Open(ctx, fetched).ReadFile(".git/HEAD")
	return strings.TrimSpace(string(head)), err
}

// Status asks for a URL without its content being checked, for then the engine
// looks at what the server answers: nil if it answers well.
func (e Engine) Status(ctx context.Context, url string) error {
	source := llb.HTTP(url, llb.WithCustomName("[internal] ask for "+url))
	found, err := e.metadata(ctx, source, url)
	if err == nil && (found == nil || found.HTTP == nil) {
		_, err = e.Run(ctx, source)
	}
	return err
}

// metadata asks about a source, nil if the engine cannot be asked.
func (e Engine) metadata(ctx context.Context, source llb.State, name string) (*sourceresolver.MetaResponse, error) {
	caps := e.BuildOpts().Caps
	if caps.Supports(gwpb.CapSourceMetaResolver) != nil {
		return nil, nil //nolint:nilnil // which the caller expects
	}
	def, err := e.Marshal(ctx, source)
	if err != nil {
		return nil, err
	}
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return nil, err
		}
		if op.GetSource() != nil {
			return e.ResolveSourceMetadata(ctx, op.GetSource(), sourceresolver.Opt{
				LogName: "[internal] look up " + name,
				GitOpt:  &sourceresolver.ResolveGitOpt{},
			})
		}
	}
	return nil, fmt.Errorf("%s is no source", name)
}
