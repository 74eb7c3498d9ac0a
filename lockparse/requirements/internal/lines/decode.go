package lines

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/imagespec/imagespec/internal/diag"
)

// Split gives the lines of a file, and the file as messages show it: as
// UTF-8, and with the lines that pip counts. The encoding is that of a byte
// order mark, else the one declared as in Python sources (PEP 263), else
// UTF-8. pip would fall back on the encoding of the machine that it runs on.
func Split(src *diag.Source) ([]string, *diag.Source, error) {
	text, err := decodeText(src.Data)
	if err != nil {
		return nil, src, err
	}
	lines := splitLines(text)
	shown := text
	if newlines := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1; len(lines) > newlines {
		shown = strings.Join(lines, "\n")
	}
	if shown != string(src.Data) {
		src = &diag.Source{Name: src.Name, Data: []byte(shown)}
	}
	return lines, src, nil
}

func decodeText(data []byte) (string, error) {
	// The mark of UTF-16 begins that of UTF-32.
	for _, mark := range []struct {
		bytes  string
		decode func([]byte) (string, error)
	}{
		{"\xef\xbb\xbf", decodeUTF8},
		{"\xff\xfe\x00\x00", utf32(binary.LittleEndian)},
		{"\x00\x00\xfe\xff", utf32(binary.BigEndian)},
		{"\xff\xfe", utf16Of(binary.LittleEndian)},
		{"\xfe\xff", utf16Of(binary.BigEndian)},
	} {
		if rest, ok := bytes.CutPrefix(data, []byte(mark.bytes)); ok {
			return mark.decode(rest)
		}
	}
	name := declaredEncoding(data)
	switch simplify(name) {
	case "", "utf8", "u8", "utf", "utf8sig", "ascii", "usascii", "646":
		return decodeUTF8(data)
	}
	table := singleByte(name)
	if table == nil {
		return "", fmt.Errorf("the encoding %q is not supported, save the file as UTF-8", name)
	}
	text, err := table.NewDecoder().Bytes(data)
	if err == nil && bytes.ContainsRune(text, utf8.RuneError) {
		err = fmt.Errorf("the file is not in the encoding %q that it declares", name)
	}
	return string(text), err
}

// declaredEncoding gives the name after "coding:" or "coding=" in a comment of
// the first two lines.
func declaredEncoding(data []byte) string {
	for _, line := range bytes.SplitN(data, []byte("\n"), 3)[:min(2, bytes.Count(data, []byte("\n"))+1)] {
		if !bytes.HasPrefix(line, []byte("#")) {
			continue
		}
		for rest := string(line); ; {
			_, after, ok := strings.Cut(rest, "coding")
			if !ok {
				break
			}
			rest = after
			if !strings.HasPrefix(after, ":") && !strings.HasPrefix(after, "=") {
				continue
			}
			name := strings.TrimLeft(after[1:], " \t\n\r\f\v")
			if end := strings.IndexFunc(name, notInEncodingName); end >= 0 {
				name = name[:end]
			}
			if name != "" {
				return name
			}
		}
	}
	return ""
}

func notInEncodingName(r rune) bool {
	return r != '-' && r != '_' && r != '.' && !('0' <= r && r <= '9') && !('a' <= r|0x20 && r|0x20 <= 'z')
}

// singleByte finds an encoding with one byte for each character by one of its
// names in Python.
func singleByte(name string) *charmap.Charmap {
	name = simplify(name)
	for _, prefix := range [][2]string{
		{"latin1", "iso88591"},
		{"latin2", "iso88592"},
		{"latin9", "iso885915"},
		{"l1", "iso88591"},
		{"8859", "iso88591"},
		{"macroman", "macintosh"},
	} {
		if name == prefix[0] {
			name = prefix[1]
		}
	}
	if digits, ok := strings.CutPrefix(name, "cp"); ok {
		name = "ibmcodepage" + digits
		if strings.HasPrefix(digits, "125") {
			name = "windows" + digits
		}
	}
	for _, table := range charmap.All {
		if table, ok := table.(*charmap.Charmap); ok && simplify(table.String()) == name {
			return table
		}
	}
	return nil
}

// simplify gives the letters and digits of an encoding's name in lower case.
func simplify(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

func decodeUTF8(data []byte) (string, error) {
	if !utf8.Valid(data) {
		return "", fmt.Errorf("the file is not UTF-8, save it as that or declare its encoding in the first line, as in %q", "# -*- coding: latin-1 -*-")
	}
	return string(data), nil
}

func utf16Of(order binary.ByteOrder) func([]byte) (string, error) {
	return func(data []byte) (string, error) {
		if len(data)%2 != 0 {
			return "", fmt.Errorf("the file is cut within a character of UTF-16")
		}
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = order.Uint16(data[2*i:])
		}
		return string(utf16.Decode(units)), nil
	}
}

func utf32(order binary.ByteOrder) func([]byte) (string, error) {
	return func(data []byte) (string, error) {
		if len(data)%4 != 0 {
			return "", fmt.Errorf("the file is cut within a character of UTF-32")
		}
		var b strings.Builder
		for ; len(data) > 0; data = data[4:] {
			b.WriteRune(rune(order.Uint32(data) & 0x7fffffff))
		}
		return b.String(), nil
	}
}

// splitLines cuts a text at every end of line that Python's str.splitlines
// knows.
func splitLines(text string) []string {
	var lines []string
	for text != "" {
		end := strings.IndexFunc(text, endsLine)
		if end < 0 {
			return append(lines, text)
		}
		lines = append(lines, text[:end])
		if strings.HasPrefix(text[end:], "\r\n") {
			end++
		}
		_, size := utf8.DecodeRuneInString(text[end:])
		text = text[end+size:]
	}
	return lines
}

func endsLine(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, '\u2028', '\u2029':
		return true
	}
	return false
}
