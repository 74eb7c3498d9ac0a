package plan

import (
	"testing"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
)

func TestBytecode(t *testing.T) {
	for _, tc := range []struct {
		name, options, python string
		retimed               bool
		want                  Bytecode
	}{
		{"by default", "~", "3.13.1", false, Timestamp},
		{"asked for", "{compile_bytecode: true}", "3.13.1", false, Timestamp},
		{"null is unset", "{compile_bytecode: ~}", "3.13.1", false, Timestamp},
		{"turned off", "{compile_bytecode: false}", "3.13.1", false, ""},
		{"off whatever the epoch", "{compile_bytecode: false}", "3.13.1", true, ""},
		{"times may change", "~", "3.13.1", true, CheckedHash},
		{"a Python from before PEP 552", "~", "3.6.15", false, ""},
		{"the first one with it", "~", "3.7.17", false, Timestamp},
	} {
		spec, _, err := imagespec.Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte("builder_options: " + tc.options)})
		if err != nil {
			t.Fatal(err)
		}
		if got := bytecode(Input{Spec: spec, Python: Python{Version: tc.python}, Retimed: tc.retimed}); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
