package pep508

import (
	"strings"

	"github.com/imagespec/imagespec/lockparse/pep440"
)

// uvTest gives the meaning of a comparison in the UV dialect; nil for one
// that makes no sense, which uv ignores. The message is for what uv refuses
// to parse.
func (c *comparison) uvTest() (t test, msg string) {
	left, right := c.left.variable, c.right.variable
	switch {
	case c.op == opArbitrary:
		return nil, "uv has no operator ==="
	case left.isSet():
		return nil, left.String() + " must be on the right of in or not in"
	case left != literal && right != literal, left == literal && right == literal:
		return nil, ""
	case right.isSet() && c.op != opIn && c.op != opNotIn:
		return nil, right.String() + " can only be compared by in or not in"
	case right.isSet():
		return member{set: right, name: c.left.text, absent: c.op == opNotIn}, ""
	case left != literal:
		return uvCompare(left, c.op, c.right.text, false), ""
	}
	return uvCompare(right, c.op, c.left.text, true), ""
}

// uvCompare compares a variable with a string, which is the left operand if
// reversed.
func uvCompare(v variable, op operator, value string, reversed bool) test {
	switch v {
	case extra:
		return uvExtra(op, value)
	case pythonVersion, pythonFullVersion, implementationVersion:
		return uvVersion(v, op, value, reversed)
	}
	if op == opCompatible {
		return nil
	}
	if op == opIn || op == opNotIn {
		return text{variable: v, op: op, literal: value, reversed: reversed}
	}
	if reversed {
		op = op.invert()
	}
	if v == platformRelease || v == platformVersion {
		if op != opEqual && op != opNotEqual {
			return textOrder{variable: v, op: op, literal: value}
		}
	}
	if platform := uvSysPlatform(value); v == platformSystem && platform != "" {
		v, value = sysPlatform, platform
	}
	return text{variable: v, op: op, literal: value}
}

// uvSysPlatform gives the sys_platform of the systems for which uv takes
// platform_system as another spelling of it.
func uvSysPlatform(system string) string {
	switch system {
	case "Windows":
		return "win32"
	case "Darwin", "Linux", "AIX", "Emscripten", "Android":
		return strings.ToLower(system)
	}
	return ""
}

// uvExtra compares the set of extras with a name. What is no name is in no
// set, whichever way the question is put.
func uvExtra(op operator, name string) test {
	switch {
	case op != opEqual && op != opNotEqual:
		return nil
	case !ValidName(name):
		return constant(false)
	}
	return member{set: extras, name: name, absent: op == opNotEqual}
}

// uvVersion compares release numbers: those of the literal, which may be a
// prefix such as "3.9.*" unless reversed, or those of a list.
func uvVersion(v variable, op operator, value string, reversed bool) test {
	if op == opIn || op == opNotIn {
		return uvVersionList(v, op, value, reversed)
	}
	plain := value
	if reversed {
		op = op.invert()
	} else {
		plain = strings.TrimSuffix(value, ".*")
	}
	parsed, err := pep440.Parse(plain)
	if err != nil {
		return nil
	}
	if v == pythonVersion && op == opNotEqual && plain != value && beyondMinor(parsed) {
		return constant(false) // as uv has it, though the opposite holds
	}
	specifier, err := pep440.ParseSpecifier(string(op) + value)
	if err != nil {
		return nil
	}
	return release{v, specifier.OnlyReleases()}
}

// beyondMinor says whether a version has more than two numbers that count, so
// that no python_version equals it.
func beyondMinor(v pep440.Version) bool { return v.OnlyRelease().Compare(v.Truncate(2)) != 0 }

// uvVersionList compares with versions between white space. If one of them
// cannot be a python_version, uv takes "in" and "not in" for false.
func uvVersionList(v variable, op operator, value string, reversed bool) test {
	if reversed {
		return nil
	}
	var list []pep440.Version
	impossible := false
	for _, field := range strings.Fields(value) {
		w, err := pep440.Parse(field)
		if err != nil {
			return nil
		}
		impossible = impossible || v == pythonVersion && beyondMinor(w)
		list = append(list, w.OnlyRelease())
	}
	if impossible {
		return constant(false)
	}
	return releaseIn{variable: v, list: list, absent: op == opNotIn}
}
