package main

import (
	"os"
	"testing"
)

// TestSchema prints the file in the repository.
func TestSchema(t *testing.T) {
	want, err := os.ReadFile("../../imagespec.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := runIn(t, ".", "schema"); got.status != 0 || got.stdout != string(want) {
		t.Errorf("got %+v", got)
	}
	if got := runIn(t, ".", "schema", "x"); got.status != 2 || got.stdout != "" {
		t.Errorf("with an argument: %+v", got)
	}
}
