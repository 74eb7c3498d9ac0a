package imagespec

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/imagespec/imagespec/internal/diag"
)

// FuzzParse wants of any file that it either parses, with a place in the file
// for every value, or gives errors that point into the file, in order, and can
// be printed.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/errors/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		yaml, _, _ := strings.Cut(string(data), "-- error --\n")
		f.Add([]byte(yaml))
	}
	for _, seed := range []string{
		"", "\n", "a", "\ufeff", "env: &e {A: *e}", "name: |\n  a\n\n", "name: >2-\n    a\n   b", "env:\r\n  A: x\r\n",
		"platform: linux/amd64,linux/arm64\nentrypoint: []\nregistry: https://ghcr.io/a\nbuilder: envd\n",
		"builder_options: {extras: [a], groups: [b, ], package: 'c'''}", "? name\n: \"a\\\n  b\"\n", "env: {A: !!str\n  x,\n}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &diag.Source{Name: "imagespec.yaml", Data: data}
		spec, warnings, err := Parse(src)
		for _, w := range warnings {
			within(t, src, w.At)
		}
		if err != nil {
			checkErrors(t, src, err)
			return
		}
		checkFields(t, src, spec.fields())
		if p := spec.Platforms(); len(p) != len(spec.Platform.Items) {
			t.Errorf("%d platforms of %d items", len(p), len(spec.Platform.Items))
		}
		if spec.Name.Value == "" || strings.ToLower(spec.Name.Value) != spec.Name.Value {
			t.Errorf("the name is %q", spec.Name.Value)
		}
	})
}

// checkErrors wants errors that are all *diag.Error, in the order of their lines.
func checkErrors(t *testing.T, src *diag.Source, err error) {
	all := diag.All(err)
	if len(all) == 0 || len(all) > maxErrors {
		t.Fatalf("%d errors with a place in %v", len(all), err)
	}
	line := 0
	for _, e := range all {
		if len(e.At) == 0 || e.At[0].Line < line {
			t.Errorf("%v is out of order", e)
			continue
		}
		line = e.At[0].Line
		if line > 0 {
			within(t, src, e.At...)
		}
		if strings.ContainsAny(e.Msg, "\n\x1b") || e.Msg == "" {
			t.Errorf("the message is %q", e.Msg)
		}
	}
	if text := diag.Format(err); !utf8.ValidString(text) {
		t.Errorf("%q is not UTF-8", text)
	}
}

// checkFields wants a place in the source for all that is set.
func checkFields(t *testing.T, src *diag.Source, fields []field) {
	for _, f := range fields {
		for _, at := range placesOf(f.into) {
			if at.Line == 0 && f.name == "name" {
				continue // flytekit's default
			}
			within(t, src, at)
		}
		if f.status == planned && plainValue(f.into) != nil {
			t.Errorf("%s is set and not refused", f.name)
		}
	}
}

// placesOf gives the places of all set values of a field.
func placesOf(into any) []diag.Range {
	var at []diag.Range
	switch v := into.(type) {
	case *Text:
		if v.Value != "" || v.IsSet() {
			at = append(at, v.At)
		}
	case *List:
		for _, item := range v.Items {
			at = append(at, item.At, v.At)
		}
	case *Map:
		for _, p := range v.Pairs {
			at = append(at, p.Key.At, p.Value.At, v.At)
		}
	case *Flag:
		if v.IsSet() {
			at = append(at, v.At)
		}
	case *Options:
		for _, f := range v.fields() {
			at = append(at, placesOf(f.into)...)
		}
	case imageField:
		at = placesOf(v.Text)
		if *v.base != nil {
			for _, f := range (*v.base).fields() {
				at = append(at, placesOf(f.into)...)
			}
		}
	case commaField:
		return placesOf(v.List)
	}
	return at
}

// within wants ranges that start and end in the file.
func within(t *testing.T, src *diag.Source, ranges ...diag.Range) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSuffix(src.Data, []byte("\n")), []byte("\n"))
	for _, r := range ranges {
		if r.Source != src || r.Line < 1 || r.End() > len(lines) || r.EndLine != 0 && r.EndLine <= r.Line {
			t.Fatalf("%+v lies outside the %d lines of the file", r, len(lines))
		}
		if width := utf8.RuneCount(lines[r.Line-1]); r.Column < 0 || r.Column > width+1 {
			t.Errorf("column %d lies outside the %d characters of line %d", r.Column, width, r.Line)
		}
		if diag.Excerpt(r) == "" {
			t.Errorf("%+v has no excerpt", r)
		}
	}
}
