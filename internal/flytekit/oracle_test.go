package flytekit

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imagespec/imagespec/internal/diag"
)

const identities = "../../testdata/identity/"

// answer is what flytekit says about a spec: testdata/identity/make.py.
type answer struct{ YAML, ID, Tag, Name, Error string }

// TestIdentity compares id, tag and name of thousands of specs with flytekit's,
// character by character, and wants that what flytekit refuses has none.
func TestIdentity(t *testing.T) {
	data, err := os.ReadFile(identities + "specs.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, data)
}

// compare wants flytekit's answers from us.
func compare(t *testing.T, jsonLines []byte) {
	t.Helper()
	context := buildContext(t)
	named, refused, meant := 0, 0, 0
	for line := range bytes.Lines(jsonLines) {
		var want answer
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		got := identify(context, want.YAML)
		switch {
		case differs(want.YAML) != "":
			meant++
		case want.Error == "":
			named++
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		default: // where only the tag is refused there is an id
			refused++
			if got.Error == "" || got.ID != want.ID {
				t.Errorf("flytekit refuses this with %s, we say %+v", want.Error, got)
			}
		}
	}
	t.Logf("%d names agree, %d specs are refused, %d differ on purpose", named, refused, meant)
	if named < 2000 {
		t.Errorf("only %d names", named)
	}
}

// identify gives what we say about a spec.
func identify(context fs.FS, yaml string) answer {
	a := answer{YAML: yaml}
	s, err := Read(&diag.Source{Name: "imagespec.yaml", Data: []byte(yaml)})
	if err != nil {
		a.Error = err.Error()
		return a
	}
	a.ID = s.ID()
	d, err := s.Digests(context)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	if a.Tag, err = s.Tag(d); err != nil {
		a.Error = err.Error()
		return a
	}
	a.Name, err = s.Name(d)
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// buildContext has the files that the specs name.
func buildContext(t *testing.T) fs.FS {
	t.Helper()
	archive, err := txtar.ParseFile(identities + "context.txtar")
	if err != nil {
		t.Fatal(err)
	}
	context, err := txtar.FS(archive)
	if err != nil {
		t.Fatal(err)
	}
	return context
}

// differs says why our answer is another than flytekit's where that is meant.
func differs(yaml string) string {
	for _, d := range []struct{ start, reason string }{
		{"name: !!binary ", "nobody has bytes for a name"},
	} {
		if strings.HasPrefix(yaml, d.start) {
			return d.reason
		}
	}
	if strings.Contains(yaml, "source_root: nowhere") {
		return "for LOADED_MODULES we do not look at source_root"
	}
	return ""
}
