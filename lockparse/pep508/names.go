package pep508

import "strings"

// NormalizeName gives the one spelling by which names are compared: lower
// case, runs of "-", "_" and "." as one "-" (PEP 503). It holds for projects,
// extras (PEP 685) and dependency groups (PEP 735) alike.
func NormalizeName(name string) string {
	if isNormalized(name) {
		return name
	}
	var b strings.Builder
	for i, run := 0, false; i < len(name); i++ {
		separator := isSeparator(name[i])
		switch {
		case !separator:
			b.WriteByte(name[i])
		case !run:
			b.WriteByte('-')
		}
		run = separator
	}
	return strings.ToLower(b.String())
}

// isNormalized says that a name needs no change. Most names in locks need
// none.
func isNormalized(name string) bool {
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '-':
			if i+1 < len(name) && isSeparator(name[i+1]) {
				return false
			}
		case !isDigit(c) && (c < 'a' || c > 'z'):
			return false
		}
	}
	return true
}

// ValidName says whether a name of a project, an extra or a dependency group
// has the form that the specification wants: ASCII letters and digits, and
// "-", "_", "." between them.
func ValidName(name string) bool {
	return name != "" && nameLength(name) == len(name)
}

// nameLength gives the length of the longest valid name that text starts
// with.
func nameLength(text string) int {
	length := 0
	for i := 0; i < len(text); i++ {
		if isAlnum(text[i]) {
			length = i + 1
		} else if i == 0 || !isSeparator(text[i]) {
			break
		}
	}
	return length
}

func isSeparator(c byte) bool { return c == '-' || c == '_' || c == '.' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
