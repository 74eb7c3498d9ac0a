package tomltree

import (
	"bytes"
	"errors"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/imagespec/imagespec/internal/diag"
)

// Limits of what is read. The largest lock files known have 10 MB and a
// hundredth as many separators.
const (
	maxBytes    = 16 << 20
	maxValues   = 1_000_000
	maxKeyParts = 50 // of a dotted key, each of which is a table
)

// origin is how a table or array came to be, which decides what may still be
// added to it (TOML 1.0, "Table", "Inline Table", "Array of Tables").
type origin uint8

const (
	fromValue    origin = iota // a value on the right of "=": closed
	fromParent                 // a table only implied by the header of a child
	fromHeader                 // [table]
	fromDotted                 // a table implied by a dotted key
	fromElements               // an array of [[table]] elements
)

// Parse reads a document. The error is a *diag.Error with the line.
func Parse(src *diag.Source) (*Document, error) {
	data := bytes.TrimPrefix(src.Data, []byte("\xef\xbb\xbf"))
	if len(data) > maxBytes {
		return nil, diag.Errorf(diag.Range{Source: src},
			"%s has %d bytes, more than the %d that are read", src.Name, len(data), maxBytes)
	}
	// Every value ends at a comma or a line break, or holds another one.
	if n := bytes.Count(data, []byte(",")) + bytes.Count(data, []byte("\n")); n > maxValues {
		return nil, diag.Errorf(diag.Range{Source: src}, "%s has more than %d values", src.Name, maxValues)
	}
	b := builder{
		doc:   &Document{source: src, root: &value{kind: kindTable, origin: fromHeader}},
		text:  string(data),
		lines: lineStarts(data),
	}
	b.table = b.doc.root
	b.parser.Reset(data)
	for b.parser.NextExpression() {
		if err := b.expression(b.parser.Expression()); err != nil {
			return nil, err
		}
	}
	if err := b.parser.Error(); err != nil {
		return nil, b.syntaxError(err)
	}
	return b.doc, nil
}

// builder makes the tree from the parser's expressions.
type builder struct {
	parser unstable.Parser
	doc    *Document
	text   string // the document, from which strings are cut without a copy
	lines  []int  // offset of the first byte of each line
	table  *value // the table that key = value lines belong to
}

func lineStarts(data []byte) []int {
	starts := make([]int, 1, bytes.Count(data, []byte("\n"))+1)
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// line is the line of an offset, counted from 1.
func (b *builder) line(r unstable.Range) int {
	return sort.SearchInts(b.lines, int(r.Offset)+1)
}

func (b *builder) syntaxError(err error) error {
	at := b.doc.At(len(b.lines))
	var syntax *unstable.ParserError
	if errors.As(err, &syntax) && cap(syntax.Highlight) > 0 {
		at = b.doc.At(b.line(b.parser.Range(syntax.Highlight)))
	}
	return diag.Errorf(at, "no valid TOML: %s", err)
}

func (b *builder) expression(n *unstable.Node) error {
	switch n.Kind {
	case unstable.Table:
		return b.header(n)
	case unstable.ArrayTable:
		return b.elementHeader(n)
	default:
		return b.keyValue(b.table, n)
	}
}

// header opens the table of a [a.b] line.
func (b *builder) header(n *unstable.Node) error {
	parent, last, err := b.descend(b.doc.root, n.Key(), b.headerStep)
	if err != nil {
		return err
	}
	switch e := parent.entry(last.key); {
	case e == nil:
		last.value = &value{kind: kindTable, line: last.line, origin: fromHeader}
		parent.add(last)
		b.table = last.value
	case e.value.kind == kindTable && e.value.origin == fromParent:
		e.value.origin, e.value.line = fromHeader, last.line
		b.table = e.value
	default:
		return b.duplicate(last, e)
	}
	return nil
}

// elementHeader opens the table of a [[a.b]] line.
func (b *builder) elementHeader(n *unstable.Node) error {
	parent, last, err := b.descend(b.doc.root, n.Key(), b.headerStep)
	if err != nil {
		return err
	}
	b.table = &value{kind: kindTable, line: last.line, origin: fromHeader}
	switch e := parent.entry(last.key); {
	case e == nil:
		last.value = &value{kind: kindArray, line: last.line, origin: fromElements, items: []*value{b.table}}
		parent.add(last)
	case e.value.origin == fromElements:
		e.value.items = append(e.value.items, b.table)
	default:
		return b.duplicate(last, e)
	}
	return nil
}

// keyValue adds a "key = value" to a table.
func (b *builder) keyValue(table *value, n *unstable.Node) error {
	parent, last, err := b.descend(table, n.Key(), b.dottedStep)
	if err != nil {
		return err
	}
	if e := parent.entry(last.key); e != nil {
		return b.duplicate(last, e)
	}
	last.value, err = b.value(n.Value(), last.line)
	parent.add(last)
	return err
}

// descend walks along all but the last part of a key. It returns the table
// that the last part belongs to, and that part.
func (b *builder) descend(table *value, key unstable.Iterator, step func(*value, entry) (*value, error)) (*value, entry, error) {
	for parts := 1; key.Next(); parts++ {
		n := key.Node()
		part := entry{key: b.cut(n), line: b.line(n.Raw)}
		if parts > maxKeyParts {
			return nil, entry{}, diag.Errorf(b.doc.At(part.line), "the key has more than %d parts", maxKeyParts)
		}
		if key.IsLast() {
			return table, part, nil
		}
		next, err := step(table, part)
		if err != nil {
			return nil, entry{}, err
		}
		table = next
	}
	return table, entry{}, nil
}

// headerStep goes to a child on the way to the table of a header.
func (b *builder) headerStep(table *value, part entry) (*value, error) {
	e := table.entry(part.key)
	switch {
	case e == nil:
		part.value = &value{kind: kindTable, line: part.line, origin: fromParent}
		table.add(part)
		return part.value, nil
	case e.value.kind == kindTable && e.value.origin != fromValue:
		return e.value, nil
	case e.value.origin == fromElements:
		return e.value.items[len(e.value.items)-1], nil
	}
	return nil, b.duplicate(part, e)
}

// dottedStep goes to a child on the way of a dotted key.
func (b *builder) dottedStep(table *value, part entry) (*value, error) {
	e := table.entry(part.key)
	switch {
	case e == nil:
		part.value = &value{kind: kindTable, line: part.line, origin: fromDotted}
		table.add(part)
		return part.value, nil
	case e.value.kind == kindTable && e.value.origin == fromDotted:
		return e.value, nil
	}
	return nil, b.duplicate(part, e)
}

func (b *builder) duplicate(again entry, first *entry) error {
	err := diag.Errorf(b.doc.At(again.line), "no valid TOML: %q is defined a second time", again.key)
	err.At = append(err.At, b.doc.At(first.line))
	return err
}

// value makes the tree of a value. The parser limits the depth of its
// nesting, and with it that of the recursion. line is where a value stands
// whose own place the parser does not keep.
func (b *builder) value(n *unstable.Node, line int) (*value, error) {
	v := &value{kind: kindOf(n.Kind), line: line}
	if n.Raw.Length > 0 {
		v.line = b.line(n.Raw)
	}
	children := n.Children()
	switch n.Kind {
	case unstable.Array:
		for children.Next() {
			item, err := b.value(children.Node(), line)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
	case unstable.InlineTable:
		for children.Next() {
			if err := b.keyValue(v, children.Node()); err != nil {
				return nil, err
			}
		}
	default:
		v.text = b.cut(n)
	}
	return v, nil
}

// cut gives the text of a key or scalar: a part of the document where it is
// written as it is meant, else the parser's unescaped copy.
func (b *builder) cut(n *unstable.Node) string {
	raw := b.text[n.Raw.Offset : n.Raw.Offset+n.Raw.Length]
	if strings.HasPrefix(raw, `"`) && len(raw) == len(n.Data)+2 {
		raw = raw[1 : len(raw)-1]
	}
	if raw == string(n.Data) {
		return raw
	}
	return string(n.Data)
}

func kindOf(k unstable.Kind) kind {
	switch k {
	case unstable.String:
		return kindString
	case unstable.Integer:
		return kindInteger
	case unstable.Float:
		return kindFloat
	case unstable.Bool:
		return kindBool
	case unstable.Array:
		return kindArray
	case unstable.InlineTable:
		return kindTable
	default:
		return kindTime
	}
}
