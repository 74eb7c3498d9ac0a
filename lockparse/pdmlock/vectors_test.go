package pdmlock_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// TestFixtures reads the locks of real projects. They come without expected
// selections, which TestLive gets from PDM; here are only their numbers, and
// whether the lock fits its project.
func TestFixtures(t *testing.T) {
	fixtures := map[string]struct {
		entries, plain, bare int
		fresh                bool
	}{
		"demo":                             {10, 2, 9, true},
		"demo-package":                     {6, 7, 7, true},
		"demo-package-has-dep-with-extras": {6, 5, 5, true},
		"pdm-self":                         {100, 38, 92, true},
	}
	met := 0
	for _, name := range sortedKeys(fixtures) {
		want := fixtures[name]
		l, err := readDir(filepath.Join(vectors.Dir(t), "pdm", name))
		if err != nil {
			t.Error(diag.Format(err))
			continue
		}
		count := func(r lock.Request) int {
			rows, err := resolved(t, l, ask("", "3.12.4", "manylinux_2_36_x86_64", r))
			if err != nil {
				t.Error(err)
			}
			if !slices.Equal(rows, slices.Compact(slices.Clone(rows))) {
				t.Errorf("%s: something is selected twice in %v", name, rows)
			}
			return len(rows)
		}
		got := want
		got.entries, got.plain, got.bare = len(l.Packages), count(lock.Request{}), count(lock.Request{DefaultGroups: true})
		got.fresh = staleness(l) == ""
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
			continue
		}
		met++
	}
	t.Logf("fixtures: %d of %d", met, len(fixtures))
}
