// Package contenthash computes the digest by which Poetry sees that a lock no
// longer fits its pyproject.toml. It covers the tables that decide the
// resolution, as JSON in the form that Python's json.dumps gives it.
package contenthash

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Sum gives the digest of a pyproject.toml in hexadecimal, and whether there
// is one: Poetry cannot compute it for dates. The values are those of TOML:
// string, int64, float64, bool, []any and map[string]any, and of another type
// for dates and times. Before its release 2.3 Poetry left the dependency
// groups of the standard (PEP 735) out.
func Sum(root map[string]any, withGroups bool) (string, bool) {
	var b bytes.Buffer
	if !writeJSON(&b, relevant(root, withGroups)) {
		return "", false
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:]), true
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
