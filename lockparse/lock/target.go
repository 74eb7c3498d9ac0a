package lock

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// LinuxTarget makes the target of an image: its OCI architecture and variant
// ("arm64", ""), the full version of its CPython ("3.12.4", "3.13.0rc1"),
// whether that is the free-threaded build, and its C library. The patch level
// of the version must be the real one, because markers ask for it.
func LinuxTarget(arch, variant, python string, freeThreaded bool, libc wheel.Libc) (Target, error) {
	machine, err := machineOf(arch, variant)
	if err != nil {
		return Target{}, err
	}
	version, err := pep440.Parse(python)
	if err != nil {
		return Target{}, WrongPython.Errorf(diag.Range{}, "Python version %q: %w", python, err)
	}
	release := version.Release()
	if len(release) != 3 || release[0] != 3 || release[1] > 99 {
		return Target{}, WrongPython.Errorf(diag.Range{}, "Python version %q is no full version of Python 3", python).
			WithHint("give it with its patch level, such as 3.12.4")
	}
	platforms, err := wheel.Platforms(machine, libc)
	if err != nil {
		return Target{}, UnsupportedPlatform.Wrap(err)
	}
	full := version.String()
	return Target{
		Env: pep508.Env{
			PythonVersion:                fmt.Sprintf("%d.%d", release[0], release[1]),
			PythonFullVersion:            full,
			ImplementationName:           "cpython",
			ImplementationVersion:        full,
			OSName:                       "posix",
			SysPlatform:                  "linux",
			PlatformSystem:               "Linux",
			PlatformMachine:              machine,
			PlatformPythonImplementation: "CPython",
		},
		Tags: wheel.NewTags(wheel.Python{
			Major: int(release[0]), Minor: int(release[1]), FreeThreaded: freeThreaded,
		}, platforms),
	}, nil
}

// Machine gives the name of an OCI platform's machine in uname, empty for one
// that has no wheels.
func Machine(arch, variant string) string {
	machine, err := machineOf(arch, variant)
	if err != nil {
		return ""
	}
	return machine
}

// machineOf gives the name of an OCI platform in uname and in wheel tags.
func machineOf(arch, variant string) (string, error) {
	machines := map[string]string{
		"386":     "i686",
		"amd64":   "x86_64",
		"arm/v7":  "armv7l",
		"arm64":   "aarch64",
		"ppc64le": "ppc64le",
		"riscv64": "riscv64",
		"s390x":   "s390x",
	}
	// The levels of amd64 and arm64 share their wheels; 32-bit ARM has them
	// for v7 only, which is also what no variant means.
	name := arch
	if arch == "arm" {
		name += "/" + cmp.Or(variant, "v7")
	}
	machine, ok := machines[name]
	if !ok {
		return "", UnsupportedPlatform.Errorf(diag.Range{}, "architecture %q has no Python wheels", name).
			WithHint("known: %s", strings.Join(slices.Sorted(maps.Keys(machines)), ", "))
	}
	return machine, nil
}

// best is the first tag of a target. No two targets share it, since it has the
// interpreter, the C library and the machine.
func (t Target) best() string {
	if t.Tags == nil {
		return ""
	}
	return t.Tags.List()[0]
}
