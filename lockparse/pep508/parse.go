package pep508

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/imagespec/imagespec/internal/diag"
)

// maxDepth is how deep parentheses may be nested. Tools write two or three
// levels; without a limit a hostile lock could exhaust the stack.
const maxDepth = 100

// ParseMarker reads a marker; the empty string is always true. The error is a
// *SyntaxError.
func ParseMarker(s string, d Dialect) (Marker, error) {
	p := parser{what: "marker", input: s, dialect: d}
	p.space()
	if p.atEnd() {
		return Marker{dialect: d}, nil
	}
	return p.fullMarker()
}

// parser reads a marker or a requirement from left to right. Its methods ask
// for what the grammar wants next and fail with that.
type parser struct {
	what      string // for messages
	input     string
	pos       int
	dialect   Dialect
	depth     int // of parentheses that are open
	usesExtra bool
}

// fail makes an error that points at the input from start to here.
func (p *parser) fail(start int, format string, args ...any) *SyntaxError {
	return &SyntaxError{What: p.what, Input: p.input, Start: start, End: p.pos, Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) rest() string { return p.input[p.pos:] }

func (p *parser) atEnd() bool { return p.pos == len(p.input) }

// peek gives the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.atEnd() {
		return 0
	}
	return p.input[p.pos]
}

// space skips blanks and tabs, in the UV dialect all white space.
func (p *parser) space() {
	for !p.atEnd() {
		r, size := utf8.DecodeRuneInString(p.rest())
		if r != ' ' && r != '\t' && (p.dialect != UV || !unicode.IsSpace(r)) {
			return
		}
		p.pos += size
	}
}

// peekWord gives the run of letters, digits, "_" and "." that is next, which
// includes variables, "and", "or", "in" and "not".
func (p *parser) peekWord() string {
	rest := p.rest()
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; !isAlnum(c) && c != '_' && c != '.' {
			return rest[:i]
		}
	}
	return rest
}

// word reads a word if it is next.
func (p *parser) word(w string) bool {
	if p.peekWord() != w {
		return false
	}
	p.pos += len(w)
	return true
}

// fullMarker reads a marker up to the end of the input.
func (p *parser) fullMarker() (Marker, error) {
	e, err := p.marker()
	if err != nil {
		return Marker{}, err
	}
	if !p.atEnd() {
		return Marker{}, p.fail(p.pos, `expected "and", "or" or the end`)
	}
	return Marker{expr: e, dialect: p.dialect, usesExtra: p.usesExtra}, nil
}

// marker reads:
//
//	marker = all ("or" all)*
func (p *parser) marker() (expr, error) { return p.list("or", anyOf, p.all) }

// all reads:
//
//	all = term ("and" term)*
func (p *parser) all() (expr, error) { return p.list("and", allOf, p.term) }

// list reads elements that a word joins; a single one stands for itself.
func (p *parser) list(joint string, k kind, element func() (expr, error)) (expr, error) {
	first, err := element()
	if err != nil || p.peekWord() != joint {
		return first, err
	}
	e := expr{kind: k, terms: []expr{first}, ignored: first.ignored}
	for p.word(joint) {
		next, err := element()
		if err != nil {
			return expr{}, err
		}
		e.terms = append(e.terms, next)
		e.ignored = e.ignored && next.ignored
	}
	return e, nil
}

// term reads, with white space around it:
//
//	term = "(" marker ")" | operand operator operand
func (p *parser) term() (expr, error) {
	p.space()
	defer p.space()
	if p.peek() != '(' {
		return p.comparison()
	}
	open := p.pos
	if p.depth == maxDepth {
		return expr{}, p.fail(open, "parentheses are nested more than %d deep", maxDepth)
	}
	p.pos++
	p.depth++
	e, err := p.marker()
	if err != nil {
		return expr{}, err
	}
	if p.peek() != ')' {
		return expr{}, p.fail(open, `expected "and", "or" or the ")" of this "("`)
	}
	p.pos++
	p.depth--
	e.grouped = e.kind != compare
	return e, nil
}

// comparison reads two operands and compiles them in the parser's dialect.
func (p *parser) comparison() (expr, error) {
	start := p.pos
	var c comparison
	var err error
	if c.left, err = p.operand(); err != nil {
		return expr{}, err
	}
	p.space()
	if c.op, err = p.operator(); err != nil {
		return expr{}, err
	}
	p.space()
	if c.right, err = p.operand(); err != nil {
		return expr{}, err
	}
	c.normalizeNames()
	p.usesExtra = p.usesExtra || c.left.variable == extra || c.right.variable == extra
	switch p.dialect {
	case Packaging:
		c.test = c.packagingTest()
		return expr{kind: compare, leaf: &c}, nil
	case Poetry:
		c.test = c.poetryTest()
		return expr{kind: compare, leaf: &c}, nil
	}
	var msg string
	if c.test, msg = c.uvTest(); msg != "" {
		return expr{}, p.fail(start, "%s", msg)
	}
	return expr{kind: compare, leaf: &c, ignored: c.test == nil}, nil
}

// normalizeNames brings names that are compared with extras and groups into
// normal form (PEP 685).
func (c *comparison) normalizeNames() {
	if v := c.right.variable; c.left.variable == literal && (v == extra || v.isSet()) {
		c.left.text = NormalizeName(c.left.text)
	}
	if c.left.variable == extra && c.right.variable == literal {
		c.right.text = NormalizeName(c.right.text)
	}
}

// operand reads a variable or a quoted string. Nothing is escaped in a string.
func (p *parser) operand() (operand, error) {
	start := p.pos
	if quote := p.peek(); quote == '\'' || quote == '"' {
		end := strings.IndexByte(p.rest()[1:], quote)
		if end < 0 {
			p.pos = len(p.input)
			return operand{}, p.fail(start, "expected the closing %c of the string", quote)
		}
		p.pos += end + 2
		return operand{text: p.input[start+1 : p.pos-1]}, nil
	}
	name := p.peekWord()
	if v := lookup(name); v != literal {
		p.pos += len(name)
		return operand{variable: v}, nil
	}
	if name == "" {
		return operand{}, p.fail(start, "expected a variable or a quoted string")
	}
	p.pos += len(name)
	err := p.fail(start, "expected a variable or a quoted string, found %q", name)
	err.Hint = diag.Suggest(name, variableNames())
	return operand{}, err
}

// operator reads a comparison operator.
func (p *parser) operator() (operator, error) {
	start := p.pos
	if p.word("in") {
		return opIn, nil
	}
	if p.word("not") {
		before := p.pos
		if p.space(); p.pos > before && p.word("in") {
			return opNotIn, nil
		}
		return "", p.fail(start, `expected "in" after "not"`)
	}
	end := p.pos
	for end < len(p.input) && strings.IndexByte("=!<>~", p.input[end]) >= 0 {
		end++
	}
	switch op := operator(p.input[start:end]); op {
	case opEqual, opNotEqual, opLess, opLessEq, opGreater, opGreaterEq, opCompatible, opArbitrary:
		p.pos = end
		return op, nil
	}
	p.pos = end
	return "", p.fail(start, "expected an operator (==, !=, <, <=, >, >=, ~=, ===, in, not in)")
}
