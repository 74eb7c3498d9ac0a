// Package constraint is Poetry's version constraints, "^1.2 || >=2,!=2.1": their
// syntax, and which versions they allow. They are no specifiers of PEP 440,
// which have neither alternatives nor carets, and they compare differently.
//
// The reference is poetry-core 2.
package constraint

import (
	"fmt"
	"math"
	"strings"

	"github.com/imagespec/imagespec/lockparse/pep440"
)

// maxText is the longest constraint that is read, in bytes: it is compared
// with many versions, and tools write a hundred.
const maxText = 64 << 10

// Constraint is a set of versions: alternatives, each of which is a list of
// clauses that must all hold. The zero value is every version.
type Constraint struct {
	text         string
	alternatives [][]clause
}

// clause is an interval of versions, or all versions outside of it.
type clause struct {
	interval
	outside bool
}

// interval is the versions between two bounds; a bound that is the zero
// Version is none.
type interval struct {
	min, max                 pep440.Version
	includesMin, includesMax bool
}

// Allows says whether a version is in the set. Pre-releases are compared like
// any other version.
func (c Constraint) Allows(v pep440.Version) bool {
	if c.alternatives == nil {
		return true
	}
	for _, clauses := range c.alternatives {
		if allOf(clauses, v) {
			return true
		}
	}
	return false
}

func allOf(clauses []clause, v pep440.Version) bool {
	for _, c := range clauses {
		if c.contains(v) == c.outside {
			return false
		}
	}
	return true
}

// contains compares as PEP 440 does: a bound without a local version does not
// see those of v, and what is greater than a release is not its post-releases.
func (i interval) contains(v pep440.Version) bool {
	if !i.min.IsZero() {
		low := likeBound(v, i.min)
		if !i.includesMin && v.IsPostrelease() && !i.min.IsPostrelease() {
			low = withoutPost(low)
		}
		if c := low.Compare(i.min); c < 0 || c == 0 && !i.includesMin {
			return false
		}
	}
	if i.max.IsZero() {
		return true
	}
	c := likeBound(v, i.max).Compare(i.max)
	return c < 0 || c == 0 && i.includesMax
}

// likeBound drops the local version of v where the bound has none.
func likeBound(v, bound pep440.Version) pep440.Version {
	if bound.Local() == "" {
		return v.Public()
	}
	return v
}

func withoutPost(v pep440.Version) pep440.Version {
	text, _, _ := strings.Cut(v.String(), ".post")
	base, err := pep440.Parse(text)
	if err != nil {
		return v
	}
	return base
}

// String gives the constraint as it was written, empty for the zero value.
func (c Constraint) String() string { return c.text }

// IsAny says whether there is no condition: the text is "*", or there is none.
func (c Constraint) IsAny() bool { return c.alternatives == nil }

// Parse reads a constraint such as "^1.2", ">=1,<2 || ~2.1" or "*". The error
// names the text and wraps the cause.
func Parse(text string) (Constraint, error) { return read(text, false) }

// ParsePython reads the constraint of the key python of a dependency, which
// Poetry turns into a marker: there "3.8" means every 3.8.x, as python_version
// does. Otherwise it is like Parse.
func ParsePython(text string) (Constraint, error) { return read(text, true) }

func read(text string, python bool) (Constraint, error) {
	if len(text) > maxText {
		return Constraint{}, fmt.Errorf("a version constraint has more than %d bytes", maxText)
	}
	c := Constraint{text: text}
	if strings.TrimSpace(text) == "*" {
		return c, nil
	}
	for _, part := range strings.Split(strings.ReplaceAll(text, "||", "|"), "|") {
		clauses, err := parseClauses(strings.TrimSpace(part), python)
		if err != nil {
			return Constraint{}, fmt.Errorf("version constraint %q: %w", text, err)
		}
		c.alternatives = append(c.alternatives, clauses)
	}
	return c, nil
}

// operators are all that stand before a version, the longer ones first.
func operators() []string { return []string{"~=", "==", "!=", ">=", "<=", "^", "~", "=", ">", "<"} }

// parseClauses reads clauses between commas or blanks; after an operator
// blanks are allowed.
func parseClauses(text string, python bool) ([]clause, error) {
	rest := strings.TrimRight(text, ", ")
	clauses := []clause{}
	for {
		op := ""
		for _, o := range operators() {
			if strings.HasPrefix(rest, o) {
				op = o
				break
			}
		}
		rest = strings.TrimLeft(rest[len(op):], " ")
		end := strings.IndexAny(rest, ", ")
		if end < 0 {
			end = len(rest)
		}
		c, any, err := parseClause(op, rest[:end], python)
		if err != nil {
			return nil, err
		}
		if !any {
			clauses = append(clauses, c)
		}
		if rest = strings.TrimLeft(rest[end:], " "); rest == "" {
			return clauses, nil
		}
		rest = strings.TrimLeft(strings.TrimPrefix(rest, ","), " ")
	}
}

// parseClause reads one clause. The boolean says that it is every version.
func parseClause(op, text string, python bool) (c clause, any bool, err error) {
	if op == "" && isAny(text) {
		return clause{}, true, nil
	}
	number := strings.TrimSuffix(text, ".*")
	wildcard := number != text
	v, err := pep440.Parse(number)
	if err != nil {
		return clause{}, false, err
	}
	switch op {
	case "", "=", "==", "!=":
		c.outside = op == "!="
		if wildcard || python && !c.outside && len(v.Release()) < 3 {
			c.interval, err = prefix(v)
		} else {
			c.interval = interval{min: v, max: v, includesMin: true, includesMax: true}
		}
	case "^", "~", "~=":
		if wildcard {
			return clause{}, false, fmt.Errorf("%q cannot have a wildcard", op)
		}
		c.interval, err = compatible(op, v)
	default: // a wildcard means nothing to these
		c.interval, err = ordered(op, v)
	}
	return c, false, err
}

// isAny says whether the text is a wildcard alone: "*", "x", "*.*".
func isAny(text string) bool {
	for _, part := range strings.Split(strings.TrimLeft(text, "vV"), ".") {
		if part != "*" && part != "x" && part != "X" {
			return false
		}
	}
	return true
}

// ordered gives the versions before or after one. What comes before a release
// is not its pre-releases.
func ordered(op string, v pep440.Version) (interval, error) {
	switch op {
	case ">":
		return interval{min: v}, nil
	case ">=":
		return interval{min: v, includesMin: true}, nil
	case "<=":
		return interval{max: v, includesMax: true}, nil
	}
	if v.IsPrerelease() {
		return interval{max: v}, nil
	}
	max, err := pep440.Parse(v.Public().String() + ".dev0")
	return interval{max: max}, err
}

// compatible gives the versions from v up to the next that may break:
//
//	^1.2.3  <2      ^0.2.3  <0.3    ^0.0.3  <0.0.4
//	~1.2.3  <1.3    ~1      <2
//	~=1.2.3 <1.3    ~=1.2   <2
func compatible(op string, v pep440.Version) (interval, error) {
	numbers := v.Release()
	at := 0 // the number that is raised
	switch {
	case op == "^":
		for at < 2 && at < len(numbers)-1 && numbers[at] == 0 {
			at++
		}
	case op == "~":
		at = min(1, len(numbers)-1)
	default:
		at = max(0, len(numbers)-2)
	}
	max, err := raised(v, at)
	return interval{min: v, includesMin: true, max: max}, err
}

// prefix gives the versions whose release begins with that of v, "1.2.*".
func prefix(v pep440.Version) (interval, error) {
	if v.OnlyRelease() != v && v.Epoch() == "0" {
		return interval{}, fmt.Errorf("%q cannot have a wildcard", v)
	}
	first, err := pep440.Parse(v.String() + ".dev0")
	if err != nil {
		return interval{}, err
	}
	max, err := raised(v, len(v.Release())-1)
	return interval{min: first, includesMin: true, max: max}, err
}

// raised gives the very first version of the release that follows when the
// number at a place goes up by one.
func raised(v pep440.Version, at int) (pep440.Version, error) {
	numbers := v.Release()[:at+1]
	if numbers[at] == math.MaxUint64 {
		return pep440.Version{}, fmt.Errorf("a number of %q is too large", v)
	}
	numbers[at]++
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", "."), "[]")
	return pep440.Parse(v.Epoch() + "!" + text + ".dev0")
}
