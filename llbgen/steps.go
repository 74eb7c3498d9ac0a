package llbgen

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// aptCache is where apt has its lists and archives in the step, away from
// where Debian's images for containers delete them.
const aptCache = "/run/imagespec-apt"

// apt installs Debian packages into the base.
func (g generator) apt(base llb.State) llb.State {
	if g.plan.Apt == nil {
		return base
	}
	packages := g.plan.Apt.Packages
	return g.run(base, "apt", g.plan.Apt.At,
		append([]string{"/bin/sh", scriptPath("apt")}, packages...),
		append(aptOptions(), llb.WithCustomNamef("[%sapt] install %s", g.StepPrefix, summary(packages)))...)
}

// aptOptions are what a step that runs scripts/apt gets.
func aptOptions() []llb.RunOption {
	return []llb.RunOption{
		script("apt"),
		llb.AddMount(aptCache, llb.Scratch(), llb.AsPersistentCacheDir("imagespec-apt", llb.CacheMountLocked)),
		llb.AddEnv("DEBIAN_FRONTEND", "noninteractive"),
		llb.AddEnv("PATH", plan.DefaultPath),
	}
}

// commands runs the commands of the spec, each in a step of its own.
func (g generator) commands(st llb.State) llb.State {
	for i, command := range g.plan.Commands {
		opts := []llb.RunOption{
			script("command"),
			llb.WithCustomNamef("[%scommand %d/%d] %s", g.StepPrefix, i+1, len(g.plan.Commands), firstLine(command.Run)),
		}
		for _, v := range g.plan.Environ() {
			name, value, _ := strings.Cut(v, "=")
			opts = append(opts, llb.AddEnv(name, value))
		}
		for _, tool := range g.plan.Tools {
			opts = append(opts, g.withTool(tool))
		}
		st = g.run(st, "commands", command.At, []string{"/bin/sh", scriptPath("command"), command.Run}, opts...)
	}
	return st
}

// StepKey is the description of a step that names it: by the name that
// --no-cache-filter takes, and the line and column of the spec that it comes
// from, since nested specs have steps of the same name.
const StepKey = "imagespec.step"

// StepName is the value of StepKey for a step.
func StepName(name string, at diag.Range) string {
	return fmt.Sprintf("%s %d:%d", name, at.Line, at.Column)
}

// run runs a command line in the image, as root in its root directory, with a
// network. The step is called by its name and place.
func (g generator) run(st llb.State, name string, at diag.Range, command []string, opts ...llb.RunOption) llb.State {
	opts = append(opts,
		llb.Args(trusted(command...)),
		llb.Dir("/"),
		llb.User("0:0"),
		g.Locate(at),
		llb.WithDescription(map[string]string{StepKey: StepName(name, at)}),
	)
	opts = append(opts, g.network()...)
	if g.NoCache(name) {
		opts = append(opts, llb.IgnoreCache)
	}
	return st.Run(opts...).Root()
}

// sourceTime is the time of copied files: that of a checkout would make
// another layer on each machine.
var sourceTime = time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC)

// copies puts files of the build context into the image. They belong to its
// user.
//
// Each is laid out first as it is to stand below the working directory, and
// then copied as the content of that directory: made anew in it, it would give
// the directory the time of the build.
func (g generator) copies(st llb.State) llb.State {
	info := &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true, CreatedTime: &sourceTime}
	for _, c := range g.plan.Copies {
		name := llb.WithCustomNamef("[%ssource] copy %s to %s", g.StepPrefix, c.From, c.To)
		files, from := g.Files[c.From], path.Join("/", c.From)
		if below, ok := strings.CutPrefix(c.To, g.plan.Config.Workdir+"/"); ok {
			files, from = llb.Scratch().File(llb.Copy(files, from, path.Join("/", below), info), name), "/"
		}
		st = st.File(llb.Copy(files, from, g.plan.Config.Workdir, info, llb.WithUser(g.plan.Config.User)), name, g.Locate(c.At))
	}
	return st
}

// firstLine gives the first line of a command, for its name.
func firstLine(command string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(command), "\n")
	if rest != "" {
		line += " …"
	}
	return line
}
