package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	folder, key := t.TempDir(), strings.Repeat("0a", 32)
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(in, []byte("answer"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"recall", folder, key, out}, 0, ""},
		{[]string{"keep", folder, key, in}, 0, ""},
		{[]string{"recall", folder, key, out}, 0, ""},
		{[]string{"keep", folder, "key", in}, 1, `"key" is no key`},
		{[]string{"forget", folder, key, in}, 2, "usage"},
		{[]string{"keep", folder, key}, 2, "usage"},
		{nil, 2, "usage"},
	} {
		var stderr strings.Builder
		if status := run(test.args, &stderr); status != test.status || !strings.Contains(stderr.String(), test.says) {
			t.Errorf("%q: status %d, %q", test.args, status, stderr.String())
		}
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "answer" {
		t.Errorf("recalled %q, %v", got, err)
	}
}
