package wheel_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

func mustPlatforms(t testing.TB, machine string, libc wheel.Libc) []string {
	t.Helper()
	platforms, err := wheel.Platforms(machine, libc)
	if err != nil {
		t.Fatal(err)
	}
	return platforms
}

func TestPlatforms(t *testing.T) {
	for _, c := range []struct {
		machine string
		libc    wheel.Libc
		want    string
	}{
		{"x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 6}, "manylinux_2_6_x86_64 manylinux_2_5_x86_64 manylinux1_x86_64 linux_x86_64"},
		{"i686", wheel.Libc{Family: "glibc", Major: 2, Minor: 4}, "linux_i686"},
		{"aarch64", wheel.Libc{Family: "glibc", Major: 2, Minor: 18}, "manylinux_2_18_aarch64 manylinux_2_17_aarch64 manylinux2014_aarch64 linux_aarch64"},
		{"armv7l", wheel.Libc{Family: "glibc", Major: 2, Minor: 17}, "manylinux_2_17_armv7l manylinux2014_armv7l linux_armv7l"},
		{"ppc64le", wheel.Libc{Family: "glibc", Major: 2, Minor: 17}, "manylinux_2_17_ppc64le manylinux2014_ppc64le linux_ppc64le"},
		{"s390x", wheel.Libc{Family: "glibc", Major: 2, Minor: 16}, "linux_s390x"},
		{"riscv64", wheel.Libc{Family: "glibc", Major: 2, Minor: 32}, "manylinux_2_32_riscv64 manylinux_2_31_riscv64 linux_riscv64"},
		{"loongarch64", wheel.Libc{Family: "glibc", Major: 2, Minor: 36}, "manylinux_2_36_loongarch64 linux_loongarch64"},
		{"riscv64", wheel.Libc{Family: "musl", Major: 1, Minor: 2}, "musllinux_1_2_riscv64 musllinux_1_1_riscv64 musllinux_1_0_riscv64 linux_riscv64"},
	} {
		if got := strings.Join(mustPlatforms(t, c.machine, c.libc), " "); got != c.want {
			t.Errorf("%s with %s: %s, want %s", c.machine, c.libc, got, c.want)
		}
	}
}

// TestPlatformsLimit is about a user who asks for a million tags.
func TestPlatformsLimit(t *testing.T) {
	for minor, want := range map[int]bool{200: true, 201: false} {
		if _, err := wheel.Platforms("x86_64", wheel.Libc{Family: "musl", Major: 1, Minor: minor}); (err == nil) != want {
			t.Errorf("musl 1.%d: %v", minor, err)
		}
	}
}

func TestPlatformsRefuses(t *testing.T) {
	for _, c := range []struct {
		machine string
		libc    wheel.Libc
		want    string
	}{
		{"arm64", wheel.Libc{Family: "glibc", Major: 2, Minor: 36}, "there are no wheels for the machine \"arm64\"\nknown: \"aarch64\", \"armv7l\", \"i686\", \"loongarch64\", \"ppc64\", \"ppc64le\", \"riscv64\", \"s390x\", \"x86_64\""},
		{"x86-64", wheel.Libc{Family: "glibc", Major: 2, Minor: 36}, "there are no wheels for the machine \"x86-64\"\ndid you mean \"x86_64\"?"},
		{"x86_64", wheel.Libc{Family: "uclibc", Major: 1, Minor: 0}, "there are no wheels for the C library uclibc-1.0\nknown: glibc-2.N, musl-1.N"},
		{"x86_64", wheel.Libc{Family: "glibc", Major: 3, Minor: 0}, "there are no wheels for the C library glibc-3.0\nknown: glibc-2.N, musl-1.N"},
		{"x86_64", wheel.Libc{Family: "musl", Major: 2, Minor: 0}, "there are no wheels for the C library musl-2.0\nknown: glibc-2.N, musl-1.N"},
		{"x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 1 << 40}, "there is no C library glibc-2.1099511627776"},
		{"x86_64", wheel.Libc{Family: "musl", Major: 1, Minor: -1}, "there is no C library musl-1.-1"},
	} {
		if _, err := wheel.Platforms(c.machine, c.libc); err == nil || err.Error() != c.want {
			t.Errorf("%s with %s: %v, want %s", c.machine, c.libc, err, c.want)
		}
	}
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		python wheel.Python
		want   string
	}{
		{wheel.Python{Major: 3, Minor: 3}, `
cp33-cp33-linux cp33-abi3-linux cp33-none-linux cp32-abi3-linux
py33-none-linux py3-none-linux py32-none-linux py31-none-linux py30-none-linux
cp33-none-any py33-none-any py3-none-any py32-none-any py31-none-any py30-none-any`},
		{wheel.Python{Major: 3, Minor: 3, FreeThreaded: true}, `
cp33-cp33t-linux cp33-abi3t-linux cp33-none-linux cp32-abi3t-linux
py33-none-linux py3-none-linux py32-none-linux py31-none-linux py30-none-linux
cp33-none-any py33-none-any py3-none-any py32-none-any py31-none-any py30-none-any`},
	} {
		if got := wheel.NewTags(c.python, []string{"linux"}).List(); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%+v: %s, want %s", c.python, got, c.want)
		}
	}
}

// TestBest names what the order is for: which of several wheels is installed.
func TestBest(t *testing.T) {
	bookworm := wheel.NewTags(wheel.Python{Major: 3, Minor: 11}, mustPlatforms(t, "x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 36}))
	alpine := wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, mustPlatforms(t, "aarch64", wheel.Libc{Family: "musl", Major: 1, Minor: 2}))
	threads := wheel.NewTags(wheel.Python{Major: 3, Minor: 15, FreeThreaded: true}, mustPlatforms(t, "x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 41}))
	for _, c := range []struct {
		about  string
		tags   *wheel.Tags
		wheels string
		want   int
	}{
		{"the own ABI before the stable one", bookworm, "a-1-cp311-abi3-linux_x86_64.whl a-1-cp311-cp311-linux_x86_64.whl", 1},
		{"a newer glibc before an older", bookworm, "a-1-cp311-cp311-manylinux2014_x86_64.whl a-1-cp311-cp311-manylinux_2_28_x86_64.whl a-1-cp311-cp311-manylinux_2_39_x86_64.whl", 1},
		{"manylinux before linux", bookworm, "a-1-cp311-cp311-linux_x86_64.whl a-1-cp311-cp311-manylinux1_x86_64.whl", 1},
		{"a platform before any", bookworm, "a-1-cp311-none-any.whl a-1-py30-none-linux_x86_64.whl", 1},
		{"the higher build", bookworm, "a-1-9-py3-none-any.whl a-1-10-py3-none-any.whl a-1-py3-none-any.whl", 1},
		{"the first of equals", bookworm, "a-1-py3-none-any.whl a-1.0-py3-none-any.whl", 0},
		{"none runs", bookworm, "a-1-cp312-cp312-linux_x86_64.whl a-1-cp311-cp311-musllinux_1_2_x86_64.whl a-1-cp311-cp311-win_amd64.whl a-1-CP311-cp311-linux_x86_64.whl", -1},
		{"no wheels", bookworm, "", -1},
		{"musl is not glibc", alpine, "a-1-cp312-cp312-manylinux_2_17_aarch64.whl a-1-cp312-abi3-musllinux_1_1_aarch64.whl", 1},
		{"free-threaded takes no abi3", threads, "a-1-cp315-abi3-linux_x86_64.whl a-1-cp315-cp315-linux_x86_64.whl a-1-cp315-abi3.abi3t-linux_x86_64.whl", 2},
	} {
		var wheels []wheel.Filename
		for _, name := range strings.Fields(c.wheels) {
			wheels = append(wheels, mustParse(t, name))
		}
		if got, ok := c.tags.Best(wheels); got != c.want || ok != (c.want >= 0) {
			t.Errorf("%s: Best = %d, %v, want %d", c.about, got, ok, c.want)
		}
	}
}

func TestPriority(t *testing.T) {
	tags := wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, mustPlatforms(t, "x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 36}))
	list := tags.List()
	for i, tag := range list {
		if got, ok := tags.Priority(wheel.Filename{Tags: []string{"cp27-none-any", tag, list[len(list)-1]}}); got != i || !ok {
			t.Errorf("Priority of %s = %d, %v, want %d", tag, got, ok, i)
		}
	}
	for _, bad := range []string{"", "any", "-any", "cp312-any", "cp312-cp312-any", "cp312-abi3-", "py3-none"} {
		if got, ok := tags.Priority(wheel.Filename{Tags: []string{bad}}); ok {
			t.Errorf("Priority of %q = %d", bad, got)
		}
	}
}

// golden is a target of the vectors and its tags in the order of uv.
type golden struct {
	Python       []int
	FreeThreaded bool `json:"free_threaded"`
	Platform     struct {
		OS    string
		Minor int
		Arch  string
	}
	Tags []string `json:"uv_tags_high_to_low"`
}

func (g golden) python() wheel.Python {
	return wheel.Python{Major: g.Python[0], Minor: g.Python[1], FreeThreaded: g.FreeThreaded}
}

// platforms gives the platforms of a target: ours for Linux; for other
// systems, to which we never install, those of the list itself.
func (g golden) platforms(t *testing.T) []string {
	t.Helper()
	switch g.Platform.OS {
	case "manylinux":
		return mustPlatforms(t, g.Platform.Arch, wheel.Libc{Family: "glibc", Major: 2, Minor: g.Platform.Minor})
	case "musllinux":
		return mustPlatforms(t, g.Platform.Arch, wheel.Libc{Family: "musl", Major: 1, Minor: g.Platform.Minor})
	}
	return platformsOf(g.Tags)
}

// platformsOf gives the platforms of the first interpreter in a list of tags.
func platformsOf(tags []string) []string {
	var platforms []string
	first := tags[0][:strings.LastIndexByte(tags[0], '-')+1]
	for _, tag := range tags {
		if platform, found := strings.CutPrefix(tag, first); found {
			platforms = append(platforms, platform)
		}
	}
	return platforms
}

func loadGolden(t *testing.T) map[string]golden {
	t.Helper()
	var file map[string]golden
	vectors.Load(t, "tags/golden_tags.json", &file)
	return file
}

func TestVectorsGoldenTags(t *testing.T) {
	targets, linux, tags := loadGolden(t), 0, 0
	for name, g := range targets {
		if strings.HasSuffix(g.Platform.OS, "linux") {
			linux++
		}
		tags += len(g.Tags)
		compareTags(t, name, wheel.NewTags(g.python(), g.platforms(t)).List(), g.Tags)
	}
	t.Logf("%d vectors (%d of Linux, %d tags)", len(targets), linux, tags)
}

// compareTags compares position by position.
func compareTags(t *testing.T, name string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d tags, want %d", name, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: tag %d is %s, want %s", name, i, got[i], want[i])
			return
		}
	}
}

func TestVectorsUVTags(t *testing.T) {
	var cases []struct {
		Test string
		Tags []string `json:"tags_high_to_low"`
	}
	vectors.Load(t, "tags/uv_tags_rs_snapshots.json", &cases)
	glibc228 := mustPlatforms(t, "x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 28})
	linux := glibc228[len(glibc228)-1:] // uv's option that refuses manylinux
	for _, c := range cases {
		python, platforms := wheel.Python{Major: 3, Minor: 9}, linux
		switch c.Test {
		case "test_manylinux_incompatible":
		case "test_system_tags_manylinux":
			platforms = glibc228
		case "test_system_tags_macos":
			platforms = platformsOf(c.Tags)
		case "test_system_tags_freethreaded_include_abi3t":
			python = wheel.Python{Major: 3, Minor: 15, FreeThreaded: true}
		default:
			t.Fatalf("unknown vector %s", c.Test)
		}
		compareTags(t, c.Test, wheel.NewTags(python, platforms).List(), c.Tags)
	}
	t.Logf("%d vectors", len(cases))
}

func TestVectorsWheelSelection(t *testing.T) {
	var file struct {
		Cases []struct {
			Name     string
			Wheels   []string
			Expected map[string]any // a file name, nil, or one of each tool
		}
	}
	vectors.Load(t, "tags/wheel_selection.json", &file)
	targets, count := selectionTargets(t), 0
	for _, c := range file.Cases {
		var wheels []wheel.Filename
		for _, name := range c.Wheels {
			wheels = append(wheels, mustParse(t, name))
		}
		for target, want := range c.Expected {
			count++
			if tools, differ := want.(map[string]any); differ {
				want = tools["uv"]
			}
			var got any
			if i, ok := targets[target].Best(wheels); ok {
				got = c.Wheels[i]
			}
			if got != want {
				t.Errorf("%s on %s: %v, want %v", c.Name, target, got, want)
			}
		}
	}
	t.Logf("%d vectors (%d sets of wheels)", count, len(file.Cases))
}

// selectionTargets gives the targets of wheel_selection.json by name.
func selectionTargets(t *testing.T) map[string]*wheel.Tags {
	glibc := func(machine string, minor int) []string {
		return mustPlatforms(t, machine, wheel.Libc{Family: "glibc", Major: 2, Minor: minor})
	}
	golden := loadGolden(t)
	mac, windows := golden["cp313-macos_15-arm64"], golden["cp310-win_amd64"]
	return map[string]*wheel.Tags{
		"cp311-glibc2.36-x86_64":  wheel.NewTags(wheel.Python{Major: 3, Minor: 11}, glibc("x86_64", 36)),
		"cp312-glibc2.17-x86_64":  wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, glibc("x86_64", 17)),
		"cp312-glibc2.36-aarch64": wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, glibc("aarch64", 36)),
		"cp312-musl1.2-x86_64":    wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, mustPlatforms(t, "x86_64", wheel.Libc{Family: "musl", Major: 1, Minor: 2})),
		"cp313t-glibc2.36-x86_64": wheel.NewTags(wheel.Python{Major: 3, Minor: 13, FreeThreaded: true}, glibc("x86_64", 36)),
		"cp313-macos15-arm64":     wheel.NewTags(mac.python(), mac.platforms(t)),
		"cp310-win_amd64":         wheel.NewTags(windows.python(), windows.platforms(t)),
	}
}

func BenchmarkNewTags(b *testing.B) {
	platforms := mustPlatforms(b, "x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	b.ReportAllocs()
	for b.Loop() {
		wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, platforms)
	}
}

func BenchmarkPriority(b *testing.B) {
	tags := wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, mustPlatforms(b, "x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 36}))
	f := mustParse(b, "numpy-2.1.3-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := tags.Priority(f); !ok {
			b.Fatal("incompatible")
		}
	}
}

func ExampleTags_Best() {
	platforms, _ := wheel.Platforms("x86_64", wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	tags := wheel.NewTags(wheel.Python{Major: 3, Minor: 12}, platforms)
	pure, _ := wheel.ParseFilename("orjson-3.10-py3-none-any.whl")
	native, _ := wheel.ParseFilename("orjson-3.10-cp312-cp312-manylinux_2_17_x86_64.whl")
	fmt.Println(tags.Best([]wheel.Filename{pure, native}))
	// Output: 1 true
}
