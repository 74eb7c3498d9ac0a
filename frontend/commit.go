package frontend

import (
	"context"
	"strings"

	"github.com/imagespec/imagespec/frontend/explain"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/project"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// commit gives the commit that a ref of a repository stands for now.
func (b *build) commit(ctx context.Context) project.Commit {
	return func(repository, ref string, at diag.Range) (string, error) {
		commit, err := b.engine.Commit(ctx, repository, ref)
		name := strings.TrimSpace(ref + " of " + repository)
		if err != nil {
			return "", explain.Git(err, at, name+" cannot be fetched", repository)
		}
		if !lock.IsCommit(commit) {
			return "", diag.Errorf(at, "the engine does not tell which commit %s is", name).
				WithHint("name the full commit id behind the @")
		}
		return commit, nil
	}
}
