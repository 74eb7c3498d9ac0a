package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// base is the smallest base: root, and no certificate authorities.
func base(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give files to other users")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"passwd": "root:x:0:0:root:/root:/bin/sh\n", "group": "root:x:0:\n"} {
		file := filepath.Join(dir, "etc", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRun: each option arrives where it changes a file of the layer.
func TestRun(t *testing.T) {
	const authorities = "etc/ssl/certs/ca-certificates.crt"
	for _, test := range []struct {
		args []string
		want map[string]string // what some files contain; "" if they are not there
	}{
		{nil, map[string]string{authorities: "BEGIN CERTIFICATE", "etc/passwd": ""}},
		{
			[]string{"--user", "flytekit"},
			map[string]string{authorities: "BEGIN CERTIFICATE", "etc/passwd": "\nflytekit:!:1000:1000::/home/flytekit:", "home/flytekit/.profile": ""},
		},
		{
			[]string{"--user", "app", "--path", "/opt/venv/bin:/bin"},
			map[string]string{"home/app/.profile": "export PATH=/opt/venv/bin:/bin\n"},
		},
	} {
		root := t.TempDir()
		var stderr strings.Builder
		if status := run(append([]string{"--base", base(t), "--root", root}, test.args...), &stderr); status != 0 || stderr.String() != "" {
			t.Errorf("%q: status %d, %q", test.args, status, stderr.String())
		}
		for name, want := range test.want {
			text, err := os.ReadFile(filepath.Join(root, name))
			if (err == nil) != (want != "") || !strings.Contains(string(text), want) {
				t.Errorf("%q: %s is %.200q, %v; want …%q…", test.args, name, text, err, want)
			}
		}
	}
}

// TestOwn: every --own counts.
func TestOwn(t *testing.T) {
	dir, root := base(t), t.TempDir()
	for _, name := range []string{"root", "srv"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var stderr strings.Builder
	if status := run([]string{"--base", dir, "--root", root, "--user", "app", "--own", "/root", "--own", "/srv"}, &stderr); status != 0 {
		t.Fatalf("status %d, %s", status, stderr.String())
	}
	for _, name := range []string{"root", "srv"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestErrors: what the base or an option is wrong with ends with 1, a wrong
// command line with 2.
func TestErrors(t *testing.T) {
	const end = "\n" + usage + "\n"
	for line, want := range map[string]struct {
		status int
		stderr string
	}{
		"":                                      {2, "--base or --root is missing" + end},
		"--base /b":                             {2, "--base or --root is missing" + end},
		"--root /r":                             {2, "--base or --root is missing" + end},
		"--base /b --root /r x":                 {2, `no arguments are taken, got "x"` + end},
		"--base /b --root":                      {2, "flag needs an argument: -root" + end},
		"--base /b --root /r --home /":          {2, "flag provided but not defined: -home" + end},
		"--base /nowhere --root /r":             {1, "open /nowhere: no such file or directory\n"},
		"--base /b --root /r --own /srv":        {1, "directories to own and a PATH need a user\n"},
		"--base /b --root /r --user a:b":        {1, `"a:b" is no name of a user` + "\n"},
		"--base /b --root /r --user a --own ..": {1, `directory ".." is not a clean absolute path below /` + "\n"},
	} {
		var stderr strings.Builder
		if status := run(strings.Fields(line), &stderr); status != want.status || stderr.String() != want.stderr {
			t.Errorf("%s: status %d, %q; want %d, %q", line, status, stderr.String(), want.status, want.stderr)
		}
	}
}
