package wheelinstall

import (
	"strconv"
	"strings"

	"github.com/imagespec/imagespec/internal/venv"
	"github.com/imagespec/imagespec/internal/wheelinstall/metadata"
)

// maxShebang is how long the first line of a script may be, with "#!" and line
// end, so that every Linux reads all of it.
const maxShebang = 127

// shebang gives the first lines of a script that the interpreter runs. Where
// the kernel could not take its path, because of length or a blank, the script
// is started by a shell: to Python the second and third line are one string.
func shebang(interpreter string) string {
	if len("#!")+len(interpreter)+len("\n") <= maxShebang && !strings.Contains(interpreter, " ") {
		return "#!" + interpreter + "\n"
	}
	quoted := "'" + strings.ReplaceAll(interpreter, "'", `'"'"'`) + "'"
	return "#!/bin/sh\n'''exec' " + quoted + " \"$0\" \"$@\"\n' '''\n"
}

// launcher gives the text of a command for an entry point, the same as uv's.
func launcher(s metadata.Script, interpreter string) []byte {
	imported, _, _ := strings.Cut(s.Function, ".")
	return []byte(shebang(interpreter) +
		"# -*- coding: utf-8 -*-\n" +
		"import sys\n" +
		"from " + s.Module + " import " + imported + "\n" +
		"if __name__ == \"__main__\":\n" +
		"    if sys.argv[0].endswith(\"-script.pyw\"):\n" +
		"        sys.argv[0] = sys.argv[0][:-11]\n" +
		"    elif sys.argv[0].endswith(\".exe\"):\n" +
		"        sys.argv[0] = sys.argv[0][:-4]\n" +
		"    sys.exit(" + s.Function + "())\n")
}

// versionedPip replaces pip's launcher pip3.N, made for the Python that built
// the wheel, by one for the Python at hand. Newer wheels have pip3 alone.
func versionedPip(scripts []metadata.Script, python venv.Python) []metadata.Script {
	var kept []metadata.Script
	for _, s := range scripts {
		if minor, ok := strings.CutPrefix(s.Name, "pip3."); ok {
			if _, err := strconv.ParseUint(minor, 10, 8); err == nil {
				continue
			}
		}
		kept = append(kept, s)
		if s.Name == "pip3" {
			s.Name = "pip3." + strconv.Itoa(python.Minor)
			kept = append(kept, s)
		}
	}
	return kept
}

// isInterpreterName tells whether a file of that name in bin would stand in the
// place of an interpreter. The list is uv's; case and a suffix .exe or .py do
// not matter, so that a wheel is good or bad on every system alike.
func isInterpreterName(name string) bool {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".exe"), ".py")
	switch name {
	case "python", "pythonw", "python3", "graalpy", "pypy", "pypy2", "pypy3":
		return true
	}
	minor, versioned := strings.CutPrefix(name, "python3.")
	threads := false
	if !versioned {
		minor, versioned = strings.CutPrefix(name, "pythonw3.")
		minor, threads = strings.CutSuffix(minor, "t")
		versioned = versioned && threads
	}
	_, err := strconv.ParseUint(strings.TrimSuffix(minor, "t"), 10, 8)
	return versioned && err == nil
}

// isSetuptoolsScript tells whether a file in .data/scripts is one that
// setuptools makes for an entry point, for which there is a launcher.
func isSetuptoolsScript(base string, launchers map[string]bool) bool {
	for _, suffix := range []string{".exe", "-script.py", ".pya"} {
		if name, ok := strings.CutSuffix(base, suffix); ok {
			return launchers[name]
		}
	}
	return launchers[base]
}
