package flytekit

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/imagespec/imagespec/internal/diag"
)

// formatWith is Python's format.format(spec_hash=hash), for a string.
func formatWith(format, hash string) (string, error) {
	var b strings.Builder
	for format != "" {
		i := strings.IndexAny(format, "{}")
		if i < 0 {
			b.WriteString(format)
			break
		}
		b.WriteString(format[:i])
		brace := format[i]
		format = format[i+1:]
		switch {
		case format != "" && format[0] == brace: // doubled, it stands for itself
			b.WriteByte(brace)
			format = format[1:]
			continue
		case brace == '}':
			return "", errors.New(`it has a single "}"`)
		}
		end := strings.IndexAny(format, "{}")
		if end < 0 || format[end] == '{' {
			return "", errors.New(`a "{" has no "}" of its own`)
		}
		text, err := replacement(format[:end], hash)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		format = format[end+1:]
	}
	return b.String(), nil
}

var (
	fieldPattern = regexp.MustCompile(`^([^!:\[.]*)(\[[0-9]+\])?(![sra])?(:.*)?$`)
	// [[fill]align][0][width][.precision][s]
	specPattern = regexp.MustCompile(`^(?:(.)?([<>^]))?(0)?([0-9]{1,4})?(?:\.([0-9]{1,9}))?s?$`)
)

// replacement is what a field between braces stands for. Python knows more
// than the name, one character of it, a conversion and a format; of a hash
// nobody needs that.
func replacement(field, hash string) (string, error) {
	m := fieldPattern.FindStringSubmatch(field)
	if m == nil {
		return "", fmt.Errorf("{%s} cannot be read", field)
	}
	name, index, conversion, spec := m[1], m[2], m[3], m[4]
	if name != "spec_hash" {
		return "", fmt.Errorf("{%s} is unknown; %s", name, diag.Suggest(name, []string{"spec_hash"}))
	}
	if index != "" {
		i, err := strconv.Atoi(strings.Trim(index, "[]"))
		if err != nil || i >= len(hash) {
			return "", fmt.Errorf("the hash has no character %s", index)
		}
		hash = hash[i : i+1]
	}
	if conversion == "!r" || conversion == "!a" {
		hash = str(hash).repr()
	}
	return pad(hash, strings.TrimPrefix(spec, ":"))
}

// pad applies a format specification to ASCII text.
func pad(text, spec string) (string, error) {
	m := specPattern.FindStringSubmatch(spec)
	if m == nil {
		return "", fmt.Errorf("%q is no format of a string", spec)
	}
	fill, align, zero := m[1], m[2], m[3]
	width, _ := strconv.Atoi(m[4]) // 0 where there is none
	if m[5] != "" {
		precision, _ := strconv.Atoi(m[5])
		text = text[:min(precision, len(text))]
	}
	if fill == "" {
		fill = " "
		if zero != "" && align == "" {
			fill = "0"
		}
	}
	missing := max(width-utf8.RuneCountInString(text), 0)
	left := 0
	switch align {
	case ">":
		left = missing
	case "^":
		left = missing / 2
	}
	return strings.Repeat(fill, left) + text + strings.Repeat(fill, missing-left), nil
}
