package wheel_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

func mustParse(t testing.TB, s string) wheel.Filename {
	t.Helper()
	f, err := wheel.ParseFilename(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParseFilename(t *testing.T) {
	for _, c := range []struct {
		in   string
		want wheel.Filename
	}{
		{"requests-2.32.3-py3-none-any.whl", wheel.Filename{Name: "requests", Version: "2.32.3", Tags: []string{"py3-none-any"}}},
		{"six-1.17.0-py2.py3-none-any.whl", wheel.Filename{Name: "six", Version: "1.17.0", Tags: []string{"py2-none-any", "py3-none-any"}}},
		{"a-1-Azaz_09-Zz-aA.whl", wheel.Filename{Name: "a", Version: "1", Tags: []string{"Azaz_09-Zz-aA"}}},
		{"Markdown-3.7-1-py3-none-any.whl", wheel.Filename{Name: "markdown", Version: "3.7", Build: wheel.Build{Number: 1, Set: true}, Tags: []string{"py3-none-any"}}},
		{"ruamel.yaml_clib-0.2.8-20250101a.b-cp312-cp312-win_amd64.whl", wheel.Filename{Name: "ruamel-yaml-clib", Version: "0.2.8", Build: wheel.Build{Number: 20250101, Suffix: "a.b", Set: true}, Tags: []string{"cp312-cp312-win_amd64"}}},
		{"torch-2.5.0+cu124-cp312-cp312-linux_x86_64.whl", wheel.Filename{Name: "torch", Version: "2.5.0+cu124", Tags: []string{"cp312-cp312-linux_x86_64"}}},
		{"lxml-5.3.0-pp310-pypy310_pp73-macosx_10_15_x86_64.whl", wheel.Filename{Name: "lxml", Version: "5.3.0", Tags: []string{"pp310-pypy310_pp73-macosx_10_15_x86_64"}}},
		{"cryptography-46.0-cp315-abi3.abi3t-manylinux_2_34_x86_64.whl", wheel.Filename{Name: "cryptography", Version: "46.0", Tags: []string{"cp315-abi3-manylinux_2_34_x86_64", "cp315-abi3t-manylinux_2_34_x86_64"}}},
	} {
		f := mustParse(t, c.in)
		if f.Name != c.want.Name || f.Version != c.want.Version || f.Build != c.want.Build || !slices.Equal(f.Tags, c.want.Tags) {
			t.Errorf("%s: %+v, want %+v", c.in, f, c.want)
		}
	}
}

func TestParseFilenameRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"requests-2.32.3.tar.gz":                        `file name "requests-2.32.3.tar.gz": a wheel ends in .whl`,
		"requests-2.32.3.whl":                           `file name "requests-2.32.3.whl": expected name-version-python-abi-platform, with a build number after the version or without`,
		"app-1.0-SNAPSHOT-py3-none-any.whl":             `file name "app-1.0-SNAPSHOT-py3-none-any.whl": "SNAPSHOT" is no build number, which starts with digits`,
		"app-1.0-99999999999999999999-py3-none-any.whl": `file name "app-1.0-99999999999999999999-py3-none-any.whl": "99999999999999999999" is no build number, which starts with digits`,
		"app-latest-py3-none-any.whl":                   `file name "app-latest-py3-none-any.whl": version "latest": expected a number before "latest"`,
		"app- 1.0-py3-none-any.whl":                     `file name "app- 1.0-py3-none-any.whl": version " 1.0": unexpected white space before " 1.0"`,
		"../app-1.0-py3-none-any.whl":                   `file name "../app-1.0-py3-none-any.whl": "../app" is no name of a project`,
		"#app-1.0-py3-none-any.whl":                     `file name "#app-1.0-py3-none-any.whl": "#app" is no name of a project`,
		"app-1.0-py3-none-any/../../x.whl":              `file name "app-1.0-py3-none-any/../../x.whl": "any/" is no tag`,
		"app-1.0-1/2-py3-none-any.whl":                  `file name "app-1.0-1/2-py3-none-any.whl": "1/2" is no build number, which starts with digits`,
		"app-1.0-py3..py2-none-any.whl":                 `file name "app-1.0-py3..py2-none-any.whl": "" is no tag`,
		"app-1.0-3.12-none-any.whl":                     `file name "app-1.0-3.12-none-any.whl": "3" is no tag`,
	} {
		_, err := wheel.ParseFilename(in)
		var filename *wheel.FilenameError
		if !errors.As(err, &filename) || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
	var cause *pep440.SyntaxError
	if _, err := wheel.ParseFilename("app-1..0-py3-none-any.whl"); !errors.As(err, &cause) {
		t.Errorf("the error of a bad version has no cause: %v", err)
	}
}

// TestParseFilenameManyTags is about names that would expand to millions of
// tags.
func TestParseFilenameManyTags(t *testing.T) {
	hundred := strings.TrimSuffix(strings.Repeat("a.", 100), ".")
	if f := mustParse(t, fmt.Sprintf("app-1-%s-a.a-a.a.a.a.a.whl", hundred)); len(f.Tags) != 1000 {
		t.Errorf("%d tags", len(f.Tags))
	}
	_, err := wheel.ParseFilename(fmt.Sprintf("app-1-%s-%s-%s.whl", hundred, hundred, hundred))
	if err == nil || !strings.HasSuffix(err.Error(), "it has 1000000 tags, more than 1000") {
		t.Errorf("a million tags: %v", err)
	}
}

func TestBuildCompare(t *testing.T) {
	ascending := []wheel.Build{{}, {Set: true}, {Number: 2, Set: true}, {Number: 10, Set: true}, {Number: 10, Suffix: "a", Set: true}, {Number: 10, Suffix: "b", Set: true}}
	for i, b := range ascending {
		for j, c := range ascending {
			if got := b.Compare(c); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("Compare(%+v, %+v) = %d", b, c, got)
			}
		}
	}
}

func TestParseSdist(t *testing.T) {
	for in, want := range map[string]wheel.Sdist{
		"ruamel.yaml-0.18.6.tar.gz":  {Name: "ruamel-yaml", Version: "0.18.6"},
		"typing_extensions-4.12.zip": {Name: "typing-extensions", Version: "4.12"},
		"back-call-0.2.0.tar.gz":     {Name: "back-call", Version: "0.2.0"},
	} {
		if got, err := wheel.ParseSdist(in); got != want || err != nil {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"six-1.0.tar.bz2":      `file name "six-1.0.tar.bz2": a source distribution is called name-version.tar.gz or .zip`,
		"-1.0.tar.gz":          `file name "-1.0.tar.gz": a source distribution is called name-version.tar.gz or .zip`,
		"six.tar.gz":           `file name "six.tar.gz": a source distribution is called name-version.tar.gz or .zip`,
		"../six-1.0.tar.gz":    `file name "../six-1.0.tar.gz": "../six" is no name of a project`,
		"six-1.0-final.tar.gz": `file name "six-1.0-final.tar.gz": version "final": expected a number before "final"`,
	} {
		if _, err := wheel.ParseSdist(in); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

func TestVectorsWheelFilenames(t *testing.T) {
	var file struct {
		Cases []struct {
			Filename, Name, Version string
			Build                   []any
			Tags                    []string
		}
	}
	vectors.Load(t, "names/wheel_filenames.json", &file)
	for _, c := range file.Cases {
		f := mustParse(t, c.Filename)
		var build wheel.Build
		if len(c.Build) == 2 {
			build = wheel.Build{Number: uint64(c.Build[0].(float64)), Suffix: c.Build[1].(string), Set: true}
		}
		slices.Sort(f.Tags) // the vectors hold a set
		if f.Name != c.Name || f.Version != c.Version || f.Build != build || !slices.Equal(f.Tags, c.Tags) {
			t.Errorf("%s: %+v, want %+v", c.Filename, f, c)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

func TestVectorsFilenamesInvalid(t *testing.T) {
	var wheels, sdists struct{ Cases []string }
	vectors.Load(t, "names/wheel_filenames_invalid.json", &wheels)
	vectors.Load(t, "names/sdist_filenames_invalid.json", &sdists)
	for _, s := range wheels.Cases {
		if f, err := wheel.ParseFilename(s); err == nil {
			t.Errorf("%q is read as %+v", s, f)
		}
	}
	for _, s := range sdists.Cases {
		if f, err := wheel.ParseSdist(s); err == nil {
			t.Errorf("%q is read as %+v", s, f)
		}
	}
	t.Logf("%d vectors", len(wheels.Cases)+len(sdists.Cases))
}

func TestVectorsSdistFilenames(t *testing.T) {
	var file struct {
		Cases []struct{ Filename, Name, Version string }
	}
	vectors.Load(t, "names/sdist_filenames.json", &file)
	for _, c := range file.Cases {
		if got, err := wheel.ParseSdist(c.Filename); err != nil || got.Name != c.Name || got.Version != c.Version {
			t.Errorf("%s: %+v, %v", c.Filename, got, err)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

// TestVectorsRealNames reads the name of every file in the real uv.locks.
func TestVectorsRealNames(t *testing.T) {
	locks, err := filepath.Glob(filepath.Join(vectors.Dir(t), "uv-locks", "*", "uv.lock"))
	if err != nil || len(locks) == 0 {
		t.Fatalf("no locks: %v", err)
	}
	entry := regexp.MustCompile(`url = "[^"]*/([^"/]+?)(?:#[^"]*)?"`)
	wheels, sdists := 0, 0
	for _, lock := range locks {
		text, err := os.ReadFile(lock)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range entry.FindAllStringSubmatch(string(text), -1) {
			// [X] is a version number that uv's own tests have blotted out.
			name := strings.NewReplacer("%2B", "+", "[X]", "0").Replace(match[1])
			switch {
			case strings.HasSuffix(name, ".whl"):
				wheels++
				_, err = wheel.ParseFilename(name)
			case strings.HasSuffix(name, ".tar.gz"), strings.HasSuffix(name, ".zip"):
				sdists++
				_, err = wheel.ParseSdist(name)
			}
			if err != nil {
				t.Errorf("%s: %v", lock, err)
			}
		}
	}
	t.Logf("%d vectors (%d wheels, %d sdists)", wheels+sdists, wheels, sdists)
}

// FuzzParseFilename checks that each tag of a wheel makes a name of its own
// that says the same.
func FuzzParseFilename(f *testing.F) {
	for _, s := range []string{"six-1.17.0-py2.py3-none-any.whl", "a.B_c-1!2.0+x-10a-cp315-abi3.abi3t-linux_x86_64.whl", "-1-0-a-b-c.whl", "a-1-2-3-4-5-6.whl"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := wheel.ParseFilename(s)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("no message")
			}
			return
		}
		if len(name.Tags) == 0 || pep508.NormalizeName(name.Name) != name.Name || strings.ContainsAny(s, "/\\\n ") {
			t.Fatalf("%q: %+v", s, name)
		}
		build := ""
		if name.Build.Set {
			build = fmt.Sprintf("-%d%s", name.Build.Number, name.Build.Suffix)
		}
		for _, tag := range name.Tags {
			again, err := wheel.ParseFilename(strings.ReplaceAll(name.Name, "-", "_") + "-" + name.Version + build + "-" + tag + ".whl")
			if err != nil || again.Name != name.Name || again.Version != name.Version || again.Build != name.Build || !slices.Equal(again.Tags, []string{tag}) {
				t.Fatalf("%q: %+v, again %+v, %v", s, name, again, err)
			}
		}
	})
}

// FuzzParseSdist checks that what is read makes a name that says the same.
func FuzzParseSdist(f *testing.F) {
	for _, s := range []string{"six-1.17.0.tar.gz", "a.B_c-1!2.0+x.zip", "-1.tar.gz", "a-.zip"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := wheel.ParseSdist(s)
		if err != nil {
			return
		}
		if again, err := wheel.ParseSdist(name.Name + "-" + name.Version + ".tar.gz"); again != name || err != nil {
			t.Fatalf("%q: %+v, again %+v, %v", s, name, again, err)
		}
	})
}

func BenchmarkParseFilename(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wheel.ParseFilename("numpy-2.1.3-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"); err != nil {
			b.Fatal(err)
		}
	}
}
