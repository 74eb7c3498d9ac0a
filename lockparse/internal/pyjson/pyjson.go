// Package pyjson writes JSON as Python does. Lock files hold digests of it,
// by which a tool knows that a pyproject.toml has not changed since.
package pyjson

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// maxDepth is how deep values may be nested. Python gives up at that depth.
const maxDepth = 900

// Dumps gives a value as json.dumps(value, sort_keys=True) does. Values are
// those of TOML: nil, bool, int64, float64, string, []any and map[string]any;
// the error is for any other, such as a date, and for deep nesting.
func Dumps(value any) (string, error) { return dumps(value, ", ", ": ") }

// DumpsCompact is Dumps with separators=(",", ":"), without spaces.
func DumpsCompact(value any) (string, error) { return dumps(value, ",", ":") }

func dumps(value any, comma, colon string) (string, error) {
	w := writer{comma: comma, colon: colon}
	w.value(value)
	return w.text.String(), w.err
}

type writer struct {
	comma, colon string
	text         strings.Builder
	depth        int
	err          error
}

func (w *writer) value(v any) {
	if w.depth == maxDepth {
		w.err = fmt.Errorf("values are nested more than %d deep", maxDepth)
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	switch v := v.(type) {
	case nil:
		w.text.WriteString("null")
	case bool:
		w.text.WriteString(strconv.FormatBool(v))
	case int64:
		w.text.WriteString(strconv.FormatInt(v, 10))
	case float64:
		w.text.WriteString(float(v))
	case string:
		w.string(v)
	case []any:
		w.list(v)
	case map[string]any:
		w.table(v)
	default:
		w.err = fmt.Errorf("JSON has no %T", v)
	}
}

func (w *writer) list(items []any) {
	w.text.WriteByte('[')
	for i, item := range items {
		if i > 0 {
			w.text.WriteString(w.comma)
		}
		w.value(item)
	}
	w.text.WriteByte(']')
}

func (w *writer) table(table map[string]any) {
	w.text.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(table)) {
		if i > 0 {
			w.text.WriteString(w.comma)
		}
		w.string(key)
		w.text.WriteString(w.colon)
		w.value(table[key])
	}
	w.text.WriteByte('}')
}

// string writes ASCII, everything else as UTF-16 escapes.
func (w *writer) string(s string) {
	const short = "\"\\\n\r\t\f\b"
	w.text.WriteByte('"')
	for _, r := range s {
		switch i := strings.IndexRune(short, r); {
		case i >= 0:
			w.text.WriteByte('\\')
			w.text.WriteByte(`"\nrtfb`[i])
		case r >= ' ' && r <= '~':
			w.text.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&w.text, `\u%04x`, unit)
			}
		}
	}
	w.text.WriteByte('"')
}

// float gives the shortest digits that mean the same number, as repr does.
func float(f float64) string {
	switch size := math.Abs(f); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f != 0 && (size < 1e-4 || size >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	case f == math.Trunc(f):
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
