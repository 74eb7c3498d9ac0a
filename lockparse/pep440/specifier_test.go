package pep440_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/pep440"
)

func mustParseSpecifiers(t testing.TB, s string) pep440.Specifiers {
	t.Helper()
	set, err := pep440.ParseSpecifiers(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestContains(t *testing.T) {
	for _, c := range []struct {
		specifiers string
		in, out    []string
	}{
		{"", []string{"1.0", "0.dev1"}, nil},
		{">=3.10,<3.14", []string{"3.10", "3.13.9"}, []string{"3.9", "3.14", "3.14rc1"}},
		{"==2.5.1", []string{"2.5.1", "2.5.1+cu124", "2.5.1.0"}, []string{"2.5.1.post1", "2.5.1rc1"}},
		{"==2.5.1+cu124", []string{"2.5.1+CU124"}, []string{"2.5.1", "2.5.1+cpu"}},
		{"==3.*", []string{"3", "3.12", "3.0a1"}, []string{"4.0.dev0", "1!3.0"}},
		{"!=3.9.*,!=3.10", []string{"3.8.1", "3.10.1"}, []string{"3.9", "3.9.7", "3.10", "3.10.0"}},
		{"~=1.4.2", []string{"1.4.2", "1.4.9"}, []string{"1.4.1", "1.5"}},
		{"~=2.2.post3", []string{"2.2.post3", "2.9"}, []string{"2.2", "3.0"}},
		{"<1.0", []string{"0.9", "0.9rc1"}, []string{"1.0", "1.0rc1", "1.0.dev0"}},
		{"<1.0rc2", []string{"1.0rc1", "1.0.dev0"}, []string{"1.0rc2", "1.0"}},
		{">1.0", []string{"1.0.1", "1.1.dev0"}, []string{"1.0.post1", "1.0+local", "1.0"}},
		{">1.0.post1", []string{"1.0.post2"}, []string{"1.0.post1", "1.0.post1+local"}},
		{"<=1.0", []string{"1.0+local"}, []string{"1.0.post1"}},
		{"<1.0.post1", []string{"1.0.post0", "1.0rc1"}, []string{"1.0.post1.dev1", "1.0.post1"}},
		{">1.0rc1", []string{"1.0", "1.0.post1", "1.0rc2"}, []string{"1.0rc1", "1.0rc1.post1"}},
		{">1.0.dev1", []string{"1.0.dev2", "1.0.post1"}, []string{"1.0.dev1+local"}},
		{"==1!2.*", []string{"1!2.5"}, []string{"2.5"}},
		{"==1.0.*", []string{"1", "1.0.3"}, []string{"1.1", "not a version"}},
		{"===1.0-RC1", []string{"1.0-rc1"}, []string{"1.0rc1"}},
		{"===foobar", []string{"FooBar"}, []string{"foo"}},
		{" >= 1.0 , < 2 ,", []string{"1.5"}, []string{"2"}},
		{">=18446744073709551616", []string{"18446744073709551617"}, []string{"18446744073709551615", "1"}},
	} {
		set := mustParseSpecifiers(t, c.specifiers)
		for _, v := range c.in {
			if !set.ContainsText(v) {
				t.Errorf("%q excludes %s", c.specifiers, v)
			}
		}
		for _, v := range c.out {
			if set.ContainsText(v) {
				t.Errorf("%q contains %s", c.specifiers, v)
			}
		}
	}
}

func TestContainsVariants(t *testing.T) {
	rc := mustParse(t, "3.14.0rc2")
	for _, c := range []struct {
		specifiers               string
		contains, final, release bool
	}{
		{">=3.14", false, false, true},
		{">=3.14.0rc1", true, false, true},
		{"<3.14", false, false, false},
		{"===3.14.0rc2", true, false, false},
		{"===3.14.0", false, false, true},
	} {
		set := mustParseSpecifiers(t, c.specifiers)
		if set.Contains(rc) != c.contains || set.ContainsFinal(rc) != c.final || set.ContainsRelease(rc) != c.release {
			t.Errorf("%s: Contains %v, ContainsFinal %v, ContainsRelease %v", set, set.Contains(rc), set.ContainsFinal(rc), set.ContainsRelease(rc))
		}
	}
}

func TestSpecifiersString(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		" , ":                    "",
		",>=1,,<2,":              ">=1,<2",
		">= v3.10 ,< 3.14.0-RC1": ">=3.10,<3.14.0rc1",
		"== 01.* , === Foo":      "==1.*,===Foo",
	} {
		if got := mustParseSpecifiers(t, in).String(); got != want {
			t.Errorf("%q: String %q, want %q", in, got, want)
		}
	}
}

func TestParseSpecifiersRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"1.0":       `version specifier "1.0": expected an operator (==, !=, <=, >=, <, >, ~=, ===) before "1.0"`,
		">=1,=>2":   `version specifier ">=1,=>2": expected an operator (==, !=, <=, >=, <, >, ~=, ===) before "=>2"`,
		"~=1":       `version specifier "~=1": ~= needs a version of at least two numbers at the end`,
		">=3.*":     `version specifier ">=3.*": ".*" is for == and != only before ".*"`,
		"==1.0a1.*": `version specifier "==1.0a1.*": ".*" cannot follow a pre-, post-, development or local version before ".*"`,
		"<1+a,>2":   `version specifier "<1+a,>2": a local version is for == and != only before ",>2"`,
		"==":        `version specifier "==": expected a number at the end`,
		"==1.":      `version specifier "==1.": unexpected text before "."`,
		"==1x*":     `version specifier "==1x*": unexpected text before "x*"`,
		"===;b":     `version specifier "===;b": unexpected text before ";b"`,
		"===a;b":    `version specifier "===a;b": unexpected text before ";b"`,
		"==1.*.*":   `version specifier "==1.*.*": unexpected text before ".*"`,
		"~=1.0.*":   `version specifier "~=1.0.*": ".*" is for == and != only before ".*"`,
		"==1 2":     `version specifier "==1 2": unexpected text before " 2"`,
	} {
		if _, err := pep440.ParseSpecifiers(in); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestParseSpecifierIsOneClause(t *testing.T) {
	set, err := pep440.ParseSpecifier("===1,2")
	if err != nil || !set.ContainsText("1,2") {
		t.Errorf("===1,2: %v, %v", set, err)
	}
	for _, s := range []string{"", ">=1,<2", ">=1,"} {
		if _, err := pep440.ParseSpecifier(s); err == nil {
			t.Errorf("ParseSpecifier(%q) is accepted", s)
		}
	}
}

func TestPinnedEmptyEqual(t *testing.T) {
	for s, want := range map[string]string{"==1.0+cpu": "1.0+cpu", "==1.*": "", ">=1": "", "==1,==1": "", "": "", "===1": "1", "===one": ""} {
		set := mustParseSpecifiers(t, s)
		if v, ok := set.Pinned(); v.String() != want || ok != (want != "") {
			t.Errorf("%q: Pinned %q, %v", s, v, ok)
		}
		if set.IsEmpty() != (s == "") {
			t.Errorf("%q: IsEmpty %v", s, set.IsEmpty())
		}
	}
	a, b := mustParseSpecifiers(t, ">=1,<2"), mustParseSpecifiers(t, "<2 , >=1, <2")
	if !a.Equal(b) || a.Equal(mustParseSpecifiers(t, ">=1")) {
		t.Errorf("Equal(%s, %s) = %v", a, b, a.Equal(b))
	}
}

func TestOnlyReleases(t *testing.T) {
	set := mustParseSpecifiers(t, ">=3.8.1rc1,!=3.9.*,<1!3.14.0.dev0,===3.10rc1")
	if got := set.OnlyReleases().String(); got != ">=3.8.1,!=3.9.*,<3.14.0,===3.10rc1" {
		t.Errorf("OnlyReleases of %s = %s", set, got)
	}
}

func TestVectorsSpecifierContains(t *testing.T) {
	var file struct {
		Cases []struct {
			Spec, Version string
			Prereleases   *bool
			Expected      bool
		}
	}
	vectors.Load(t, "pep440/specifier_contains.json", &file)
	for _, c := range file.Cases {
		set := mustParseSpecifiers(t, c.Spec)
		got := set.ContainsText(c.Version)
		if c.Prereleases != nil && !*c.Prereleases {
			got = set.ContainsFinal(mustParse(t, c.Version))
		}
		if got != c.Expected {
			t.Errorf("%q contains %q: %v, want %v", c.Spec, c.Version, got, c.Expected)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

func TestVectorsSpecifierMatrix(t *testing.T) {
	var versions struct{ Cases []string }
	vectors.Load(t, "pep440/versions_sorted.json", &versions)
	var file struct {
		Cases []struct {
			Spec    string
			All     []string `json:"contains_pre_true"`
			Final   []string `json:"contains_pre_false"`
			Invalid bool
		}
	}
	vectors.Load(t, "pep440/specifier_matrix.json", &file)
	count := 0
	for _, c := range file.Cases {
		set, err := pep440.ParseSpecifiers(c.Spec)
		if c.Invalid != (err != nil) {
			t.Errorf("ParseSpecifiers(%q): error %v, want one: %v", c.Spec, err, c.Invalid)
		}
		if c.Invalid {
			count++
			continue
		}
		for _, s := range versions.Cases {
			v := mustParse(t, s)
			count += 2
			if got, want := set.Contains(v), slices.Contains(c.All, s); got != want {
				t.Errorf("%q contains %s: %v, want %v", c.Spec, s, got, want)
			}
			if got, want := set.ContainsFinal(v), slices.Contains(c.Final, s); got != want {
				t.Errorf("%q contains %s without pre-releases: %v, want %v", c.Spec, s, got, want)
			}
		}
	}
	t.Logf("%d vectors (%d specifiers)", count, len(file.Cases))
}

func TestVectorsSpecifiersInvalid(t *testing.T) {
	var file struct{ Cases []string }
	vectors.Load(t, "pep440/specifiers_invalid.json", &file)
	for _, s := range file.Cases {
		if set, err := pep440.ParseSpecifiers(s); err == nil {
			t.Errorf("ParseSpecifiers(%q) = %s", s, set)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

// FuzzSpecifiers checks the round trip and that a set contains what each of
// its clauses does.
func FuzzSpecifiers(f *testing.F) {
	for _, s := range []string{"", ">=3.10,<3.14", "==1.*,!=1.2+a", "~=1.4.2 , ===x", ">1.0.post1", ">=1.*", ",", "===;"} {
		f.Add(s, "1.2.3")
	}
	f.Fuzz(func(t *testing.T, s, version string) {
		set, err := pep440.ParseSpecifiers(s)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("no message")
			}
			return
		}
		again, err := pep440.ParseSpecifiers(set.String())
		if err != nil || again.String() != set.String() || !again.Equal(set) {
			t.Fatalf("%q: %q, again %q, error %v", s, set, again, err)
		}
		if set.ContainsText(version) != again.ContainsText(version) {
			t.Fatalf("%q and %q differ for %q", s, set, version)
		}
	})
}

func BenchmarkParseSpecifiers(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pep440.ParseSpecifiers(">=3.10,<3.14"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkContains(b *testing.B) {
	set, v := mustParseSpecifiers(b, ">=3.10,<3.14,!=3.11.0"), mustParse(b, "3.12.4")
	b.ReportAllocs()
	for b.Loop() {
		if !set.Contains(v) {
			b.Fatal("excluded")
		}
	}
}

func ExampleSpecifiers_Contains() {
	set, _ := pep440.ParseSpecifiers(">=3.14")
	rc, _ := pep440.Parse("3.14.0rc1")
	fmt.Println(set.Contains(rc), set.ContainsRelease(rc))
	// Output: false true
}
