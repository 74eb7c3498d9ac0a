package base

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// Inspect looks at the files of an image: root is its file system, in which
// links are followed, path the directories of its PATH, architecture what OCI
// calls it ("amd64"). A free-threaded Python is found where it is asked for or
// the only one. What cannot be found stays unknown.
func Inspect(root fs.FS, path []string, architecture string, freeThreaded bool) Facts {
	python := findPython(root, path, freeThreaded)
	if python.Version == "" && !freeThreaded {
		python = findPython(root, path, true)
	}
	return Facts{Python: python, Libc: findLibc(root, architecture)}
}

// pythonName is an interpreter's own name; the ABI flag t is a free-threaded
// build's.
var pythonName = regexp.MustCompile(`^python3\.(\d+)(t?)$`)

// findPython takes the newest interpreter of one of the two builds in the first
// directory that has one.
func findPython(root fs.FS, path []string, freeThreaded bool) plan.Python {
	for _, dir := range path {
		entries, err := fs.ReadDir(root, rel(dir))
		if err != nil {
			continue
		}
		minors := []int{}
		for _, entry := range entries {
			if m := pythonName.FindStringSubmatch(entry.Name()); m != nil && (m[2] == "t") == freeThreaded {
				minor, _ := strconv.Atoi(m[1])
				minors = append(minors, minor)
			}
		}
		slices.Sort(minors)
		for _, minor := range slices.Backward(minors) {
			python := plan.Python{Version: fmt.Sprintf("3.%d", minor), Home: dir, FreeThreaded: freeThreaded}
			if python.Version = pythonVersion(root, dir, python.Minor()); python.Version != "" {
				return python
			}
		}
	}
	return plan.Python{}
}

// pythonVersion finds the full version of an interpreter in the data of its
// executable or of its shared library, where it stands as a string of its own
// (PY_VERSION, which sys.version begins with).
func pythonVersion(root fs.FS, dir, minor string) string {
	return versionIn(root, path.Join(dir, "python"+minor), minor)
}

// versionIn is the same for an executable of any name.
func versionIn(root fs.FS, exec, minor string) string {
	number := regexp.QuoteMeta(strings.TrimSuffix(minor, "t"))
	literal := regexp.MustCompile(fmt.Sprintf(`\x00(%s\.\d+(?:(?:a|b|rc)\d+)?\+?)\x00`, number))
	lib := path.Join(path.Dir(exec), "..", "lib")
	for _, name := range []string{
		exec,
		path.Join(lib, "libpython"+minor+".so.1.0"),
	} {
		data, err := fs.ReadFile(root, rel(name))
		if err != nil {
			continue
		}
		if m := literal.FindSubmatch(data); m != nil {
			return string(bytes.TrimSuffix(m[1], []byte("+")))
		}
	}
	return ""
}

// loaders are the dynamic loaders of each architecture, as OCI names it: the
// PT_INTERP of its programs. triplet names the folder of Debian's libraries.
var loaders = map[string]struct{ glibc, musl, triplet string }{
	"amd64":   {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1", "x86_64-linux-gnu"},
	"386":     {"/lib/ld-linux.so.2", "/lib/ld-musl-i386.so.1", "i386-linux-gnu"},
	"arm64":   {"/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1", "aarch64-linux-gnu"},
	"arm":     {"/lib/ld-linux-armhf.so.3", "/lib/ld-musl-armhf.so.1", "arm-linux-gnueabihf"},
	"ppc64le": {"/lib64/ld64.so.2", "/lib/ld-musl-powerpc64le.so.1", "powerpc64le-linux-gnu"},
	"s390x":   {"/lib/ld64.so.1", "/lib/ld-musl-s390x.so.1", "s390x-linux-gnu"},
	"riscv64": {"/lib/ld-linux-riscv64-lp64d.so.1", "/lib/ld-musl-riscv64.so.1", "riscv64-linux-gnu"},
	"loong64": {"/lib64/ld-linux-loongarch-lp64d.so.1", "/lib/ld-musl-loongarch64.so.1", "loongarch64-linux-gnu"},
}

var (
	glibcBanner = regexp.MustCompile(`(?:ld\.so|C Library) \([^)]*\) [a-z]+ release version (\d+)\.(\d+)`)
	muslBanner  = regexp.MustCompile(`\x00(1)\.(\d+)\.\d+(?:_git[^\x00]*)?\x00`)
)

// findLibc reads the version that the loader carries: its banner for glibc,
// the string that it prints without arguments for musl. Before glibc 2.33 only
// the library itself has the banner.
func findLibc(root fs.FS, architecture string) wheel.Libc {
	loader := loaders[architecture]
	for _, try := range []struct {
		family string
		banner *regexp.Regexp
		files  []string
	}{
		{"glibc", glibcBanner, []string{loader.glibc, "/lib/" + loader.triplet + "/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6"}},
		{"musl", muslBanner, []string{loader.musl}},
	} {
		if _, err := fs.Stat(root, rel(try.files[0])); err != nil {
			continue // programs of the image do not use this library
		}
		for _, file := range try.files {
			if libc, ok := readLibc(root, file, try.family, try.banner); ok {
				return libc
			}
		}
	}
	return wheel.Libc{}
}

func readLibc(root fs.FS, file, family string, banner *regexp.Regexp) (wheel.Libc, bool) {
	data, err := fs.ReadFile(root, rel(file))
	if err != nil {
		return wheel.Libc{}, false
	}
	m := banner.FindSubmatch(data)
	if m == nil {
		return wheel.Libc{}, false
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	return wheel.Libc{Family: family, Major: major, Minor: minor}, true
}

// rel turns an absolute path of the image into a name of its fs.FS.
func rel(name string) string {
	clean := path.Clean("/" + name)[1:]
	if clean == "" {
		return "."
	}
	return clean
}
