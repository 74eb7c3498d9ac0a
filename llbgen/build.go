package llbgen

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/gitutil"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Paths inside the steps that build a package.
const (
	buildDir    = "/build"             // the source, the environment, and the log
	sourceDir   = buildDir + "/source" // of the package, a tree
	archivesDir = "/archives"          // of the package, what is a file
	builtDir    = "/built"             // in an install step: a folder with a wheel for each package
	buildHome   = scratchDir + "/home" // a tmpfs
	epoch       = "315532800"          // 1980-01-01, the first day of zip files
)

// PackageKey is the description of a step that names the package it is for.
const PackageKey = "imagespec.package"

// The names of the steps that build: of those for a package, of the one that
// fetches its commit, and of the one that installs Debian packages.
const (
	BuildStep    = "build"
	GitStep      = "git"
	BuildAptStep = "build-apt"
)

// BuildLog is where a step that builds a package has all that it printed.
const BuildLog = buildDir + "/log"

// Builds gives what packages are built in, by their names: the base with
// compilers and the environment of the build, as the build leaves it. None of
// it is in the image.
func Builds(p *plan.Plan, opt Options) map[string]llb.State {
	g := generator{plan: p, Options: opt}
	states := map[string]llb.State{}
	for _, pkg := range p.Packages {
		if pkg.Build != nil {
			states[pkg.Name], _ = g.built(pkg)
		}
	}
	return states
}

// built gives what a package is built in, and the state with its wheel at the
// root. It is built on the target platform: first its build requirements are
// installed, with a network, then it is built in what that left, without one.
func (g generator) built(pkg plan.Package) (in, wheel llb.State) {
	title := strings.TrimSpace(pkg.Name + " " + pkg.Version)
	source, archive := g.source(pkg)
	common := append(environment(repeatable), script("build.py"), g.withTool(g.uv()))
	own := slices.Concat(common, source, environment(aboutPackage(pkg)))
	asked := own // the source is asked for its requirements
	if len(pkg.Build.Requires) > 0 {
		asked = append(slices.Clone(common), llb.AddEnv("REQUIRES", strings.Join(pkg.Build.Requires, "\n")))
	}
	program := []string{g.python(), "-I", scriptPath("build.py")}

	prepared := g.run(g.stage(pkg.Build.Apt), BuildStep, pkg.At,
		slices.Concat(program, []string{"requires"}, archive),
		slices.Concat(asked, g.requirementEnv(), g.buildLogins(), []llb.RunOption{
			llb.WithCustomNamef("[%sbuild %s] install build requirements", g.StepPrefix, title),
			llb.WithDescription(map[string]string{PackageKey: pkg.Name}),
		})...)
	if g.NoCache(BuildStep) {
		own = append(own, llb.IgnoreCache)
	}
	build := prepared.Run(slices.Concat(own, g.Limits, []llb.RunOption{
		llb.Args(slices.Concat(program, []string{"wheel", requirement(pkg)})),
		llb.Network(pb.NetMode_NONE),
		llb.AddMount(scratchDir, llb.Scratch(), llb.Tmpfs()),
		llb.AddEnv("PATH", g.environmentPath()),
		llb.AddEnv("VIRTUAL_ENV", path.Join(buildDir, "env")),
		llb.AddEnv("UV_NO_CACHE", "1"),
		llb.AddEnv("UV_OFFLINE", "1"),
		llb.AddEnv("CARGO_NET_OFFLINE", "true"),
		llb.WithCustomNamef("[%sbuild %s] build wheel", g.StepPrefix, title),
		llb.WithDescription(map[string]string{StepKey: BuildStep, PackageKey: pkg.Name}),
		g.Locate(pkg.At),
	})...)
	wheel = build.AddMount("/wheels", llb.Scratch())
	return build.Root(), wheel
}

// buildLogins gives the secrets to a step that installs build requirements, if
// they may come from a server that wants a login. The step gives them to uv by
// itself: it runs on the target platform, which our helper is not for.
func (g generator) buildLogins() []llb.RunOption {
	if len(g.plan.Builds.Indexes) == 0 && len(g.plan.Secrets) == 0 {
		return nil
	}
	return g.logins(g.plan.Secrets, g.plan.Builds.Indexes)
}

// environmentPath is the PATH of a build: that of its environment, before the
// base's.
func (g generator) environmentPath() string {
	base := plan.DefaultPath
	for _, entry := range g.plan.Base.Env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			base = value
		}
	}
	return path.Join(buildDir, "env", "bin") + ":" + base
}

// requirement is what the built wheel has to be.
func requirement(pkg plan.Package) string {
	if pkg.Version == "" {
		return pkg.Name
	}
	return pkg.Name + "==" + pkg.Version
}

// python is the interpreter of the plan.
func (g generator) python() string {
	return cmp.Or(g.plan.Python.Executable, path.Join(g.plan.Python.Home, "python"+g.plan.Python.Minor()))
}

// uv is the one for the target. That there is one has been checked.
func (g generator) uv() plan.Tool {
	tool, _ := plan.UV(g.plan.Architecture())
	return tool
}

// stage is the base with its interpreter and with Debian packages. It is not
// part of the image.
func (g generator) stage(packages []string) llb.State {
	st := g.Base
	if g.plan.Interpreter != nil {
		st = g.join(st, []llb.State{g.interpreter(*g.plan.Interpreter)})
	}
	st = st.User("0:0").Dir("/")
	for _, entry := range g.plan.Base.Env {
		name, value, _ := strings.Cut(entry, "=")
		st = st.AddEnv(name, value)
	}
	if len(packages) == 0 {
		return st
	}
	return g.run(st, BuildAptStep, g.plan.RequirementsAt,
		append([]string{"/bin/sh", scriptPath("apt")}, packages...),
		append(aptOptions(), llb.WithCustomNamef("[%sbuild] install %s", g.StepPrefix, summary(packages)))...)
}

// source mounts what a package is built from, and gives the archive that has
// to be unpacked first, if it is one.
func (g generator) source(pkg plan.Package) ([]llb.RunOption, []string) {
	switch pkg.Kind {
	case lock.KindGit:
		return []llb.RunOption{llb.AddMount(sourceDir, g.repository(pkg))}, nil
	case lock.KindDirectory:
		return []llb.RunOption{llb.AddMount(sourceDir, g.tree(pkg))}, nil
	}
	file := path.Join(archivesDir, pkg.File)
	if pkg.URL == "" {
		return []llb.RunOption{llb.AddMount(file, g.Files[pkg.Path], llb.Readonly, llb.SourcePath(pkg.Path))}, []string{file}
	}
	return []llb.RunOption{llb.AddMount(file, g.wheel(pkg), llb.Readonly, llb.SourcePath(pkg.File))}, []string{file}
}

// repository is the commit that a package is built from.
func (g generator) repository(pkg plan.Package) llb.State {
	return g.commit(resolve.Repository{URL: pkg.URL, Location: g.plan.Rewrites.Apply(pkg.URL), Commit: pkg.Build.Commit, At: pkg.At}, pkg.Name)
}

// commit is one of a repository, for a package, or for what is known by its URL
// alone. Its .git stays, since backends ask it for versions and for the files
// that belong to the project. BuildKit keys it by the commit alone, wherever it
// is fetched from.
//
// One over ssh gets the client's key "default". llb.Git would ask the server for
// its own key, which the frontend cannot without network: so ssh takes any, and
// the commit's id says what may come.
func (g generator) commit(of resolve.Repository, name string) llb.State {
	return llb.Git(of.Location, "",
		llb.GitRef(of.Commit),
		llb.KeepGitDir(),
		llb.WithCustomNamef("fetch %s at %.12s", of.Location, of.Commit),
		llb.WithDescription(map[string]string{StepKey: GitStep, PackageKey: name}),
		g.Locate(of.At),
	)
}

// Remote gives the host of a repository, with its port where the URL has one,
// and whether it is reached over ssh, which "git@HOST:PATH" is, too.
func Remote(repository string) (host string, ssh bool) {
	u, err := gitutil.ParseURL(repository)
	if err != nil {
		return repository, false
	}
	return u.Host, u.Scheme == gitutil.SSHProtocol
}

// tree is a folder of the build context without what is not its own. Copied it
// is known by its content, and not by the client that has sent it.
func (g generator) tree(pkg plan.Package) llb.State {
	return llb.Scratch().File(llb.Copy(g.Trees[pkg.Name], pkg.Path, "/", &llb.CopyInfo{
		CopyDirContentsOnly: true,
		ExcludePatterns:     pkg.Build.Exclude,
	}), llb.WithCustomNamef("[build %s] load its source", pkg.Name), g.Locate(pkg.At))
}

// requirementEnv is the environment in which build requirements are resolved.
func (g generator) requirementEnv() []llb.RunOption {
	b := g.plan.Builds
	var opts []llb.RunOption
	if len(b.Constraints) > 0 {
		opts = append(opts, llb.AddEnv("CONSTRAINTS", strings.Join(b.Constraints, "\n")))
	}
	if len(b.Indexes) > 0 {
		opts = append(opts, llb.AddEnv("UV_DEFAULT_INDEX", b.Indexes[0]), llb.AddEnv("UV_INDEX", strings.Join(b.Indexes[1:], " ")))
	}
	if b.ExcludeNewer != "" {
		opts = append(opts, llb.AddEnv("UV_EXCLUDE_NEWER", b.ExcludeNewer))
	}
	return opts
}

// repeatable is the environment of both steps of every build: what makes
// builds repeatable, and keeps uv to what it is told.
var repeatable = []plan.EnvVar{
	{Name: "HOME", Value: buildHome},
	{Name: "CARGO_HOME", Value: path.Join(buildDir, "cargo")},
	{Name: "SOURCE_DATE_EPOCH", Value: epoch},
	{Name: "PYTHONHASHSEED", Value: "0"},
	{Name: "PYTHONDONTWRITEBYTECODE", Value: "1"},
	{Name: "UV_NO_CONFIG", Value: "1"},
	{Name: "UV_NO_PROGRESS", Value: "1"},
	{Name: "UV_LINK_MODE", Value: "copy"},
	{Name: "UV_PYTHON_DOWNLOADS", Value: "never"},
	{Name: "NO_COLOR", Value: "1"},
}

// aboutPackage is what a build is told of its package: where in the source it
// is, and for backends that ask a version control system the version of the
// lock.
func aboutPackage(pkg plan.Package) []plan.EnvVar {
	var env []plan.EnvVar
	if pkg.Build.Subdirectory != "" {
		env = append(env, plan.EnvVar{Name: "SUBDIRECTORY", Value: pkg.Build.Subdirectory})
	}
	if pkg.Version == "" {
		return env
	}
	upper := strings.ToUpper(strings.ReplaceAll(pkg.Name, "-", "_"))
	for _, name := range []string{
		"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_" + upper, "PBR_VERSION", "PDM_BUILD_SCM_VERSION",
		"POETRY_DYNAMIC_VERSIONING_BYPASS", "UV_DYNAMIC_VERSIONING_BYPASS",
	} {
		env = append(env, plan.EnvVar{Name: name, Value: pkg.Version})
	}
	return env
}

// environment sets variables in a step.
func environment(variables []plan.EnvVar) []llb.RunOption {
	var opts []llb.RunOption
	for _, v := range variables {
		opts = append(opts, llb.AddEnv(v.Name, v.Value))
	}
	return opts
}
