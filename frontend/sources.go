package frontend

import (
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// sources gives the build context for each package of the plan that lies in
// it, by its path: the client sends the file, or the files of the folder that
// are the package's own.
func (c *contextFS) sources(p *plan.Plan) (map[string]llb.State, error) {
	all := map[string]llb.State{}
	for _, pkg := range p.Packages {
		if pkg.Path == "" {
			continue
		}
		state := c.state
		if pkg.Kind == lock.KindDirectory {
			state = func(string, ...string) (*llb.State, error) { return c.folder(pkg) }
		}
		st, err := state(pkg.Path, pkg.Path)
		if err != nil {
			return nil, err
		}
		all[pkg.Path] = *st
	}
	return all, nil
}

// folder is the build context of which a package's folder is sent. What the
// ignore file leaves out stays out.
func (c *contextFS) folder(pkg plan.Package) (*llb.State, error) {
	excludes, err := c.build.ui.DockerIgnorePatterns(c.ctx)
	if err != nil {
		return nil, err
	}
	for _, pattern := range pkg.Build.Exclude {
		excludes = append(excludes, path.Join(pkg.Path, pattern))
	}
	opts := []llb.LocalOption{
		llb.ExcludePatterns(excludes),
		llb.SharedKeyHint("imagespec:" + pkg.Path),
		llb.Differ(llb.DiffNone, false),
		dockerui.WithInternalName("load " + pkg.Path),
	}
	if pkg.Path != "." {
		opts = append(opts, llb.FollowPaths([]string{pkg.Path}))
	}
	return c.build.ui.MainContext(c.ctx, opts...)
}
