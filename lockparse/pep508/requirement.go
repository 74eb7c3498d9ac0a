package pep508

import (
	"errors"
	"strings"

	"github.com/imagespec/imagespec/lockparse/pep440"
)

// Requirement is one dependency: name[extras] with specifiers or a URL, and a
// marker.
type Requirement struct {
	Name       string   // as written; compare NormalizeName(Name)
	Extras     []string // as written, in that order
	Specifiers pep440.Specifiers
	URL        string // of a direct reference "name @ URL"; not looked into
	Marker     Marker // in the Packaging dialect
}

// ParseRequirement reads a requirement, its marker by the packaging dialect.
// The specifiers may stand in parentheses. The error is a *SyntaxError.
func ParseRequirement(s string) (Requirement, error) {
	p := parser{what: "requirement", input: s, dialect: Packaging}
	var r Requirement
	var err error
	p.space()
	if r.Name, err = p.name("expected the name of a package"); err != nil {
		return Requirement{}, err
	}
	p.space()
	if r.Extras, err = p.extras(); err != nil {
		return Requirement{}, err
	}
	p.space()
	if p.peek() == '@' {
		r.URL, err = p.url()
	} else {
		r.Specifiers, err = p.specifiers()
	}
	if err != nil {
		return Requirement{}, err
	}
	if p.atEnd() {
		return r, nil
	}
	if p.peek() != ';' {
		return Requirement{}, p.fail(p.pos, `expected ";" and a marker, or the end`)
	}
	p.pos++
	if r.Marker, err = p.fullMarker(); err != nil {
		return Requirement{}, err
	}
	return r, nil
}

// name reads the name of a package or an extra.
func (p *parser) name(expected string) (string, error) {
	length := nameLength(p.rest())
	if length == 0 {
		return "", p.fail(p.pos, "%s", expected)
	}
	p.pos += length
	return p.input[p.pos-length : p.pos], nil
}

// extras reads, if it is next:
//
//	extras = "[" (name ("," name)*)? "]"
func (p *parser) extras() ([]string, error) {
	if p.peek() != '[' {
		return nil, nil
	}
	open := p.pos
	p.pos++
	p.space()
	var names []string
	for p.peek() != ']' || names != nil {
		name, err := p.name("expected the name of an extra")
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if p.space(); p.peek() != ',' {
			break
		}
		p.pos++
		p.space()
	}
	if p.peek() != ']' {
		return nil, p.fail(open, `expected "," or the "]" of this "["`)
	}
	p.pos++
	return names, nil
}

// url reads "@" and a URL, which ends at white space, and that space.
func (p *parser) url() (string, error) {
	p.pos++
	p.space()
	rest := p.rest()
	end := strings.IndexAny(rest, " \t")
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return "", p.fail(p.pos, `expected a URL after "@"`)
	}
	p.pos += end
	p.space()
	return rest[:end], nil
}

// specifiers reads a set of version specifiers and the white space behind it.
func (p *parser) specifiers() (pep440.Specifiers, error) {
	open, ends := p.pos, ";"
	parenthesised := p.peek() == '('
	if parenthesised {
		p.pos++
		ends = ")"
	}
	start := p.pos
	text := p.rest()
	if end := strings.IndexAny(text, ends); end >= 0 {
		text = text[:end]
	}
	set, err := p.parseSpecifiers(text)
	if err != nil {
		return set, err
	}
	p.pos = start + len(text)
	if !parenthesised {
		return set, nil
	}
	if p.peek() != ')' {
		return set, p.fail(open, `expected the ")" of this "("`)
	}
	p.pos++
	p.space()
	return set, nil
}

// parseSpecifiers parses the specifiers that text, the input from here on,
// consists of. Of empty clauses a requirement may only have the last, that of
// a trailing comma.
func (p *parser) parseSpecifiers(text string) (pep440.Specifiers, error) {
	set, err := pep440.ParseSpecifiers(text)
	var syntax *pep440.SyntaxError
	if errors.As(err, &syntax) {
		start := p.pos
		p.pos += syntax.Offset
		fail := p.fail(start, "%s", syntax.Msg)
		fail.Err = err
		return set, fail
	}
	clauses := strings.Split(text, ",")
	for i, clause := range clauses {
		if i < len(clauses)-1 && strings.Trim(clause, " \t") == "" {
			return set, p.fail(p.pos, "expected a version specifier")
		}
		p.pos += len(clause) + 1
	}
	return set, nil
}

// String gives the requirement in normal form; names stay as written.
func (r Requirement) String() string {
	s := r.Name
	if len(r.Extras) > 0 {
		s += "[" + strings.Join(r.Extras, ",") + "]"
	}
	s += r.Specifiers.String()
	if r.URL != "" {
		s += " @ " + r.URL
	}
	marker := r.Marker.String()
	switch {
	case marker == "":
		return s
	case r.URL != "":
		return s + " ; " + marker
	}
	return s + "; " + marker
}
