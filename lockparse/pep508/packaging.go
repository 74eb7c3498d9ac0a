package pep508

import "github.com/imagespec/imagespec/lockparse/pep440"

// packagingTest gives the meaning of a comparison in the Packaging dialect:
// the table of the specification, version comparison first where the variable
// has one, and text comparison where that fails.
func (c *comparison) packagingTest() test {
	left, right := c.left.variable, c.right.variable
	switch {
	case left == literal && right == literal:
		return c.undefined("compares two strings")
	case left != literal && right != literal:
		return c.undefined("compares two variables")
	case left.isSet():
		return c.undefined(left.String() + ` can only be asked by "name" in ` + left.String())
	case right.isSet():
		return c.packagingMember()
	}
	known, value := left, c.right.text
	if left == literal {
		known, value = right, c.left.text
	}
	t := c.packagingText(known, value)
	if !known.packagingVersion() {
		return t
	}
	if left == literal {
		return versionLeft{literal: value, op: c.op, variable: known, fallback: t}
	}
	specifier, err := pep440.ParseSpecifier(string(c.op) + value)
	if err != nil {
		return t
	}
	return version{known, specifier}
}

// packagingMember gives the meaning of "name" in extras. A set has no other
// operators: it is unequal to any name.
func (c *comparison) packagingMember() test {
	switch c.op {
	case opIn, opNotIn:
		return member{set: c.right.variable, name: c.left.text, absent: c.op == opNotIn}
	case opCompatible, opArbitrary:
		return c.undefined(string(c.op) + " is undefined for " + c.right.variable.String())
	}
	return constant(c.op == opNotEqual)
}

// packagingText gives the meaning of a comparison of text.
func (c *comparison) packagingText(known variable, value string) test {
	if c.op == opCompatible || c.op == opArbitrary {
		return c.undefined(string(c.op) + " is undefined for text")
	}
	return text{variable: known, op: c.op, literal: value, reversed: c.left.variable == literal}
}

// packagingVersion says whether pypa/packaging tries to compare the variable
// as a version.
func (v variable) packagingVersion() bool {
	switch v {
	case pythonVersion, pythonFullVersion, implementationVersion, platformRelease:
		return true
	}
	return false
}

func (c *comparison) undefined(msg string) test {
	return undefined{&UndefinedError{Comparison: c.String(), Msg: msg}}
}
