package metadata

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestParseRecord(t *testing.T) {
	cases := map[string]struct {
		text string
		want []Row
	}{
		"empty": {"", nil},
		"usual": {
			"six.py,sha256=AbC_-1,34549\nsix-1.16.0.dist-info/RECORD,,\n",
			[]Row{{"six.py", "sha256=AbC_-1", 34549}, {"six-1.16.0.dist-info/RECORD", "", -1}},
		},
		"CRLF and no end of line": {
			"a.py,sha256=x,1\r\nb.py,sha256=y,2",
			[]Row{{"a.py", "sha256=x", 1}, {"b.py", "sha256=y", 2}},
		},
		"quoted":         {`"a,b ""c"".py",sha256=x,1` + "\n", []Row{{`a,b "c".py`, "sha256=x", 1}}},
		"padded digest":  {"a.py,sha256=x==,1\n", []Row{{"a.py", "sha256=x", 1}}},
		"selenium":       {"/selenium/a.py,sha256=x,1\n", []Row{{"selenium/a.py", "sha256=x", 1}}},
		"dot":            {"./pkg//a.py,sha256=x,1\n", []Row{{"pkg/a.py", "sha256=x", 1}}},
		"path alone":     {"a.py\n", []Row{{"a.py", "", -1}}},
		"blank lines":    {"\n\na.py,,\n,,\n", []Row{{"a.py", "", -1}}},
		"BOM":            {"\ufeffa.py,,\n", []Row{{"a.py", "", -1}}},
		"a fourth field": {"a.py,,,x\n", []Row{{"a.py", "", -1}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ParseRecord([]byte(c.text))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestParseRecordErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a.py,,\nb.py,sha256=x,many\n": `RECORD: row 2: size "many" is not a number of bytes`,
		"a.py,sha256=x,-1\n":           `RECORD: row 1: size "-1" is not a number of bytes`,
		"\"a.py,,\n":                   `RECORD: parse error on line 1, column 9: extraneous or missing " in quoted-field`,
	} {
		if _, err := ParseRecord([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestFormatRecord(t *testing.T) {
	rows := []Row{
		{"six.py", SHA256([]byte("0123456789abcdef0123456789abcdef")), 1},
		{"../../../bin/six", "sha256=x", 2},
		{"six-1.16.0.dist-info/RECORD", "", -1},
		{`a "b", c.py`, "sha256=y", 0},
	}
	want := "../../../bin/six,sha256=x,2\n" +
		`"a ""b"", c.py",sha256=y,0` + "\n" +
		"six-1.16.0.dist-info/RECORD,,\n" +
		"six.py,sha256=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY,1\n"
	if got := string(FormatRecord(rows)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if rows[0].Path != "six.py" {
		t.Error("the rows of the caller have been sorted")
	}
}

// FuzzRecord: what has been read is the same when it is written and read again.
func FuzzRecord(f *testing.F) {
	f.Add("six.py,sha256=AbC_-1,34549\nsix-1.16.0.dist-info/RECORD,,\n")
	f.Add("\"a,b \"\"c\"\".py\",sha256=x==,1\r\n/b,,\n")
	f.Add("a b,md5=x\n\\.,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := ParseRecord([]byte(text))
		if err != nil {
			return
		}
		written := FormatRecord(rows)
		again, err := ParseRecord(written)
		if err != nil {
			t.Fatalf("%q cannot be read: %v", written, err)
		}
		if string(FormatRecord(again)) != string(written) {
			t.Errorf("%q becomes %q", written, FormatRecord(again))
		}
	})
}

func TestParseWheel(t *testing.T) {
	cases := map[string]Wheel{
		"Wheel-Version: 1.0\nGenerator: bdist_wheel (0.40.0)\nRoot-Is-Purelib: true\nTag: py3-none-any\n": {1, 0},
		"Wheel-Version: 1.0\r\nRoot-Is-Purelib: True\r\n":                                                 {1, 0},
		"Root-Is-Purelib: false\nwheel-version:1.9":                                                       {1, 9},
		"Wheel-Version: 1.0\nWheel-Version: 2.0\n":                                                        {1, 0},
		"Wheel-Version: 0.1\n":                                                                            {0, 1},
		"Wheel-Version: 2.0\n":                                                                            {2, 0},
		"Wheel-Version: 1.0\n\nRoot-Is-Purelib: true\n":                                                   {1, 0}, // that is the body
	}
	for text, want := range cases {
		if got, err := ParseWheel([]byte(text)); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                         "WHEEL: Wheel-Version is missing",
		"Tag: py3-none-any\n":      "WHEEL: Wheel-Version is missing",
		"\nWheel-Version: 1.0\n":   "WHEEL: Wheel-Version is missing",
		"Wheel-Version: 1\n":       `WHEEL: Wheel-Version "1" is not of the form 1.0`,
		"Wheel-Version: one.two\n": `WHEEL: Wheel-Version "one.two" is not of the form 1.0`,
		"Wheel-Version: -1.0\n":    `WHEEL: Wheel-Version "-1.0" is not of the form 1.0`,
	} {
		if w, err := ParseWheel([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v, want %s", text, w, err, want)
		}
	}
}

func TestParseName(t *testing.T) {
	name, err := ParseName([]byte("Metadata-Version: 2.1\nName: jaraco.functools\nVersion: 4.0.2\n\nName: not this\n"))
	if err != nil || name != "jaraco.functools" {
		t.Errorf("got %q, %v", name, err)
	}
	if _, err := ParseName([]byte("Version: 1\n")); err == nil || err.Error() != "METADATA: Name is missing" {
		t.Errorf("got %v", err)
	}
}

func TestNormalize(t *testing.T) {
	for name, want := range map[string]string{
		"Jinja2": "jinja2", "jaraco.functools": "jaraco-functools", "zope__.-interface": "zope-interface",
		"typing_extensions": "typing-extensions", "": "",
	} {
		if got := Normalize(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// FuzzHeaders: names and versions come out without line ends and blanks around.
func FuzzHeaders(f *testing.F) {
	f.Add("Wheel-Version: 1.0\nName: six\n")
	f.Add("Name : x\r\n\r\nName: y")
	f.Fuzz(func(t *testing.T, text string) {
		if w, err := ParseWheel([]byte(text)); err == nil && (w.Major < 0 || w.Minor < 0) {
			t.Errorf("version %d.%d", w.Major, w.Minor)
		}
		name, err := ParseName([]byte(text))
		if err == nil && (name == "" || strings.TrimSpace(name) != name || strings.Contains(name, "\n")) {
			t.Errorf("name %q", name)
		}
	})
}

func TestParseEntryPoints(t *testing.T) {
	const text = `# made by hand
[console_scripts]
flask = flask.cli:main
httpie=httpie.__main__:main
lap_pair = pylutron_caseta.cli : lap_pair [cli, extra]
f2py = numpy.f2py.f2py2e:main.run
; a comment

[ gui_scripts ]
jupyter-qtconsole = qtconsole.qtconsoleapp:main
flask = other:main

[flask.commands]
init
db = not a reference
`
	got, err := ParseEntryPoints([]byte(text))
	want := []Script{
		{"httpie", "httpie.__main__", "main"},
		{"lap_pair", "pylutron_caseta.cli", "lap_pair"},
		{"f2py", "numpy.f2py.f2py2e", "main.run"},
		{"jupyter-qtconsole", "qtconsole.qtconsoleapp", "main"},
		{"flask", "other", "main"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
	if got, err := ParseEntryPoints(nil); got != nil || err != nil {
		t.Errorf("empty file: got %v, %v", got, err)
	}
}

func TestParseEntryPointsErrors(t *testing.T) {
	for line, want := range map[string]string{
		"flask":                             `"flask" has no value`,
		"flask: flask.cli:main":             `"flask: flask.cli:main" has no value`,
		"= flask.cli:main":                  `"" is an empty name`,
		"flask = flask.cli":                 `"flask" has the value "flask.cli", which is not of the form module:function`,
		"flask = :main":                     `"flask" has the value ":main", which is not of the form module:function`,
		"flask = flask.cli:":                `"flask" has the value "flask.cli:", which is not of the form module:function`,
		"flask = flask.cli:main [":          `"flask" has the value "flask.cli:main [", which is not of the form module:function`,
		"flask = os;x:main":                 `"flask" has the value "os;x:main", which is not of the form module:function`,
		"flask = os import x:main":          `"flask" has the value "os import x:main", which is not of the form module:function`,
		"flask = os:main()":                 `"flask" has the value "os:main()", which is not of the form module:function`,
		"../flask = flask:main":             `"../flask" is not a file name in bin`,
		"sub/flask = flask:main":            `"sub/flask" is not a file name in bin`,
		`sub\flask = flask:main`:            `"sub\\flask" is not a file name in bin`,
		".. = flask:main":                   `".." is not a file name in bin`,
		"fl\x00ask = flask:main":            `"fl\x00ask" contains a control character`,
		strings.Repeat("x", 256) + " = a:b": `"` + strings.Repeat("x", 256) + `" is longer than 255 bytes`,
	} {
		_, err := ParseEntryPoints([]byte("[console_scripts]\n" + line + "\n"))
		if want = "entry_points.txt: [console_scripts] " + want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// FuzzEntryPoints: no script can have a name that leaves bin, or a reference
// that is more than an import.
func FuzzEntryPoints(f *testing.F) {
	f.Add("[console_scripts]\nflask = flask.cli:main\n[gui_scripts]\nx = y : z [extra]\n")
	f.Add("[console_scripts]\n../x = y:z\n")
	f.Fuzz(func(t *testing.T, text string) {
		scripts, err := ParseEntryPoints([]byte(text))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, s := range scripts {
			if s.Name == "" || s.Name == "." || s.Name == ".." || strings.ContainsAny(s.Name, "/\\\n\x00") || seen[s.Name] {
				t.Errorf("name %q", s.Name)
			}
			seen[s.Name] = true
			if strings.ContainsAny(s.Module+s.Function, " \t\r\n;()[]\"'=:") || s.Module == "" || s.Function == "" {
				t.Errorf("reference %q:%q", s.Module, s.Function)
			}
		}
	})
}

func TestDirectURL(t *testing.T) {
	const digest = "050b4e5baadcd44d760cedbd2b8e639f2ff89bbc7a5730fcc662954303377aac"
	cases := []struct{ url, sha256, want string }{
		{
			"https://example.org/idna-3.8-py3-none-any.whl", "",
			`{"url":"https://example.org/idna-3.8-py3-none-any.whl","archive_info":{}}`,
		}, // as uv writes it
		{
			"https://example.org/idna-3.8-py3-none-any.whl#sha256=" + digest, strings.ToUpper(digest),
			`{"url":"https://example.org/idna-3.8-py3-none-any.whl","archive_info":{"hashes":{"sha256":"` + digest + `"}}}`,
		},
		{"https://user:secret@example.org/a?x=1&y=2", "", `{"url":"https://example.org/a?x=1&y=2","archive_info":{}}`},
		{"file:///wheels/a.whl", "", `{"url":"file:///wheels/a.whl","archive_info":{}}`},
	}
	for _, c := range cases {
		if got, err := DirectURL(c.url, c.sha256); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.url, got, err, c.want)
		}
	}
	for url, want := range map[string]string{
		"/wheels/a.whl":            `direct URL "/wheels/a.whl" has no scheme`,
		"https://user:secret@[::1": `direct URL: missing ']' in host`,
	} {
		if _, err := DirectURL(url, ""); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", url, err, want)
		}
	}
}

// FuzzDirectURL: no user and no password get into the file.
func FuzzDirectURL(f *testing.F) {
	f.Add("https://user:secret@example.org/a.whl#sha256=x")
	f.Fuzz(func(t *testing.T, raw string) {
		data, err := DirectURL(raw, "")
		if err != nil {
			return
		}
		var written struct{ URL string }
		if err := json.Unmarshal(data, &written); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if u, err := url.Parse(written.URL); err != nil || u.User != nil {
			t.Errorf("%q becomes %q (%v)", raw, written.URL, err)
		}
	})
}
