package pep508_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

func TestParseRequirement(t *testing.T) {
	for _, c := range []struct {
		in, name, specifiers, url, marker string
		extras                            []string
	}{
		{in: "requests", name: "requests"},
		{in: " Flask [async , dotenv]>=2,<4 ; python_version<'3.9' ", name: "Flask", extras: []string{"async", "dotenv"}, specifiers: ">=2,<4", marker: `python_version < "3.9"`},
		{in: "zope.interface (>=5.0,)", name: "zope.interface", specifiers: ">=5.0"},
		{in: "a[]()", name: "a"},
		{in: "a === 1.0_weird;os_name=='nt'", name: "a", specifiers: "===1.0_weird", marker: `os_name == "nt"`},
		{in: "pip@https://example.com/pip.zip;x", name: "pip", url: "https://example.com/pip.zip;x"},
		{in: "pip @ git+ssh://git@example.com/pip@v1#subdirectory=a ; extra == 'X'", name: "pip", url: "git+ssh://git@example.com/pip@v1#subdirectory=a", marker: `extra == "x"`},
	} {
		r, err := pep508.ParseRequirement(c.in)
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if r.Name != c.name || !slices.Equal(r.Extras, c.extras) || r.Specifiers.String() != c.specifiers || r.URL != c.url || r.Marker.String() != c.marker {
			t.Errorf("%q: %#v", c.in, r)
		}
	}
}

func TestRequirementString(t *testing.T) {
	for in, want := range map[string]string{
		"Flask[ b,a ] ( >= 2 ) ;os_name=='nt'": `Flask[b,a]>=2; os_name == "nt"`,
		"pip@file:///x.whl  ;os_name=='nt'":    `pip @ file:///x.whl ; os_name == "nt"`,
		"a[]":                                  "a",
	} {
		if r, err := pep508.ParseRequirement(in); err != nil || r.String() != want {
			t.Errorf("%q: %q, %v, want %q", in, r, err, want)
		}
	}
}

func TestParseRequirementRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"": `
requirement: expected the name of a package
    
    ^`,
		"requests 2.0": `
requirement: expected an operator (==, !=, <=, >=, <, >, ~=, ===)
    requests 2.0
             ^`,
		"flask>=2,=<4": `
requirement: expected an operator (==, !=, <=, >=, <, >, ~=, ===)
    flask>=2,=<4
         ~~~~^`,
		"flask>=2,,<4": `
requirement: expected a version specifier
    flask>=2,,<4
             ^`,
		"flask (>=2": `
requirement: expected the ")" of this "("
    flask (>=2
          ~~~~^`,
		"flask[async dotenv]": `
requirement: expected "," or the "]" of this "["
    flask[async dotenv]
         ~~~~~~~^`,
		"flask[async,]": `
requirement: expected the name of an extra
    flask[async,]
                ^`,
		"flask @ ": `
requirement: expected a URL after "@"
    flask @ 
            ^`,
		"flask @ http://x; os_name=='nt'": `
requirement: expected ";" and a marker, or the end
    flask @ http://x; os_name=='nt'
                      ^`,
		"flask; os_nam == 'nt'": `
requirement: expected a variable or a quoted string, found "os_nam"
    flask; os_nam == 'nt'
           ~~~~~~^
did you mean "os_name"?`,
	} {
		_, err := pep508.ParseRequirement(in)
		if err == nil {
			t.Errorf("%q is accepted", in)
		} else if got := "\n" + err.Error(); got != want {
			t.Errorf("%q:%s\nwant:%s", in, got, want)
		}
	}
	var cause *pep440.SyntaxError
	if _, err := pep508.ParseRequirement("a~=1"); !errors.As(err, &cause) || cause.Input != "~=1" {
		t.Errorf("the cause of %v is %v", err, cause)
	}
}

func TestVectorsRequirementsValid(t *testing.T) {
	var file struct {
		Cases []struct {
			Input, Name, Specifier, Str string
			Extras                      []string
			URL, Marker                 *string
		}
	}
	vectors.Load(t, "pep508/requirements_valid.json", &file)
	for _, c := range file.Cases {
		r, err := pep508.ParseRequirement(c.Input)
		if err != nil {
			t.Errorf("%q: %v", c.Input, err)
			continue
		}
		specifiers, err := pep440.ParseSpecifiers(c.Specifier)
		if err != nil {
			t.Fatal(err)
		}
		if r.Name != c.Name || !slices.Equal(slices.Sorted(slices.Values(r.Extras)), c.Extras) || !r.Specifiers.Equal(specifiers) {
			t.Errorf("%q: name %q, extras %q, specifiers %q", c.Input, r.Name, r.Extras, r.Specifiers)
		}
		if r.URL != deref(c.URL) || r.Marker.String() != deref(c.Marker) {
			t.Errorf("%q: URL %q, marker %q", c.Input, r.URL, r.Marker)
		}
		if normal, err := pep508.ParseRequirement(c.Str); err != nil || !normal.Specifiers.Equal(r.Specifiers) || normal.Marker.String() != r.Marker.String() {
			t.Errorf("%q: its normal form %q is read as %q, %v", c.Input, c.Str, normal, err)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestVectorsRequirementsInvalid(t *testing.T) {
	var file struct {
		Cases []struct {
			Input string
			Valid bool
		}
	}
	vectors.Load(t, "pep508/requirements_invalid_candidates.json", &file)
	for _, c := range file.Cases {
		if r, err := pep508.ParseRequirement(c.Input); (err == nil) != c.Valid {
			t.Errorf("%q: %q, %v, want valid: %v", c.Input, r, err, c.Valid)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

// FuzzParseRequirement checks that the normal form is the same requirement.
func FuzzParseRequirement(f *testing.F) {
	for _, s := range []string{"a", " Flask[a,B_c] (>=2,<4,) ; python_version<'3.9' ", "x@https://e/x.zip ; os_name=='nt'", "a===b,c;", "a[", "a(>1", "a@@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := pep508.ParseRequirement(s)
		if err != nil {
			var syntax *pep508.SyntaxError
			if !errors.As(err, &syntax) || syntax.Start > syntax.End || syntax.End > len(s) || err.Error() == "" {
				t.Fatalf("%q: bad error %#v", s, err)
			}
			return
		}
		again, err := pep508.ParseRequirement(r.String())
		if err != nil || again.String() != r.String() || again.Name != r.Name || !slices.Equal(again.Extras, r.Extras) {
			t.Fatalf("%q: String %q, again %q, error %v", s, r, again, err)
		}
	})
}

func BenchmarkParseRequirement(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pep508.ParseRequirement(`flask[async]>=2,<4; python_version >= "3.9"`); err != nil {
			b.Fatal(err)
		}
	}
}
