package poetrylock

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
)

// stale gives the warning for a lock that does not fit its pyproject.toml,
// nil for one that does. As in Poetry, the digest of what decides the
// resolution is compared; a lock without one does not fit.
func (f *file) stale(doc *tomltree.Document) *diag.Warning {
	metadata := doc.Root().Table("metadata")
	if locked := metadata.String("content-hash"); locked != "" {
		if f.project.contentHash(true) == locked {
			return nil
		}
		// Before its release 2.3 Poetry left dependency groups out.
		if writtenBefore(f.source.Data, "2.3.0") && f.project.contentHash(false) == locked {
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
	if f.project.python != "" && f.project.python != f.python.text {
		changes = append(changes, fmt.Sprintf("it is locked for Python %q, not %q", f.python.text, f.project.python))
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

// contentHash gives the digest that Poetry stores in a lock, empty where
// there can be none: Poetry cannot compute it for dates.
func (m *manifest) contentHash(withGroups bool) string {
	var b bytes.Buffer
	if !writeJSON(&b, relevant(m.doc.Root().Plain(), withGroups)) {
		return ""
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// relevant gives the part of a pyproject.toml that is hashed.
func relevant(root map[string]any, withGroups bool) map[string]any {
	project, _ := root["project"].(map[string]any)
	tool, _ := root["tool"].(map[string]any)
	poetry, _ := tool["poetry"].(map[string]any)
	standard := make(map[string]any)
	if part := pick(project, "requires-python", "dependencies", "optional-dependencies"); len(part) > 0 {
		standard["project"] = part
	}
	if groups, _ := root["dependency-groups"].(map[string]any); withGroups && len(groups) > 0 {
		standard["dependency-groups"] = groups
	}
	own := pick(poetry, "dependencies", "source", "extras", "dev-dependencies", "group")
	if len(standard) > 0 {
		standard["tool"] = map[string]any{"poetry": own}
		return standard
	}
	// As long as there was nothing but tool.poetry, its content stood at the
	// top, and keys that it does not have were null.
	for _, key := range []string{"dependencies", "source", "extras", "dev-dependencies"} {
		if _, ok := own[key]; !ok {
			own[key] = nil
		}
	}
	return own
}

// pick gives those of the keys that a table has.
func pick(table map[string]any, keys ...string) map[string]any {
	part := make(map[string]any)
	for _, key := range keys {
		if v, ok := table[key]; ok {
			part[key] = v
		}
	}
	return part
}

// writeJSON writes a value of TOML as json.dumps(value, sort_keys=True) of
// Python does, and says whether that can. The nesting is limited: the file
// was read by tomltree before.
func writeJSON(b *bytes.Buffer, v any) bool {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		writeFloat(b, v)
	case string:
		writeText(b, v)
	case []any:
		return writeList(b, "[]", len(v), func(i int) bool { return writeJSON(b, v[i]) })
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		return writeList(b, "{}", len(keys), func(i int) bool {
			writeText(b, keys[i])
			b.WriteString(": ")
			return writeJSON(b, v[keys[i]])
		})
	default:
		return false
	}
	return true
}

func writeList(b *bytes.Buffer, brackets string, n int, item func(int) bool) bool {
	b.WriteByte(brackets[0])
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		if !item(i) {
			return false
		}
	}
	b.WriteByte(brackets[1])
	return true
}

// writeFloat writes the shortest digits that give the number back, as repr.
func writeFloat(b *bytes.Buffer, f float64) {
	switch {
	case math.IsNaN(f):
		b.WriteString("NaN")
		return
	case math.IsInf(f, 0):
		b.WriteString(strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity")
		return
	}
	size := math.Abs(f)
	if f != 0 && (size < 1e-4 || size >= 1e16) {
		b.WriteString(strconv.FormatFloat(f, 'e', -1, 64))
		return
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	b.WriteString(text)
}

// writeText writes a string in ASCII.
func writeText(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch escape := strings.IndexRune("\"\\\n\r\t\f\b", r); {
		case escape >= 0:
			b.WriteByte('\\')
			b.WriteByte(`"\nrtfb`[escape])
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}
