// Package golden compares what a test makes with a file beside it, which
// go test -update rewrites.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Check compares a text with that of a file.
func Check(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, -update rewrites it; got:\n%s\nwant:\n%s", file, got, want)
	}
}

// Archives runs a test for each txtar archive that a pattern matches, of which
// there have to be some. The last file of each is "want", which is compared
// with what run makes of the others.
func Archives(t *testing.T, pattern string, atLeast int, run func(t *testing.T, archive *txtar.Archive) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < atLeast {
		t.Fatalf("%d files match %s, want %d: %v", len(files), pattern, atLeast, err)
	}
	for _, file := range files {
		file, err := filepath.Abs(file) // run may go elsewhere
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files, want := split(archive.Files)
			archive.Files = files
			got := run(t, archive)
			if *update {
				archive.Files = append(files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("it differs, -update rewrites it; got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// split takes the last file off, if that is what is wanted: a new archive has
// none.
func split(files []txtar.File) (others []txtar.File, want string) {
	last := len(files) - 1
	if last < 0 || files[last].Name != "want" {
		return files, ""
	}
	return files[:last], string(files[last].Data)
}
