package resolve

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Failure is a request that has no answer.
type Failure struct {
	Output string // what uv printed
}

// Error gives the last line that uv printed.
func (f *Failure) Error() string {
	lines := strings.Split(strings.TrimSpace(f.Output), "\n")
	return "uv: " + strings.TrimSpace(lines[len(lines)-1])
}

// maxOutput is how many lines of uv's output a message has.
const maxOutput = 20

// Explain makes the error that a user sees of a failure: uv's words, at each
// line that asks for a package which they name.
func (r *Request) Explain(f *Failure) *diag.Error {
	lines := strings.Split(strings.TrimSpace(f.Output), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Resolved ") || strings.TrimSpace(line) == "" })
	text := strings.Join(lines[max(0, len(lines)-maxOutput):], "\n")
	text = strings.TrimPrefix(string(diag.Redact([]byte(text))), "error: ")
	err := diag.Errorf(r.Place(""), "the requirements cannot be resolved for Python %s on %s with %s:\n%s",
		r.Target.Python, r.Target.Machine, r.Target.Libc, text)
	err.Err = f
	if places := r.blamed(text); len(places) > 0 {
		err.At = places
	}
	if refused.MatchString(text) {
		return err.WithHint("%s", LoginHint(r.refusing(text), r.Secrets...))
	}
	return err
}

// refused is how uv says that a server wants a login.
var refused = regexp.MustCompile(`\b(401|403)\b`)

// refusing gives the host that a text names as the one that has refused.
func (r *Request) refusing(text string) string {
	for _, origin := range r.Origins() {
		if strings.Contains(text, origin) {
			return origin
		}
	}
	return address.FindString(text)
}

var address = regexp.MustCompile(`https?://[^\s/)"'\]]+`)

// Beginnings of the ids of build secrets for a host, which stands behind them.
// BuildKit itself knows them.
const (
	AuthHeader = "HTTP_AUTH_HEADER_"
	AuthToken  = "HTTP_AUTH_TOKEN_"
)

// LoginHint says which secrets to give the build for the server of a URL that
// has refused, and which it has that may be wrong.
func LoginHint(location string, secrets ...string) string {
	host := location
	if u, err := url.Parse(location); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	hint := fmt.Sprintf("give the build the login of %[1]s as the secret %[2]s%[1]s (\"Basic …\") or %[3]s%[1]s, or in the secret netrc, or check the one that it has", host, AuthHeader, AuthToken)
	if len(secrets) > 0 {
		hint += ": " + strings.Join(secrets, ", ")
	}
	return hint
}

// word is what may be the name of a package in uv's output.
var word = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9._-]*`)

// blamed gives the places of the packages that a text names, in its order.
func (r *Request) blamed(text string) []diag.Range {
	asked := make(map[string][]diag.Range)
	for _, line := range slices.Concat(r.named(), r.Constraints) {
		asked[line.Name()] = append(asked[line.Name()], line.At)
	}
	delete(asked, "")
	var places []diag.Range
	for _, name := range word.FindAllString(text, -1) {
		for _, at := range asked[pep508.NormalizeName(strings.TrimRight(name, "._-"))] {
			if at.Line > 0 && !slices.Contains(places, at) {
				places = append(places, at)
			}
		}
	}
	return places
}
