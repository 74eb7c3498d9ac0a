package base

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// officialHome is where the official Python images have their interpreter.
const officialHome = "/usr/local/bin"

// releases are the distributions whose names stand in image tags, and their C
// library. The longest name that a tag contains counts.
var releases = []struct {
	name string
	libc wheel.Libc
}{
	{"buster", wheel.Libc{Family: "glibc", Major: 2, Minor: 28}},
	{"bullseye", wheel.Libc{Family: "glibc", Major: 2, Minor: 31}},
	{"bookworm", wheel.Libc{Family: "glibc", Major: 2, Minor: 36}},
	{"trixie", wheel.Libc{Family: "glibc", Major: 2, Minor: 41}},
	{"20.04", wheel.Libc{Family: "glibc", Major: 2, Minor: 31}},
	{"22.04", wheel.Libc{Family: "glibc", Major: 2, Minor: 35}},
	{"24.04", wheel.Libc{Family: "glibc", Major: 2, Minor: 39}},
	{"26.04", wheel.Libc{Family: "glibc", Major: 2, Minor: 43}},
	{"alpine", wheel.Libc{Family: "musl", Major: 1, Minor: 2}},
}

// newestPatch is the newest release of each minor version of CPython when this
// was written (November 2026). A tag such as python:3.12 means the newest one;
// where nobody can be asked which that is, this is the best guess.
var newestPatch = map[string]string{
	"3.9": "3.9.25", "3.10": "3.10.22", "3.11": "3.11.18", "3.12": "3.12.16",
	"3.13": "3.13.18", "3.14": "3.14.10", "3.15": "3.15.2",
}

// pythonTag is the version that a tag of the official Python image begins with.
var pythonTag = regexp.MustCompile(`^(3\.\d+)(\.\d+(?:(?:a|b|rc)\d+)?)?(?:-|$)`)

// Known gives what the name of an official Python image tells without a look
// at the image: its tag names the version of Python and mostly the release of
// the distribution. Those of Debian, Ubuntu and CUDA have no Python. The patch version may be a guess, see NewestPatch.
func Known(ref string) Facts {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return Facts{}
	}
	tagged, ok := named.(reference.Tagged)
	if !ok {
		return Facts{}
	}
	if slices.Contains([]string{"debian", "ubuntu", "nvidia/cuda"}, reference.FamiliarName(named)) {
		libc := releaseLibc(tagged.Tag())
		return Facts{Libc: libc, NoPython: libc.Family != ""}
	}
	if path.Base(named.Name()) != "python" {
		return Facts{}
	}
	facts := Facts{Libc: releaseLibc(tagged.Tag())}
	if m := pythonTag.FindStringSubmatch(tagged.Tag()); m != nil {
		version := m[1] + m[2]
		if m[2] == "" {
			version = NewestPatch(version)
		}
		facts.Python = plan.Python{Version: version, Home: officialHome}
	}
	return facts
}

// NewestPatch completes "3.12" to a full version; what is no known minor
// version is returned as it is.
func NewestPatch(version string) string {
	if full, ok := newestPatch[version]; ok {
		return full
	}
	return version
}

func releaseLibc(tag string) wheel.Libc {
	for _, r := range releases {
		if strings.Contains(tag, r.name) {
			return r.libc
		}
	}
	return wheel.Libc{}
}
