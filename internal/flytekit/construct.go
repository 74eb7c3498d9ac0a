package flytekit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/imagespec/imagespec/internal/diag"
)

// What bounds a file's values: aliases let a short file stand for endless
// ones, and Python's recursion ends too.
const (
	maxValues = 100_000
	maxText   = 16 << 20 // bytes
	maxDepth  = 100
)

// constructor makes values of nodes, as PyYAML's SafeLoader does.
type constructor struct {
	src    *diag.Source
	lines  []string
	values int
	text   int
	depth  int
}

// document parses the one document of a file. The parser is libyaml's sibling,
// as PyYAML's is; of it only the nodes are used.
func (c *constructor) document() (*yaml.Node, error) {
	if bytes.ContainsAny(c.src.Data, "\u0085\u2028\u2029") || bytes.Contains(bytes.ReplaceAll(c.src.Data, []byte("\r\n"), nil), []byte("\r")) {
		return nil, diag.Errorf(diag.Range{Source: c.src}, "the file has line breaks that YAML's parsers read in different ways").
			WithHint("end its lines as Unix or Windows do")
	}
	data := bytes.TrimPrefix(c.src.Data, []byte("\ufeff"))
	c.lines = strings.Split(string(data), "\n")
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, diag.Errorf(diag.Range{Source: c.src}, "flytekit cannot read the file: %w", err)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, diag.Errorf(diag.Range{Source: c.src}, "the file is more than one YAML document")
	}
	return doc.Content[0], nil
}

// errorf is a mistake at a node.
func (c *constructor) errorf(n *yaml.Node, format string, args ...any) *diag.Error {
	return diag.Errorf(diag.Range{Source: c.src, Line: n.Line, Column: n.Column}, format, args...)
}

// value makes a node's object.
func (c *constructor) value(n *yaml.Node) (value, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if c.values++; c.values > maxValues || c.text > maxText {
		return nil, c.errorf(n, "the file stands for too many values").WithHint("write them out instead of repeating them with aliases")
	}
	c.text += len(n.Value)
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return nil, c.errorf(n, "values lie more than %d deep in each other", maxDepth)
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return c.scalar(n)
	case yaml.SequenceNode:
		return c.sequence(n)
	}
	return c.mapping(n)
}

// scalar makes the object of a scalar.
func (c *constructor) scalar(n *yaml.Node) (value, error) {
	if !utf8.ValidString(n.Value) {
		return nil, c.errorf(n, "a value is not UTF-8")
	}
	if c.bare(n) {
		return nil, c.errorf(n, `the tag "!" is read in different ways`).WithHint("remove it")
	}
	if n.Style&quoted == 0 && (strings.HasSuffix(n.Value, ":") || strings.Contains(n.Value, "\t")) {
		// Within brackets "a:" is a key to PyYAML; a tab ends its plain scalars.
		return nil, c.errorf(n, "%q without quotes is read in different ways", n.Value).WithHint("put it in quotes")
	}
	v, err := construct(scalarTag(n), n.Value)
	if err != nil {
		return nil, c.errorf(n, "flytekit cannot read the value: %w", err)
	}
	return v, nil
}

// quoted are the styles of scalars that are strings without a tag.
const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// scalarTag gives the tag that a scalar has in PyYAML.
func scalarTag(n *yaml.Node) string {
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return n.Tag
	case n.Style&quoted != 0:
		return "!!str"
	}
	return plainTag(n.Value)
}

// bare reports whether a scalar in quotes has the tag "!" alone, which the
// parser drops and for which PyYAML reads it as if it had no quotes.
func (c *constructor) bare(n *yaml.Node) bool {
	if n.Style&yaml.TaggedStyle != 0 || n.Style&quoted == 0 {
		return false
	}
	for word := range strings.FieldsSeq(c.rest(n)) {
		switch {
		case strings.HasPrefix(word, "&"):
			continue
		case word == "!":
			return true
		}
		return false
	}
	return false
}

// rest gives the rest of the line on which a node starts.
func (c *constructor) rest(n *yaml.Node) string {
	if n.Line > len(c.lines) {
		return ""
	}
	line := c.lines[n.Line-1]
	for i := 1; i < n.Column && line != ""; i++ {
		_, size := utf8.DecodeRuneInString(line)
		line = line[size:]
	}
	return line
}

// sequence makes a list, or with a tag a list of pairs.
func (c *constructor) sequence(n *yaml.Node) (value, error) {
	pairs := false
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.Tag {
		case "!!seq":
		case "!!omap", "!!pairs":
			pairs = true
		default:
			return nil, c.errorf(n, "PyYAML has no safe value for a list with the tag %s", n.Tag)
		}
	}
	l := list{}
	for _, child := range n.Content {
		v, err := c.value(child)
		if err != nil {
			return nil, err
		}
		if pairs {
			d, ok := v.(dict)
			if !ok || len(d) != 1 {
				return nil, c.errorf(child, "an item of %s must be a mapping of one key", n.Tag)
			}
			v = tuple{d[0].key, d[0].value}
		}
		l = append(l, v)
	}
	return l, nil
}

// mapping makes a dict, or with a tag a set.
func (c *constructor) mapping(n *yaml.Node) (value, error) {
	entries, err := c.entries(n)
	if err != nil {
		return nil, err
	}
	d, index := dict{}, map[string]int{}
	for _, e := range entries {
		key, err := c.key(e.key)
		if err != nil {
			return nil, err
		}
		v, err := c.value(e.value)
		if err != nil {
			return nil, err
		}
		// A key that is equal to an earlier one keeps that one's place and type.
		id := identity(key)
		if i, ok := index[id]; ok {
			d[i].value = v
			continue
		}
		index[id] = len(d)
		d = append(d, pair{key, v})
	}
	switch {
	case n.Style&yaml.TaggedStyle == 0 || n.Tag == "!!map":
		return d, nil
	case n.Tag != "!!set":
		return nil, c.errorf(n, "PyYAML has no safe value for a mapping with the tag %s", n.Tag)
	case len(d) > 1:
		return nil, c.errorf(n, "a set has another order in each Python process, so flytekit's id is never the same").
			WithHint("write a list")
	}
	s := set{}
	for _, p := range d {
		s = append(s, p.key)
	}
	return s, nil
}

// key makes a mapping's key. It must be hashable, so no list, dict or set is
// one, nor what a tag makes of them.
func (c *constructor) key(n *yaml.Node) (value, error) {
	if n.Kind == yaml.ScalarNode && scalarTag(n) == "!!value" {
		return str(n.Value), nil
	}
	v, err := c.value(n)
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case list, dict, set:
		return nil, c.errorf(n, "a list or mapping cannot be a key in Python").WithHint("write a string there")
	}
	return v, nil
}

// entry is a key of a mapping and its value.
type entry struct{ key, value *yaml.Node }

// entries gives what a mapping consists of, first that which merge keys bring
// in. They do so as in PyYAML: of two mappings with a key in common the later
// one counts, but where it is one and the same object to Python, which one
// character is.
func (c *constructor) entries(n *yaml.Node) ([]entry, error) {
	var merged, own []entry
	seen := map[any]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || scalarTag(key) != "!!merge" {
			own = append(own, entry{key, v})
			continue
		}
		more, err := c.merged(n, v)
		if err != nil {
			return nil, err
		}
		for _, e := range more {
			if id := objectOf(e.key); !seen[id] {
				seen[id] = true
				merged = append(merged, e)
			}
		}
	}
	return append(merged, own...), nil
}

// merged gives the entries that the value of a merge key brings in.
func (c *constructor) merged(into, from *yaml.Node) ([]entry, error) {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return nil, c.errorf(into, "mappings are merged more than %d deep", maxDepth)
	}
	if _, err := c.count(nil, nil); err != nil { // one that merges itself brings in nothing, but takes long
		return nil, err
	}
	from = resolveAlias(from)
	switch from.Kind {
	case yaml.MappingNode:
		return c.count(c.entries(from))
	case yaml.SequenceNode:
		var all []entry
		for _, child := range from.Content {
			child = resolveAlias(child)
			if child.Kind != yaml.MappingNode {
				return nil, c.errorf(child, "only mappings can be merged")
			}
			more, err := c.count(c.entries(child))
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	}
	return nil, c.errorf(into, "only a mapping or a list of mappings can be merged")
}

// count bounds what merging brings in.
func (c *constructor) count(entries []entry, err error) ([]entry, error) {
	if err != nil {
		return nil, err
	}
	if c.values += len(entries) + 1; c.values > maxValues {
		return nil, diag.Errorf(diag.Range{Source: c.src}, "the file merges too many values")
	}
	return entries, nil
}

func resolveAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// objectOf tells keys apart as Python does with "is".
func objectOf(key *yaml.Node) any {
	key = resolveAlias(key)
	if r, size := utf8.DecodeRuneInString(key.Value); key.Kind == yaml.ScalarNode && size == len(key.Value) && r <= 0xff {
		return fmt.Sprintf("%q", key.Value)
	}
	return key
}
