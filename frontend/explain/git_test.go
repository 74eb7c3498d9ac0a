package explain

import (
	"errors"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
)

// TestGit: what git and ssh say, and what a user is told.
func TestGit(t *testing.T) {
	const (
		https = "https://git.example:8443/team/a.git"
		over  = "ssh://git@git.example:2222/team/a.git"
		short = "git@git.example:team/a.git" // as Poetry writes it
	)
	for _, tc := range []struct{ name, url, says, msg, hint string }{
		{
			"no token", https, "git stderr:\nfatal: could not read Username for 'https://git.example:8443': terminal prompts disabled\n: exit status 128",
			"it needs a login",
			"give the build a token as a secret: --secret id=GIT_AUTH_TOKEN.git.example:8443,env=TOKEN, or a whole header as GIT_AUTH_HEADER.git.example:8443",
		},
		{
			"no key", over, `no SSH key "default" forwarded from the client`,
			"git.example:2222 wants a key",
			"give the build yours: --ssh default, which forwards your agent, or --ssh default=FILE for a key without a passphrase",
		},
		{
			"another id", short, "rpc error: code = Unknown desc = unset ssh forward key default",
			"git.example wants a key",
			"give the build yours: --ssh default, which forwards your agent, or --ssh default=FILE for a key without a passphrase",
		},
		{
			"a wrong key", short, "git stderr:\nWarning: Permanently added 'git.example' (ED25519) to the list of known hosts.\ngit@git.example: Permission denied (publickey).\nfatal: Could not read from remote repository.\n: exit status 128",
			"git.example lets none of the given keys in",
			"give the build the right one: --ssh default=FILE; with --ssh default it has those that ssh-add -l lists",
		},
		{
			"another's key", over, "git stderr:\nERROR: Repository not found.\nfatal: Could not read from remote repository.\n: exit status 128",
			"it is not there, or not for the given keys",
			"if it is private give the build a key that may read it: --ssh default=FILE",
		},
		{
			"no ssh", over, "git stderr:\nssh -F /dev/null -o StrictHostKeyChecking=no: 1: ssh: not found\nfatal: Could not read from remote repository.\n: exit status 128",
			"the engine has no ssh",
			"install openssh-client where buildkitd runs",
		},
		{
			"no such commit", over, "git stderr:\nfatal: remote error: upload-pack: not our ref 1111111111111111111111111111111111111111\n: exit status 128",
			"it does not have the commit",
			"lock again, with a commit that is still there",
		},
		{
			"no way", over, "git stderr:\nWarning: a warning\nssh: connect to host git.example port 2222: Connection refused\nfatal: Could not read from remote repository.\n: exit status 128",
			"ssh: connect to host git.example port 2222: Connection refused",
			"the engine fetches it: check that its machine reaches git.example:2222",
		},
		{
			"not git", https, "the engine has no disk left",
			"the engine has no disk left",
			"the engine fetches it: check that its machine reaches git.example:8443",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := Git(errors.New(tc.says), diag.Range{}, "a cannot be fetched", tc.url)
			if want := "a cannot be fetched: " + tc.msg; e.Msg != want {
				t.Errorf("the message is\n%s\nwant\n%s", e.Msg, want)
			}
			if e.Hint != tc.hint {
				t.Errorf("the hint is\n%s\nwant\n%s", e.Hint, tc.hint)
			}
		})
	}
}
