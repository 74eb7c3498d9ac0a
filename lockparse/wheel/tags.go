package wheel

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
)

// Libc is the C library of an image and its version: {"glibc", 2, 36}.
type Libc struct {
	Family       string // "glibc" or "musl"
	Major, Minor int
}

// String gives the form "glibc-2.36".
func (l Libc) String() string { return fmt.Sprintf("%s-%d.%d", l.Family, l.Major, l.Minor) }

// maxLibcMinor limits what a user can ask for: glibc gets two versions a year.
const maxLibcMinor = 200

// Platforms gives the platform tags of a Linux machine ("x86_64", "aarch64",
// …), best first. The error is a *diag.Error without a place.
func Platforms(machine string, libc Libc) ([]string, error) {
	floors := manylinuxFloors()
	floor, known := floors[machine]
	if !known {
		return nil, &diag.Error{
			Msg:  fmt.Sprintf("there are no wheels for the machine %q", machine),
			Hint: diag.Suggest(machine, slices.Collect(maps.Keys(floors))),
		}
	}
	var tags []string
	switch {
	case libc.Minor < 0 || libc.Minor > maxLibcMinor:
		return nil, &diag.Error{Msg: fmt.Sprintf("there is no C library %s", libc)}
	case libc.Family == "glibc" && libc.Major == 2:
		tags = manylinux(machine, floor, libc.Minor)
	case libc.Family == "musl" && libc.Major == 1:
		for minor := libc.Minor; minor >= 0; minor-- {
			tags = append(tags, fmt.Sprintf("musllinux_1_%d_%s", minor, machine))
		}
	default:
		return nil, &diag.Error{
			Msg:  fmt.Sprintf("there are no wheels for the C library %s", libc),
			Hint: "known: glibc-2.N, musl-1.N",
		}
	}
	return append(tags, "linux_"+machine), nil
}

// manylinux gives the tags of PEP 600 from the image's glibc down to the
// oldest, each followed by its older name.
func manylinux(machine string, floor, minor int) []string {
	var tags []string
	for ; minor >= floor; minor-- {
		tags = append(tags, fmt.Sprintf("manylinux_2_%d_%s", minor, machine))
		switch minor {
		case 17:
			tags = append(tags, "manylinux2014_"+machine)
		case 12:
			tags = append(tags, "manylinux2010_"+machine)
		case 5:
			tags = append(tags, "manylinux1_"+machine)
		}
	}
	return tags
}

// manylinuxFloors gives for each machine the oldest minor version of glibc
// that there are tags for, which is that of its first manylinux standard.
func manylinuxFloors() map[string]int {
	return map[string]int{
		"x86_64": 5, "i686": 5,
		"aarch64": 17, "armv7l": 17, "ppc64": 17, "ppc64le": 17, "s390x": 17,
		"riscv64":     31,
		"loongarch64": 36,
	}
}

// Python is a CPython interpreter for tags.
type Python struct {
	Major, Minor int
	FreeThreaded bool // built without the global interpreter lock (PEP 703)
}

// Tags is the ordered list of compatibility tags of a target. It is the
// product of a few dozen interpreters and platforms, followed by the tags of
// any platform, and kept as these factors.
type Tags struct {
	native    []string       // "cp312-abi3", best first; each for all platforms
	anywhere  []string       // "py3-none", best first; each for "any"
	platforms []string       // best first
	nativeAt  map[string]int // places in native
	anyAt     map[string]int // places in anywhere
	platAt    map[string]int // places in platforms
}

// NewTags gives the tags that the interpreter accepts on the platforms, best
// first.
func NewTags(py Python, platforms []string) *Tags {
	pure := pureTags(py)
	t := &Tags{
		native:    append(cpythonTags(py), pure...),
		anywhere:  append([]string{py.tag("cp", py.Minor) + "-none"}, pure...),
		platforms: slices.Clone(platforms),
	}
	t.nativeAt, t.anyAt, t.platAt = places(t.native), places(t.anywhere), places(t.platforms)
	return t
}

// tag gives "cp312" for "cp" and a minor version.
func (py Python) tag(prefix string, minor int) string {
	return fmt.Sprintf("%s%d%d", prefix, py.Major, minor)
}

// oldestStableABI is the minor version of Python 3 that had the stable ABI
// first (PEP 384).
const oldestStableABI = 2

// cpythonTags gives the tags of CPython: its own ABI, the stable ABI, none,
// and the stable ABI of older versions. Free-threaded builds have an own
// stable ABI (PEP 803), which starts with 3.15 but is accepted as far back.
func cpythonTags(py Python) []string {
	own := py.tag("cp", py.Minor)
	abi, stable := own, "-abi3"
	if py.FreeThreaded {
		abi, stable = own+"t", "-abi3t"
	}
	tags := []string{own + "-" + abi, own + stable, own + "-none"}
	for minor := py.Minor - 1; minor >= oldestStableABI; minor-- {
		tags = append(tags, py.tag("cp", minor)+stable)
	}
	return tags
}

// pureTags gives the tags of pure Python: the version, the major version, and
// the versions before.
func pureTags(py Python) []string {
	tags := []string{py.tag("py", py.Minor) + "-none", fmt.Sprintf("py%d-none", py.Major)}
	for minor := py.Minor - 1; minor >= 0; minor-- {
		tags = append(tags, py.tag("py", minor)+"-none")
	}
	return tags
}

// places gives the first place of each string.
func places(list []string) map[string]int {
	at := make(map[string]int, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		at[list[i]] = i
	}
	return at
}

// List gives the tags, best first.
func (t *Tags) List() []string {
	list := make([]string, 0, len(t.native)*len(t.platforms)+len(t.anywhere))
	for _, prefix := range t.native {
		for _, platform := range t.platforms {
			list = append(list, prefix+"-"+platform)
		}
	}
	for _, prefix := range t.anywhere {
		list = append(list, prefix+"-any")
	}
	return list
}

// Priority gives the place of the best tag of f, 0 the best of all, and
// whether the wheel runs on the target at all.
func (t *Tags) Priority(f Filename) (int, bool) {
	best, found := 0, false
	for _, tag := range f.Tags {
		if place, ok := t.place(tag); ok && (!found || place < best) {
			best, found = place, true
		}
	}
	return best, found
}

// place gives the place of a tag in List.
func (t *Tags) place(tag string) (int, bool) {
	dash := strings.LastIndexByte(tag, '-')
	if dash < 0 {
		return 0, false
	}
	prefix, platform := tag[:dash], tag[dash+1:]
	if platform == "any" {
		i, ok := t.anyAt[prefix]
		return len(t.native)*len(t.platforms) + i, ok
	}
	i, ok := t.nativeAt[prefix]
	j, onPlatform := t.platAt[platform]
	return i*len(t.platforms) + j, ok && onPlatform
}

// Best gives the index of the wheel that uv takes: the one with the best tag,
// of those the highest build number, of those the first. It says whether any
// wheel runs on the target.
func (t *Tags) Best(wheels []Filename) (int, bool) {
	best, bestPriority := -1, 0
	for i, f := range wheels {
		priority, ok := t.Priority(f)
		if !ok {
			continue
		}
		if best < 0 || priority < bestPriority || priority == bestPriority && f.Build.Compare(wheels[best].Build) > 0 {
			best, bestPriority = i, priority
		}
	}
	return best, best >= 0
}
