package pep440

import (
	"math"
	"strconv"
	"strings"
)

// Version is a parsed version. The zero value is no version. All its parts
// are normalised text, so that reading a version in normal form copies
// nothing and two versions of the same normal form are equal by ==.
type Version struct {
	epoch    string // number
	release  string // numbers joined by dots
	phase    phase
	phaseNum string // number, empty without a phase
	post     string // number, empty if there is none
	dev      string // number, empty if there is none
	local    string // segments joined by dots, empty if there are none
}

// phase is the kind of a pre-release, in the order of age.
type phase byte

const (
	noPhase phase = iota
	alpha
	beta
	candidate
)

// String gives the normal spelling.
func (p phase) String() string { return [...]string{"", "a", "b", "rc"}[p] }

// Parse reads a version in any spelling that PEP 440 accepts. White space
// around it is ignored. The error is a *SyntaxError.
func Parse(s string) (Version, error) {
	trimmed := strings.TrimLeft(s, whitespace)
	lead := len(s) - len(trimmed)
	scan := scanner{text: strings.TrimRight(trimmed, whitespace)}
	v, msg := scan.version()
	if msg == "" && scan.pos < len(scan.text) {
		msg = "unexpected text"
		if scan.text[scan.pos] == '.' {
			scan.pos++
			msg = "expected a number"
		}
	}
	if msg != "" {
		return Version{}, &SyntaxError{What: "version", Input: s, Offset: lead + scan.pos, Msg: msg}
	}
	return v, nil
}

// whitespace is what Python's \s matches.
const whitespace = " \t\n\v\f\r\x1c\x1d\x1e\x1f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004" +
	"\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

// version reads the longest version that starts here, without the local
// part's demand that text ends. The message is empty if there is one.
func (s *scanner) version() (v Version, msg string) {
	s.byte('v')
	v.epoch = "0"
	first := s.pos
	number := s.digits()
	if number == "" {
		return v, "expected a number"
	}
	if s.byte('!') {
		v.epoch, first = number, s.pos
		if number = s.digits(); number == "" {
			return v, "expected a number"
		}
	}
	v.release = s.release(first, number)
	v.phase, v.phaseNum = s.pre()
	v.post = s.post()
	v.dev = s.dev()
	if s.peek(0) != '+' {
		return v, ""
	}
	s.pos++
	v.local, msg = s.local()
	return v, msg
}

// release reads the numbers that follow the first one. It copies only if one
// of them has leading zeros.
func (s *scanner) release(start int, first string) string {
	normal := len(first) == s.pos-start
	for s.peek(0) == '.' && isDigit(s.peek(1)) {
		s.pos++
		from := s.pos
		normal = len(s.digits()) == s.pos-from && normal
	}
	text := s.text[start:s.pos]
	if normal {
		return text
	}
	parts := strings.Split(text, ".")
	for i := range parts {
		parts[i] = trimZeros(parts[i])
	}
	return strings.Join(parts, ".")
}

// pre reads a pre-release segment. Of two words that start alike the longer
// is tried first.
func (s *scanner) pre() (phase, string) {
	start := s.pos
	s.separator()
	var p phase
	switch {
	case s.word("alpha"), s.word("a"):
		p = alpha
	case s.word("beta"), s.word("b"):
		p = beta
	case s.word("preview"), s.word("pre"), s.word("rc"), s.word("c"):
		p = candidate
	default:
		s.pos = start
		return noPhase, ""
	}
	s.separator()
	return p, s.implicitDigits()
}

// post reads a post-release segment, either "-1" or a word with an optional
// number.
func (s *scanner) post() string {
	start := s.pos
	if s.peek(0) == '-' && isDigit(s.peek(1)) {
		s.pos++
		return s.digits()
	}
	s.separator()
	if s.word("post") || s.word("rev") || s.word("r") {
		s.separator()
		return s.implicitDigits()
	}
	s.pos = start
	return ""
}

// dev reads a development release segment.
func (s *scanner) dev() string {
	start := s.pos
	s.separator()
	if !s.word("dev") {
		s.pos = start
		return ""
	}
	s.separator()
	return s.implicitDigits()
}

// local reads the segments behind the "+".
func (s *scanner) local() (local, msg string) {
	start, normal := s.pos, true
	for {
		from, number := s.pos, true
		for isAlnum(s.peek(0)) {
			number = number && isDigit(s.peek(0))
			normal = normal && s.peek(0) == lower(s.peek(0))
			s.pos++
		}
		segment := s.text[from:s.pos]
		if segment == "" {
			return "", "expected a letter or digit of the local version"
		}
		normal = normal && !(number && trimZeros(segment) != segment)
		if !isSeparator(s.peek(0)) {
			break
		}
		normal = normal && s.peek(0) == '.'
		s.pos++
	}
	if normal {
		return s.text[start:s.pos], ""
	}
	return normalizeLocal(s.text[start:s.pos]), ""
}

// normalizeLocal gives the segments in lower case, numbers without leading
// zeros, joined by dots.
func normalizeLocal(text string) string {
	segments := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return isSeparator(byte(r)) })
	for i, segment := range segments {
		if isNumber(segment) {
			segments[i] = trimZeros(segment)
		}
	}
	return strings.Join(segments, ".")
}

// isNumber says whether a segment of a local version is a number.
func isNumber(segment string) bool { return strings.Trim(segment, "0123456789") == "" }

// IsZero says whether v is the zero value, which is no version.
func (v Version) IsZero() bool { return v.release == "" }

// String gives the normal form: "1.0rc1" for "v1.0-RC.1". It is empty for the
// zero value.
func (v Version) String() string {
	if v == (Version{epoch: "0", release: v.release}) {
		return v.release
	}
	if v.IsZero() {
		return ""
	}
	b := make([]byte, 0, 32)
	if v.epoch != "0" {
		b = append(append(b, v.epoch...), '!')
	}
	b = append(b, v.release...)
	b = append(append(b, v.phase.String()...), v.phaseNum...)
	if v.post != "" {
		b = append(append(b, ".post"...), v.post...)
	}
	if v.dev != "" {
		b = append(append(b, ".dev"...), v.dev...)
	}
	if v.local != "" {
		b = append(append(b, '+'), v.local...)
	}
	return string(b)
}

// Release gives the numbers of the release segment, "1.2.3rc1" → 1, 2, 3.
// A number that no uint64 holds is given as the greatest uint64.
func (v Version) Release() []uint64 {
	if v.IsZero() {
		return nil
	}
	numbers := make([]uint64, 0, strings.Count(v.release, ".")+1)
	for part := range strings.SplitSeq(v.release, ".") {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil { // the parser let only digits through: out of range
			n = math.MaxUint64
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// Epoch gives the number before "!", as digits; "0" if there is none.
func (v Version) Epoch() string { return v.epoch }

// Local gives the normalised local version, "cu124" of "2.5.0+cu124".
func (v Version) Local() string { return v.local }

// Public gives the version without its local part.
func (v Version) Public() Version {
	v.local = ""
	return v
}

// OnlyRelease gives the numbers of the release segment alone: "3.14.0" for
// "3.14.0rc2". uv compares versions of Python so.
func (v Version) OnlyRelease() Version { return Version{epoch: "0", release: v.release} }

// Truncate gives at most n numbers of the release segment: "3.12" for
// "3.12.4rc1" and 2, the version of Python that python_version holds.
func (v Version) Truncate(n int) Version {
	end := 0
	for ; n > 0 && end < len(v.release); n-- {
		dot := strings.IndexByte(v.release[end:], '.')
		if dot < 0 {
			return v.OnlyRelease()
		}
		end += dot + 1
	}
	return Version{epoch: "0", release: strings.TrimSuffix(v.release[:end], ".")}
}

// IsPrerelease says whether v is an alpha, beta, candidate or development
// release.
func (v Version) IsPrerelease() bool { return v.phase != noPhase || v.dev != "" }

// IsPostrelease says whether v has a post-release segment.
func (v Version) IsPostrelease() bool { return v.post != "" }

// Compare orders versions as PEP 440 does: negative where v is older than w.
func (v Version) Compare(w Version) int {
	if c := compareNumbers(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := compareReleases(v.release, w.release); c != 0 {
		return c
	}
	if c := v.age() - w.age(); c != 0 {
		return c
	}
	if c := compareNumbers(v.phaseNum, w.phaseNum); c != 0 {
		return c
	}
	if c := compareNumbers(v.post, w.post); c != 0 {
		return c
	}
	if (v.dev == "") != (w.dev == "") { // 1.0.dev1 comes before 1.0
		return len(w.dev) - len(v.dev)
	}
	if c := compareNumbers(v.dev, w.dev); c != 0 {
		return c
	}
	return compareLocals(v.local, w.local)
}

// age orders versions of one release: 1.0.dev1, 1.0a1, 1.0b1, 1.0rc1, then
// the release itself and what comes after it.
func (v Version) age() int {
	switch {
	case v.phase != noPhase:
		return int(v.phase)
	case v.dev != "" && v.post == "":
		return int(noPhase)
	}
	return int(candidate) + 1
}

// compareReleases compares number by number; a missing number is 0.
func compareReleases(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" || b != "" {
		var x, y string
		x, a = nextNumber(a)
		y, b = nextNumber(b)
		if c := compareNumbers(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// nextNumber cuts the first number off a release; behind the end there are
// zeros.
func nextNumber(release string) (number, rest string) {
	if release == "" {
		return "0", ""
	}
	number, rest, _ = strings.Cut(release, ".")
	return number, rest
}

// compareLocals compares segment by segment: a number is greater than a word,
// more segments are greater than fewer.
func compareLocals(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareSegments(x, y); c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

func compareSegments(a, b string) int {
	switch numA, numB := isNumber(a), isNumber(b); {
	case numA && numB:
		return compareNumbers(a, b)
	case numA:
		return 1
	case numB:
		return -1
	}
	return strings.Compare(a, b)
}
