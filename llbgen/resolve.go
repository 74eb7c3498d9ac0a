package llbgen

import (
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
)

// secretNetrc is the id of the secret for programs that read a netrc.
const secretNetrc = "netrc"

// Paths in the steps that talk to indexes.
const (
	resolverPath = "/bin/imagespec-resolve"
	requestDir   = "/request"
	requestFile  = "request.json"
	answerDir    = "/answer"
	inputsDir    = "/inputs"
)

// Resolution is the step that answers a request. Its key is the request, uv and
// the helper; only where a package has to be built to know what it depends on,
// the base image too.
type Resolution struct {
	Request *resolve.Request
	// Trees gives the build context for each tree of the request, by its path.
	Trees map[string]llb.State
	// Stage is what a package is built on: base and interpreter. Where it is nil
	// nothing can be built, and the step has no root file system at all.
	Stage *plan.Plan
	Apt   []string // Debian packages that the stage gets
	// Report makes another step of it, which answers with uv's output where the
	// first one has failed. It is something that no other build has.
	Report string
	// Secrets and Rewrites are those of the spec.
	Secrets  []plan.Secret
	Rewrites plan.Rewrites
}

// State gives the folder with the answer: see imagespec-resolve.
func (r Resolution) State(opt Options) (llb.State, error) {
	g := generator{Options: opt, plan: &plan.Plan{Rewrites: r.Rewrites}}
	if r.Stage != nil {
		g.plan = r.Stage
	}
	uv, ok := plan.UV(opt.BuildPlatform.Architecture)
	if !ok {
		return llb.State{}, errors.New("there is no uv for the machine of the builder, " + opt.BuildPlatform.Architecture)
	}
	data, err := json.Marshal(r.Request)
	if err != nil {
		return llb.State{}, err
	}
	request := llb.Scratch().File(llb.Mkfile(requestFile, 0o644, data), llb.WithCustomName("[resolve] what to resolve"))
	args, verb := []string{resolverPath, "lock"}, "resolve"
	if r.Report != "" {
		args, verb = append(args, "--report"), "ask why not to resolve"
	}
	var names []string
	for _, line := range r.Request.Requirements {
		names = append(names, line.Text)
	}
	opts := append(g.private(r.Secrets, r.Request.Origins()),
		llb.Args(append(args, path.Join(requestDir, requestFile), answerDir)),
		llb.Dir("/"),
		llb.Platform(g.BuildPlatform),
		llb.AddMount(requestDir, request, llb.Readonly),
		g.withTool(uv),
		llb.WithCustomNamef("[%sresolve] %s %s", g.StepPrefix, verb, summary(names)),
		g.Locate(r.Request.Place("")),
	)
	opts = append(opts, g.inputs(r)...)
	root := llb.Scratch()
	if r.Stage != nil {
		root = g.stage(r.Apt)
		opts = append(opts, llb.AddEnv("IMAGESPEC_PYTHON", g.python()))
	}
	if r.Report != "" {
		opts = append(opts, llb.AddEnv("BUILD", r.Report))
	}
	if r.Report == "" && g.NoCache("resolve") {
		opts = append(opts, llb.IgnoreCache)
	}
	return root.Run(opts...).AddMount(answerDir, llb.Scratch()), nil
}

// inputs mounts the trees and repositories of a request. A build may write into
// them; it is in no layer.
func (g generator) inputs(r Resolution) []llb.RunOption {
	var opts []llb.RunOption
	if len(r.Request.Trees) > 0 {
		context := llb.Scratch()
		for _, tree := range r.Request.Trees {
			context = context.File(llb.Copy(r.Trees[tree.Path], tree.Path, path.Join("/", tree.Path), &llb.CopyInfo{
				CopyDirContentsOnly: true,
				CreateDestPath:      true,
				IncludePatterns:     tree.Include,
				ExcludePatterns:     tree.Exclude,
			}), llb.WithCustomNamef("[%sresolve] load %s", g.StepPrefix, tree.Path))
		}
		opts = append(opts, llb.AddMount(path.Join(inputsDir, resolve.ContextDir), context))
	}
	for i, repository := range r.Request.Repositories {
		opts = append(opts, llb.AddMount(path.Join(inputsDir, resolve.RepositoryPath(i)), g.commit(repository, repository.URL)))
	}
	return opts
}

// private gives what the steps get that talk to an index: the network, our
// helper, and the secrets for the origins. None of them is in a layer, nor its
// content in a key.
func (g generator) private(secrets []plan.Secret, origins []string) []llb.RunOption {
	return slices.Concat(g.connection(), g.logins(secrets, origins), []llb.RunOption{
		g.resolver(),
		llb.AddEnv("TMPDIR", scratchDir),
		llb.AddEnv("HOME", "/root"), // where programs look for what pip_secret_mounts puts there
	})
}

// resolver mounts our helper for secrets.
func (g generator) resolver() llb.RunOption {
	return llb.AddMount(resolverPath, g.Helper, llb.Readonly, llb.SourcePath(resolverPath))
}

// logins gives the secrets of private.
func (g generator) logins(secrets []plan.Secret, origins []string) []llb.RunOption {
	opts := []llb.RunOption{
		llb.AddEnv("IMAGESPEC_SECRETS", secretsDir),
		llb.AddSecret(path.Join(secretsDir, secretNetrc), llb.SecretID(secretNetrc), llb.SecretOptional),
	}
	for _, host := range Hosts(origins) {
		opts = append(opts,
			llb.AddSecret(path.Join(secretsDir, "auth", host, "header"), llb.SecretID(resolve.AuthHeader+host), llb.SecretOptional),
			llb.AddSecret(path.Join(secretsDir, "auth", host, "token"), llb.SecretID(resolve.AuthToken+host), llb.SecretOptional),
		)
	}
	for _, secret := range secrets {
		opts = append(opts, llb.AddSecret(secret.Target, llb.SecretID(secret.ID)))
	}
	return opts
}

// Hosts gives the hosts of origins without their ports, each once.
func Hosts(origins []string) []string {
	var hosts []string
	for _, origin := range origins {
		if u, err := url.Parse(origin); err == nil {
			hosts = append(hosts, u.Hostname())
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// Fetch is a step that fetches a file from a server that may want secrets, which
// BuildKit's own source cannot have.
type Fetch struct {
	URL     string
	SHA256  string // hex; empty: whatever is there
	Accept  string // the header, empty: none
	File    string // what it is called
	Secrets []plan.Secret
}

// State gives the folder with the file.
func (f Fetch) State(opt Options, opts ...llb.RunOption) llb.State {
	g := generator{Options: opt}
	opts = append(opts, g.private(f.Secrets, []string{f.URL})...)
	opts = append(opts,
		llb.Args([]string{resolverPath, "fetch", "--sha256=" + f.SHA256, "--accept=" + f.Accept, f.URL, path.Join(answerDir, f.File)}),
		llb.Dir("/"),
		llb.Platform(g.BuildPlatform),
	)
	return llb.Scratch().Run(opts...).AddMount(answerDir, llb.Scratch())
}

// Known is a step that says which of some hosts there is a login for that
// BuildKit's own sources cannot use: in the secret netrc and, with engines that
// are older than that, as a header or token. The answer is that of one build, Build is something
// that no other one has.
type Known struct {
	Hosts []string
	Build string
}

// State gives the folder with the answer: see imagespec-resolve.
func (k Known) State(opt Options) llb.State {
	g := generator{Options: opt}
	var origins []string
	if g.Caps.Supports(pb.CapSourceHTTPHeader) != nil { // which came just before
		for _, host := range k.Hosts {
			origins = append(origins, "https://"+host)
		}
	}
	opts := append(g.logins(nil, origins),
		llb.Args(append([]string{resolverPath, "known", answerDir}, k.Hosts...)),
		llb.Dir("/"),
		llb.Network(pb.NetMode_NONE),
		llb.Platform(g.BuildPlatform),
		llb.AddEnv("BUILD", k.Build),
		llb.AddMount(scratchDir, llb.Scratch(), llb.Tmpfs()),
		g.resolver(),
		llb.WithCustomNamef("[index] look for logins to %s", summary(k.Hosts)),
	)
	return llb.Scratch().Run(append(opts, g.Limits...)...).AddMount(answerDir, llb.Scratch())
}

// privateWheel fetches a wheel from a server that may want the secrets.
func (g generator) privateWheel(pkg plan.Package) llb.State {
	fetch := Fetch{URL: g.plan.Rewrites.Apply(pkg.URL), SHA256: pkg.SHA256, File: pkg.File, Secrets: g.plan.Secrets}
	return fetch.State(g.Options, llb.WithCustomNamef("fetch %s", pkg.File), g.Locate(pkg.At))
}

// Fetched gives the URL that an operation fetches a file from, and whether it
// is one that does.
func Fetched(op *pb.Op) (string, bool) {
	if source := op.GetSource(); source != nil {
		return source.Identifier, true
	}
	args := op.GetExec().GetMeta().GetArgs()
	if len(args) < 4 || args[0] != resolverPath || args[1] != "fetch" {
		return "", false
	}
	return args[len(args)-2], true
}
