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
//   - every other wheel goes to the bucket that its name hashes to.
//
// Only where an environment has more than maxHeavy heavy wheels the bar rises,
// by doubling, until they fit: those with more than 127 layers do not start.
// The bytecode of each of these layers is another one, so there are up to 64, one
// with the environment, and the base's.
const (
	heavyBytes = 8 << 20
	maxHeavy   = 24
	buckets    = 8
)

// group sets the Group of every wheel and gives the layers: buckets first,
// then the heavy wheels by name.
func group(packages []Package) []Layer {
	bar := heavyBar(packages)
	layers := map[string]*Layer{}
	for i := range packages {
		pkg := &packages[i]
		if pkg.Kind != lock.KindWheel {
			continue
		}
		pkg.Group = groupOf(pkg, bar)
		layer := layers[pkg.Group]
		if layer == nil {
			layer = &Layer{Name: pkg.Group}
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

// groupOf names the layer of a wheel. A project name cannot start with "+",
// so buckets and heavy wheels never share a name.
func groupOf(pkg *Package, bar int64) string {
	if pkg.Size >= bar {
		return pkg.Name
	}
	sum := sha256.Sum256([]byte(pkg.Name))
	return fmt.Sprintf("+%d", sum[0]%buckets)
}

// inOrder sorts layers by name; "+" sorts before every letter and digit.
func inOrder(layers map[string]*Layer) []Layer {
	sorted := []Layer{}
	for _, layer := range layers {
		sorted = append(sorted, *layer)
	}
	slices.SortFunc(sorted, func(a, b Layer) int { return cmp.Compare(a.Name, b.Name) })
	return sorted
}
