package uvlock_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// BenchmarkSelect reads the largest lock of the vectors, of 2 MB, and selects
// from it: what a frontend does for each platform of each build.
func BenchmarkSelect(b *testing.B) {
	fsys := os.DirFS(filepath.Join(vectors.Dir(b), "uv-locks", "docling"))
	target, err := lock.LinuxTarget("amd64", "", "3.12.9", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l, err := lockparse.Read(fsys, "uv.lock", nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := lock.Select(l, target, lock.Request{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUVExport is what a frontend without a parser of its own would have
// to run for the same answer, start of the process included.
func BenchmarkUVExport(b *testing.B) {
	uv, err := exec.LookPath("uv")
	if err != nil {
		b.Skip("uv is not on PATH")
	}
	dir := filepath.Join(vectors.Dir(b), "uv-locks", "docling")
	for b.Loop() {
		cmd := exec.Command(uv, "export", "--quiet", "--frozen", "--no-dev", "--no-emit-workspace", "--no-hashes", "--offline", "--directory", dir)
		if output, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, output)
		}
	}
}
