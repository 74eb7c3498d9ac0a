// Package explain tells what messages mean: those of the engine, of git, of
// builds and of servers. It turns text into words for the user, and into
// statuses where our steps and BuildKit's sources have those only as text.
//
// It asks nobody, and knows of no step which one has failed.
package explain

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/index"
)

// Errors of the gateway are only texts. These are BuildKit's words for a secret
// that the client has not given, how a step has ended, and what a server has
// answered to an HTTP source.
var (
	noSecret  = regexp.MustCompile(`secret (secret_\d+): not found`)
	exitCode  = regexp.MustCompile(`exit code: (\d+)`)
	badStatus = regexp.MustCompile(`invalid response status (\d{3})`)
)

// Secret gives the error for a secret of the spec that was not given to the
// build, nil if err is about something else.
func Secret(err error, secrets []plan.Secret) error {
	if err == nil {
		return nil
	}
	found := noSecret.FindStringSubmatch(err.Error())
	if found == nil {
		return nil
	}
	for _, secret := range secrets {
		if secret.ID == found[1] {
			e := diag.Errorf(secret.At, "pip_secret_mounts needs %s, but the build was not given the secret %s", secret.Source, secret.ID).
				WithHint("add to the build command: --secret id=%s,src=%s", secret.ID, secret.Source)
			e.Err = err
			return e
		}
	}
	return nil
}

// ExitCode gives the exit code of the process that has failed, "unknown" if
// none has.
func ExitCode(err error) string {
	if found := exitCode.FindStringSubmatch(err.Error()); found != nil {
		return found[1]
	}
	return "unknown"
}

// Refusal gives the index.StatusError with which a server has refused a step of
// ours that fetches, nil if that is not why it failed.
func Refusal(err error) error {
	code, _ := strconv.Atoi(ExitCode(err)) // 0 if it is unknown
	if status := resolver.Refused(code); status != 0 {
		return index.StatusError(status)
	}
	return nil
}

// Status gives the index.StatusError with which a server has refused a source
// of BuildKit's, err itself if that is not why it failed.
func Status(err error) error {
	found := badStatus.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	status, _ := strconv.Atoi(found[1]) // three digits
	return index.StatusError(status)
}

// Cause gives the innermost of the causes that an error has as one text.
func Cause(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 && strings.Contains(text[i:], "status") {
		return strings.TrimPrefix(text[i:], ": ")
	}
	return text
}
