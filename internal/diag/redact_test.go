package diag

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{`url = "https://user:s3cret@host/a.whl"`, `url = "https://***@host/a.whl"`},
		{`--index-url https://token@host/simple`, `--index-url https://***@host/simple`},
		{`{ git = "git+https://x:p@ss@host/r?rev=1#abc" }`, `{ git = "git+https://***@host/r?rev=1#abc" }`},
		{`ssh://git@host/r`, `ssh://git@host/r`},
		{`ssh://git:s3cret@host/r`, `ssh://git:***@host/r`},
		{`HTTPS://U:P@HOST`, `HTTPS://***@HOST`},
		{"https://host/a\nfoo@bar", "https://host/a\nfoo@bar"},
		{`https://host/path@v1`, `https://host/path@v1`},
	} {
		if got := string(Redact([]byte(tc.in))); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.in, got, tc.want)
		}
	}
}

// An excerpt is what a log keeps.
func TestExcerptHidesCredentials(t *testing.T) {
	src := &Source{Name: "uv.lock", Data: []byte("a\nurl = \"https://me:s3cret@host/a.whl\"\n")}
	if got := Excerpt(Range{Source: src, Line: 1}); strings.Contains(got, "s3cret") {
		t.Error(got)
	}
}
