package plan

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/imagespec/imagespec/lockparse/lock"
)

// Which wheels share a layer is decided for each wheel by its own name and
// size, so that adding, dropping or bumping one package moves no other:
//
//   - a heavy wheel has a layer of its own;
//   - so has a package that is built, since compilers need not give the same
//     bytes twice, and a source tree changes often;
//   - every other wheel goes to the bucket that its name hashes to.
//
// Layers of source trees come last, those of other builds before them.
//
// Only where an environment has more than maxHeavy heavy wheels the bar rises,
// by doubling, until they fit: images with more layers than about 60 are slow
// to pull, and those with more than 127 do not start.
const (
	heavyBytes = 8 << 20
	maxHeavy   = 32
	maxBuilt   = 16 // source distributions with a layer of their own; if there are more, none has one
	buckets    = 8
)

// group sets the Group of every package and gives the layers: buckets first,
// then the heavy wheels by name, then what is built.
func group(packages []Package) []Layer {
	bar := heavyBar(packages)
	alone := built(packages) <= maxBuilt
	layers := map[string]*Layer{}
	for i := range packages {
		pkg := &packages[i]
		pkg.Group = groupOf(pkg, bar, alone)
		layer := layers[pkg.Group]
		if layer == nil {
			layer = &Layer{Name: pkg.Group, rank: rank(pkg, alone)}
			layers[pkg.Group] = layer
		}
		layer.Packages = append(layer.Packages, pkg.Name)
		layer.Size += pkg.Size
	}
	return inOrder(layers)
}

// heavyBar is the least size in bytes of a wheel with a layer of its own.
func heavyBar(packages []Package) int64 {
	for bar := int64(heavyBytes); ; bar *= 2 {
		heavy := 0
		for _, pkg := range packages {
			if pkg.Kind == lock.KindWheel && pkg.Size >= bar {
				heavy++
			}
		}
		if heavy <= maxHeavy {
			return bar
		}
	}
}

// built counts the packages that are built from something else than a tree.
func built(packages []Package) int {
	count := 0
	for _, pkg := range packages {
		if pkg.Kind != lock.KindWheel && pkg.Kind != lock.KindDirectory {
			count++
		}
	}
	return count
}

// rank is where the layer of a package comes: before all of a higher rank. The
// size of what a package is built from says nothing.
func rank(pkg *Package, alone bool) int {
	switch {
	case pkg.Kind == lock.KindDirectory:
		return 2
	case pkg.Kind != lock.KindWheel && alone:
		return 1
	}
	return 0
}

// groupOf names the layer of a package. A project name cannot start with "+",
// so buckets and layers of one package never share a name.
func groupOf(pkg *Package, bar int64, alone bool) string {
	if rank(pkg, alone) > 0 || pkg.Kind == lock.KindWheel && pkg.Size >= bar {
		return pkg.Name
	}
	sum := sha256.Sum256([]byte(pkg.Name))
	return fmt.Sprintf("+%d", sum[0]%buckets)
}

// inOrder sorts layers by rank and name; "+" sorts before every letter and
// digit.
func inOrder(layers map[string]*Layer) []Layer {
	sorted := []Layer{}
	for _, layer := range layers {
		sorted = append(sorted, *layer)
	}
	slices.SortFunc(sorted, func(a, b Layer) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Name, b.Name)) })
	return sorted
}
