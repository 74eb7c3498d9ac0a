package imagespec

import (
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
)

// TestIndexChecks: what is wrong with the fields about indexes, or what it is
// taken for.
func TestIndexChecks(t *testing.T) {
	for _, tc := range []struct{ yaml, want string }{
		{"pip_secret_mounts: [[~/.netrc, /root/.netrc]]", ""},
		{"pip_secret_mounts: [[~/.netrc, .netrc]]", `pip_secret_mounts: ".netrc" is not an absolute path`},
		{"pip_secret_mounts: [[a, /x], [b, /x/]]", `pip_secret_mounts has two secrets for "/x/"`},
		{"pip_secret_mounts: [['', /x]]", "a secret without a file"},
		{"builder_options: {flytekit: 1.16.24}", ""},
		{"builder_options: {flytekit: v1.16.0b3}", ""},
		{"builder_options: {flytekit: true}", ""},
		{"builder_options: {flytekit: ture}", `did you mean "true"?`},
		{"builder_options: {flytekit: '>=1.16'}", "neither true, false nor a version"},
		{"builder_options: {exclude_newer: 2026-01-31}", ""},
		{"builder_options: {exclude_newer: yesterday}", "neither a date nor a time"},
		{"builder_options: {exclude_newer: 2026-02-30}", "neither a date nor a time"},
		{"builder_options: {url_rewrites: {'https://a.example/': 'http://b.example:8080/x/'}}", ""},
		{"builder_options: {url_rewrites: {a.example: 'https://b.example'}}", "not the beginning of an http or https URL"},
		{"builder_options: {url_rewrites: {'https://a.example': 'https://bob:s3cret@b.example'}}", "has credentials"},
		{"builder_options: {url_rewrites: {'https://a.example/': 'https://b.example'}}", "only one of"},
	} {
		_, warnings, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(tc.yaml + "\n")})
		got := diag.Format(err)
		if tc.want == "" && (err != nil || len(warnings) > 0) || !strings.Contains(got, tc.want) || strings.Contains(got, "s3cret") {
			t.Errorf("%s: %s, %v, want %q", tc.yaml, got, warnings, tc.want)
		}
	}
}

// TestExcludeNewer is one moment however it is written.
func TestExcludeNewer(t *testing.T) {
	for written, want := range map[string]string{
		"2026-01-31":                "2026-02-01T00:00:00Z",
		"2026-01-31T12:00:00Z":      "2026-01-31T12:00:00Z",
		"2026-01-31T12:00:00+02:00": "2026-01-31T10:00:00Z",
	} {
		spec, _, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte("builder_options: {exclude_newer: " + written + "}\n")})
		if err != nil || spec.BuilderOptions.ExcludeNewer.Value != want {
			t.Errorf("%s: %v, %v", written, spec, err)
		}
	}
}

// TestPackageCredentials are warned of and not shown.
func TestPackageCredentials(t *testing.T) {
	_, warnings, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte("packages: ['a @ https://bob:s3cret@files.example/a.whl', rich]\n")})
	if err != nil || len(warnings) != 1 || warnings[0].Rule != "PackageCredentials" || strings.Contains(warnings[0].Msg, "s3cret") {
		t.Errorf("%v, %v", warnings, err)
	}
}
