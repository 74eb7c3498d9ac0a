package pep440

import "strings"

// scanner reads a version from left to right. PEP 440 is ASCII and its case
// does not matter, so it works on bytes and folds letters itself.
type scanner struct {
	text string
	pos  int
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= lower(c) && lower(c) <= 'z' }

func isSeparator(c byte) bool { return c == '.' || c == '-' || c == '_' }

// peek gives the byte at an offset from here, 0 behind the end.
func (s *scanner) peek(offset int) byte {
	if s.pos+offset < len(s.text) {
		return s.text[s.pos+offset]
	}
	return 0
}

// byte reads c if it is next.
func (s *scanner) byte(c byte) bool {
	if lower(s.peek(0)) != c {
		return false
	}
	s.pos++
	return true
}

// separator reads one of ". - _" if it is next.
func (s *scanner) separator() {
	if isSeparator(s.peek(0)) {
		s.pos++
	}
}

// word reads a lower-case word if it is next, in any case.
func (s *scanner) word(w string) bool {
	if len(s.text)-s.pos < len(w) || !strings.EqualFold(s.text[s.pos:s.pos+len(w)], w) {
		return false
	}
	s.pos += len(w)
	return true
}

// digits reads a run of digits without its leading zeros; it is empty if
// there is none.
func (s *scanner) digits() string {
	start := s.pos
	for isDigit(s.peek(0)) {
		s.pos++
	}
	if start == s.pos {
		return ""
	}
	return trimZeros(s.text[start:s.pos])
}

// implicitDigits is digits for the places where a missing number means 0.
func (s *scanner) implicitDigits() string {
	if n := s.digits(); n != "" {
		return n
	}
	return "0"
}

// trimZeros takes the leading zeros off a number and leaves one digit.
func trimZeros(number string) string {
	number = strings.TrimLeft(number, "0")
	if number == "" {
		return "0"
	}
	return number
}

// compareNumbers orders numbers without leading zeros. The empty string, an
// absent number, is less than 0.
func compareNumbers(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
