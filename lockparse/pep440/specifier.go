package pep440

import (
	"slices"
	"strings"
)

// Specifiers is a comma separated set of clauses such as ">=3.10,<3.14". The
// zero value admits every version.
type Specifiers struct {
	clauses []clause
}

// clause is one comparison.
type clause struct {
	op       operator
	version  Version // of every operator but ===
	wildcard bool    // ".*" follows the version
	text     string  // what === compares with, as written
}

type operator string

// The operators of PEP 440.
const (
	arbitrary    operator = "==="
	equal        operator = "=="
	notEqual     operator = "!="
	compatible   operator = "~="
	lessEqual    operator = "<="
	greaterEqual operator = ">="
	less         operator = "<"
	greater      operator = ">"
)

// ParseSpecifiers reads a set of clauses; the empty string is the empty set.
// Empty clauses, as of a trailing comma, are ignored. The error is a
// *SyntaxError.
func ParseSpecifiers(s string) (Specifiers, error) {
	var set Specifiers
	for start := 0; start <= len(s); {
		end := len(s)
		if comma := strings.IndexByte(s[start:], ','); comma >= 0 {
			end = start + comma
		}
		if strings.Trim(s[start:end], whitespace) != "" {
			c, err := parseClause(s, start, end)
			if err != nil {
				return Specifiers{}, err
			}
			set.clauses = append(set.clauses, c)
		}
		start = end + 1
	}
	return set, nil
}

// ParseSpecifier reads a single clause. It differs from ParseSpecifiers where
// a comma follows "===", which belongs to the text there.
func ParseSpecifier(s string) (Specifiers, error) {
	c, err := parseClause(s, 0, len(s))
	if err != nil {
		return Specifiers{}, err
	}
	return Specifiers{clauses: []clause{c}}, nil
}

// parseClause reads s[start:end]; s is whole for the sake of the error.
func parseClause(s string, start, end int) (clause, error) {
	scan := scanner{text: strings.TrimRight(s[:end], whitespace), pos: start}
	c, msg := scan.clause()
	if msg == "" && scan.pos < len(scan.text) {
		msg = "unexpected text"
	}
	if msg != "" {
		return clause{}, &SyntaxError{What: "version specifier", Input: s, Offset: scan.pos, Msg: msg}
	}
	return c, nil
}

// clause reads an operator and what it compares with.
func (s *scanner) clause() (c clause, msg string) {
	s.space()
	c.op = s.operator()
	s.space()
	switch c.op {
	case "":
		return c, "expected an operator (==, !=, <=, >=, <, >, ~=, ===)"
	case arbitrary:
		c.text = s.arbitrary()
		return c, ""
	}
	if c.version, msg = s.version(); msg != "" {
		return c, msg
	}
	if s.peek(0) == '.' && s.peek(1) == '*' {
		if msg = c.wildcardMistake(); msg != "" {
			return c, msg
		}
		s.pos += 2
		c.wildcard = true
	}
	return c, c.mistake()
}

// space skips white space.
func (s *scanner) space() {
	s.pos = len(s.text) - len(strings.TrimLeft(s.text[s.pos:], whitespace))
}

// operator reads the longest operator that starts here, or gives "".
func (s *scanner) operator() operator {
	for _, op := range [...]operator{arbitrary, equal, notEqual, compatible, lessEqual, greaterEqual, less, greater} {
		if strings.HasPrefix(s.text[s.pos:], string(op)) {
			s.pos += len(op)
			return op
		}
	}
	return ""
}

// arbitrary reads what may follow ===: anything without white space, ";" and
// ")", which end a specifier in a requirement.
func (s *scanner) arbitrary() string {
	rest := s.text[s.pos:]
	if end := strings.IndexAny(rest, whitespace+";)"); end >= 0 {
		rest = rest[:end]
	}
	s.pos += len(rest)
	return rest
}

// wildcardMistake says why ".*" cannot follow the clause, if so.
func (c clause) wildcardMistake() string {
	switch {
	case c.op != equal && c.op != notEqual:
		return `".*" is for == and != only`
	case c.version != c.version.releaseWithEpoch():
		return `".*" cannot follow a pre-, post-, development or local version`
	}
	return ""
}

// mistake says why the operator cannot take the version, if so.
func (c clause) mistake() string {
	switch {
	case c.version.local != "" && c.op != equal && c.op != notEqual:
		return "a local version is for == and != only"
	case c.op == compatible && !strings.Contains(c.version.release, "."):
		return "~= needs a version of at least two numbers"
	}
	return ""
}

// releaseWithEpoch gives v without its pre-, post-, development and local
// parts.
func (v Version) releaseWithEpoch() Version { return Version{epoch: v.epoch, release: v.release} }

// String gives the clauses in their order, each in normal form, joined by
// commas.
func (s Specifiers) String() string {
	var b strings.Builder
	for i, c := range s.clauses {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(c.op))
		b.WriteString(c.text)
		b.WriteString(c.version.String())
		if c.wildcard {
			b.WriteString(".*")
		}
	}
	return b.String()
}

// IsEmpty says whether there are no clauses, so that every version is
// admitted.
func (s Specifiers) IsEmpty() bool { return len(s.clauses) == 0 }

// Pinned gives the one version that the set asks for: the set is a single
// clause "==V" without wildcard, or "===V" of what is a version.
func (s Specifiers) Pinned() (Version, bool) {
	if len(s.clauses) != 1 {
		return Version{}, false
	}
	switch c := s.clauses[0]; {
	case c.op == equal && !c.wildcard:
		return c.version, true
	case c.op == arbitrary:
		v, err := Parse(c.text)
		return v, err == nil
	}
	return Version{}, false
}

// Contains says whether v satisfies every clause, pre-releases included. The
// operator === compares with the normal form of v.
func (s Specifiers) Contains(v Version) bool {
	for i := range s.clauses {
		if c := &s.clauses[i]; c.op == arbitrary {
			if !strings.EqualFold(c.text, v.String()) {
				return false
			}
		} else if !c.admits(v) {
			return false
		}
	}
	return true
}

// ContainsText is Contains for a version as somebody wrote it. It need not be
// a version: "===" compares the text, every other operator admits versions
// only.
func (s Specifiers) ContainsText(text string) bool {
	v, err := Parse(text)
	for i := range s.clauses {
		if c := &s.clauses[i]; c.op == arbitrary {
			if !strings.EqualFold(c.text, text) {
				return false
			}
		} else if err != nil || !c.admits(v) {
			return false
		}
	}
	return true
}

// ContainsFinal is Contains for those who refuse pre-releases, even ones that
// a clause names.
func (s Specifiers) ContainsFinal(v Version) bool { return !v.IsPrerelease() && s.Contains(v) }

// ContainsRelease is Contains for the release numbers of v alone, uv's rule
// for requires-python: CPython 3.14.0rc2 counts as 3.14.0.
func (s Specifiers) ContainsRelease(v Version) bool { return s.Contains(v.OnlyRelease()) }

// OnlyReleases gives the set with the version of each clause cut to its
// release numbers, as uv compares versions of Python.
func (s Specifiers) OnlyReleases() Specifiers {
	cut := slices.Clone(s.clauses)
	for i := range cut {
		if cut[i].op != arbitrary {
			cut[i].version = cut[i].version.OnlyRelease()
		}
	}
	return Specifiers{clauses: cut}
}

// admits says whether v satisfies a clause other than ===.
func (c *clause) admits(v Version) bool {
	switch c.op {
	case equal:
		return c.equals(v)
	case notEqual:
		return !c.equals(v)
	case compatible: // ~=1.2.3 means >=1.2.3, ==1.2.*
		last := strings.LastIndexByte(c.version.release, '.')
		return v.Public().Compare(c.version) >= 0 && hasPrefix(v, c.version.epoch, c.version.release[:last])
	case lessEqual:
		return v.Public().Compare(c.version) <= 0
	case greaterEqual:
		return v.Public().Compare(c.version) >= 0
	case less:
		return v.Compare(c.version.first()) < 0
	default:
		return v.Public().Compare(c.version) > 0 && !c.version.hasPost(v)
	}
}

// equals compares as == does: a local part counts only if the clause has one.
func (c *clause) equals(v Version) bool {
	switch {
	case c.wildcard:
		return hasPrefix(v, c.version.epoch, c.version.release)
	case c.version.local == "":
		v.local = ""
	}
	return v.Compare(c.version) == 0
}

// first gives the bound of "<v": v itself, or its first development release,
// so that "<1.0" excludes 1.0rc1 and "<1.0rc1" includes 1.0b1.
func (v Version) first() Version {
	if !v.IsPrerelease() {
		v.dev = "0"
	}
	return v
}

// hasPost says whether p is a post-release of v, which ">v" excludes unless v
// is one itself.
func (v Version) hasPost(p Version) bool {
	return p.post != "" && v.post == "" && v.dev == "" &&
		v.epoch == p.epoch && compareReleases(v.release, p.release) == 0 &&
		v.phase == p.phase && v.phaseNum == p.phaseNum
}

// hasPrefix says whether v starts with the numbers of a release, a missing
// number being 0.
func hasPrefix(v Version, epoch, release string) bool {
	if v.epoch != epoch {
		return false
	}
	var want, got string
	for rest := v.release; release != ""; {
		want, release = nextNumber(release)
		got, rest = nextNumber(rest)
		if got != want {
			return false
		}
	}
	return true
}

// Equal says whether two sets are written by the same clauses in any order.
func (s Specifiers) Equal(t Specifiers) bool {
	return slices.Equal(s.sorted(), t.sorted())
}

// sorted gives the clauses as text, in order and once each.
func (s Specifiers) sorted() []string {
	texts := make([]string, len(s.clauses))
	for i := range s.clauses {
		texts[i] = Specifiers{clauses: s.clauses[i : i+1]}.String()
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
