package resolve

import (
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
	return err
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
