package pdmlock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Resolve gives the packages of the groups that the request means, and the
// project itself.
func (f *file) Resolve(env pep508.Env, r lock.Request) ([]lock.Pick, error) {
	if err := f.checkTarget(env); err != nil {
		return nil, err
	}
	groups, err := f.askedGroups(r)
	if err != nil {
		return nil, err
	}
	env.Extras, env.Groups = nil, nil
	var found []*node
	if f.flat {
		found, err = f.list(env, groups)
	} else {
		found, err = f.walk(env, groups)
	}
	if err != nil {
		return nil, err
	}
	self := f.self(groups, r)
	var picks []lock.Pick
	if self != nil {
		picks = append(picks, lock.Pick{Package: self})
	}
	found = distributions(found)
	by := f.parents(found, groups, self)
	for _, n := range found {
		if n.unfetchable != nil {
			return nil, n.unfetchable
		}
		picks = append(picks, lock.Pick{Package: n.Package, By: by[n.Name]})
	}
	return picks, nil
}

// list gives the packages of a flat lock that are in one of the groups.
func (f *file) list(env pep508.Env, groups []string) ([]*node, error) {
	asked := set(groups)
	var found []*node
	for _, n := range f.packages {
		if f.excluded(n.Name) {
			continue
		}
		ok, err := n.marker.Eval(&env)
		if err != nil {
			return nil, lock.Malformed.Errorf(diag.Range{Source: f.source, Line: n.markerLine}, "%w", err)
		}
		if ok && (len(n.groups) == 0 || slices.ContainsFunc(n.groups, func(group string) bool { return asked[group] })) {
			found = append(found, n)
		}
	}
	return found, nil
}

func (f *file) excluded(name string) bool { return f.project != nil && f.project.excludes[name] }

// distributions joins the entries of one distribution, which differ in their
// extras only.
func distributions(found []*node) []*node {
	type key struct {
		name, version string
		source        lock.Source
	}
	place := make(map[key]int)
	var list []*node
	for _, n := range found {
		k := key{n.Name, n.Version, n.Source}
		i, seen := place[k]
		switch {
		case !seen:
			place[k] = len(list)
			list = append(list, n)
		case len(n.extras) == 0:
			list[i] = n
		}
	}
	return list
}

// self gives the project itself, which is no package of its lock, nil if it is
// not installed.
func (f *file) self(groups []string, r lock.Request) *lock.Package {
	p := f.project
	if p == nil || !p.distribution || !slices.Contains(groups, defaultGroup) || r.NoInstallProject || r.NoInstallWorkspace {
		return nil
	}
	return &lock.Package{
		Name:    p.name,
		Version: p.version,
		Source:  lock.Source{Origin: lock.Directory, Path: ".", Editable: true},
		At:      diag.Range{Source: p.source, Line: p.nameLine},
	}
}

// parents gives for each package the one that asked for it first, as far as
// the dependencies tell: those that the project asks for by name have its own.
func (f *file) parents(found []*node, groups []string, self *lock.Package) map[string]*lock.Package {
	byName := make(map[string]*node, len(found))
	for _, n := range found {
		byName[n.Name] = n
	}
	by := make(map[string]*lock.Package)
	var queue []string
	ask := func(name string, from *lock.Package) {
		if _, seen := by[name]; !seen && byName[name] != nil {
			by[name] = from
			queue = append(queue, name)
		}
	}
	if f.project != nil {
		// Whether they can be read was decided before, where it matters.
		requirements, _ := f.project.requirements(groups)
		for _, q := range requirements {
			ask(q.name, self)
		}
	}
	for len(queue) > 0 {
		n := byName[queue[0]]
		queue = queue[1:]
		for _, entry := range f.byName[n.Name] { // with each set of extras
			for _, q := range entry.dependencies {
				ask(q.name, n.Package)
			}
		}
	}
	return by
}

// checkTarget refuses a target that the lock was not made for. Of a platform
// the system and the machine count: whether it has wheels for the C library of
// the target is seen when a file is chosen.
func (f *file) checkTarget(env pep508.Env) error {
	if len(f.targets) == 0 {
		return f.checkPython(env)
	}
	var pythons []string
	for _, t := range f.targets {
		if !t.fits(env) {
			continue
		}
		ok, err := lock.Satisfies(env, t.requires)
		if ok || err != nil {
			return err
		}
		pythons = append(pythons, fmt.Sprintf("%q", t.requires))
	}
	at := diag.Range{Source: f.source, Line: f.targets[0].line}
	if len(pythons) > 0 {
		return lock.WrongPython.Errorf(at, "Python %s does not satisfy requires_python %s of the lock",
			env.PythonFullVersion, strings.Join(pythons, " or ")).
			WithHint("choose another Python, or lock the project for this one")
	}
	return lock.UnsupportedPlatform.Errorf(at, "the lock is not for %s %s: none of its targets is", env.SysPlatform, env.PlatformMachine).
		WithHint("run \"pdm lock --append --platform=PLATFORM\"")
}

// checkPython refuses a Python that the project is not for. Before format 4.5
// locks did not repeat for what they were made.
func (f *file) checkPython(env pep508.Env) error {
	if f.project == nil {
		return nil
	}
	ok, err := lock.Satisfies(env, f.project.requires)
	if ok || err != nil {
		return err
	}
	return lock.WrongPython.Errorf(diag.Range{Source: f.project.source, Line: f.project.requiresLine},
		"Python %s does not satisfy requires-python %q of the project", env.PythonFullVersion, f.project.requires).
		WithHint("choose another Python, or lock the project for this one")
}

func (t target) fits(env pep508.Env) bool {
	system, machine := splitPlatform(t.platform)
	return (t.platform == "" || system == env.SysPlatform && machine == env.PlatformMachine) &&
		(t.implementation == "" || t.implementation == env.ImplementationName)
}

// splitPlatform gives system and machine, as markers have them, of a platform
// such as "manylinux_2_17_x86_64", or of one of PDM's short names.
func splitPlatform(platform string) (system, machine string) {
	short := map[string]string{
		"linux": "linux_x86_64", "alpine": "musllinux_x86_64", "windows": "windows_amd64", "macos": "macos_arm64",
	}
	if long, ok := short[platform]; ok {
		platform = long
	}
	system, machine, _ = strings.Cut(platform, "_")
	for machine != "" && strings.Trim(machine[:1], "0123456789") == "" {
		_, machine, _ = strings.Cut(machine, "_") // a version
	}
	switch machine {
	case "amd64":
		machine = "x86_64"
	case "arm64":
		machine = "aarch64"
	case "x86":
		machine = "i686"
	}
	switch system {
	case "manylinux", "musllinux":
		system = "linux"
	case "windows":
		system = "win32"
	case "macos":
		system = "darwin"
	}
	return system, machine
}
