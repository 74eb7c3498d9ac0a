package frontend

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec/frontend/explain"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/project"
)

// commit gives the commit that a ref of a repository stands for now.
func (b *build) commit(ctx context.Context) project.Commit {
	return func(repository, ref string, at diag.Range) (string, error) {
		source, err := gitSource(ctx, repository, ref)
		if err != nil {
			return "", err
		}
		name := strings.TrimSpace(ref + " of " + repository)
		found, err := b.engine.ResolveSourceMetadata(ctx, source, sourceresolver.Opt{
			LogName: "[internal] look up " + name,
			GitOpt:  &sourceresolver.ResolveGitOpt{},
		})
		if err != nil {
			return "", explain.Git(err, at, name+" cannot be fetched", repository)
		}
		if found.Git == nil {
			return "", diag.Errorf(at, "the engine does not tell which commit %s is", name).
				WithHint("name the full commit id behind the @")
		}
		return cmp.Or(found.Git.CommitChecksum, found.Git.Checksum), nil // the second is that of an annotated tag
	}
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
