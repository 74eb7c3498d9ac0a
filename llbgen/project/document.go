package project

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// document is a pyproject.toml, or the metadata of a script.
type document struct {
	src    *diag.Source
	folder string // in the build context, to which its paths are relative
	place  string // where uv finds it, in the folders of the request
	toml   map[string]any
}

// read reads the pyproject.toml of a folder.
func (r *Reader) read(folder string) (*document, error) {
	name := path.Join(folder, "pyproject.toml")
	data, err := fs.ReadFile(r.Context, name)
	if err != nil {
		return nil, err
	}
	d := &document{src: &diag.Source{Name: name, Data: data}, folder: folder, place: path.Join(resolve.ContextDir, folder)}
	return d, d.parse(data)
}

// parse reads TOML, whose lines are those of the source.
func (d *document) parse(data []byte) error {
	err := toml.Unmarshal(data, &d.toml)
	if err == nil {
		return nil
	}
	at := d.at("")
	if e, ok := err.(*toml.DecodeError); ok { //nolint:errorlint // Unmarshal returns it bare
		at.Line, at.Column = e.Position()
	}
	return lock.Malformed.Errorf(at, "%s: %w", d.src.Name, err)
}

// encode writes TOML without credentials, always the same for the same value.
func encode(value map[string]any) (string, error) {
	data, err := toml.Marshal(withoutCredentials(value))
	if err != nil {
		return "", fmt.Errorf("writing a project for uv: %w", err)
	}
	return string(data), nil
}

// at gives the first line that has a text, the first of all if none has.
func (d *document) at(text string) diag.Range {
	r := diag.Range{Source: d.src, Line: 1}
	if i := bytes.Index(d.src.Data, []byte(text)); i > 0 && text != "" {
		r.Line = bytes.Count(d.src.Data[:i], []byte("\n")) + 1
	}
	return r
}

// sourceAt gives the line of a package in [tool.uv.sources].
func (d *document) sourceAt(name string) diag.Range {
	key := regexp.MustCompile(`(?m)\bsources\b(?s:.*?)(^#?[ \t]*|sources\.)["']?` + regexp.QuoteMeta(name) + `["']?[ \t]*[]=]`)
	if m := key.FindSubmatchIndex(d.src.Data); m != nil {
		return diag.Range{Source: d.src, Line: bytes.Count(d.src.Data[:m[3]], []byte("\n")) + 1}
	}
	return d.at(name)
}

func (d *document) table(name string) map[string]any { return anyMap(d.toml[name]) }

func (d *document) uv() map[string]any { return anyMap(d.table("tool")["uv"]) }

// setUV sets a key of [tool.uv].
func (d *document) setUV(key string, value any) {
	tool := d.table("tool")
	if tool == nil {
		tool = map[string]any{}
		d.toml["tool"] = tool
	}
	uv := d.uv()
	if uv == nil {
		uv = map[string]any{}
		tool["uv"] = uv
	}
	uv[key] = value
}

func anyMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func keys(value any) []string { return slices.Sorted(maps.Keys(anyMap(value))) }

// copyKeys copies what a table has of some keys.
func copyKeys(into, from map[string]any, names ...string) {
	for _, name := range names {
		if from[name] != nil {
			into[name] = from[name]
		}
	}
}

// stringsOf gives the strings of a list, without what else is in it.
func stringsOf(value any) []string {
	list, _ := value.([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// withoutCredentials takes credentials out of all URLs in a value.
func withoutCredentials(value any) any {
	switch value := value.(type) {
	case string:
		stripped, _ := lock.StripCredentials(value)
		return stripped
	case []any:
		for i := range value {
			value[i] = withoutCredentials(value[i])
		}
		return value
	case map[string]any:
		for key := range value {
			value[key] = withoutCredentials(value[key])
		}
		return value
	}
	return value
}
