package pep440_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/pep440"
)

func mustParse(t testing.TB, s string) pep440.Version {
	t.Helper()
	v, err := pep440.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestParseGivesNormalForm(t *testing.T) {
	for in, want := range map[string]string{
		"1.0":                            "1.0",
		" v1.0-RC.1\n":                   "1.0rc1",
		"1.0alpha":                       "1.0a0",
		"1.0-preview_2":                  "1.0rc2",
		"1.0-1":                          "1.0.post1",
		"1.0r4":                          "1.0.post4",
		"1.0a1.post2.dev3":               "1.0a1.post2.dev3",
		"1.0a-post-dev-":                 "1.0a0.post0.dev0", // a separator may end the text
		"0!2.5.1+CU124":                  "2.5.1+cu124",
		"1!2.0":                          "1!2.0",
		"01.002.0":                       "1.2.0",
		"1.0+Ubuntu_001-B":               "1.0+ubuntu.1.b",
		"1.0.dev":                        "1.0.dev0",
		"2025.20250101123000":            "2025.20250101123000",
		"99999999999999999999999999.007": "99999999999999999999999999.7",
	} {
		if got := mustParse(t, in).String(); got != want {
			t.Errorf("Parse(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":             `version "": expected a number at the end`,
		"latest":       `version "latest": expected a number before "latest"`,
		"1..0":         `version "1..0": expected a number before ".0"`,
		" 1.0.":        `version " 1.0.": expected a number at the end`,
		"1!":           `version "1!": expected a number at the end`,
		"1.0 b":        `version "1.0 b": unexpected text before " b"`,
		"1.0-":         `version "1.0-": unexpected text before "-"`,
		"1.0+":         `version "1.0+": expected a letter or digit of the local version at the end`,
		"1.0+a..b":     `version "1.0+a..b": expected a letter or digit of the local version before ".b"`,
		"1.0.poſt1":    `version "1.0.poſt1": expected a number before "poſt1"`,
		"1.0-SNAPSHOT": `version "1.0-SNAPSHOT": unexpected text before "-SNAPSHOT"`,
	} {
		_, err := pep440.Parse(in)
		var syntax *pep440.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("Parse(%q): %v is no SyntaxError", in, err)
		} else if err.Error() != want {
			t.Errorf("Parse(%q): %v, want %s", in, err, want)
		}
	}
}

func TestAccessors(t *testing.T) {
	v := mustParse(t, "7!3.14.0rc2.post1.dev4+Local.1")
	for _, c := range []struct{ name, got, want string }{
		{"Epoch", v.Epoch(), "7"},
		{"Local", v.Local(), "local.1"},
		{"Public", v.Public().String(), "7!3.14.0rc2.post1.dev4"},
		{"OnlyRelease", v.OnlyRelease().String(), "3.14.0"},
	} {
		if c.got != c.want {
			t.Errorf("%s = %q, want %q", c.name, c.got, c.want)
		}
	}
	if got := mustParse(t, "1.18446744073709551616.3").Release(); !slices.Equal(got, []uint64{1, math.MaxUint64, 3}) {
		t.Errorf("Release of a number beyond uint64 = %d", got)
	}
	for n, want := range []string{"", "3", "3.14", "3.14.0", "3.14.0"} {
		if got := v.Truncate(n).String(); got != want {
			t.Errorf("Truncate(%d) = %q, want %q", n, got, want)
		}
	}
	zero := pep440.Version{}
	if !zero.IsZero() || zero.String() != "" || zero.Release() != nil || v.IsZero() {
		t.Errorf("zero value: IsZero %v, String %q, Release %v", zero.IsZero(), zero, zero.Release())
	}
}

// TestCompare holds versions in ascending order, equal ones on one line.
func TestCompare(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(`
1.dev0 1.0.dev0 1.0.0.dev
1.0a0.dev3
1.0a1 1.0.alpha.1
1.0a1.post1
1.0a2
1.0a10
1.0b1
1.0rc1.dev1
1.0rc1 1.0c1 1.0pre1
1.0 1 v1.0.0 0!1
1.0+abc
1.0+abc.1
1.0+abd 1+ABD
1.0+1
1.0+1.x
1.0+1.0 1.0+01-00
1.0+10
1.0.post1.dev1
1.0.post1 1.0-1 1.0.r1
1.0.post1+x
1.0.post2
1.0.1
1.1
1.10
2
1!0.1`), "\n")
	for i, line := range lines {
		for j, other := range lines {
			for _, a := range strings.Fields(line) {
				for _, b := range strings.Fields(other) {
					if got := mustParse(t, a).Compare(mustParse(t, b)); (got < 0) != (i < j) || (got == 0) != (i == j) {
						t.Errorf("Compare(%s, %s) = %d", a, b, got)
					}
				}
			}
		}
	}
}

func TestKindOfRelease(t *testing.T) {
	for _, c := range []struct {
		version   string
		pre, post bool
	}{
		{"1.0", false, false},
		{"1.0+local", false, false},
		{"1.0a1", true, false},
		{"1.0.dev1", true, false},
		{"1.0.post1", false, true},
		{"1.0.post1.dev1", true, true},
		{"1.0rc1.post1", true, true},
	} {
		if v := mustParse(t, c.version); v.IsPrerelease() != c.pre || v.IsPostrelease() != c.post {
			t.Errorf("%s: IsPrerelease %v, IsPostrelease %v", v, v.IsPrerelease(), v.IsPostrelease())
		}
	}
}

// TestCompareUnlimited orders numbers that wrap around or lose digits in
// machine integers.
func TestCompareUnlimited(t *testing.T) {
	ascending := []string{
		"9", "20250101123000", "9007199254740992", "9007199254740993",
		"18446744073709551615", "18446744073709551616", "18446744073709551617",
		"1!0.dev99999999999999999999", "1!0.dev100000000000000000000", "1!0+9", "1!0+18446744073709551617",
	}
	for i := range ascending[1:] {
		if v, w := mustParse(t, ascending[i]), mustParse(t, ascending[i+1]); v.Compare(w) >= 0 || w.Compare(v) <= 0 {
			t.Errorf("%s is not older than %s", v, w)
		}
	}
}

func TestVectorsVersionsSorted(t *testing.T) {
	var file struct{ Cases []string }
	vectors.Load(t, "pep440/versions_sorted.json", &file)
	pairs := 0
	for i, a := range file.Cases {
		for j, b := range file.Cases {
			pairs++
			got := mustParse(t, a).Compare(mustParse(t, b))
			if (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("Compare(%s, %s) = %d", a, b, got)
			}
		}
	}
	t.Logf("%d vectors (%d versions)", pairs, len(file.Cases))
}

func TestVectorsVersionsNormalized(t *testing.T) {
	var file struct {
		Cases []struct{ Input, Normalized string }
	}
	vectors.Load(t, "pep440/versions_normalized.json", &file)
	for _, c := range file.Cases {
		if got := mustParse(t, c.Input).String(); got != c.Normalized {
			t.Errorf("Parse(%q) = %q, want %q", c.Input, got, c.Normalized)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

func TestVectorsVersionProperties(t *testing.T) {
	var file struct {
		Cases []struct {
			Version, Str, Public string
			BaseVersion          string `json:"base_version"`
			Epoch                uint64
			Release              []uint64
			Local                *string
			IsPrerelease         bool `json:"is_prerelease"`
			IsPostrelease        bool `json:"is_postrelease"`
		}
	}
	vectors.Load(t, "pep440/version_properties.json", &file)
	for _, c := range file.Cases {
		v := mustParse(t, c.Version)
		if v.String() != c.Str || v.Public().String() != c.Public {
			t.Errorf("%q: String %q, Public %q, want %q, %q", c.Version, v, v.Public(), c.Str, c.Public)
		}
		epoch := mustParse(t, v.Epoch()).Release()[0]
		if !slices.Equal(v.Release(), c.Release) || epoch != c.Epoch {
			t.Errorf("%q: Release %v, Epoch %s", c.Version, v.Release(), v.Epoch())
		}
		_, base, _ := strings.Cut("!"+c.BaseVersion, "!")
		if _, afterEpoch, found := strings.Cut(base, "!"); found {
			base = afterEpoch
		}
		if v.OnlyRelease().String() != base {
			t.Errorf("%q: OnlyRelease %s, want %s", c.Version, v.OnlyRelease(), base)
		}
		if (c.Local == nil) != (v.Local() == "") || c.Local != nil && *c.Local != v.Local() {
			t.Errorf("%q: Local %q", c.Version, v.Local())
		}
		if v.IsPrerelease() != c.IsPrerelease || v.IsPostrelease() != c.IsPostrelease {
			t.Errorf("%q: IsPrerelease %v, IsPostrelease %v", c.Version, v.IsPrerelease(), v.IsPostrelease())
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

func TestVectorsVersionsInvalid(t *testing.T) {
	var file struct{ Cases []string }
	vectors.Load(t, "pep440/versions_invalid.json", &file)
	for _, s := range file.Cases {
		if v, err := pep440.Parse(s); err == nil {
			t.Errorf("Parse(%q) = %s", s, v)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

// FuzzParse checks that a version's normal form is a version, the same one,
// and in normal form.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.0", " v1!2.0-RC_1.r3-dev.4+Ubuntu_01 ", "1.0-1", "1.0a--1", "00.0", "1.0+0a", "1..0", "\x85", "18446744073709551616"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := pep440.Parse(s)
		if err != nil {
			if !v.IsZero() || err.Error() == "" {
				t.Fatalf("Parse(%q) gives %v beside the error %v", s, v, err)
			}
			return
		}
		again, err := pep440.Parse(v.String())
		if err != nil || again != v || again.String() != v.String() || v.Compare(again) != 0 {
			t.Fatalf("Parse(%q) = %q, again %q, error %v", s, v, again, err)
		}
		v.Release()
	})
}

// FuzzCompare checks that the order is total.
func FuzzCompare(f *testing.F) {
	f.Add("1.0", "1.0.0", "1.0.dev1")
	f.Add("1.0+1", "1.0+a", "1.0+1.0")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var vs []pep440.Version
		for _, s := range []string{a, b, c} {
			v, err := pep440.Parse(s)
			if err != nil {
				return
			}
			vs = append(vs, v)
		}
		slices.SortFunc(vs, pep440.Version.Compare)
		if vs[0].Compare(vs[2]) > 0 || vs[2].Compare(vs[0]) < 0 || vs[1].Compare(vs[0]) < 0 {
			t.Fatalf("no order: %v", vs)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pep440.Parse("3.12.4rc1.post2+cu124"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	v, w := mustParse(b, "3.12.4.post1"), mustParse(b, "3.12.4.post2")
	b.ReportAllocs()
	for b.Loop() {
		if v.Compare(w) >= 0 {
			b.Fatal("order")
		}
	}
}
