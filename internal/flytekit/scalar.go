package flytekit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// PyYAML's patterns for plain scalars (YAML 1.1 with its own idea of floats:
// one without a dot, or with an exponent without a sign, is a string). They
// are tried in this order.
var (
	boolPattern  = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	floatPattern = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
		`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	intPattern = regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+` +
		`|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	nullPattern = regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)
	timePattern = regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}` +
		`:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$`)
)

// plainTag gives the tag that PyYAML resolves a plain scalar to.
func plainTag(text string) string {
	switch {
	case boolPattern.MatchString(text):
		return "!!bool"
	case floatPattern.MatchString(text):
		return "!!float"
	case intPattern.MatchString(text):
		return "!!int"
	case text == "<<":
		return "!!merge"
	case nullPattern.MatchString(text):
		return "!!null"
	case timePattern.MatchString(text):
		return "!!timestamp"
	case text == "=":
		return "!!value"
	}
	return "!!str"
}

// construct makes the object of a scalar with a tag.
func construct(tag, text string) (value, error) {
	switch tag {
	case "!!str":
		return str(text), nil
	case "!!null":
		return none{}, nil
	case "!!bool":
		return constructBool(text)
	case "!!int":
		return constructInt(text)
	case "!!float":
		return constructFloat(text)
	case "!!timestamp":
		return constructTime(text)
	case "!!binary":
		return constructBytes(text)
	}
	return nil, fmt.Errorf("PyYAML has no safe value for the tag %s", tag)
}

func constructBool(text string) (value, error) {
	switch strings.ToLower(text) {
	case "yes", "true", "on":
		return boolean(true), nil
	case "no", "false", "off":
		return boolean(false), nil
	}
	return nil, fmt.Errorf("%q is no boolean", text)
}

// maxDigits is how many decimal digits Python reads and writes of an integer;
// in binary that is less than maxLength digits.
const (
	maxDigits = 4300
	maxLength = 16_000
)

func constructInt(text string) (value, error) {
	if !intPattern.MatchString(text) {
		return nil, fmt.Errorf("%q is no integer", text)
	}
	digits := strings.ReplaceAll(text, "_", "")
	negative := strings.HasPrefix(digits, "-")
	digits = strings.TrimLeft(digits, "+-")
	if len(digits) > maxLength {
		return nil, fmt.Errorf("an integer has more than %d digits", maxDigits)
	}
	n, ok := new(big.Int), true
	switch {
	case strings.HasPrefix(digits, "0b"):
		n, ok = n.SetString(digits[2:], 2)
	case strings.HasPrefix(digits, "0x"):
		n, ok = n.SetString(digits[2:], 16)
	case digits[0] == '0':
		n, ok = n.SetString(digits, 8)
	default:
		for part := range strings.SplitSeq(digits, ":") { // sexagesimal, where there is more than one
			var digit *big.Int
			if digit, ok = new(big.Int).SetString(part, 10); !ok {
				break
			}
			n.Add(n.Mul(n, big.NewInt(60)), digit)
		}
	}
	if !ok {
		return nil, fmt.Errorf("%q is no integer", text)
	}
	if len(n.String()) > maxDigits {
		return nil, fmt.Errorf("an integer has more than %d digits", maxDigits)
	}
	if negative {
		n.Neg(n)
	}
	return integer{n}, nil
}

// numberPattern is what Python's float() takes, after PyYAML took the signs
// and underscores away, but for words and white space.
var numberPattern = regexp.MustCompile(`^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$`)

// maxParts bounds the parts of a sexagesimal float; Python's overflow far
// beyond it.
const maxParts = 100

func constructFloat(text string) (value, error) {
	digits := strings.ReplaceAll(strings.ToLower(text), "_", "")
	sign := 1.0
	if strings.HasPrefix(digits, "-") {
		sign = -1
	}
	if digits != "" && strings.ContainsRune("+-", rune(digits[0])) {
		digits = digits[1:]
	}
	switch digits {
	case ".inf":
		return float(sign * math.Inf(1)), nil
	case ".nan":
		return float(math.NaN()), nil
	}
	parts := strings.Split(digits, ":")
	if len(parts) > maxParts {
		return nil, errors.New("a sexagesimal number has too many parts")
	}
	sum, base := 0.0, 1.0
	for i := len(parts) - 1; i >= 0; i-- {
		if !numberPattern.MatchString(parts[i]) {
			return nil, fmt.Errorf("%q is no number", text)
		}
		part, _ := strconv.ParseFloat(parts[i], 64) // out of range it is infinite, as in Python
		term := part * base                         // a variable, so that no architecture fuses it with the sum
		sum += term
		base *= 60
	}
	return float(sign * sum), nil
}

// timeParts are what a timestamp consists of.
var timeParts = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})` +
	`(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?)?$`)

func constructTime(text string) (value, error) {
	m := timeParts.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("%q is no timestamp", text)
	}
	number := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }
	day := time.Date(number(1), time.Month(number(2)), number(3), 0, 0, 0, 0, time.UTC)
	if day.Year() != number(1) || day.Year() == 0 || int(day.Month()) != number(2) || day.Day() != number(3) {
		return nil, fmt.Errorf("%q is no day of the calendar", text)
	}
	if m[4] == "" {
		return date{day}, nil
	}
	if number(4) > 23 || number(5) > 59 || number(6) > 59 {
		return nil, fmt.Errorf("%q is no time of day", text)
	}
	offset := number(10)*3600 + number(11)*60
	if offset >= 24*3600 {
		return nil, fmt.Errorf("%q has no time zone's offset", text)
	}
	if m[9] == "-" {
		offset = -offset
	}
	micro, _ := strconv.Atoi((m[7] + "000000")[:6])
	at := time.Date(number(1), time.Month(number(2)), number(3), number(4), number(5), number(6), micro*1000, time.FixedZone("", offset))
	return moment{at, m[8] != ""}, nil
}

// constructBytes reads base64 without what Python's lenient decoder would
// skip.
func constructBytes(text string) (value, error) {
	packed := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	data, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		return nil, fmt.Errorf("%q is not base64: %w", text, err)
	}
	return byteStr(data), nil
}
