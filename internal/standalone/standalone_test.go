package standalone

import (
	"errors"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, tc := range []struct{ version, arch, libc, want string }{
		{"3.12", "amd64", "glibc", "cpython-3.12.16%2B20261110-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"},
		{"3.12.16", "arm64", "musl", "cpython-3.12.16%2B20261110-aarch64-unknown-linux-musl-install_only_stripped.tar.gz"},
		{"3.9", "amd64", "glibc", "cpython-3.9.25%2B20251031-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"},
	} {
		a, err := Find(tc.version, tc.arch, tc.libc)
		if err != nil || !strings.HasSuffix(a.URL, "/"+tc.want) {
			t.Errorf("%s for %s and %s: %s, %v; want %s", tc.version, tc.arch, tc.libc, a.URL, err, tc.want)
		}
	}
}

func TestFindUnknown(t *testing.T) {
	for _, tc := range []struct{ version, arch, libc, nearest string }{
		{"3.12.4", "amd64", "glibc", "3.12.16"},
		{"3.1", "amd64", "glibc", "3.9.25"}, // not a prefix of 3.10
		{"3.99", "arm64", "musl", "3.15.2"},
		{"3.13t", "amd64", "glibc", "3.13.18"},
		{"3.12", "s390x", "glibc", ""},
		{"3.12", "amd64", "", ""},
	} {
		_, err := Find(tc.version, tc.arch, tc.libc)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || unknown.Nearest() != tc.nearest {
			t.Errorf("%s for %s and %s: %v, nearest %q, want %q", tc.version, tc.arch, tc.libc, err, unknown.Nearest(), tc.nearest)
		}
	}
}

// TestTable: what the engine is told to fetch is complete, and each machine
// has each version once.
func TestTable(t *testing.T) {
	seen := map[Archive]bool{}
	for _, a := range table() {
		if !strings.HasPrefix(a.URL, "https://") || len(a.SHA256) != 64 || strings.Count(a.Version, ".") != 2 {
			t.Errorf("%+v", a)
		}
		key := Archive{Version: "3." + strings.Split(a.Version, ".")[1], Arch: a.Arch, Libc: a.Libc}
		if seen[key] {
			t.Errorf("%+v is there twice", key)
		}
		seen[key] = true
	}
	if got, want := len(seen), 4*len(Versions()); got != want {
		t.Errorf("%d archives of %v, want %d", got, Versions(), want)
	}
}
