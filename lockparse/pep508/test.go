package pep508

import (
	"strings"

	"github.com/imagespec/imagespec/lockparse/pep440"
)

// test is the meaning of a comparison. Tests hold what can be computed before
// an environment is known, so that evaluating one allocates nothing.
type test interface {
	// holds says whether the comparison is true in env for the extra of that
	// name. The error is an *UndefinedError.
	holds(env *Env, name string) (bool, error)
}

// constant is a comparison that does not depend on the environment.
type constant bool

func (c constant) holds(*Env, string) (bool, error) { return bool(c), nil }

// undefined is a comparison that the Packaging dialect gives no meaning.
type undefined struct{ err *UndefinedError }

func (u undefined) holds(*Env, string) (bool, error) { return false, u.err }

// member looks a name up in a set of extras or groups.
type member struct {
	set    variable
	name   string // normalised
	absent bool   // the comparison wants it not to be there
}

func (m member) holds(env *Env, _ string) (bool, error) {
	return env.set(m.set)[m.name] != m.absent, nil
}

// text compares a variable with a string as Python compares strings, but for
// the order, which the specification takes away.
type text struct {
	variable variable
	op       operator
	literal  string
	reversed bool // the literal is the left operand
}

func (t text) holds(env *Env, name string) (bool, error) {
	left, right := env.value(t.variable, name), t.literal
	if t.reversed {
		left, right = right, left
	}
	switch t.op {
	case opIn:
		return strings.Contains(right, left), nil
	case opNotIn:
		return !strings.Contains(right, left), nil
	case opNotEqual:
		return left != right, nil
	case opEqual, opLessEq, opGreaterEq:
		return left == right, nil
	}
	return false, nil // < and >: strings have no order
}

// textOrder compares a variable with a string by the order of their bytes.
type textOrder struct {
	variable variable
	op       operator // < <= > >=
	literal  string
}

func (t textOrder) holds(env *Env, name string) (bool, error) {
	order := strings.Compare(env.value(t.variable, name), t.literal)
	switch t.op {
	case opLess:
		return order < 0, nil
	case opLessEq:
		return order <= 0, nil
	case opGreater:
		return order > 0, nil
	}
	return order >= 0, nil
}

// version compares a variable with a specifier. It does not hold if the
// variable is no version, except for ===.
type version struct {
	variable  variable
	specifier pep440.Specifiers
}

func (t version) holds(env *Env, _ string) (bool, error) {
	return t.specifier.ContainsText(env.versionText(t.variable)), nil
}

// versionText gives the text of a variable that is a version. CPython built
// from a checkout calls itself "3.14.0a2+", which is no version.
func (env *Env) versionText(v variable) string {
	s := env.value(v, "")
	if v == pythonFullVersion && strings.HasSuffix(s, "+") {
		return s + "local"
	}
	return s
}

// versionLeft compares a string with a variable that is a version: the
// specifier is only known with the environment.
type versionLeft struct {
	literal  string
	op       operator
	variable variable
	fallback test // where the variable makes no specifier
}

func (t versionLeft) holds(env *Env, name string) (bool, error) {
	specifier, err := pep440.ParseSpecifier(string(t.op) + env.versionText(t.variable))
	if err != nil {
		return t.fallback.holds(env, name)
	}
	return specifier.ContainsText(t.literal), nil
}

// release compares the release numbers of a variable with a specifier, as uv
// does.
type release struct {
	variable  variable
	specifier pep440.Specifiers
}

func (t release) holds(env *Env, _ string) (bool, error) {
	v, ok := env.release(t.variable)
	return ok && t.specifier.Contains(v), nil
}

// releaseIn looks the release numbers of a variable up in a list.
type releaseIn struct {
	variable variable
	list     []pep440.Version
	absent   bool // the comparison wants them not to be there
}

func (t releaseIn) holds(env *Env, _ string) (bool, error) {
	v, ok := env.release(t.variable)
	if !ok {
		return false, nil
	}
	for _, w := range t.list {
		if v.Compare(w) == 0 {
			return !t.absent, nil
		}
	}
	return t.absent, nil
}

// release gives the release numbers of a version variable and whether it is a
// version at all. python_version is the first two of python_full_version.
func (env *Env) release(v variable) (pep440.Version, bool) {
	numbers := 0
	if v == pythonVersion {
		v, numbers = pythonFullVersion, 2
	}
	parsed, err := pep440.Parse(env.versionText(v))
	if err != nil {
		return pep440.Version{}, false
	}
	if numbers > 0 {
		return parsed.Truncate(numbers), true
	}
	return parsed.OnlyRelease(), true
}
