package poetrylock

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/poetrylock/internal/contenthash"
)

// stale gives the warning for a lock that does not fit its pyproject.toml,
// nil for one that does. As in Poetry, the digest of what decides the
// resolution is compared; a lock without one does not fit.
func (f *file) stale(doc *tomltree.Document) *diag.Warning {
	metadata := doc.Root().Table("metadata")
	if locked := metadata.String("content-hash"); locked != "" {
		content := f.project.doc.Root().Plain()
		if sum, ok := contenthash.Sum(content, true); ok && sum == locked {
			return nil
		}
		if sum, ok := contenthash.Sum(content, false); ok && sum == locked && writtenBefore(f.source.Data, "2.3.0") {
			return nil
		}
	}
	return &diag.Warning{
		Rule: lock.StaleLock,
		Msg:  fmt.Sprintf("%s does not fit %s: %s", f.source.Name, f.project.source.Name, f.difference()),
		Hint: `run "poetry lock"`,
		At:   doc.At(metadata.LineOf("content-hash")),
	}
}

// maxDifferences is how many differences a warning names.
const maxDifferences = 3

// difference says what changed since the project was locked, as far as the
// lock lets that be seen.
func (f *file) difference() string {
	var changes []string
	if f.project.python != "" && f.project.python != f.python.String() {
		changes = append(changes, fmt.Sprintf("it is locked for Python %q, not %q", f.python.String(), f.project.python))
	}
	known, _ := f.knownGroups()
	requirements, err := f.project.requirements(slices.Sorted(maps.Keys(known)))
	if err != nil {
		requirements = nil // Poetry would fail on it before it compares
	}
	for _, d := range requirements {
		if d.name != f.project.name && !slices.ContainsFunc(f.byName[d.name], d.accepts) {
			changes = append(changes, "it has nothing for "+d.String())
		}
	}
	if len(changes) > maxDifferences {
		changes = append(changes[:maxDifferences], "…")
	}
	if len(changes) == 0 {
		return "the dependencies, groups, extras or sources of the project have changed"
	}
	return strings.Join(changes, ", ")
}

// writtenBefore says whether the first line names a release of Poetry that is
// older.
func writtenBefore(data []byte, release string) bool {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	match := regexp.MustCompile(`Poetry ([^ ]+)`).FindSubmatch(first)
	if match == nil {
		return false
	}
	written, err := pep440.Parse(string(match[1]))
	limit, _ := pep440.Parse(release)
	return err == nil && written.Compare(limit) < 0
}
