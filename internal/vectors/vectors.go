// Package vectors gives tests the conformance data that lies beside the
// checkout: a folder shared/vectors in, or next to, one of the folders above
// the test. The data belongs to other projects and is never copied here;
// where it is absent, tests that need it are skipped. The environment
// variable IMAGESPEC_VECTORS names another place.
package vectors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Dir gives the folder of the vectors, or skips the test.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("IMAGESPEC_VECTORS"); dir != "" {
		if isDir(dir) {
			return dir
		}
		t.Fatalf("IMAGESPEC_VECTORS names %s, which is no folder", dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for parent := filepath.Dir(dir); parent != dir; dir, parent = parent, filepath.Dir(parent) {
		if vectors := filepath.Join(dir, "shared", "vectors"); isDir(vectors) {
			return vectors
		}
	}
	t.Skip("no conformance data: there is no shared/vectors above this folder; IMAGESPEC_VECTORS can name it")
	return ""
}

// Load reads a JSON file, named by its slash-separated path below Dir.
func Load(t testing.TB, name string, into any) {
	t.Helper()
	path := filepath.Join(Dir(t), filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
