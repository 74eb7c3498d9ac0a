package explain

import (
	"strings"
	"testing"
)

// TestAdviseBuild has the telling lines of what real builds have printed.
func TestAdviseBuild(t *testing.T) {
	for _, tc := range []struct{ output, hint string }{
		{"psutil/_psutil_common.c:9:10: fatal error: Python.h: No such file or directory", "[python3-dev]"},
		{"src/ext/psycopg.h:33:10: fatal error: libpq-fe.h: No such file or directory", "[libpq-dev]"},
		{"Modules/constants.h:7:10: fatal error: lber.h: No such file or directory", "[libldap-dev]"},
		{"_cffi_backend.c:15:10: fatal error: ffi.h: No such file or directory", "[libffi-dev]"},
		{"build/temp/_openssl.c:575:10: fatal error: openssl/opensslv.h: No such file or directory", "[libssl-dev]"},
		{"x.c:1:10: fatal error: 'acme.h' file not found", "acme.h is in a Debian package"},
		{"Error: pg_config executable not found.", "[libpq-dev]"},
		{"Exception: Can not find valid pkg-config name.\nSpecify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars manually", "[default-libmysqlclient-dev, pkg-config]"},
		{"error: command 'gcc' failed: No such file or directory", "[build-essential]"},
		{"error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'", "[build-essential]"},
		{"../meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc'], ['clang']]", "[build-essential]"},
		{"error: can't find Rust compiler", "[cargo, rustc]"},
		{"Cargo, the Rust package manager, is not installed or is not on PATH.", "[cargo, rustc]"},
		{"error: package `time-core v0.1.8` cannot be built because it requires rustc 1.88 or newer, while the currently active rustc version is 1.63.0", "newer Rust"},
		{"error: failed to parse lock file at: /build/source/Cargo.lock\nlock file version `4` was found, but this version of Cargo does not understand", "newer Rust"},
		{"/usr/bin/ld: cannot find -lcurl: No such file or directory", "[libcurl-dev]"},
		{"CMake Error: CMAKE_C_COMPILER not set\nNo CMAKE_C_COMPILER could be found.", "[build-essential]"},
		{"FileNotFoundError: [Errno 2] No such file or directory: 'cmake'", "[cmake]"},
		{"LookupError: setuptools-scm was unable to detect version for /build/source.", "no .git"},
		{"ModuleNotFoundError: No module named 'numpy'", "its build needs numpy"},
		{"urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>", "no network"},
		{"cause: invalid peer certificate: UnknownIssuer", "--secret id=ca-certificates"},
		{
			"No solution found when resolving dependencies:\nhint: An index URL (http://own.example:8080/simple) could not be queried due to a lack of valid authentication credentials (401 Unauthorized).",
			"as the secret HTTP_AUTH_HEADER_own.example",
		},
		{"RuntimeError: something else", "lock a version of acme that has a wheel"},
	} {
		if got := adviseBuild(tc.output, "acme"); !strings.Contains(got, tc.hint) {
			t.Errorf("%s\ngives the hint %q, want one with %q", tc.output, got, tc.hint)
		}
	}
}

func TestLastLines(t *testing.T) {
	for _, tc := range []struct {
		text string
		want int
	}{{"", 0}, {"\n", 0}, {"a", 1}, {"a\nb\n\n", 2}, {strings.Repeat("a\n", 50), 20}} {
		if got := lastLines(tc.text, 20); len(got) != tc.want {
			t.Errorf("%d lines of %q, want %d", len(got), tc.text, tc.want)
		}
	}
}
