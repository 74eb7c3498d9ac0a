package imagespec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
)

// TestErrors runs testdata/errors: each file holds a spec and, behind the
// separator, what the user reads. go test -update rewrites that part.
func TestErrors(t *testing.T) {
	const separator = "-- error --\n"
	files, err := filepath.Glob("testdata/errors/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/errors: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			yaml, _, ok := strings.Cut(string(data), separator)
			if !ok {
				t.Fatalf("%s has no line %q", file, separator)
			}
			spec, _, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(yaml)})
			if err == nil {
				t.Fatalf("%s is taken for a valid spec", file)
			}
			if spec != nil {
				t.Error("there is a spec beside the error")
			}
			golden.Check(t, file, yaml+separator+diag.Format(err)+"\n")
		})
	}
}
