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

// An excerpt is what a log keeps. Where a line is cut a credential has no end.
func TestExcerptHidesCredentials(t *testing.T) {
	for _, before := range []string{"url = ", strings.Repeat("#", maxColumns-18)} {
		src := &Source{Name: "uv.lock", Data: []byte("a\n" + before + "https://me:s3cret" + strings.Repeat("x", maxColumns) + "@host/a.whl\n")}
		if got := Excerpt(Range{Source: src, Line: 1}); strings.Contains(got, "s3c") || !strings.Contains(got, "https://*") {
			t.Error(got)
		}
	}
}
