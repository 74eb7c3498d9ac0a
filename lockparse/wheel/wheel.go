// Package wheel knows wheels and source distributions from the outside: their
// file names and the compatibility tags that say where a wheel runs (PEP 427,
// PEP 425, PEP 600, PEP 656, PEP 703, PEP 803). What is inside a wheel is the
// business of the installer.
//
// File names are read as pypa/packaging 26 does, but for characters that no
// tool writes and that could leave a folder. Tags have the order of uv: a
// plain linux tag is the worst of its kind, and tags are compared as written.
// Names of wheels for every system parse; tags are made for CPython on Linux.
package wheel

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// FilenameError says what is wrong with the name of a wheel or of a source
// distribution.
type FilenameError struct {
	Filename string
	Msg      string // what is wrong, as a sentence without its subject
	Err      error  // the cause, a *pep440.SyntaxError; may be nil
}

// Error gives `file name "foo.whl": …`.
func (e *FilenameError) Error() string { return fmt.Sprintf("file name %q: %s", e.Filename, e.Msg) }

// Unwrap gives the cause.
func (e *FilenameError) Unwrap() error { return e.Err }

// Filename is a parsed wheel file name.
type Filename struct {
	Name    string // normalised project name
	Version string // as written
	Build   Build
	Tags    []string // expanded "cp312-cp312-manylinux_2_17_x86_64", in file order
}

// Build is the build number of a wheel, which breaks ties between equal tags.
// The zero value, no build number, is less than any other.
type Build struct {
	Number uint64
	Suffix string // what follows the digits, such as "a" of "10a"
	Set    bool
}

// Compare orders builds: negative where b is less than c.
func (b Build) Compare(c Build) int {
	switch {
	case b.Set && !c.Set:
		return 1
	case !b.Set && c.Set:
		return -1
	}
	return cmp.Or(cmp.Compare(b.Number, c.Number), strings.Compare(b.Suffix, c.Suffix))
}

// maxTags limits the tags of one wheel. Real names have a few dozen; a
// hostile one of 300 bytes could have a million.
const maxTags = 1000

// ParseFilename reads "name-version(-build)?-python-abi-platform.whl". The
// name must not be percent-encoded. The error is a *FilenameError.
func ParseFilename(s string) (Filename, error) {
	f, msg, err := parseFilename(s)
	if msg != "" {
		return Filename{}, &FilenameError{Filename: s, Msg: msg, Err: err}
	}
	return f, nil
}

func parseFilename(s string) (f Filename, msg string, err error) {
	stem, found := strings.CutSuffix(s, ".whl")
	if !found {
		return f, "a wheel ends in .whl", nil
	}
	parts := strings.Split(stem, "-")
	if len(parts) != 5 && len(parts) != 6 {
		return f, "expected name-version-python-abi-platform, with a build number after the version or without", nil
	}
	if !validProject(parts[0]) {
		return f, fmt.Sprintf("%q is no name of a project", parts[0]), nil
	}
	f.Name, f.Version = pep508.NormalizeName(parts[0]), parts[1]
	if err = checkVersion(f.Version); err != nil {
		return f, err.Error(), err
	}
	tags := parts[2:]
	if len(parts) == 6 {
		if f.Build, found = parseBuild(parts[2]); !found {
			return f, fmt.Sprintf("%q is no build number, which starts with digits", parts[2]), nil
		}
		tags = parts[3:]
	}
	f.Tags, msg = expandTags(tags)
	return f, msg, nil
}

// checkVersion says what is wrong with a version in a file name, which has no
// white space around it.
func checkVersion(version string) error {
	if _, err := pep440.Parse(version); err != nil {
		return err
	}
	if i := strings.IndexFunc(version, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
		return &pep440.SyntaxError{What: "version", Input: version, Offset: i, Msg: "unexpected white space"}
	}
	return nil
}

// validProject says whether a name in a file name is escaped as PEP 427
// demands. Old tools left letters outside of ASCII in it.
func validProject(name string) bool {
	return name != "" && !strings.Contains(name, "__") && strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) < 0
}

// parseBuild reads digits and what follows them.
func parseBuild(s string) (Build, bool) {
	suffix := strings.TrimLeft(s, "0123456789")
	number, err := strconv.ParseUint(s[:len(s)-len(suffix)], 10, 64)
	if err != nil || suffix != "" && !validTag(strings.ReplaceAll(suffix, ".", "_")) {
		return Build{}, false
	}
	return Build{Number: number, Suffix: suffix, Set: true}, true
}

// expandTags gives the product of the three compressed tag sets (PEP 425).
func expandTags(sets []string) (tags []string, msg string) {
	var parts [3][]string
	for i, set := range sets {
		parts[i] = strings.Split(set, ".")
		for _, tag := range parts[i] {
			if !validTag(tag) || i == 0 && isDigit(tag[0]) {
				return nil, fmt.Sprintf("%q is no tag", tag)
			}
		}
	}
	count := len(parts[0]) * len(parts[1]) * len(parts[2])
	if count > maxTags {
		return nil, fmt.Sprintf("it has %d tags, more than %d", count, maxTags)
	}
	tags = make([]string, 0, count)
	for _, python := range parts[0] {
		for _, abi := range parts[1] {
			for _, platform := range parts[2] {
				tags = append(tags, python+"-"+abi+"-"+platform)
			}
		}
	}
	return tags, ""
}

// validTag says whether a tag consists of letters, digits and "_".
func validTag(tag string) bool {
	for i := 0; i < len(tag); i++ {
		if c := tag[i]; !isDigit(c) && c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return tag != ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Sdist is the parsed file name of a source distribution (PEP 625).
type Sdist struct {
	Name    string // normalised project name
	Version string // as written
}

// ParseSdist reads "name-version.tar.gz", or ".zip" of older projects. The
// error is a *FilenameError.
func ParseSdist(s string) (Sdist, error) {
	stem, found := strings.CutSuffix(s, ".tar.gz")
	if !found {
		stem, found = strings.CutSuffix(s, ".zip")
	}
	dash := strings.LastIndexByte(stem, '-')
	if !found || dash <= 0 {
		return Sdist{}, &FilenameError{Filename: s, Msg: "a source distribution is called name-version.tar.gz or .zip"}
	}
	name, version := stem[:dash], stem[dash+1:]
	if !pep508.ValidName(name) {
		return Sdist{}, &FilenameError{Filename: s, Msg: fmt.Sprintf("%q is no name of a project", name)}
	}
	if err := checkVersion(version); err != nil {
		return Sdist{}, &FilenameError{Filename: s, Msg: err.Error(), Err: err}
	}
	return Sdist{Name: pep508.NormalizeName(name), Version: version}, nil
}
