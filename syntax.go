package imagespec

import (
	"errors"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/imagespec/imagespec/internal/diag"
)

// searchBudget bounds how much text is parsed again, in characters, to find
// the line of a syntax error.
const searchBudget = 4 << 20

// parseYAML reads the one document of a spec and gives its top mapping. Of the
// parser only the node tree is used: its own decoding would resolve types,
// "3.10" to 3.1, and lose the places.
func parseYAML(t *text) (*yaml.Node, error) {
	docs, err := documents(t.runes)
	switch {
	case err != nil:
		return nil, t.syntaxError(err)
	case len(docs) > 1:
		return nil, diag.Errorf(t.startLine(docs[1]), "the file has more than one YAML document").
			WithHint(`keep one image per file, without a "---" line between`)
	case len(docs) == 0 || isNull(docs[0].Content[0]):
		return nil, diag.Errorf(diag.Range{Source: t.src, Line: 1}, "the spec is empty").
			WithHint("write at least one field, such as python_version: 3.12")
	}
	root := docs[0].Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, diag.Errorf(t.startLine(root), "the spec must be a mapping of field names to values, not %s", kind(root)).
			WithHint("write one field per line, such as python_version: 3.12")
	}
	return root, nil
}

// documents parses the first two documents; a third would change nothing.
func documents(runes []rune) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(string(runes)))
	var docs []*yaml.Node
	for len(docs) < 2 {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, &doc)
	}
	return docs, nil
}

// syntaxError puts the YAML parser's error into the user's words.
func (t *text) syntaxError(err error) error {
	at := diag.Range{Source: t.src, Line: t.brokenLine()}
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	if at.Line > 0 {
		// Its own line is missing, off by one, or that of the mapping around.
		if _, rest, ok := strings.Cut(problem, ": "); ok && strings.HasPrefix(problem, "line ") {
			problem = rest
		}
		if indent, _ := t.indent(at.Line); strings.Contains(indent, "\t") {
			problem = "found a tab character that violates indentation"
		}
	}
	for _, known := range syntaxErrors() {
		if at.Line > 0 && strings.Contains(problem, known.yaml) {
			return &diag.Error{Msg: known.msg, Hint: known.hint, At: []diag.Range{at}, Err: err}
		}
	}
	return &diag.Error{Msg: "the spec is not valid YAML: " + problem, At: []diag.Range{at}, Err: err}
}

// brokenLine finds the line that breaks the syntax: without it and all that
// follows the file would parse. It is 0 where looking would take too long.
func (t *text) brokenLine() int {
	budget := searchBudget
	for line := len(t.lines); line > 1; line-- {
		end := t.lines[line-1]
		if budget -= end; budget < 0 {
			return 0
		}
		if _, err := documents(t.runes[:end]); err == nil {
			return line
		}
	}
	return 1
}

// indent gives a line's leading white space and the rest.
func (t *text) indent(line int) (space, rest string) {
	start := t.lines[line-1]
	end := t.skip(start, func(r rune) bool { return r != '\n' })
	all := string(t.runes[start:end])
	rest = strings.TrimLeft(all, " \t")
	return all[:len(all)-len(rest)], rest
}

// syntaxErrors are the parser's messages for the mistakes that people make.
func syntaxErrors() []struct{ yaml, msg, hint string } {
	return []struct{ yaml, msg, hint string }{
		{"tab character that violates indentation", "the line is indented with a tab", "indent with spaces, YAML allows no tabs there"},
		{"mapping values are not allowed", `the line has a ": " where no key can be`, `quote a value that contains ": ", and start the keys of one mapping in the same column`},
		{"could not find expected ':'", `the line has a key without ": "`, "write key: value, or indent the line if it continues the value above"},
		{"did not find expected key", "the line does not fit the lines above it", "start the keys of one mapping, and the dashes of one list, in the same column"},
		{"did not find expected '-' indicator", "the line does not fit the list above it", `start each item with "- " in the same column`},
		{"did not find expected ',' or ']'", `a "[" on this line is not closed`, `close it with "]", and put commas between the items`},
		{"did not find expected ',' or '}'", `a "{" on this line is not closed`, `close it with "}", and put commas between the entries`},
		{"did not find expected node content", "a value is missing on this line", "close each [ and {, and put one comma between two values"},
		{"unexpected end of stream", "a quote on this line is not closed", `write ' within single quotes as '', and " within double quotes as \"`},
		{"cannot start any token", "a value on this line starts with a character that YAML keeps for itself", "quote the value"},
		{"block sequence entries are not allowed", `the line has a list's "- " behind a key`, `write each "- item" on a line of its own below the key`},
		{"unknown escape character", "the line has an escape that YAML does not know", `within double quotes write \ as \\, or use single quotes`},
		{"unknown anchor", "the line refers to an anchor that is not defined above it", "quote a value that starts with *"},
		{"alphabetic or numeric character", "a value on this line starts with & or * and is no anchor", "quote the value"},
	}
}
