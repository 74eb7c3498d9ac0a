package lock

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/wheel"
)

// choose takes one file of a package: the best wheel, else what a wheel can
// be built from.
func choose(p *Package, t Target, r Request) (Selected, error) {
	noBinary := p.NoBinary || r.NoBinary.Covers(p.Name)
	noBuild := p.NoBuild || r.NoBuild.Covers(p.Name)
	if !noBinary {
		if best, ok := bestWheel(p.Wheels, t.Tags); ok {
			return Selected{Package: p, Kind: kindOf(p, KindWheel), File: best}, nil
		}
	}
	build, buildable := p.source()
	if buildable && !noBuild {
		return build, nil
	}
	err := NoArtifact.Errorf(p.At, "%s has no file that can be used: %s", p, strings.Join(slices.DeleteFunc([]string{
		wheelProblem(p, t.Tags, noBinary),
		sourceProblem(p, buildable),
	}, func(s string) bool { return s == "" }), ", and "))
	return Selected{}, err.WithHint("%s", advice(noBinary, noBuild))
}

// kindOf is the kind of a package whose file is known: what lies in a
// repository has to be fetched as a commit, whatever it is.
func kindOf(p *Package, kind Kind) Kind {
	if p.Source.Origin == Git {
		return KindGit
	}
	return kind
}

// bestWheel takes the wheel with the best tag; equal tags are decided by the
// higher build number, then by the order in the lock. Size and age play no
// part. Wheels with a name that no tool would install are passed over: old
// releases have them.
func bestWheel(files []File, tags *wheel.Tags) (File, bool) {
	valid, names := parseNames(files)
	best, found := tags.Best(names)
	if !found {
		return File{}, false
	}
	return valid[best], true
}

// parseNames gives the files whose names are those of wheels, and the names.
func parseNames(files []File) ([]File, []wheel.Filename) {
	valid := make([]File, 0, len(files))
	names := make([]wheel.Filename, 0, len(files))
	for _, f := range files {
		if name, err := wheel.ParseFilename(f.Name); err == nil {
			valid, names = append(valid, f), append(names, name)
		}
	}
	return valid, names
}

// source gives what a wheel of the package can be built from, and whether
// there is anything.
func (p *Package) source() (Selected, bool) {
	s := Selected{Package: p}
	if p.Sdist != nil {
		s.File = *p.Sdist
	}
	switch p.Source.Origin {
	case Directory:
		s.Kind = KindDirectory
		return s, true
	case Git:
		s.Kind = KindGit
		return s, p.Source.Path == "" || p.Sdist != nil && isSdist(s.File.Name)
	case Archive:
		s.Kind = KindArchive
	default:
		s.Kind = KindSdist
	}
	return s, p.Sdist != nil && isSdist(s.File.Name)
}

// isSdist says whether a source distribution has a form that is built today
// (PEP 625, and the .zip of before); uv and pip refuse the older ones.
func isSdist(name string) bool {
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".zip")
}

func advice(noBinary, noBuild bool) string {
	switch {
	case noBinary && noBuild:
		return "allow wheels or builds for it"
	case noBinary:
		return "allow wheels for it"
	case noBuild:
		return "allow to build it, or lock a version that has a wheel for the target"
	}
	return "lock a version that has a wheel for the target or a source distribution, or choose another target"
}

func sourceProblem(p *Package, buildable bool) string {
	switch {
	case buildable:
		return "it may not be built"
	case p.Sdist != nil:
		return fmt.Sprintf("its source distribution %q is neither .tar.gz nor .zip", p.Sdist.Name)
	case p.Source.Origin == Registry:
		return "it has no source distribution"
	}
	return ""
}

// wheelProblem says why no wheel was taken, by the closest miss of all of
// them: right interpreter and ABI but another platform is closer than another
// ABI, and that closer than another interpreter.
func wheelProblem(p *Package, tags *wheel.Tags, noBinary bool) string {
	if len(p.Wheels) == 0 {
		return "it has no wheels"
	}
	if noBinary {
		return "its wheels may not be used"
	}
	_, names := parseNames(p.Wheels)
	target := tags.List()
	if len(names) == 0 || len(target) == 0 {
		return "none of its wheels has a valid name"
	}
	python, abi, platform := splitTag(target[0])
	switch miss, level := closestMisses(names, target); level {
	case pythonMiss:
		return fmt.Sprintf("the target's Python is %s, but its wheels are for %s", python, list(miss))
	case abiMiss:
		return fmt.Sprintf("the target's Python ABI is %s-%s, but its wheels are for %s", python, abi, list(miss))
	default:
		return fmt.Sprintf("the target's platform is %s, but its wheels are for %s", platform, list(miss))
	}
}

// How far a wheel is from fitting, farthest first.
const (
	pythonMiss = iota
	abiMiss
	platformMiss
)

// closestMisses gives the part of the tags that kept the nearest wheels from
// fitting, sorted, and which part that is.
func closestMisses(names []wheel.Filename, target []string) ([]string, int) {
	pythons, abis := make(map[string]bool), make(map[string]bool)
	for _, tag := range target {
		python, abi, _ := splitTag(tag)
		pythons[python], abis[python+"-"+abi] = true, true
	}
	var misses [platformMiss + 1]map[string]bool
	for _, name := range names {
		for _, tag := range name.Tags {
			python, abi, platform := splitTag(tag)
			level, part := pythonMiss, python
			switch {
			case abis[python+"-"+abi]:
				level, part = platformMiss, platform
			case pythons[python]:
				level, part = abiMiss, python+"-"+abi
			}
			if misses[level] == nil {
				misses[level] = make(map[string]bool)
			}
			misses[level][part] = true
		}
	}
	for level := platformMiss; level > pythonMiss; level-- {
		if misses[level] != nil {
			return slices.Sorted(maps.Keys(misses[level])), level
		}
	}
	return slices.Sorted(maps.Keys(misses[pythonMiss])), pythonMiss
}

func splitTag(tag string) (python, abi, platform string) {
	python, rest, _ := strings.Cut(tag, "-")
	abi, platform, _ = strings.Cut(rest, "-")
	return python, abi, platform
}

// maxListed is how many names a message lists before it only counts.
const maxListed = 8

func list(names []string) string {
	if n := len(names) - maxListed; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), n)
	}
	return strings.Join(names, ", ")
}
