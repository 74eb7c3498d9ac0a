package metadata

import (
	"fmt"
	"strings"
	"unicode"
)

// Script is an entry point that becomes a command.
type Script struct {
	Name     string // of the file in bin
	Module   string // dotted
	Function string // dotted, inside Module
}

// ParseEntryPoints reads the scripts of entry_points.txt: those of the groups
// console_scripts and gui_scripts, which differ on Windows only. Of several
// scripts with one name the last counts, and gui_scripts are last, as for pip
// and uv. Other groups are passed over; extras after a reference are ignored,
// as the specification has it.
//
// Errors name the script: a reference without function, or with characters that
// could not stand in a Python import; a name that is not a plain file name.
func ParseEntryPoints(data []byte) ([]Script, error) {
	groups := map[string][]Script{}
	group := ""
	text := strings.TrimPrefix(string(data), "\ufeff")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' && line[len(line)-1] == ']' {
			group = strings.TrimSpace(line[1 : len(line)-1])
			continue
		}
		if group != "console_scripts" && group != "gui_scripts" {
			continue
		}
		script, err := parseScript(line)
		if err != nil {
			return nil, fmt.Errorf("entry_points.txt: [%s] %w", group, err)
		}
		groups[group] = append(groups[group], script)
	}
	return lastOfEachName(append(groups["console_scripts"], groups["gui_scripts"]...)), nil
}

// parseScript reads "name = package.module:object.attribute [extra, …]".
func parseScript(line string) (Script, error) {
	name, reference, found := strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if !found {
		return Script{}, fmt.Errorf("%q has no value", name)
	}
	if reason := scriptNameProblem(name); reason != "" {
		return Script{}, fmt.Errorf("%q %s", name, reason)
	}
	reference = strings.TrimSpace(reference)
	object, extras, hasExtras := strings.Cut(reference, "[")
	module, function, _ := strings.Cut(object, ":")
	s := Script{Name: name, Module: strings.TrimSpace(module), Function: strings.TrimSpace(function)}
	if !isDotted(s.Module) || !isDotted(s.Function) || hasExtras && !strings.HasSuffix(extras, "]") {
		return Script{}, fmt.Errorf("%q has the value %q, which is not of the form module:function", name, reference)
	}
	return s, nil
}

// scriptNameProblem tells why a script's name cannot be a file name in bin.
func scriptNameProblem(name string) string {
	switch {
	case name == "":
		return "is an empty name"
	case name == "." || name == ".." || strings.ContainsAny(name, "/\\"):
		return "is not a file name in bin"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "contains a control character"
	case len(name) > 255:
		return "is longer than 255 bytes"
	}
	return ""
}

// isDotted tells whether s may stand in an import statement. As for uv it is
// enough that no character can end the statement: letters, digits, "_", "-", ".".
func isDotted(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

func lastOfEachName(scripts []Script) []Script {
	last := map[string]int{}
	for i, s := range scripts {
		last[s.Name] = i
	}
	var kept []Script
	for i, s := range scripts {
		if last[s.Name] == i {
			kept = append(kept, s)
		}
	}
	return kept
}
