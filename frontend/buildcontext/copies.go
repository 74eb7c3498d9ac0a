package buildcontext

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/gitignore"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// neverCopied are files that flytekit leaves out of source_root beside those
// of the ignore files.
func neverCopied() []string {
	return []string{"**/.git", "**/*.pyc", ".cache", "**/__pycache__"}
}

// copied gives the build context for one thing that is copied out of it.
func (c *Context) copied(ctx context.Context, item plan.Copy) (*llb.State, error) {
	opts := []llb.LocalOption{
		llb.SharedKeyHint("imagespec:copy:" + item.From),
		dockerui.WithInternalName("load " + item.From),
	}
	if item.From != "." {
		opts = append(opts, llb.FollowPaths([]string{item.From}))
	}
	if item.Source {
		ignored, err := c.ignoredSources(ctx, item.From)
		if err != nil {
			return nil, err
		}
		opts = append(opts, llb.ExcludePatterns(ignored))
	}
	st, err := c.UI.MainContext(ctx, opts...)
	if err != nil || item.From == "." {
		return st, err
	}
	files, err := c.read(ctx, st)
	if err != nil {
		return nil, err
	}
	if _, err = files.Stat(item.From); err != nil {
		return nil, absent(item, c.missing(ctx, item.From, err))
	}
	return st, nil
}

// absent says that what is to be copied is not there.
func absent(item plan.Copy, err error) error {
	var ignored *ignoredError
	if errors.As(err, &ignored) || !errors.Is(err, fs.ErrNotExist) {
		return diag.Errorf(item.At, "%w", err)
	}
	return diag.Errorf(item.At, "%s is not in the build context", item.From).
		WithHint("paths are relative to the build context, the folder at the end of the build command")
}

// ignoredSources gives the patterns of what is left out of source_root: those
// of .dockerignore, of the .gitignore files in it, and of flytekit.
func (c *Context) ignoredSources(ctx context.Context, dir string) ([]string, error) {
	patterns, err := c.UI.DockerIgnorePatterns(ctx)
	if err != nil {
		return nil, err
	}
	st, err := c.UI.MainContext(ctx,
		llb.IncludePatterns([]string{path.Join(dir, ".gitignore"), path.Join(dir, "**", ".gitignore")}),
		llb.ExcludePatterns(patterns),
		llb.SharedKeyHint("imagespec:gitignore:"+dir),
		dockerui.WithInternalName("load .gitignore"),
	)
	if err != nil {
		return nil, err
	}
	files, err := c.read(ctx, st)
	if err != nil {
		return nil, err
	}
	for _, name := range gitignores(files, dir) {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, gitignore.Patterns(path.Dir(name), data)...)
	}
	for _, pattern := range neverCopied() {
		patterns = append(patterns, path.Join(dir, pattern))
	}
	return patterns, nil
}

// gitignores finds the .gitignore files in a directory, those of a parent
// before those of its children.
func gitignores(files fs.ReadDirFS, dir string) []string {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return nil // none was sent, not even the folder
	}
	var found, below []string
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			below = append(below, gitignores(files, name)...)
		case entry.Name() == ".gitignore":
			found = append(found, name)
		}
	}
	return append(found, below...)
}
