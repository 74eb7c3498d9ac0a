package diag

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// maxDistance is the largest edit distance at which a name is still taken for
// a misspelling of another.
const maxDistance = 2

// slack is how much two names within maxDistance can differ in bytes: a
// character has up to four.
const slack = 4 * maxDistance

// Nearest gives the option that name most likely meant, and whether there is
// one. Case is ignored; of equally near options the first in sorted order wins.
func Nearest(name string, options []string) (string, bool) {
	best, bestDistance := "", maxDistance+1
	for _, option := range slices.Sorted(slices.Values(options)) {
		if gap := len(name) - len(option); gap > slack || -gap > slack {
			continue // the distance would take long to count
		}
		d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(option), nil)
		if d < bestDistance && d < len(name) {
			best, bestDistance = option, d
		}
	}
	return best, best != "" && best != name
}

// Suggest gives the hint for an unknown name: the nearest option where one is
// near, else all of them.
func Suggest(name string, options []string) string {
	if near, ok := Nearest(name, options); ok {
		return "did you mean " + quote(near) + "?"
	}
	if len(options) == 0 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(options))
	for i := range sorted {
		sorted[i] = quote(sorted[i])
	}
	return "known: " + strings.Join(sorted, ", ")
}

func quote(s string) string { return `"` + s + `"` }
