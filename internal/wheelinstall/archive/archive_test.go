package archive

import (
	"archive/zip"
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// read opens an archive and reads all of it. It gives the names with their
// content, or what is wrong, one a line.
func read(data []byte) (files map[string]string, problems string) {
	a, found := Read(bytes.NewReader(data), int64(len(data)))
	var lines []string
	for _, p := range found {
		lines = append(lines, p.Error())
	}
	if a == nil {
		return nil, strings.Join(lines, "\n")
	}
	files = map[string]string{}
	for _, e := range a.Entries {
		content, err := e.ReadAll(1 << 20)
		if err != nil {
			lines = append(lines, err.Error())
			continue
		}
		files[e.Name] = string(content)
	}
	return files, strings.Join(lines, "\n")
}

func TestRead(t *testing.T) {
	var descriptors bytes.Buffer // as Go and many wheel builders write: sizes after the data
	w := zip.NewWriter(&descriptors)
	for _, name := range []string{"a.py", "b.py"} {
		f, _ := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Unix(1e9, 0)})
		f.Write([]byte("content of " + name))
	}
	w.Close()
	cases := map[string]struct {
		archive []byte
		want    map[string]string
	}{
		"nothing":               {zipOf(), map[string]string{}},
		"stored":                {zipOf(member{name: "six.py", data: "x"}), map[string]string{"six.py": "x"}},
		"deflated":              {zipOf(member{name: "six.py", data: "xxxxxxxx", deflate: true}), map[string]string{"six.py": "xxxxxxxx"}},
		"empty file":            {zipOf(member{name: "py.typed"}), map[string]string{"py.typed": ""}},
		"data descriptors":      {descriptors.Bytes(), map[string]string{"a.py": "content of a.py", "b.py": "content of b.py"}},
		"directories":           {zipOf(member{name: "pkg/", mode: 0o40755}, member{name: "pkg/a.py", data: "a"}), map[string]string{"pkg/a.py": "a"}},
		"directory by mode":     {zipOf(member{name: "pkg", mode: 0o40755}, member{name: "pkg/a.py", data: "a"}), map[string]string{"pkg/a.py": "a"}},
		"names that need clean": {zipOf(member{name: "./pkg//a.py", data: "a"}), map[string]string{"pkg/a.py": "a"}},
		"names beyond ASCII":    {zipOf(member{name: "überall/日本.txt", data: "a", flags: 1 << 11}), map[string]string{"überall/日本.txt": "a"}},
		"a name with blanks":    {zipOf(member{name: "script (dev).tmpl", data: "a"}), map[string]string{"script (dev).tmpl": "a"}},
		"case only":             {zipOf(member{name: "A.py", data: "A"}, member{name: "a.py", data: "a"}), map[string]string{"A.py": "A", "a.py": "a"}},
		"twice the same":        {zipOf(member{name: "a.py", data: "a"}, member{name: "a.py", data: "a", deflate: true}), map[string]string{"a.py": "a"}},
		"bytes before it":       {append([]byte("#!/bin/sh\nexit\n"), zipOf(member{name: "a.py", data: "a"})...), map[string]string{"a.py": "a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, problems := read(c.archive)
			if problems != "" {
				t.Fatal(problems)
			}
			if len(got) != len(c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for name, content := range c.want {
				if got[name] != content {
					t.Errorf("%s: got %q, want %q", name, got[name], content)
				}
			}
		})
	}
}

// TestAttributes: what is executable and what is a link.
func TestAttributes(t *testing.T) {
	cases := []struct {
		mode             uint32
		executable, link bool
	}{
		{0, false, false}, // made on Windows
		{0o100644, false, false},
		{0o100755, true, false},
		{0o100654, true, false}, // for the group alone
		{0o755, true, false},    // without a type, as protobuf's wheels have it
		{0o120777, false, true},
	}
	for _, c := range cases {
		data := zipOf(member{name: "tool", data: "x", mode: c.mode})
		a, problems := Read(bytes.NewReader(data), int64(len(data)))
		if problems != nil {
			t.Fatal(problems)
		}
		if e := a.Entries[0]; e.Executable != c.executable || e.Link != c.link {
			t.Errorf("mode %#o: executable %v, link %v, want %v, %v", c.mode, e.Executable, e.Link, c.executable, c.link)
		}
	}
}

// TestHostile: each bad archive with all that is said about it.
func TestHostile(t *testing.T) {
	good := zipOf(member{name: "six.py", data: "import sys", deflate: true})
	const almost4GiB = 1<<32 - 2
	cases := map[string]struct {
		archive []byte
		want    string
	}{
		"empty file":        {nil, `is not a zip archive, or a truncated one`},
		"no zip":            {[]byte("<html>404 Not Found</html>"), `is not a zip archive, or a truncated one`},
		"end cut off":       {good[:len(good)-8], `is not a zip archive, or a truncated one`},
		"start cut off":     {good[20:], `"six.py": has no header before its data`},
		"absolute":          {zipOf(member{name: "/etc/passwd"}), `"/etc/passwd": is an absolute path`},
		"climbs":            {zipOf(member{name: "../six.py"}), `"../six.py": leads out of its directory (..)`},
		"climbs and falls":  {zipOf(member{name: "pkg/../six.py"}), `"pkg/../six.py": leads out of its directory (..)`},
		"directory climbs":  {zipOf(member{name: "../pkg/"}), `"../pkg/": leads out of its directory (..)`},
		"backslash":         {zipOf(member{name: `pkg\six.py`}), `"pkg\\six.py": has a backslash in its name`},
		"drive":             {zipOf(member{name: "C:six.py"}), `"C:six.py": has a drive letter`},
		"control character": {zipOf(member{name: "six\n.py"}), `"six\n.py": has a control character in its name`},
		"NUL":               {zipOf(member{name: "six.py\x00.txt"}), `"six.py\x00.txt": has a control character in its name`},
		"delete":            {zipOf(member{name: "six\x7f.py"}), `"six\x7f.py": has a control character in its name`},
		"not UTF-8":         {zipOf(member{name: "six\xff.py"}), `"six\xff.py": has a name that is not UTF-8`},
		"no name":           {zipOf(member{name: ""}), `is an empty name`},
		"dot":               {zipOf(member{name: "./"}), `"./": is an empty name`},
		"long name":         {zipOf(member{name: strings.Repeat("x", 256)}), `"` + strings.Repeat("x", 256) + `": has a name longer than 255 bytes`},
		"encrypted":         {zipOf(member{name: "six.py", flags: 1}), `"six.py": is encrypted`},
		"strong encryption": {zipOf(member{name: "six.py", flags: 1 << 6}), `"six.py": is encrypted`},
		"bzip2":             {zipOf(member{name: "six.py", method: 12}), `"six.py": is compressed by method 12 (bzip2), wheels use deflate`},
		"LZMA":              {zipOf(member{name: "six.py", method: 14}), `"six.py": is compressed by method 14 (LZMA), wheels use deflate`},
		"zstd":              {zipOf(member{name: "six.py", method: 93}), `"six.py": is compressed by method 93 (zstd), wheels use deflate`},
		"method 77":         {zipOf(member{name: "six.py", method: 77}), `"six.py": is compressed by method 77 (unknown), wheels use deflate`},
		"device":            {zipOf(member{name: "null", mode: 0o020666}), `"null": is neither a file nor a directory (mode 020666)`},
		"pipe":              {zipOf(member{name: "pipe", mode: 0o010666}), `"pipe": is neither a file nor a directory (mode 010666)`},
		"stored sizes":      {zipOf(member{name: "six.py", data: "x", size: 2}), `"six.py": is stored, yet its sizes differ (1 and 2)`},
		"twice": {
			zipOf(member{name: "six.py", data: "good"}, member{name: "six.py", data: "evil"}),
			`"six.py": is there twice, with different content`,
		},
		"twice after cleaning": {
			zipOf(member{name: "pkg/six.py", data: "good"}, member{name: "pkg/./six.py", data: "evil"}),
			`"pkg/./six.py": is there twice, with different content`,
		},
		"twice with other modes": {
			zipOf(member{name: "six.py", mode: 0o100644}, member{name: "six.py", mode: 0o100755}),
			`"six.py": is there twice, with different content`,
		},
		"file and directory": {
			zipOf(member{name: "pkg", data: "x"}, member{name: "pkg/six.py"}),
			`"pkg/six.py": lies in "pkg", which is a file`,
		},
		"one data for two": {
			zipOf(member{name: "a.py", data: "x"}, member{name: "a.py", data: "x", sameAs: true}),
			`"a.py": overlaps with "a.py"`,
		},
		"overlapping data": {
			zipOf(member{name: "a", data: "x", packed: 40, size: 40}, member{name: "b", data: strings.Repeat("y", 50)}),
			`"b": overlaps with "a"`,
		},
		"data beyond the end": {zipOf(member{name: "a", data: "x", deflate: true, packed: 1 << 20}), `"a": has data beyond the end of the archive`},
		"two names": {
			zipOf(member{name: "six.py", localName: "sex.py"}),
			`"six.py": has another name in the header before its data`,
		},
		"hidden entry": {
			zipOf(member{name: "a", data: "x"}, member{name: "evil.py", data: "y", hidden: true}, member{name: "b"}),
			`"b": follows 38 bytes that the archive's directory does not list`,
		},
		"hidden bytes": {
			zipOf(member{name: "a", data: "x"}, member{name: "b", gap: strings.Repeat("z", 1<<18)}),
			`"b": follows 262144 bytes that the archive's directory does not list`,
		},
		"too much": {zipOf(slicesOf(17, member{data: "x", deflate: true, size: almost4GiB})...), `unpacks to more than 68719476736 bytes`},
		"all at once": {
			zipOf(member{name: "/a"}, member{name: "b", flags: 1}, member{name: "c"}),
			"\"/a\": is an absolute path\n\"b\": is encrypted",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, got := read(c.archive); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// slicesOf repeats a member under the names a, b, c…
func slicesOf(n int, m member) []member {
	members := make([]member, n)
	for i := range members {
		members[i] = m
		members[i].name = string(rune('a' + i))
	}
	return members
}

// TestHostileContent: what shows only when an entry is read.
func TestHostileContent(t *testing.T) {
	cases := map[string]struct {
		member member
		want   string
	}{
		"CRC":          {member{name: "a", data: "content", deflate: true, crc: 1}, `"a": has a CRC-32 other than declared`},
		"stored CRC":   {member{name: "a", data: "content", crc: 1}, `"a": has a CRC-32 other than declared`},
		"too short":    {member{name: "a", data: "content", deflate: true, size: 8}, `"a": ends before its declared length`},
		"too long":     {member{name: "a", data: "content", deflate: true, size: 6}, `"a": has more than the 6 bytes it declares`},
		"bomb":         {member{name: "a", data: strings.Repeat("\x00", 1<<24), deflate: true, size: 1}, `"a": has more than the 1 bytes it declares`},
		"no deflate":   {member{name: "a", data: "\xff\xff\xff\xff", method: 8}, `"a": cannot be unpacked: flate: corrupt input before offset 1`},
		"deflate ends": {member{name: "a", data: "\x4b", method: 8, size: 9}, `"a": ends before its declared length`},
		"over the limit": {
			member{name: "a", data: strings.Repeat("x", 1<<20+1), deflate: true},
			`"a": has 1048577 bytes, the limit for this file is 1048576`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, got := read(zipOf(c.member)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestOpenMany: decompressors go back and forth between readers that are open
// at the same time.
func TestOpenMany(t *testing.T) {
	long := strings.Repeat("abc", 1<<16)
	data := zipOf(member{name: "a", data: long, deflate: true}, member{name: "b", data: long, deflate: true})
	a, problems := Read(bytes.NewReader(data), int64(len(data)))
	if problems != nil {
		t.Fatal(problems)
	}
	for range 3 {
		first, err := a.Entries[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		second, err := a.Entries[1].Open()
		if err != nil {
			t.Fatal(err)
		}
		got1, err1 := io.ReadAll(first)
		got2, err2 := io.ReadAll(second)
		if string(got1) != long || string(got2) != long || err1 != nil || err2 != nil {
			t.Fatalf("read %d and %d bytes (%v, %v), want %d", len(got1), len(got2), err1, err2, len(long))
		}
		first.Close()
		second.Close()
	}
}

// FuzzRead: whatever the bytes are, names stay inside and contents have the
// length that is declared.
func FuzzRead(f *testing.F) {
	f.Add(zipOf(member{name: "pkg/a.py", data: "x", deflate: true, mode: 0o100755}, member{name: "b", data: "y"}))
	f.Add(zipOf(member{name: "../a", data: "x"}, member{name: "b", flags: 1}))
	f.Add(zipOf(member{name: "a", data: "x"}, member{name: "evil.py", data: "y", hidden: true}, member{name: "b"}))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, problems := Read(bytes.NewReader(data), int64(len(data)))
		if (a == nil) != (len(problems) > 0) {
			t.Fatalf("archive %v with problems %v", a, problems)
		}
		if a == nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range a.Entries {
			if !filepath.IsLocal(e.Name) || seen[e.Name] {
				t.Errorf("name %q is not local, or is there twice", e.Name)
			}
			seen[e.Name] = true
			content, err := e.ReadAll(1 << 16)
			if err == nil && int64(len(content)) != e.Size {
				t.Errorf("%q has %d bytes, declared are %d", e.Name, len(content), e.Size)
			}
		}
	})
}
