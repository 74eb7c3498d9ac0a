package constraint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse/pep440"
)

// TestConstraints compares with the answers of poetry-core, which
// testdata/constraints.py asks for. Its one difference cannot decide anything:
// poetry-core takes "!=1.2.3" to admit 1.2.3.post1, as PEP 440 does, but not
// beside another clause, so that no lock has the version there.
func TestConstraints(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "constraints.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Versions    []string
		Constraints []struct {
			Constraint, Error string
			Allows            []string
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, want := range golden.Constraints {
		c, err := Parse(want.Constraint)
		if (err != nil) != (want.Error != "") {
			t.Errorf("%q: error %v, poetry-core has %q", want.Constraint, err, want.Error)
			continue
		}
		for _, version := range golden.Versions {
			v, verr := pep440.Parse(version)
			if verr != nil {
				t.Fatal(verr)
			}
			odd := version == "1.2.3.post1" && strings.Contains(want.Constraint, ",") && strings.Contains(want.Constraint, "!=1.2.3")
			if got := c.Allows(v); err == nil && !odd && got != slices.Contains(want.Allows, version) {
				t.Errorf("%q allows %s: %v", want.Constraint, version, got)
			}
		}
	}
}

func TestConstraintErrors(t *testing.T) {
	for text, want := range map[string]string{
		"^1.x":                  `version constraint "^1.x": version "1.x": expected a number before "x"`,
		"^1.2.*":                `version constraint "^1.2.*": "^" cannot have a wildcard`,
		"==1.2rc1.*":            `version constraint "==1.2rc1.*": "1.2rc1" cannot have a wildcard`,
		"~18446744073709551615": `version constraint "~18446744073709551615": a number of "18446744073709551615" is too large`,
		">=1 ||":                `version constraint ">=1 ||": version "": expected a number at the end`,
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
	if _, err := Parse(">=1" + string(make([]byte, maxText))); err == nil {
		t.Error("a constraint of any length is read")
	}
}

func TestPythonConstraint(t *testing.T) {
	for text, want := range map[string]bool{
		"3.8": true, "==3.8": true, "3.8.0": false, "!=3.8": true, "3.7 || 3.8": true, "<=3.8": false, "~3.8": true, "^3.6,<3.8": false,
	} {
		c, err := ParsePython(text)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := pep440.Parse("3.8.5")
		if c.Allows(v) != want {
			t.Errorf("%q allows 3.8.5: %v", text, !want)
		}
	}
}

// FuzzConstraint reads any text. What it admits must not depend on spaces
// around it, and "*" as an alternative admits everything.
func FuzzConstraint(f *testing.F) {
	for _, text := range []string{"*", "^1.2 || ~2.0", ">=1,<2,!=1.2.*", "~=1!2.3rc1", "> 1.0.post1 <2+cpu", "V*.X"} {
		f.Add(text, "1.2.3")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		v, err := pep440.Parse(version)
		if err != nil {
			return
		}
		c, err := Parse(text)
		if err != nil {
			return
		}
		if spaced, err := Parse("  " + text + " "); err != nil || spaced.Allows(v) != c.Allows(v) {
			t.Errorf("%q with spaces: %v", text, err)
		}
		if any, err := Parse(text + "||*"); err != nil || !any.Allows(v) {
			t.Errorf("%q or anything: %v", text, err)
		}
	})
}
