package pyjson_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/imagespec/imagespec/lockparse/internal/pyjson"
)

// The answers are those of Python 3.11.
func TestDumps(t *testing.T) {
	for _, test := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{map[string]any{"b": true, "a": []any{int64(1), int64(-2)}, "": false}, `{"": false, "a": [1, -2], "b": true}`},
		{map[string]any{}, `{}`},
		{[]any{}, `[]`},
		{"<click> & 'friends' \"\\/\n\t\r\f\b\x00\x7f", `"<click> & 'friends' \"\\/\n\t\r\f\b\u0000\u007f"`},
		{"Größe 鹿 🦌", `"Gr\u00f6\u00dfe \u9e7f \ud83e\udd8c"`},
		{0.0, `0.0`},
		{1.5, `1.5`},
		{-3.0, `-3.0`},
		{1e15, `1000000000000000.0`},
		{1e16, `1e+16`},
		{1.5e300, `1.5e+300`},
		{0.0001, `0.0001`},
		{0.00001, `1e-05`},
		{math.Copysign(0, -1), `-0.0`},
		{math.NaN(), `NaN`},
		{math.Inf(1), `Infinity`},
		{math.Inf(-1), `-Infinity`},
	} {
		if got, err := pyjson.Dumps(test.value); got != test.want || err != nil {
			t.Errorf("%v is %s, %v; want %s", test.value, got, err, test.want)
		}
	}
}

func TestDumpsCompact(t *testing.T) {
	got, err := pyjson.DumpsCompact(map[string]any{"b": "x, y: z", "a": []any{int64(1), nil}})
	if want := `{"a":[1,null],"b":"x, y: z"}`; got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestDumpsRefuses(t *testing.T) {
	_, err := pyjson.Dumps(map[string]any{"when": []any{time.Time{}}})
	if err == nil || err.Error() != "JSON has no time.Time" {
		t.Errorf("error %v", err)
	}
	var deep any
	for range 1_000_000 {
		deep = []any{deep}
	}
	if _, err := pyjson.Dumps(deep); err == nil || err.Error() != "values are nested more than 900 deep" {
		t.Errorf("error %v", err)
	}
}

func FuzzDumps(f *testing.F) {
	f.Add("Größe \"\x00🦌", 1.5, int64(3))
	f.Fuzz(func(t *testing.T, text string, number float64, integer int64) {
		if !utf8.ValidString(text) || math.IsNaN(number) || math.IsInf(number, 0) {
			return
		}
		got, err := pyjson.Dumps(map[string]any{"k" + text: []any{text, number, integer}})
		if err != nil {
			t.Fatal(err)
		}
		var back map[string][]any
		if err := json.Unmarshal([]byte(got), &back); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if list := back["k"+text]; len(list) != 3 || list[0] != text || list[1] != number || list[2] != float64(integer) {
			t.Errorf("%s means %v", got, back)
		}
	})
}
