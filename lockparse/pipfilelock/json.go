package pipfilelock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Limits for hostile input. Real locks have a hundredth as many values, in
// four levels.
const (
	maxValues = 1_000_000
	maxDepth  = 20
)

// value is a JSON value with its line. A null is as if the key were absent.
type value struct {
	kind    kind
	text    string
	members []member
	items   []*value
	line    int
}

type member struct {
	key   string
	value *value
}

// kind is the type of a value, as messages name it.
type kind string

const (
	kindNull   kind = "null"
	kindString kind = "a string"
	kindNumber kind = "a number"
	kindBool   kind = "a boolean"
	kindArray  kind = "an array"
	kindObject kind = "an object"
)

// get gives a member of an object, nil if there is none or it is null.
func (v *value) get(key string) *value {
	if v == nil {
		return nil
	}
	for _, m := range v.members {
		if m.key == key && m.value.kind != kindNull {
			return m.value
		}
	}
	return nil
}

// tree builds the values of a file from its tokens.
type tree struct {
	src     *diag.Source
	decoder *json.Decoder
	open    []*value // the arrays and objects that are not closed, innermost last
	keys    []map[string]bool
	root    *value
	key     *string // of the member whose value comes next
	count   int
	offset  int64 // up to which lines are counted
	line    int
}

// parseJSON reads a file that is one JSON value. Unlike encoding/json it
// refuses a key that an object has twice.
func parseJSON(src *diag.Source) (*value, error) {
	data := bytes.TrimPrefix(src.Data, []byte("\xef\xbb\xbf"))
	t := tree{src: src, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	t.decoder.UseNumber()
	for {
		token, err := t.decoder.Token()
		t.advance(data)
		switch {
		case errors.Is(err, io.EOF) && t.root != nil && len(t.open) == 0:
			return t.root, nil
		case errors.Is(err, io.EOF):
			return nil, t.errorf("the file ends too early")
		case err != nil:
			return nil, t.errorf("the file is no JSON: %w", err)
		case t.root != nil && len(t.open) == 0:
			return nil, t.errorf("something follows the end of the lock")
		}
		if err := t.token(token); err != nil {
			return nil, err
		}
	}
}

// advance counts the lines up to the end of the last token.
func (t *tree) advance(data []byte) {
	end := t.decoder.InputOffset()
	t.line += bytes.Count(data[t.offset:end], []byte("\n"))
	t.offset = end
}

func (t *tree) errorf(format string, args ...any) error {
	return lock.Malformed.Errorf(diag.Range{Source: t.src, Line: t.line}, format, args...)
}

// token adds what a token says.
func (t *tree) token(token json.Token) error {
	delim, _ := token.(json.Delim)
	if delim == '}' || delim == ']' {
		t.open = t.open[:len(t.open)-1]
		t.keys = t.keys[:len(t.keys)-1]
		return nil
	}
	if text, ok := token.(string); ok && t.key == nil && len(t.open) > 0 && t.open[len(t.open)-1].kind == kindObject {
		seen := t.keys[len(t.keys)-1]
		if seen[text] {
			return t.errorf("the key %q appears a second time", text)
		}
		seen[text] = true
		t.key = &text
		return nil
	}
	v := &value{line: t.line}
	switch token := token.(type) {
	case json.Delim:
		v.kind = kindObject
		if delim == '[' {
			v.kind = kindArray
		}
	case string:
		v.kind, v.text = kindString, token
	case json.Number:
		v.kind, v.text = kindNumber, token.String()
	case bool:
		v.kind, v.text = kindBool, fmt.Sprint(token)
	default:
		v.kind = kindNull
	}
	return t.add(v)
}

// add puts a value where it belongs: into the innermost array or object.
func (t *tree) add(v *value) error {
	if t.count++; t.count > maxValues {
		return t.errorf("the file has more than %d values", maxValues)
	}
	if len(t.open) == 0 {
		t.root = v
	} else if parent := t.open[len(t.open)-1]; parent.kind == kindArray {
		parent.items = append(parent.items, v)
	} else {
		parent.members = append(parent.members, member{*t.key, v})
		t.key = nil
	}
	if v.kind != kindArray && v.kind != kindObject {
		return nil
	}
	if len(t.open) == maxDepth {
		return t.errorf("more than %d values are nested in each other", maxDepth)
	}
	t.open = append(t.open, v)
	t.keys = append(t.keys, make(map[string]bool))
	return nil
}
