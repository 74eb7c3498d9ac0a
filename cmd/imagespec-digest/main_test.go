package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	context := t.TempDir()
	if err := os.WriteFile(filepath.Join(context, "requirements.txt"), []byte(" idna\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "answer")
	for _, tc := range []struct {
		name   string
		args   []string
		status int
		want   string // in the file, or said
	}{
		{"digests", []string{context, `{"Requirements": "requirements.txt", "Base": {"Copy": ["none"]}}`, file}, 0, `{"Digests":{"Requirements":"99b738f6f611d6f98c486dfdeb1f08e6ffb03ef6","Base":{"Copy":"d41d8cd98f00b204e9800998ecf8427e"}}}`},
		{"unreadable", []string{context, `{"Base": {"Requirements": "other.txt"}}`, file}, 0, `"Failure":{"Field":"requirements","Name":"other.txt","Level":1,"Problem":"open other.txt: no such file or directory"}}`},
		{"no JSON", []string{context, "{", file}, 1, "{: unexpected end of JSON input"},
		{"a wrong command line", []string{context}, 2, "usage: imagespec-digest CONTEXT NEEDS FILE"},
	} {
		var stderr strings.Builder
		status := run(tc.args, &stderr)
		got := stderr.String()
		if status == 0 {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got = string(text)
		}
		if status != tc.status || !strings.Contains(got, tc.want) {
			t.Errorf("%s: status %d, %s; want %d, %s", tc.name, status, got, tc.status, tc.want)
		}
	}
}
