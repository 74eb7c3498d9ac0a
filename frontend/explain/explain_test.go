package explain

import (
	"errors"
	"testing"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/index"
)

// TestStatus: what a server has answered to a source of BuildKit's, and to a
// step of ours.
func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		says            string
		status, refusal error
	}{
		{"failed to load cache key: invalid response status 404", index.StatusError(404), nil},
		{`process "/bin/imagespec-resolve fetch" did not complete successfully: exit code: 103`, nil, index.StatusError(403)},
		{`process "/bin/imagespec-resolve fetch" did not complete successfully: exit code: 1`, nil, nil},
		{"dial tcp: connection refused", nil, nil},
	} {
		err := errors.New(tc.says)
		want := tc.status
		if want == nil {
			want = err
		}
		if got := Status(err); got != want {
			t.Errorf("%s: status %v, want %v", tc.says, got, want)
		}
		if got := Refusal(err); got != tc.refusal {
			t.Errorf("%s: refusal %v, want %v", tc.says, got, tc.refusal)
		}
	}
}

func TestSecret(t *testing.T) {
	secrets := []plan.Secret{{ID: "secret_0", Source: "~/.netrc"}, {ID: "secret_1", Source: "~/token"}}
	for _, tc := range []struct{ says, want string }{
		{"failed to solve: secret secret_1: not found", "pip_secret_mounts needs ~/token, but the build was not given the secret secret_1\nadd to the build command: --secret id=secret_1,src=~/token"},
		{"failed to solve: secret secret_2: not found", ""}, // of another spec
		{"failed to solve: secret TOKEN: not found", ""},    // of no spec
		{"exit code: 1", ""},
	} {
		got := ""
		if err := Secret(errors.New(tc.says), secrets); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s gives %q, want %q", tc.says, got, tc.want)
		}
	}
	if err := Secret(nil, secrets); err != nil {
		t.Errorf("no failure gives %v", err)
	}
}

func TestExitCode(t *testing.T) {
	for says, want := range map[string]string{
		`process "/bin/sh -c exit 69" did not complete successfully: exit code: 69`: "69",
		"context canceled": "unknown",
	} {
		if got := ExitCode(errors.New(says)); got != want {
			t.Errorf("%s: %s, want %s", says, got, want)
		}
	}
}
