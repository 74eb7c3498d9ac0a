package backend

import (
	"slices"
	"testing"
	"testing/fstest"
)

// TestProject: what is not certain to be pure gets a compiler, and what is not
// certain to ask for nothing more is asked.
func TestProject(t *testing.T) {
	system := func(backend, requires string) string {
		return "[build-system]\nbuild-backend = '" + backend + "'\nrequires = [" + requires + "]\n"
	}
	for _, tc := range []struct {
		name     string
		files    map[string]string
		compiles bool
		requires []string
	}{
		{"hatchling", map[string]string{"pyproject.toml": system("hatchling.build", "'hatchling>=1.2'")}, false, []string{"hatchling>=1.2"}},
		{"a hook of hatchling", map[string]string{"pyproject.toml": system("hatchling.build", "'hatchling'") + "[tool.hatch.build.hooks.custom]\n"}, true, nil},
		{"setuptools", map[string]string{"pyproject.toml": system("setuptools.build_meta", "'setuptools'")}, false, []string{"setuptools", "wheel"}},
		{"extension modules", map[string]string{"pyproject.toml": system("setuptools.build_meta", "'setuptools'"), "setup.py": "ext_modules=[Extension('a', [])]"}, true, nil},
		{"setup.py alone", map[string]string{"setup.py": "from setuptools import setup"}, false, nil},
		{"Rust", map[string]string{"pyproject.toml": system("maturin", "'maturin>=1,<2'")}, true, nil},
		{"a requirement that nobody knows", map[string]string{"pyproject.toml": system("hatchling.build", "'hatchling', 'our-plugin'")}, true, []string{"hatchling", "our-plugin"}},
	} {
		files := fstest.MapFS{}
		for name, text := range tc.files {
			files["lib/"+name] = &fstest.MapFile{Data: []byte(text)}
		}
		p, err := Read(files, "lib")
		if err != nil || p.Compiles() != tc.compiles || !slices.Equal(p.Requires(), tc.requires) {
			t.Errorf("%s: compiles %t, requires %q, %v; want %t, %q", tc.name, p.Compiles(), p.Requires(), err, tc.compiles, tc.requires)
		}
	}
}
