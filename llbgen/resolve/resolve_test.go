package resolve

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
)

func target() Target { return Target{Python: "3.12.4", Machine: "x86_64", Libc: "glibc-2.36"} }

// TestArgs: each part of a request is one of the command line.
func TestArgs(t *testing.T) {
	for _, tc := range []struct {
		name    string
		request Request
		want    string // behind what all have
	}{
		{"requirements", Request{Requirements: []Line{{Text: "pandas"}}}, "../requirements.in"},
		{"constraints", Request{Requirements: []Line{{Text: "pandas"}}, Constraints: []Line{{Text: "numpy<2"}}}, "../requirements.in --constraints ../constraints.txt"},
		{"a project", Request{Project: "context/pyproject.toml", Extras: []string{"gpu"}, Groups: []string{"ml"}}, "pyproject.toml --extra gpu --group ml"},
		{
			"indexes",
			Request{Requirements: []Line{{Text: "pandas"}}, Index: "https://a.example/simple", ExtraIndexes: []string{"https://b.example/simple"}},
			"../requirements.in --index-url https://a.example/simple --extra-index-url https://b.example/simple",
		},
		{
			"the rest",
			Request{Requirements: []Line{{Text: "pandas"}}, FindLinks: []string{"https://c.example"}, NoIndex: true, ExcludeNewer: "2026-01-01T00:00:00Z", Options: []string{"--no-deps"}},
			"../requirements.in --find-links https://c.example --no-index --exclude-newer 2026-01-01T00:00:00Z --no-deps",
		},
	} {
		got := strings.Join(tc.request.Args("/p/python3"), " ")
		common := "pip compile --format pylock.toml --no-header --no-progress --color never --python /p/python3 "
		if got != common+tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, common+tc.want)
		}
	}
}

// TestKey: where a line stands is no part of the JSON, and what is unset is
// none either.
func TestKey(t *testing.T) {
	r := Request{Requirements: []Line{{Text: "pandas", At: diag.Range{Line: 7}}}, Target: target()}
	data, err := json.Marshal(r)
	want := `{"requirements":["pandas"],"target":{"python":"3.12.4","machine":"x86_64","libc":"glibc-2.36"}}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
	var back Request
	if err := json.Unmarshal(data, &back); err != nil || back.Requirements[0].Text != "pandas" {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestInterpreter(t *testing.T) {
	for _, tc := range []struct {
		target Target
		want   string // in it
	}{
		{target(), `"os":{"major":2,"minor":36,"name":"manylinux"}`},
		{target(), `"python_version":"3.12"`},
		{Target{Python: "3.14.0rc2", Machine: "armv7l", Libc: "musl-1.2"}, `"os":{"major":1,"minor":2,"name":"musllinux"}`},
		{Target{Python: "3.14.0rc2", Machine: "armv7l", Libc: "musl-1.2"}, `"pointer_size":"32"`},
		{Target{Python: "3.13.1", FreeThreaded: true, Machine: "aarch64", Libc: "glibc-2.41"}, `"gil_disabled":true`},
	} {
		facts, err := tc.target.Interpreter("/python3")
		if err != nil || !strings.Contains(string(facts), tc.want) {
			t.Errorf("%+v: %v, no %s in %s", tc.target, err, tc.want, facts)
		}
	}
	for _, bad := range []Target{{Python: "3.12", Libc: "glibc-2.36"}, {Python: "3.12.4", Libc: "uclibc-1.0"}, {Python: "3.12.4"}} {
		if _, err := bad.Interpreter("/python3"); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// TestExplain: an error stands at the lines that uv's words are about.
func TestExplain(t *testing.T) {
	src := &diag.Source{Name: "imagespec.yaml", Data: []byte("packages:\n- datasets==3.0.0\n- rich\n- FSSpec==2024.12.0\n")}
	at := func(line int) diag.Range { return diag.Range{Source: src, Line: line} }
	r := Request{Target: target(), Requirements: []Line{{Text: "datasets==3.0.0", At: at(2)}, {Text: "rich", At: at(3)}, {Text: "FSSpec==2024.12.0", At: at(4)}}}
	err := r.Explain(&Failure{Output: `Resolved 5 packages in 1s
error: No solution found when resolving dependencies
  cause: Because datasets==3.0.0 depends on fsspec[http]<=2024.6.1 and you require fsspec==2024.12.0, we can conclude that your requirements are unsatisfiable.
  see https://user:s3cret@host/simple
`})
	if !slices.Equal(err.At, []diag.Range{at(2), at(4)}) {
		t.Errorf("places %v", err.At)
	}
	if !strings.Contains(err.Msg, "Because datasets==3.0.0 depends") || strings.Contains(err.Msg, "s3cret") || strings.Contains(err.Msg, "Resolved") {
		t.Error(err.Msg)
	}
	if err := r.Explain(&Failure{Output: "error: no network"}); !slices.Equal(err.At, []diag.Range{at(2)}) {
		t.Errorf("places %v", err.At)
	}
}
