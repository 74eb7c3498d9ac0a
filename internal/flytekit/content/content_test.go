package content

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// TestLinks: links to files count as the files, those to nowhere and to
// folders not.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"a": "../file", "nowhere": "gone", "around": "."} {
		if err := os.Symlink(target, filepath.Join(dir, "src", name)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := source(os.DirFS(dir), "src")
	want, _ := source(fstest.MapFS{"src/a": {Data: []byte("x")}}, "src")
	if err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
