package metadata

import (
	"fmt"
	"strconv"
	"strings"
)

// Wheel is what an installer needs of the file WHEEL. That is not
// Root-Is-Purelib: in an environment purelib and platlib are one directory.
type Wheel struct {
	Major, Minor int // Wheel-Version; this code knows 1.0
}

// ParseWheel reads WHEEL. A missing or malformed Wheel-Version is an error; of
// several the first counts, as there are wheels that repeat it (mkl_fft).
func ParseWheel(data []byte) (Wheel, error) {
	version, ok := header(data, "Wheel-Version")
	if !ok {
		return Wheel{}, fmt.Errorf("WHEEL: Wheel-Version is missing")
	}
	major, minor, _ := strings.Cut(version, ".")
	var w Wheel
	var errMajor, errMinor error
	w.Major, errMajor = strconv.Atoi(major)
	w.Minor, errMinor = strconv.Atoi(minor)
	if errMajor != nil || errMinor != nil || w.Major < 0 || w.Minor < 0 {
		return Wheel{}, fmt.Errorf("WHEEL: Wheel-Version %q is not of the form 1.0", version)
	}
	return w, nil
}

// ParseName reads the field Name of METADATA.
func ParseName(data []byte) (string, error) {
	name, _ := header(data, "Name")
	if name == "" {
		return "", fmt.Errorf("METADATA: Name is missing")
	}
	return name, nil
}

// header gives the first value of a field in the headers of a message (RFC
// 822): the lines before the first empty one. Names are compared without case.
// Continuation lines are passed over, none of our fields has them.
func header(data []byte, name string) (string, bool) {
	text := strings.TrimPrefix(string(data), "\ufeff")
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		key, value, found := strings.Cut(line, ":")
		if found && strings.EqualFold(key, name) {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// Normalize gives the form in which names of projects are compared: lower case,
// with a hyphen for each run of hyphens, dots and underscores (PEP 503).
func Normalize(name string) string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.ToLower(strings.Join(parts, "-"))
}
