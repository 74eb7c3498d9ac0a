package resolve

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Interpreter gives what uv has to read of the standard output of the Python
// at a path that it asks about itself, so that it resolves for the target. uv
// never runs that Python for anything else, unless a package has to be built
// to know what it depends on.
//
// To be asked instead of told by --python-version and --python-platform has
// three reasons: no Python is needed then, and no base image that would be a
// part of the key; every C library and machine can be said, not only the
// handful that --python-platform knows; and so can a free-threaded build.
func (t Target) Interpreter(python string) ([]byte, error) {
	parts := strings.SplitN(t.Python, ".", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("version %q of Python is not a full one", t.Python)
	}
	libc, err := t.libc()
	if err != nil {
		return nil, err
	}
	minor := parts[0] + "." + parts[1]
	paths := map[string]string{"purelib": "lib", "platlib": "lib", "include": "include", "scripts": "bin", "data": "data"}
	prefix := "/nonexistent"
	bits := "64"
	if t.Machine == "i686" || t.Machine == "armv7l" {
		bits = "32"
	}
	return json.Marshal(map[string]any{
		"result": "success",
		"markers": map[string]string{
			"implementation_name": "cpython", "implementation_version": t.Python,
			"os_name": "posix", "sys_platform": "linux",
			"platform_machine": t.Machine, "platform_system": "Linux",
			"platform_python_implementation": "CPython", "platform_release": "", "platform_version": "",
			"python_full_version": t.Python, "python_version": minor,
		},
		"sys_base_prefix": prefix, "sys_base_exec_prefix": prefix, "sys_prefix": prefix, "stdlib": prefix,
		"sys_base_executable": python, "sys_executable": python,
		"sys_path": []string{}, "site_packages": []string{}, "extension_suffixes": []string{".so"},
		"scheme": paths, "virtualenv": paths,
		// Older versions of uv have the two in a table of their own.
		"os": libc, "arch": t.Machine, "platform": map[string]any{"os": libc, "arch": t.Machine},
		"cpu_info":             map[string]string{"unavailable": "the target is another machine"},
		"manylinux_compatible": true, "standalone": false, "debug_enabled": false,
		"gil_disabled": t.FreeThreaded, "pointer_size": bits,
	})
}

// libc gives the C library as uv names it.
func (t Target) libc() (map[string]any, error) {
	family, version, _ := strings.Cut(t.Libc, "-")
	name := map[string]string{"glibc": "manylinux", "musl": "musllinux"}[family]
	majorText, minorText, _ := strings.Cut(version, ".")
	major, err := strconv.Atoi(majorText)
	minor, minorErr := strconv.Atoi(minorText)
	if name == "" || err != nil || minorErr != nil {
		return nil, fmt.Errorf("%q is no C library such as glibc-2.36", t.Libc)
	}
	return map[string]any{"name": name, "major": major, "minor": minor}, nil
}
