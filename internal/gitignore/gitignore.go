// Package gitignore reads .gitignore files as patterns of .dockerignore, which
// is what BuildKit leaves files out by.
package gitignore

import (
	"bufio"
	"bytes"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
)

// Patterns turns the lines of the .gitignore of a folder into patterns of
// .dockerignore (gitignore(5)). Those for directories alone leave out files of
// the name, too.
func Patterns(dir string, data []byte) []string {
	var patterns []string
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), " \t\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line, negated := strings.CutPrefix(line, "!")
		line = strings.ReplaceAll(strings.TrimSuffix(line, "/"), "[!", "[^")
		if line == "" {
			continue
		}
		anchored := strings.Contains(line, "/")
		line = strings.TrimPrefix(line, "/")
		if !anchored {
			line = path.Join("**", line)
		}
		pattern := path.Join(dir, line)
		if negated {
			pattern = "!" + pattern
		}
		if _, err := patternmatcher.New([]string{pattern}); err == nil { // as git, which has no message for a bad one
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}
