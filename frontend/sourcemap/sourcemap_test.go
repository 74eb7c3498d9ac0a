package sourcemap

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/errdefs"

	"github.com/imagespec/imagespec/internal/diag"
)

// TestExplain: each place in a known file is an excerpt, and what wraps an error
// is not said.
func TestExplain(t *testing.T) {
	file := func(name string) *llb.SourceMap {
		return &llb.SourceMap{Filename: name, Data: []byte("a line\n"), Definition: &llb.Definition{}}
	}
	files := New(file("imagespec.yaml"))
	files.Add(file("uv.lock"))
	at := func(name string, line int) diag.Range {
		return diag.Range{Source: &diag.Source{Name: name}, Line: line}
	}
	for _, tc := range []struct {
		name     string
		err      error
		want     string
		excerpts []string
	}{
		{
			"of a lock", fmt.Errorf("making the plan: %w", diag.Errorf(at("uv.lock", 1), "it is too new")),
			"uv.lock:1: it is too new",
			[]string{"uv.lock:1"},
		},
		{
			"of two files", errors.Join(diag.Errorf(at("imagespec.yaml", 1), "no lock"), diag.Errorf(at("uv.lock", 1), "no version")),
			"imagespec.yaml:1: no lock\nuv.lock:1: no version",
			[]string{"imagespec.yaml:1", "uv.lock:1"},
		},
		{"of a file that was not read", diag.Errorf(at("pdm.lock", 3), "it is old"), "pdm.lock:3: it is old", nil},
		{"of no file", errors.New("the engine has no disk left"), "the engine has no disk left", nil},
	} {
		err := files.Explain(tc.err)
		if err.Error() != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, err, tc.want)
		}
		var excerpts []string
		for _, source := range errdefs.Sources(err) {
			excerpts = append(excerpts, fmt.Sprintf("%s:%d", source.Info.Filename, source.Ranges[0].Start.Line))
		}
		if !slices.Equal(excerpts, tc.excerpts) {
			t.Errorf("%s: excerpts %q, want %q", tc.name, excerpts, tc.excerpts)
		}
	}
}
