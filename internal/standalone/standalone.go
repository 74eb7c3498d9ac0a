// Package standalone gives a Python to images that have none: which archive of
// python-build-standalone it is, with URL and digest. The
// archives run on every glibc from 2.17 on, or on musl, and need no installer.
// Fetching them is not done here, and unpacking them in package unpack.
package standalone

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Archive is one build of CPython.
type Archive struct {
	Version string `json:"version"` // full, "3.12.16"
	Arch    string `json:"arch"`    // as OCI names it, "amd64"
	Libc    string `json:"libc"`    // family of the C library, "glibc" or "musl"
	URL     string `json:"url"`     // of a tar.gz whose files lie below python/
	SHA256  string `json:"sha256"`  // hex
}

//go:embed table.json
var tableJSON []byte

// table is the newest archive of each minor version, architecture and libc,
// oldest version first; table.py makes it.
var table = sync.OnceValue(func() []Archive {
	var all []Archive
	if err := json.Unmarshal(tableJSON, &all); err != nil {
		panic(err) // a test reads it
	}
	return all
})

// UnknownError is a Python that there is no archive of.
type UnknownError struct {
	Version, Arch, Libc string
	Known               []string // versions that there are for the machine, oldest first
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no standalone Python %s for %s and %s", e.Version, e.Arch, e.Libc)
}

// Nearest gives the known version that comes closest: that of the same minor,
// else the one with the least distance to it; empty if there is none.
func (e *UnknownError) Nearest() string {
	best, distance := "", 1<<30
	for _, known := range e.Known {
		if d := minorOf(known) - minorOf(e.Version); max(d, -d) <= distance {
			best, distance = known, max(d, -d)
		}
	}
	return best
}

// Find gives the archive of a version, full ("3.12.16") or not ("3.12"). The
// error is an *UnknownError.
func Find(version, arch, libc string) (Archive, error) {
	unknown := &UnknownError{Version: version, Arch: arch, Libc: libc}
	for _, a := range table() {
		if a.Arch != arch || a.Libc != libc {
			continue
		}
		if a.Version == version || strings.HasPrefix(a.Version, version+".") {
			return a, nil
		}
		unknown.Known = append(unknown.Known, a.Version)
	}
	return Archive{}, unknown
}

// Versions gives the minor versions that there are archives of, oldest first.
func Versions() []string {
	var all []string
	for _, a := range table() {
		all = append(all, "3."+strconv.Itoa(minorOf(a.Version)))
	}
	return slices.Compact(all)
}

// minorOf gives the second number of a version.
func minorOf(version string) int {
	parts := strings.SplitN(strings.TrimSuffix(version, "t"), ".", 3)
	if len(parts) < 2 {
		return 0
	}
	minor, _ := strconv.Atoi(parts[1])
	return minor
}
