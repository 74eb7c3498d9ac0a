package explain

import (
	"regexp"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen"
)

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

// Git adds to a message why a commit of a repository cannot be fetched.
func Git(err error, at diag.Range, msg, repository string) *diag.Error {
	e := diag.Errorf(at, "%s", msg)
	host, ssh := llbgen.Remote(repository)
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
