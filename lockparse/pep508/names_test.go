package pep508_test

import (
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

func TestNormalizeName(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"requests":             "requests",
		"Flask":                "flask",
		"zope.interface":       "zope-interface",
		"ruamel_yaml--clib.._": "ruamel-yaml-clib-",
		"--x":                  "-x",
		"FOO_BÁR":              "foo-bár",
		"extra-7-project-cpu":  "extra-7-project-cpu",
	} {
		if got := pep508.NormalizeName(in); got != want {
			t.Errorf("NormalizeName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "7z": true, "zope.interface": true, "A_-_b": true, "aZ0z9A": true, "Z": true, "0": true, "9": true,
		"": false, "-a": false, "a-": false, ".": false, "a b": false, "a\n": false, "bár": false, "a/b": false,
	} {
		if got := pep508.ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %v", name, got)
		}
	}
}

func TestVectorsNames(t *testing.T) {
	var file struct {
		Cases []struct{ Input, Expected string }
	}
	vectors.Load(t, "names/canonicalize_name.json", &file)
	for _, c := range file.Cases {
		if got := pep508.NormalizeName(c.Input); got != c.Expected {
			t.Errorf("NormalizeName(%q) = %q, want %q", c.Input, got, c.Expected)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

// FuzzNormalizeName checks that normal names stay as they are and stay valid.
func FuzzNormalizeName(f *testing.F) {
	for _, name := range []string{"Zope.Interface", "a--b", "_", "BÁR", "İ"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		normal := pep508.NormalizeName(name)
		if again := pep508.NormalizeName(normal); again != normal {
			t.Fatalf("NormalizeName(%q) = %q, again %q", name, normal, again)
		}
		if pep508.ValidName(name) != pep508.ValidName(normal) && pep508.ValidName(name) {
			t.Fatalf("%q is valid, its normal form %q is not", name, normal)
		}
	})
}

func BenchmarkNormalizeName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		pep508.NormalizeName("typing-extensions")
	}
}
