package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call runs the command in this process.
func (p places) call(args ...string) (status int, stderr string) {
	var b strings.Builder
	status = p.run(args, &b)
	return status, b.String()
}

func TestCommandLine(t *testing.T) {
	for line, says := range map[string]string{
		"":                       "",
		"lock":                   "",
		"lock request.json":      "",
		"lock request.json /a b": "",
		"fetch http://127.0.0.1": "",
		"forget a b":             "",
		"lock --all a b":         "flag provided but not defined: -all",
		"fetch --sha256":         "flag needs an argument: -sha256",
	} {
		if status, stderr := (places{}).call(strings.Fields(line)...); status != 2 || !strings.HasPrefix(stderr, says) || !strings.Contains(stderr, "usage: imagespec-resolve lock") {
			t.Errorf("%s: status %d, %q", line, status, stderr)
		}
	}
}

// TestFetch: the exit status tells what a server has said, as a step has no
// other way to.
func TestFetch(t *testing.T) {
	statuses := map[string]int{"/login": 401, "/forbidden": 403, "/missing": 404, "/broken": 500, "/teapot": 418}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := statuses[r.URL.Path]; status != 0 {
			w.WriteHeader(status)
			return
		}
		user, password, _ := r.BasicAuth()
		fmt.Fprint(w, r.Header.Get("Accept"), user, password)
	}))
	t.Cleanup(server.Close)
	secrets := t.TempDir()
	if err := os.WriteFile(filepath.Join(secrets, "netrc"), []byte("machine 127.0.0.1 login bob password s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("IMAGESPEC_SECRETS", secrets)
	right, wrong := fmt.Sprintf("%x", sha256.Sum256([]byte("bobs3cret"))), strings.Repeat("0", 64)
	for _, test := range []struct {
		path    string
		options []string
		status  int
		want    string // of the file, or of what is said
	}{
		{"/a.whl", nil, 0, "bobs3cret"},
		{"/a.whl", []string{"--sha256=" + right}, 0, "bobs3cret"},
		{"/simple/a/", []string{"--accept=text/html"}, 0, "text/htmlbobs3cret"},
		{"/a.whl", []string{"--sha256=" + wrong}, 1, "its sha256 is " + right + ", not the " + wrong + " of the lock"},
		{"/login", nil, 101, "/login: 401 Unauthorized"},
		{"/forbidden", nil, 103, "/forbidden: 403 Forbidden"},
		{"/missing", nil, 104, "/missing: 404 Not Found"},
		{"/broken", nil, 105, "/broken: 500 Internal Server Error"},
		{"/teapot", nil, 1, "/teapot: 418 I'm a teapot"},
	} {
		file := filepath.Join(t.TempDir(), "out")
		status, stderr := places{}.call(append(append([]string{"fetch"}, test.options...), server.URL+test.path, file)...)
		got := stderr
		if text, err := os.ReadFile(file); test.status == 0 && err == nil {
			got = string(text)
		}
		if status != test.status || !strings.Contains(got, test.want) || strings.Contains(stderr, "s3cret") {
			t.Errorf("%s %q: status %d, %q; want %d, %q", test.path, test.options, status, got, test.status, test.want)
		}
	}
}

// fakeUV is a script in uv's place; package resolver tests with the real one.
func fakeUV(t *testing.T, script string) places {
	t.Helper()
	p := places{uv: filepath.Join(t.TempDir(), "uv"), inputs: t.TempDir()}
	if err := os.WriteFile(p.uv, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

// request writes a request and gives its path.
func request(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "request.json")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

const attrs = `{"requirements": ["attrs"], "target": {"python": "3.12.4", "machine": "x86_64", "libc": "glibc-2.36"}}`

// TestLock: what becomes of what uv says.
func TestLock(t *testing.T) {
	const refuses = "echo no version of attrs >&2; exit 1"
	for _, test := range []struct {
		name, request string
		options       []string
		uv            string
		status        int
		says          string
		file, text    string // what is written
	}{
		{"resolved", attrs, nil, `echo "lock-version = '1.0'"`, 0, "", "pylock.toml", "lock-version = '1.0'\n"},
		{"resolved, reported", attrs, []string{"--report"}, "echo a warning >&2; echo lock", 0, "a warning\n", "pylock.toml", "lock\n"},
		{"refused", attrs, nil, refuses, 1, "no version of attrs\n", "", ""},
		{"refused, reported", attrs, []string{"--report"}, refuses, 0, "no version of attrs\n", "failure", "no version of attrs\n"},
		{"needs Python", attrs, nil, `printf python3 >"$IMAGESPEC_INTERPRETER/needed"; exit 1`, 0, "", "needs-python", ""},
		{"needs git", attrs, nil, `printf git >"$IMAGESPEC_INTERPRETER/needed"; exit 1`, 0, "", "needs-git", ""},
		{"malformed", "", nil, refuses, 1, "request.json: unexpected end of JSON input\n", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := t.TempDir()
			status, stderr := fakeUV(t, test.uv).call(append(append([]string{"lock"}, test.options...), request(t, test.request), out)...)
			if status != test.status || !strings.HasSuffix(stderr, test.says) || test.says == "" && stderr != "" {
				t.Errorf("status %d, %q; want %d, …%q", status, stderr, test.status, test.says)
			}
			written, err := os.ReadDir(out)
			if err != nil || (len(written) == 0) != (test.file == "") {
				t.Fatalf("written are %v, %v", written, err)
			}
			for _, file := range written {
				text, err := os.ReadFile(filepath.Join(out, file.Name()))
				if err != nil || file.Name() != test.file || string(text) != test.text {
					t.Errorf("%s is %q, %v; want %s, %q", file.Name(), text, err, test.file, test.text)
				}
			}
		})
	}
}

// TestPython: a Python that is named is the one that uv asks and builds with.
func TestPython(t *testing.T) {
	p := fakeUV(t, `echo "$@"`)
	t.Setenv("IMAGESPEC_PYTHON", "/usr/local/bin/python3.12")
	out := t.TempDir()
	status, stderr := p.call("lock", request(t, attrs), out)
	text, _ := os.ReadFile(filepath.Join(out, "pylock.toml"))
	if status != 0 || !strings.Contains(string(text), " --python /usr/local/bin/python3.12 ") {
		t.Errorf("status %d, %s; uv is called with %s", status, stderr, text)
	}
	p.uv, p.inputs = "/nowhere/uv", t.TempDir()
	if status, stderr := p.call("lock", "--report", request(t, attrs), out); status != 1 || !strings.HasPrefix(stderr, "running uv: ") {
		t.Errorf("without uv: status %d, %q", status, stderr)
	}
}
