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
// Layers of source trees come last, those of other builds before them. Where
// there are too many of either, they share one.
//
// Only where an environment has more than maxHeavy heavy wheels the bar rises,
// by doubling, until they fit: those with more than 127 layers do not start.
// The bytecode of each of these layers is another one, so there are up to 64, one
// with the environment, and the base's.
const (
	heavyBytes = 8 << 20
	maxHeavy   = 24
	maxBuilt   = 8 // of source trees, and of what else is built
	buckets    = 8
)

// group sets the Group of every package and gives the layers: buckets first,
// then the heavy wheels by name, then what is built.
func group(packages []Package) []Layer {
	bar := heavyBar(packages)
	trees, others := built(packages)
	layers := map[string]*Layer{}
	for i := range packages {
		pkg := &packages[i]
		rank := 0
		switch {
		case pkg.Kind == lock.KindWheel:
			pkg.Group = groupOf(pkg, bar)
		case pkg.Kind == lock.KindDirectory:
			pkg.Group, rank = groupOfBuilt(pkg, "+trees", trees), 2
		default:
			pkg.Group, rank = groupOfBuilt(pkg, "+built", others), 1
		}
		layer := layers[pkg.Group]
		if layer == nil {
			layer = &Layer{Name: pkg.Group, rank: rank}
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

// built counts the packages that are built: from trees, and from anything else.
func built(packages []Package) (trees, others int) {
	for _, pkg := range packages {
		switch pkg.Kind {
		case lock.KindWheel:
		case lock.KindDirectory:
			trees++
		default:
			others++
		}
	}
	return trees, others
}

// groupOf names the layer of a wheel. A project name cannot start with "+", so
// shared layers and those of one package never share a name.
func groupOf(pkg *Package, bar int64) string {
	if pkg.Size >= bar {
		return pkg.Name
	}
	sum := sha256.Sum256([]byte(pkg.Name))
	return fmt.Sprintf("+%d", sum[0]%buckets)
}

// groupOfBuilt names the layer of a package that is built, one of several of
// its sort. Their sizes say nothing.
func groupOfBuilt(pkg *Package, shared string, count int) string {
	if count > maxBuilt {
		return shared
	}
	return pkg.Name
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
