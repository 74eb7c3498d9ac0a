// Package locktest asks locks of all formats what their tests ask.
package locktest

import (
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// Bookworm is Debian 12 on amd64 with a version of CPython.
func Bookworm(t testing.TB, python string) lock.Target {
	t.Helper()
	target, err := lock.LinuxTarget("amd64", "", python, false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// Selected names the packages with their versions that Bookworm gets for a
// request, or the error. An index has all that the lock names.
func Selected(t testing.TB, l *lock.Lock, python string, r lock.Request) string {
	t.Helper()
	s, err := lock.Select(l, Bookworm(t, python), r, offline.Index{})
	if err != nil {
		return "error: " + err.Error()
	}
	var names []string
	for _, p := range s.Packages {
		names = append(names, p.Package.String())
	}
	return strings.Join(names, ", ")
}
