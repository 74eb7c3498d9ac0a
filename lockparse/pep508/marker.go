package pep508

import "strings"

// Marker is a parsed environment marker. The zero value is always true.
type Marker struct {
	expr      expr
	dialect   Dialect
	usesExtra bool // the variable extra occurs
}

// expr is a node of a marker's syntax tree.
type expr struct {
	kind    kind
	leaf    *comparison // of the kind compare
	terms   []expr      // of the kinds allOf and anyOf, at least two
	grouped bool        // written in parentheses that String keeps
	ignored bool        // UV dialect: the marker reads as if it were not there
}

type kind byte

const (
	always  kind = iota // true without a condition
	compare             // one comparison
	allOf               // terms joined by "and"
	anyOf               // terms joined by "or"
)

// comparison is a leaf of the tree: two operands, one of them usually a
// variable, and what they mean in the marker's dialect.
type comparison struct {
	left, right operand
	op          operator
	test        test
}

// operand is a variable or a quoted string.
type operand struct {
	variable variable
	text     string // of a literal
}

type operator string

const (
	opIn         operator = "in"
	opNotIn      operator = "not in"
	opEqual      operator = "=="
	opNotEqual   operator = "!="
	opLess       operator = "<"
	opLessEq     operator = "<="
	opGreater    operator = ">"
	opGreaterEq  operator = ">="
	opCompatible operator = "~="
	opArbitrary  operator = "==="
)

// invert gives the operator for swapped operands.
func (op operator) invert() operator {
	switch op {
	case opLess:
		return opGreater
	case opLessEq:
		return opGreaterEq
	case opGreater:
		return opLess
	case opGreaterEq:
		return opLessEq
	}
	return op
}

// Eval says whether the marker holds in env. The error, an *UndefinedError,
// is for what the specification leaves undefined; uv's dialect has none.
// As in pypa/packaging, an undefined comparison is an error even where the
// rest of the marker decides.
func (m Marker) Eval(env *Env) (bool, error) {
	if m.dialect != Packaging || !m.usesExtra {
		return m.expr.eval(env, "")
	}
	asked := false
	for name, on := range env.Extras {
		if !on {
			continue
		}
		asked = true
		if ok, err := m.expr.eval(env, name); ok || err != nil {
			return ok, err
		}
	}
	if asked {
		return false, nil
	}
	return m.expr.eval(env, "")
}

// eval evaluates a node; name is that of the extra in question.
func (e *expr) eval(env *Env, name string) (bool, error) {
	if e.ignored || e.kind == always {
		return true, nil
	}
	if e.kind == compare {
		return e.leaf.test.holds(env, name)
	}
	all := e.kind == allOf
	result := all
	for i := range e.terms {
		if e.terms[i].ignored {
			continue
		}
		ok, err := e.terms[i].eval(env, name)
		if err != nil {
			return false, err
		}
		if ok != all {
			result = ok
		}
	}
	return result, nil
}

// IsTrue says whether the marker has no condition: it is the zero value, or
// the UV dialect ignores all of it.
func (m Marker) IsTrue() bool { return m.expr.kind == always || m.expr.ignored }

// UsesExtra says whether the marker asks for the variable "extra", which some
// formats do not define.
func (m Marker) UsesExtra() bool { return m.usesExtra }

// Values gives every comparison of a variable with a string: the variable by
// its name, and the string. Between these strings the marker changes nothing.
func (m Marker) Values(yield func(variable, value string) bool) { m.expr.values(yield) }

func (e *expr) values(yield func(variable, value string) bool) bool {
	if e.kind == compare {
		left, right := e.leaf.left, e.leaf.right
		if left.variable == literal {
			left, right = right, left
		}
		return yield(left.variable.String(), right.text)
	}
	for i := range e.terms {
		if !e.terms[i].values(yield) {
			return false
		}
	}
	return true
}

// String gives the marker in normal form, empty for the zero value: double
// quotes, single spaces, no needless parentheses around a comparison, extras
// in normal form. What the UV dialect ignores is part of it.
func (m Marker) String() string {
	var b strings.Builder
	m.expr.write(&b)
	return b.String()
}

func (e *expr) write(b *strings.Builder) {
	switch e.kind {
	case compare:
		b.WriteString(e.leaf.String())
		return
	case always:
		return
	}
	joint := " and "
	if e.kind == anyOf {
		joint = " or "
	}
	for i := range e.terms {
		if i > 0 {
			b.WriteString(joint)
		}
		if e.terms[i].grouped {
			b.WriteByte('(')
		}
		e.terms[i].write(b)
		if e.terms[i].grouped {
			b.WriteByte(')')
		}
	}
}

// String gives the comparison in normal form.
func (c *comparison) String() string {
	return c.left.String() + " " + string(c.op) + " " + c.right.String()
}

// String gives the operand as a marker names it. A string never holds both
// kinds of quotes, since it was written in one of them.
func (o operand) String() string {
	switch {
	case o.variable != literal:
		return o.variable.String()
	case strings.Contains(o.text, `"`):
		return "'" + o.text + "'"
	}
	return `"` + o.text + `"`
}
