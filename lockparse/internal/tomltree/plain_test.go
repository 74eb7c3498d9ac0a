package tomltree_test

import (
	"reflect"
	"testing"

	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
)

func TestPlain(t *testing.T) {
	doc := parse(t, `text = 'a'
integers = [1_000, 0x1f, 0o7, -0]
floats = [1e3, -0.5, 1_0.2_5, inf, -inf]
yes = true
day = 2025-01-21
[table.a]
b.c = {d = [[]]}
[[table.list]]
`)
	got := doc.Root().Plain()
	floats, _ := got["floats"].([]any)
	if len(floats) != 5 || floats[0] != 1e3 || floats[2] != 10.25 || floats[3].(float64) < 1e308 || floats[4].(float64) > -1e308 {
		t.Errorf("floats = %v", floats)
	}
	delete(got, "floats")
	want := map[string]any{
		"text": "a", "integers": []any{int64(1000), int64(31), int64(7), int64(0)}, "yes": true, "day": tomltree.Time("2025-01-21"),
		"table": map[string]any{
			"a":    map[string]any{"b": map[string]any{"c": map[string]any{"d": []any{[]any{}}}}},
			"list": []any{map[string]any{}},
		},
	}
	if err := doc.Err(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, %v", got, err)
	}
	if got := doc.Root().Table("absent").Plain(); got != nil {
		t.Errorf("an absent table has %v", got)
	}
	doc = parse(t, "n = 1\nm = 99999999999999999999\n")
	doc.Root().Plain()
	if err := doc.Err(); err == nil || err.Error() != "uv.lock:2: 99999999999999999999 is too large" {
		t.Errorf("error %v", err)
	}
}
