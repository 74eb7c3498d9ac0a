package diag

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/golden"
)

var (
	spec = &Source{Name: "imagespec.yaml", Data: []byte(`# syntax=imagespec
name: demo
python_version: 3.12
packges:
  - numpy
  - pandas
requirements: uv.lock
base_image: debian
`)}
	lock = &Source{Name: "uv.lock", Data: []byte("version = 1\n\n[[package]]\nname = \"numpy\"\nversion = \"2.0.0\"\n")}
)

func TestRangeString(t *testing.T) {
	for _, tc := range []struct {
		at   Range
		want string
		end  int
	}{
		{Range{}, "", 0},
		{Range{Source: spec}, "imagespec.yaml", 0},
		{Range{Source: spec, Line: 3}, "imagespec.yaml:3", 3},
		{Range{Source: spec, Line: 3, Column: 17}, "imagespec.yaml:3", 3},
		{Range{Source: spec, Line: 4, EndLine: 6}, "imagespec.yaml:4", 6},
		{Range{Line: 4}, "", 4},
	} {
		if got := tc.at.String(); got != tc.want {
			t.Errorf("%+v is %q, want %q", tc.at, got, tc.want)
		}
		if got := tc.at.End(); got != tc.end {
			t.Errorf("%+v ends on line %d, want %d", tc.at, got, tc.end)
		}
	}
}

func TestError(t *testing.T) {
	at := Range{Source: spec, Line: 4}
	for _, tc := range []struct {
		name string
		err  *Error
		want string
	}{
		{"place", Errorf(at, "unknown key %q", "packges"), `imagespec.yaml:4: unknown key "packges"`},
		{"hint", Errorf(at, "unknown key").WithHint("did you mean %q?", "packages"), "imagespec.yaml:4: unknown key\ndid you mean \"packages\"?"},
		{"no place", &Error{Msg: "no spec"}, "no spec"},
		{"no source", Errorf(Range{Line: 3}, "no spec"), "no spec"},
		{"cause", Errorf(at, "uv.lock: %w", fs.ErrNotExist), "imagespec.yaml:4: uv.lock: file does not exist"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestErrorKeepsItsCause(t *testing.T) {
	err := fmt.Errorf("reading: %w", Errorf(Range{Source: spec, Line: 7}, "requirements: %w", fs.ErrNotExist))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	var e *Error
	if !errors.As(err, &e) || e.At[0].Line != 7 {
		t.Errorf("%v holds no *Error of line 7", err)
	}
	if e := Errorf(Range{}, "plain"); e.Unwrap() != nil {
		t.Errorf("a plain error has the cause %v", e.Unwrap())
	}
}

// TestFormat compares with testdata/*.txt; go test -update rewrites them.
func TestFormat(t *testing.T) {
	unknown := Errorf(Range{Source: spec, Line: 4, Column: 1}, "unknown key %q", "packges").WithHint(`did you mean "packages"?`)
	list := Errorf(Range{Source: spec, Line: 5, EndLine: 6}, "packages is not supported yet")
	locked := &Error{
		Msg:  "numpy 2.0.0 has no wheel for Python 3.12",
		Hint: "add an sdist, or choose another version",
		At:   []Range{{Source: lock, Line: 4, EndLine: 5}, {Source: spec, Line: 7}},
	}
	terminal := &Source{Name: "evil.yaml", Data: []byte("\ufeffname: \x1b[31mred\r\nenv: \xff\n" + strings.Repeat("x", 300) + "\n")}
	long := &Source{Name: "long.yaml", Data: []byte(strings.Repeat("- item\n", 100))}
	for name, err := range map[string]error{
		"one":        unknown,
		"range":      list,
		"places":     locked,
		"joined":     errors.Join(unknown, list),
		"wrapped":    fmt.Errorf("loading the spec: %w", unknown),
		"join-of-2":  fmt.Errorf("both of %w and %w", unknown, list),
		"cause":      &Error{Msg: "outer", At: []Range{{Source: spec, Line: 2}}, Err: list},
		"plain":      errors.New("no space left on device"),
		"first-line": Errorf(Range{Source: spec, Line: 1}, "unknown frontend"),
		"last-line":  Errorf(Range{Source: spec, Line: 8}, "base_image has no tag"),
		"no-line":    Errorf(Range{Source: spec}, "the file is too large"),
		"past-end":   Errorf(Range{Source: spec, Line: 99}, "no such line"),
		"terminal":   Errorf(Range{Source: terminal, Line: 1}, "odd characters"),
		"long-range": Errorf(Range{Source: long, Line: 10, EndLine: 90}, "too many items"),
		"empty-file": Errorf(Range{Source: &Source{Name: "empty.yaml"}, Line: 1}, "the spec is empty"),
	} {
		t.Run(name, func(t *testing.T) {
			golden.Check(t, filepath.Join("testdata", name+".txt"), Format(err)+"\n")
		})
	}
	if got := Format(nil); got != "" {
		t.Errorf("Format(nil) is %q", got)
	}
}

// TestExcerptLines wants the right lines, whatever ends them.
func TestExcerptLines(t *testing.T) {
	for _, tc := range []struct {
		name, data string
		line, end  int
		want       []string // the lines shown, those meant with ">>> " before
	}{
		{"middle", "a\nb\nc\nd\ne\nf\n", 3, 0, []string{"a", "b", ">>> c", "d", "e"}},
		{"no line end", "a\nb", 2, 0, []string{"a", ">>> b"}},
		{"CRLF", "a\r\nb\r\n", 1, 0, []string{">>> a", "b"}},
		{"byte order mark", "\ufeffa\n", 1, 0, []string{">>> a"}},
		{"blank lines", "\n\n\n", 2, 0, []string{"", ">>>", ""}},
		{"tab", "\ta", 1, 0, []string{">>> \ta"}},
		{"wide", "é ü 😀", 1, 0, []string{">>> é ü 😀"}},
		{"end behind the file", "a\nb\n", 2, 99, []string{"a", ">>> b"}},
		{"end before the start", "a\nb\n", 2, 1, []string{"a", ">>> b"}},
		{"behind the file", "a\n", 2, 0, nil},
		{"negative", "a\n", -1, 0, nil},
		{"not UTF-8", "\xe9t\xe9", 1, 0, []string{">>> �t�"}},
		{"terminal codes", "\x1b]0;title\x07\u009b1m\u202e", 1, 0, []string{">>> �]0;title��1m�"}},
		{"long characters", strings.Repeat("😀", 300), 1, 0, []string{">>> " + strings.Repeat("😀", 200) + "…"}},
	} {
		text := Excerpt(Range{Source: &Source{Name: "f", Data: []byte(tc.data)}, Line: tc.line, EndLine: tc.end})
		var got []string
		for line := range strings.Lines(text) {
			if _, shown, ok := strings.Cut(line, " | "); ok {
				got = append(got, strings.TrimPrefix(strings.TrimSuffix(shown, "\n"), "    "))
			} else if strings.HasSuffix(line, " |\n") {
				got = append(got, "")
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	if got := Excerpt(Range{Line: 1}); got != "" {
		t.Errorf("a place without source has the excerpt %q", got)
	}
}

func TestAll(t *testing.T) {
	a, b, c := &Error{Msg: "a"}, &Error{Msg: "b"}, &Error{Msg: "c"}
	outer := &Error{Msg: "outer", Err: errors.Join(b, c)}
	for _, tc := range []struct {
		name string
		err  error
		want []*Error
	}{
		{"nil", nil, nil},
		{"none", errors.New("plain"), nil},
		{"one", a, []*Error{a}},
		{"wrapped", fmt.Errorf("x: %w", a), []*Error{a}},
		{"joined", errors.Join(a, errors.New("plain"), b), []*Error{a, b}},
		{"nested", errors.Join(fmt.Errorf("x: %w", errors.Join(a, b)), c), []*Error{a, b, c}},
		{"cause", outer, []*Error{outer, b, c}},
	} {
		if got := All(tc.err); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"packages", "platform", "python_version", "env", "copy", "cuda", "cudnn", "name"}
	for _, tc := range []struct {
		name, want string
		ok         bool
	}{
		{"packges", "packages", true},
		{"package", "packages", true},
		{"PACKAGES", "packages", true},
		{"pythonVersion", "python_version", true},
		{"python-version", "python_version", true},
		{"cudn", "cuda", true}, // as near as cudnn, but first in order
		{"cudaa", "cuda", true},
		{"enw", "env", true},
		{"packages", "packages", false}, // nothing to suggest
		{"dependencies", "", false},
		{"x", "", false}, // everything short is near to it
		{"", "", false},
		{strings.Repeat("packages", 1<<17), "", false},
	} {
		got, ok := Nearest(tc.name, keys)
		if got != tc.want || ok != tc.ok {
			t.Errorf("Nearest(%.20q) is %q, %t, want %q, %t", tc.name, got, ok, tc.want, tc.ok)
		}
	}
}

func TestSuggest(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options []string
		want    string
	}{
		{"gruops", []string{"groups", "extras"}, `did you mean "groups"?`},
		{"index", []string{"groups", "extras"}, `known: "extras", "groups"`},
		{"groups", []string{"groups"}, `known: "groups"`},
		{"groups", nil, ""},
	} {
		if got := Suggest(tc.name, tc.options); got != tc.want {
			t.Errorf("Suggest(%q) is %q, want %q", tc.name, got, tc.want)
		}
	}
	options := []string{"b", "a"}
	Suggest("index", options)
	if options[0] != "b" {
		t.Error("Suggest has sorted the caller's list")
	}
}
