package unpack

import (
	"regexp"
	"strings"
)

var (
	// built is the prefix that the archives are built for, as a word of its own.
	built = regexp.MustCompile(`(^|[\s'"=:,])/install(/|[\s'":,]|$)`)
	// sysroot names a directory of the machine that they were built on.
	sysroot = regexp.MustCompile(` ?-isysroot[ =]?[^\s'"]+`)
	// variable is the start of an entry of build_time_vars.
	variable = regexp.MustCompile(`^[ {]*(?:build_time_vars = \{)?'(\w+)':`)
	// compiler and compilerXX are how that machine called its C and C++ compilers.
	compiler   = regexp.MustCompile(`(^|[\s'"])(?:musl-clang|clang|/usr/bin/[\w-]+-gcc)([\s'"]|$)`)
	compilerXX = regexp.MustCompile(`(^|[\s'"])(?:musl-clang|clang|/usr/bin/[\w-]+-g)\+\+([\s'"]|$)`)
)

// patchSysconfig rewrites _sysconfigdata_*.py, which is one dictionary, printed
// with a variable or a piece of a long one in each line.
func patchSysconfig(data []byte, prefix string) []byte {
	name := ""
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if m := variable.FindStringSubmatch(line); m != nil {
			name = m[1]
		}
		for { // words that touch share the blank between them
			next := built.ReplaceAllString(line, "${1}"+strings.ReplaceAll(prefix, "$", "$$")+"${2}")
			if next == line {
				break
			}
			line = next
		}
		line = sysroot.ReplaceAllString(line, "")
		switch name {
		case "CC", "CXX", "LINKCC", "BLDSHARED", "LDSHARED", "LDCXXSHARED":
			line = compilerXX.ReplaceAllString(line, "${1}c++${2}")
			line = compiler.ReplaceAllString(line, "${1}cc${2}")
		case "AR":
			line = strings.Replace(line, "'/tools/llvm/bin/llvm-ar'", "'ar'", 1)
		}
		lines[i] = line
	}
	text := strings.Join(lines, "\n")
	return []byte(strings.Replace(text, "build_time_vars = {", "build_time_vars = {'PYTHON_BUILD_STANDALONE': 1,\n ", 1))
}
