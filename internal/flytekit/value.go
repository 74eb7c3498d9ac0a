package flytekit

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// value is a Python object that a YAML file can make.
type value interface {
	repr() string // as Python's repr
	truth() bool  // as Python's bool
}

// The types of values, named after Python's.
type (
	none    struct{}
	boolean bool
	integer struct{ *big.Int }
	float   float64
	str     string
	byteStr []byte // bytes
	list    []value
	tuple   []value
	set     []value // of at most one: the order of more is another in each process
	pair    struct{ key, value value }
	dict    []pair // in the order of insertion
	date    struct{ time.Time }
	moment  struct { // datetime
		time.Time
		aware bool // has a time zone, which is the Time's location
	}
	member string // of an enumeration, as its repr
)

// loadedModules is the copy mode that flytekit sets where the file has none.
const loadedModules = member("<CopyFileDetection.LOADED_MODULES: 1>")

func (none) repr() string { return "None" }
func (none) truth() bool  { return false }

func (b boolean) repr() string {
	if b {
		return "True"
	}
	return "False"
}
func (b boolean) truth() bool { return bool(b) }

func (i integer) repr() string { return i.String() }
func (i integer) truth() bool  { return i.Sign() != 0 }

// repr gives the shortest text that reads as the same number, with an exponent
// outside of 1e-4 to 1e16.
func (f float) repr() string {
	x := float64(f)
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(x, 'g', -1, 64), "+"))
	}
	scientific := strconv.FormatFloat(x, 'e', -1, 64)
	_, exponent, _ := strings.Cut(scientific, "e")
	if n, err := strconv.Atoi(exponent); err != nil || n < -4 || n >= 16 {
		return scientific
	}
	plain := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(plain, ".") {
		plain += ".0"
	}
	return plain
}
func (f float) truth() bool { return f != 0 }

// repr escapes what Python does not take for printable: with single quotes,
// and with double ones where that spares a backslash.
func (s str) repr() string {
	var b strings.Builder
	quote := quoteFor(string(s))
	b.WriteByte(quote)
	for _, r := range string(s) {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteString(`\` + string(r))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
	}
	b.WriteByte(quote)
	return b.String()
}
func (s str) truth() bool { return s != "" }

// quoteFor is the quote that Python's repr puts around text.
func quoteFor(s string) byte {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return '"'
	}
	return '\''
}

// escape writes a character as Python's repr does.
func escape(r rune) string {
	switch {
	case r == '\t':
		return `\t`
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

func (b byteStr) repr() string {
	var out strings.Builder
	quote := quoteFor(string(b))
	out.WriteString("b" + string(quote))
	for _, c := range b {
		switch {
		case c == quote || c == '\\':
			out.WriteString(`\` + string(rune(c)))
		case c < ' ' || c >= utf8.RuneSelf-1:
			out.WriteString(escape(rune(c)))
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte(quote)
	return out.String()
}
func (b byteStr) truth() bool { return len(b) > 0 }

func (l list) repr() string { return "[" + join(l) + "]" }
func (l list) truth() bool  { return len(l) > 0 }

func (t tuple) repr() string {
	if len(t) == 1 {
		return "(" + t[0].repr() + ",)"
	}
	return "(" + join(t) + ")"
}
func (t tuple) truth() bool { return len(t) > 0 }

func (s set) repr() string {
	if len(s) == 0 {
		return "set()"
	}
	return "{" + join(s) + "}"
}
func (s set) truth() bool { return len(s) > 0 }

func join(values []value) string {
	var items []string
	for _, v := range values {
		items = append(items, v.repr())
	}
	return strings.Join(items, ", ")
}

func (d dict) repr() string {
	var items []string
	for _, p := range d {
		items = append(items, p.key.repr()+": "+p.value.repr())
	}
	return "{" + strings.Join(items, ", ") + "}"
}
func (d dict) truth() bool { return len(d) > 0 }

// identity gives equal text for keys that are equal in Python, where 1, 1.0
// and True are.
func identity(key value) string {
	switch k := key.(type) {
	case boolean:
		if k {
			return "number 1"
		}
		return "number 0"
	case integer:
		return "number " + k.String()
	case float:
		x := float64(k)
		if x == math.Trunc(x) && !math.IsInf(x, 0) {
			whole, _ := big.NewFloat(x).Int(nil)
			return "number " + whole.String()
		}
		return "number " + k.repr()
	case byteStr:
		return "bytes " + hex.EncodeToString(k)
	case moment:
		if k.aware {
			return "instant " + k.UTC().String()
		}
	}
	return fmt.Sprintf("%T %s", key, key.repr())
}

func (d date) repr() string {
	return fmt.Sprintf("datetime.date(%d, %d, %d)", d.Year(), d.Month(), d.Day())
}
func (date) truth() bool { return true }

func (m moment) repr() string {
	args := fmt.Sprintf("%d, %d, %d, %d, %d", m.Year(), m.Month(), m.Day(), m.Hour(), m.Minute())
	micro := m.Nanosecond() / 1000
	if m.Second() != 0 || micro != 0 {
		args += fmt.Sprintf(", %d", m.Second())
	}
	if micro != 0 {
		args += fmt.Sprintf(", %d", micro)
	}
	if m.aware {
		_, offset := m.Zone()
		args += ", tzinfo=" + zone(offset)
	}
	return "datetime.datetime(" + args + ")"
}
func (moment) truth() bool { return true }

// zone is the repr of a time zone, its offset in seconds; days of a timedelta
// alone can be negative.
func zone(offset int) string {
	const day = 24 * 60 * 60
	switch {
	case offset == 0:
		return "datetime.timezone.utc"
	case offset < 0:
		return fmt.Sprintf("datetime.timezone(datetime.timedelta(days=-1, seconds=%d))", offset+day)
	}
	return fmt.Sprintf("datetime.timezone(datetime.timedelta(seconds=%d))", offset)
}

func (m member) repr() string { return string(m) }
func (member) truth() bool    { return true }
