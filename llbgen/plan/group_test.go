package plan

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/imagespec/imagespec/lockparse/lock"
)

// mib is a size that reads well.
const mib = 1 << 20

func wheels(sizes map[string]int64) []Package {
	var packages []Package
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		packages = append(packages, Package{Name: name, Kind: lock.KindWheel, Size: sizes[name]})
	}
	return packages
}

func groups(packages []Package) map[string]string {
	of := map[string]string{}
	for _, p := range packages {
		of[p.Name] = p.Group
	}
	return of
}

func TestGroup(t *testing.T) {
	packages := wheels(map[string]int64{
		"numpy":             16 * mib,
		"pandas":            12 * mib,
		"idna":              70_000,
		"typing-extensions": 44_000,
		"unknown-size":      0,
	})
	packages = append(packages, Package{Name: "local-tree", Kind: lock.KindDirectory})

	layers := group(packages)

	want := map[string]string{
		"numpy": "numpy", "pandas": "pandas",
		"idna": "+6", "typing-extensions": "+4", "unknown-size": "+7",
		"local-tree": "local-tree",
	}
	if got := groups(packages); !maps.Equal(got, want) {
		t.Errorf("groups:\n got %v\nwant %v", got, want)
	}
	var names []string
	for _, l := range layers {
		names = append(names, l.Name)
	}
	if want := []string{"+4", "+6", "+7", "numpy", "pandas", "local-tree"}; !slices.Equal(names, want) {
		t.Errorf("layers %v, want %v", names, want)
	}
}

// TestGroupOfBuilt: what is built has a layer of its own behind all wheels,
// unless there is too much of it.
func TestGroupOfBuilt(t *testing.T) {
	packages := wheels(map[string]int64{"idna": 1})
	packages = append(packages, Package{Name: "a-tree", Kind: lock.KindDirectory}, Package{Name: "commit", Kind: lock.KindGit, Size: 100 * mib})
	for i := range maxBuilt + 1 {
		packages = append(packages, Package{Name: fmt.Sprintf("member-%d", i), Kind: lock.KindDirectory})
	}
	for count, want := range map[int][]string{
		3:             {"+6", "commit", "a-tree"},
		5:             {"+6", "commit", "a-tree", "member-0", "member-1"},
		len(packages): {"+6", "commit", "+trees"},
	} {
		var names []string
		for _, layer := range group(slices.Clone(packages[:count])) {
			names = append(names, layer.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("layers %q, want %q", names, want)
		}
	}
}

// TestGroupIsStable adds, bumps and drops packages one at a time: no other
// package may change its layer.
func TestGroupIsStable(t *testing.T) {
	sizes := map[string]int64{}
	for i := range 180 {
		sizes[fmt.Sprintf("package-%d", i)] = int64(i*i) * 300 // the last dozen are heavy
	}
	before := wheels(sizes)
	group(before)
	old := groups(before)

	for _, change := range []struct {
		name string
		size int64
	}{{"package-1", 40 * mib}, {"package-179", 1}, {"added", 3}, {"added-heavy", 90 * mib}} {
		t.Run(change.name, func(t *testing.T) {
			changed := maps.Clone(sizes)
			changed[change.name] = change.size
			after := wheels(changed)
			group(after)
			for name, g := range groups(after) {
				if name != change.name && g != old[name] {
					t.Errorf("%s moved from %s to %s", name, old[name], g)
				}
			}
		})
	}
}

// TestGroupBudget: the CUDA wheels of torch alone are two dozen, and a spec
// may have more.
func TestGroupBudget(t *testing.T) {
	sizes := map[string]int64{}
	for i := range 90 {
		sizes[fmt.Sprintf("heavy-%d", i)] = int64(i+9) * mib
	}
	layers := group(wheels(sizes))
	if max := maxHeavy + buckets; len(layers) > max {
		t.Errorf("%d layers, want at most %d", len(layers), max)
	}
}
