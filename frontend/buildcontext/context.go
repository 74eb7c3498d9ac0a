// Package buildcontext gives the build context, whatever it is: a folder of the
// client, a git repository, an archive or an input. Only what is asked for is
// sent to the engine: single files as an fs.FS, files and folders as LLB.
//
// What is asked for is up to the spec and its plan, and how steps use it to
// llbgen.
package buildcontext

import (
	"context"
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Context is the build context of one call of the frontend.
type Context struct {
	UI     *dockerui.Client
	Engine gateway.Engine
	Spec   string               // the name of the spec's file, which an ignore file can be for
	OnRead func(*llb.SourceMap) // gets each file that is read, for messages and ops to point at
}

// Files gives the build context for each file or folder of the plan that lies
// in it, by its path: what is copied, wheels and archives. What is to be copied
// and is not there is an error.
func (c *Context) Files(ctx context.Context, p *plan.Plan) (map[string]llb.State, error) {
	states := map[string]llb.State{}
	for _, item := range p.Copies {
		st, err := c.copied(ctx, item)
		if err != nil {
			return nil, err
		}
		states[item.From] = *st
	}
	for _, pkg := range p.Packages {
		if pkg.Path == "" || pkg.Kind == lock.KindDirectory {
			continue
		}
		st, err := c.state(ctx, pkg.Path, pkg.Path)
		if err != nil {
			return nil, err
		}
		states[pkg.Path] = *st
	}
	return states, nil
}

// Trees gives the build context for each package that is a folder in it, by
// its name: the client sends the files that are the package's own.
func (c *Context) Trees(ctx context.Context, p *plan.Plan) (map[string]llb.State, error) {
	states := map[string]llb.State{}
	for _, pkg := range p.Packages {
		if pkg.Kind != lock.KindDirectory {
			continue
		}
		st, err := c.folder(ctx, pkg.Path, nil, pkg.Build.Exclude)
		if err != nil {
			return nil, err
		}
		states[pkg.Name] = *st
	}
	return states, nil
}

// Inputs gives the build context for each tree of a request, by its path.
func (c *Context) Inputs(ctx context.Context, trees []resolve.Tree) (map[string]llb.State, error) {
	states := map[string]llb.State{}
	for _, tree := range trees {
		st, err := c.folder(ctx, tree.Path, tree.Include, tree.Exclude)
		if err != nil {
			return nil, err
		}
		states[tree.Path] = *st
	}
	return states, nil
}

// Tagged gives the build context with what the tag of the image is made of, at
// some paths.
func (c *Context) Tagged(ctx context.Context, paths []string) (*llb.State, error) {
	return c.UI.MainContext(ctx,
		llb.FollowPaths(paths),
		llb.SharedKeyHint("imagespec:tag"),
		dockerui.WithInternalName("load what the tag is made of"),
	)
}

// state is the build context, of which the files at some paths are sent. They
// have a hint of their own: sharing that of the main context would have the
// client send that one anew.
func (c *Context) state(ctx context.Context, name string, paths ...string) (*llb.State, error) {
	return c.UI.MainContext(ctx,
		llb.FollowPaths(paths),
		llb.SharedKeyHint("imagespec:"+name),
		llb.Differ(llb.DiffNone, false),
		dockerui.WithInternalName("load "+name),
	)
}

// folder is the build context of which a folder is sent, or what matches some
// patterns in it. What the ignore file leaves out stays out.
func (c *Context) folder(ctx context.Context, folder string, includes, excludes []string) (*llb.State, error) {
	ignored, err := c.UI.DockerIgnorePatterns(ctx)
	if err != nil {
		return nil, err
	}
	for _, pattern := range excludes {
		ignored = append(ignored, path.Join(folder, pattern))
	}
	opts := []llb.LocalOption{
		llb.ExcludePatterns(ignored),
		llb.SharedKeyHint("imagespec:" + folder),
		llb.Differ(llb.DiffNone, false),
		dockerui.WithInternalName("load " + folder),
	}
	var paths []string
	for _, pattern := range includes {
		paths = append(paths, path.Join(folder, pattern))
	}
	if len(paths) == 0 && folder != "." {
		paths = []string{folder}
	}
	if len(paths) > 0 {
		opts = append(opts, llb.FollowPaths(paths))
	}
	return c.UI.MainContext(ctx, opts...)
}

// read makes a part of the build context readable.
func (c *Context) read(ctx context.Context, st *llb.State) (gateway.Files, error) {
	ref, err := c.Engine.Ref(ctx, *st)
	return gateway.Open(ctx, ref), err
}
