package buildcontext

import (
	"slices"
	"testing"
	"testing/fstest"
)

// TestGitignores: a pattern of a folder comes after those of its parents, which
// it may take back.
func TestGitignores(t *testing.T) {
	sent := fstest.MapFS{
		"src/a/b/.gitignore": {},
		"src/a/.gitignore":   {},
		"src/.gitignore":     {},
		"src/c/.gitignore":   {},
		"src/c/main.py":      {},
		".gitignore":         {}, // of no folder that is copied
	}
	for _, tc := range []struct {
		dir  string
		want []string
	}{
		{"src", []string{"src/.gitignore", "src/a/.gitignore", "src/a/b/.gitignore", "src/c/.gitignore"}},
		{"src/c", []string{"src/c/.gitignore"}},
		{"none", nil},
	} {
		if got := gitignores(sent, tc.dir); !slices.Equal(got, tc.want) {
			t.Errorf("%s has %q, want %q", tc.dir, got, tc.want)
		}
	}
}
