package gitignore

import (
	"slices"
	"testing"

	"github.com/moby/patternmatcher"
)

// TestPatterns: the cases are those of gitignore(5), with what git says.
func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		dir, lines    string
		ignored, kept []string
	}{
		{".", "*.log\n", []string{"a.log", "x/y/a.log"}, []string{"a.log.txt"}},
		{".", "# comment\n\n\\#a\n", []string{"#a"}, []string{"comment", "# comment"}},
		{".", "/build\n", []string{"build/a"}, []string{"x/build/a"}},
		{".", "build/\n", []string{"build/a", "x/build/a"}, []string{"builds"}},
		{".", "doc/*.txt\n", []string{"doc/a.txt"}, []string{"doc/x/a.txt", "x/doc/a.txt"}},
		{".", "**/foo\na/**/b\n", []string{"foo", "x/foo", "a/b", "a/x/y/b"}, []string{"x/a/b"}},
		{".", "*.log\n!keep.log\n", []string{"a.log"}, []string{"keep.log", "x/keep.log"}},
		{".", "[!a]x\n", []string{"bx"}, []string{"ax"}},
		{"src", "*.log\n/out \n", []string{"src/a.log", "src/x/a.log", "src/out/a"}, []string{"a.log", "src/x/out/a"}},
	} {
		matcher, err := patternmatcher.New(Patterns(test.dir, []byte(test.lines)))
		if err != nil {
			t.Errorf("%q: %v", test.lines, err)
			continue
		}
		for _, name := range slices.Concat(test.ignored, test.kept) {
			got, err := matcher.MatchesOrParentMatches(name)
			if want := slices.Contains(test.ignored, name); err != nil || got != want {
				t.Errorf("%q in %s: %s ignored is %v, want %v (%v)", test.lines, test.dir, name, got, want, err)
			}
		}
	}
}

func FuzzPatterns(f *testing.F) {
	f.Add("*.log\n!/keep/[!a]\\ \n")
	f.Fuzz(func(t *testing.T, lines string) {
		if patterns := Patterns("src", []byte(lines)); len(patterns) > 0 {
			if _, err := patternmatcher.New(patterns); err != nil {
				t.Errorf("%q gives %q: %v", lines, patterns, err)
			}
		}
	})
}
