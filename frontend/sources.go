package frontend

import (
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// files gives the build context for each file or folder of the plan that lies
// in it, by its path: what is copied, wheels and archives.
func (c *contextFS) files(p *plan.Plan) (map[string]llb.State, error) {
	states, err := c.copies(p)
	if err != nil {
		return nil, err
	}
	for _, pkg := range p.Packages {
		if pkg.Path == "" || pkg.Kind == lock.KindDirectory {
			continue
		}
		st, err := c.state(pkg.Path, pkg.Path)
		if err != nil {
			return nil, err
		}
		states[pkg.Path] = *st
	}
	return states, nil
}

// trees gives the build context for each package that is a folder in it, by
// its name: the client sends the files that are the package's own.
func (c *contextFS) trees(p *plan.Plan) (map[string]llb.State, error) {
	states := map[string]llb.State{}
	for _, pkg := range p.Packages {
		if pkg.Kind != lock.KindDirectory {
			continue
		}
		st, err := c.folder(pkg)
		if err != nil {
			return nil, err
		}
		states[pkg.Name] = *st
	}
	return states, nil
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

// shownLines is how many lines of a failed build an error shows.
const shownLines = 20

// explainBuild says which package could not be built, and why as far as the
// build itself has said.
func (b *build) explainBuild(ctx context.Context, err error, p *plan.Plan, number, code string) *diag.Error {
	i, parseErr := strconv.Atoi(number)
	if parseErr != nil || i < 0 || i >= len(p.Packages) {
		return diag.Errorf(p.RequirementsAt, "a package cannot be built: %w", err)
	}
	pkg := p.Packages[i]
	output := string(diag.Redact([]byte(b.output(ctx, err, llbgen.BuildLog))))
	e := diag.Errorf(pkg.At, "%s cannot be built: exit code %s", strings.TrimSpace(pkg.Name+" "+pkg.Version), code)
	if lines := lastLines(output, shownLines); len(lines) > 0 {
		e.Msg += ", after\n    " + strings.Join(lines, "\n    ")
	}
	return e.WithHint("%s", adviseBuild(output, pkg.Name))
}

// lastLines gives the last lines of a text, without empty ones at its end.
func lastLines(text string, count int) []string {
	text = strings.TrimRight(text, "\n ")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-count):]
}
