package vectors_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
)

// folder makes a folder shared/vectors that holds a.json, and gives its path.
func folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shared", "vectors")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "a.json"), []byte(`{"cases": ["x"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDir(t *testing.T) {
	dir := folder(t)
	root := filepath.Dir(filepath.Dir(dir))
	deep := filepath.Join(root, "checkout", "lockparse", "wheel")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("IMAGESPEC_VECTORS", "")
	for _, cwd := range []string{root, deep} {
		t.Chdir(cwd)
		if got := vectors.Dir(t); got != dir {
			t.Errorf("Dir in %s = %s, want %s", cwd, got, dir)
		}
	}
	t.Setenv("IMAGESPEC_VECTORS", root)
	if got := vectors.Dir(t); got != root {
		t.Errorf("Dir = %s, want that of the environment, %s", got, root)
	}
}

func TestDirSkips(t *testing.T) {
	t.Setenv("IMAGESPEC_VECTORS", "")
	t.Chdir("/") // anywhere else, a folder above could have the data
	skipped := false
	t.Run("absent", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		vectors.Dir(t)
	})
	if !skipped {
		t.Error("Dir does not skip the test where the folder is absent")
	}
}

func TestLoad(t *testing.T) {
	t.Setenv("IMAGESPEC_VECTORS", folder(t))
	var file struct{ Cases []string }
	vectors.Load(t, "sub/a.json", &file)
	if len(file.Cases) != 1 || file.Cases[0] != "x" {
		t.Errorf("Load gives %v", file)
	}
}
