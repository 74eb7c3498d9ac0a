package pep508

import (
	"strings"

	"github.com/imagespec/imagespec/lockparse/pep440"
)

// poetryTest gives the meaning of a comparison in the Poetry dialect: that of
// Packaging, but for extras and lists.
func (c *comparison) poetryTest() test {
	value := c.right.text
	switch known := c.left.variable; {
	case known == literal || c.right.variable != literal:
	case known == extra && (c.op == opEqual || c.op == opNotEqual):
		return member{set: extras, name: value, absent: c.op == opNotEqual}
	case c.op == opIn || c.op == opNotIn:
		return poetryList(known, value, c.op == opNotIn)
	}
	return c.packagingTest()
}

// poetryList compares with values between blanks, commas or bars. Of a
// version with one or two numbers only these count.
func poetryList(v variable, value string, absent bool) test {
	t := listed{absent: absent}
	for _, item := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" ,|", r) }) {
		var equal test = text{variable: v, op: opEqual, literal: item}
		if v == pythonVersion || v == pythonFullVersion {
			prefix := item
			if strings.Count(item, ".") < 2 {
				prefix += ".*"
			}
			if specifier, err := pep440.ParseSpecifier("==" + prefix); err == nil {
				equal = version{v, specifier}
			}
		}
		t.items = append(t.items, equal)
	}
	return t
}

// listed asks whether one of several comparisons holds.
type listed struct {
	items  []test
	absent bool // none must hold
}

func (t listed) holds(env *Env, name string) (bool, error) {
	for _, item := range t.items {
		if ok, err := item.holds(env, name); ok || err != nil {
			return !t.absent, err
		}
	}
	return t.absent, nil
}
