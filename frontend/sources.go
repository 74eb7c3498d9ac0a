package frontend

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/gitutil"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/project"
)

// shownLines is how many lines of a failed build an error shows.
const shownLines = 20

// explainBuild says which package could not be built, and why as far as the
// build itself has said.
func (b *build) explainBuild(ctx context.Context, err error, pkg plan.Package, code string) *diag.Error {
	output := string(diag.Redact([]byte(b.engine.Output(ctx, err, llbgen.BuildLog))))
	e := diag.Errorf(pkg.At, "%s cannot be built: exit code %s", strings.TrimSpace(pkg.Name+" "+pkg.Version), code)
	if lines := lastLines(output, shownLines); len(lines) > 0 {
		e.Msg += ", after\n    " + strings.Join(lines, "\n    ")
	}
	return e.WithHint("%s", adviseBuild(output, pkg.Name))
}

// builtPackage gives the package that a step is for, of the image or of the one
// that it is built on, and where its source is fetched from.
func (c *compiled) builtPackage(description map[string]string) (pkg plan.Package, location string) {
	for from := c; from != nil; from = from.base.nested {
		for _, pkg := range from.plan.Packages {
			if pkg.Build != nil && pkg.Name == description[llbgen.PackageKey] {
				return pkg, from.plan.Rewrites.Apply(pkg.URL)
			}
		}
	}
	return plan.Package{Name: "a package", At: c.plan.RequirementsAt, Build: &plan.Build{}}, "" // not one of our steps
}

// gitProblem is what git says if it cannot fetch a commit, what that means and
// what helps. HOST is that of the repository.
type gitProblem struct {
	says       *regexp.Regexp
	means, fix string
}

// noCommit is a problem of every repository; sshProblems are those of one over
// ssh, httpProblems those of all others.
var (
	noCommit = gitProblem{
		regexp.MustCompile(`(?i)not our ref|reference is not a tree|couldn't find remote ref|unadvertised object|does not contain`),
		"it does not have the commit", "lock again, with a commit that is still there",
	}
	sshProblems = []gitProblem{
		noCommit,
		{
			regexp.MustCompile(`no SSH key|unset ssh forward`),
			"HOST wants a key", "give the build yours: --ssh default, which forwards your agent, or --ssh default=FILE for a key without a passphrase",
		},
		{
			regexp.MustCompile(`Permission denied`),
			"HOST lets none of the given keys in", "give the build the right one: --ssh default=FILE; with --ssh default it has those that ssh-add -l lists",
		},
		{
			regexp.MustCompile(`ssh: (command )?not found`),
			"the engine has no ssh", "install openssh-client where buildkitd runs",
		},
		{
			regexp.MustCompile(`(?i)not found|could not be found|does not appear to be a git repository`),
			"it is not there, or not for the given keys", "if it is private give the build a key that may read it: --ssh default=FILE",
		},
	}
	httpProblems = []gitProblem{
		noCommit,
		{
			regexp.MustCompile(`(?i)could not read Username|Authentication failed|terminal prompts disabled|error: 40[13]|Invalid username or`),
			"it needs a login", "give the build a token as a secret: --secret id=GIT_AUTH_TOKEN.HOST,env=TOKEN, or a whole header as GIT_AUTH_HEADER.HOST",
		},
		{
			regexp.MustCompile(`(?i)not found|does not appear to be a git repository`),
			"it is not there, or needs a login", "if it is private give the build a token as a secret: --secret id=GIT_AUTH_TOKEN.HOST,env=TOKEN",
		},
	}
)

// explainGit adds to a message why a commit of a repository cannot be fetched.
func explainGit(err error, at diag.Range, msg, repository string) *diag.Error {
	e := diag.Errorf(at, "%s", msg)
	host, ssh := remote(repository)
	problems := httpProblems
	if ssh {
		problems = sshProblems
	}
	for _, problem := range problems {
		if problem.says.MatchString(err.Error()) {
			named := strings.NewReplacer("HOST", host)
			e.Msg += ": " + named.Replace(problem.means)
			return e.WithHint("%s", named.Replace(problem.fix))
		}
	}
	e.Msg += ": " + said(err)
	return e.WithHint("the engine fetches it: check that its machine reaches %s", host)
}

// gitSaid finds the first line that git or ssh has printed, but for warnings.
var gitSaid = regexp.MustCompile(`git stderr:\n(?:(?i:warning).*\n)*(.+)`)

// said gives what git says of a failure, all of it if it is not git's.
func said(err error) string {
	if found := gitSaid.FindStringSubmatch(err.Error()); found != nil {
		return found[1]
	}
	return err.Error()
}

// remote gives the host of a repository, with its port where the URL has one,
// and whether it is reached over ssh, which "git@HOST:PATH" is, too.
func remote(repository string) (host string, ssh bool) {
	u, err := gitutil.ParseURL(repository)
	if err != nil {
		return repository, false
	}
	return u.Host, u.Scheme == gitutil.SSHProtocol
}

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
			return "", explainGit(err, at, name+" cannot be fetched", repository)
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

// lastLines gives the last lines of a text, without empty ones at its end.
func lastLines(text string, count int) []string {
	text = strings.TrimRight(text, "\n ")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-count):]
}
