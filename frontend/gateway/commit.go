package gateway

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/solver/pb"
)

// Commit gives the commit that a ref of a repository stands for now, empty if
// the engine does not tell.
func (e Engine) Commit(ctx context.Context, repository, ref string) (string, error) {
	source, err := gitSource(ctx, repository, ref)
	if err != nil {
		return "", err
	}
	found, err := e.ResolveSourceMetadata(ctx, source, sourceresolver.Opt{
		LogName: "[internal] look up " + strings.TrimSpace(ref+" of "+repository),
		GitOpt:  &sourceresolver.ResolveGitOpt{},
	})
	if err != nil || found.Git == nil {
		return "", err
	}
	return cmp.Or(found.Git.CommitChecksum, found.Git.Checksum), nil // the second is that of an annotated tag
}

// gitSource is the operation that fetches a ref.
func gitSource(ctx context.Context, repository, ref string) (*pb.SourceOp, error) {
	def, err := llb.Git(repository, "", llb.GitRef(ref), llb.KeepGitDir()).Marshal(ctx)
	if err != nil {
		return nil, err
	}
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return nil, err
		}
		if source := op.GetSource(); source != nil {
			return source, nil
		}
	}
	return nil, fmt.Errorf("%s is no repository", repository)
}
