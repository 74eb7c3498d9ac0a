package lock_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

var glibc = wheel.Libc{Family: "glibc", Major: 2, Minor: 36}

func TestLinuxTarget(t *testing.T) {
	got, err := lock.LinuxTarget("arm64", "v8", "3.13.0RC1", false, glibc)
	if err != nil {
		t.Fatal(err)
	}
	want := pep508.Env{
		PythonVersion:                "3.13",
		PythonFullVersion:            "3.13.0rc1",
		ImplementationName:           "cpython",
		ImplementationVersion:        "3.13.0rc1",
		OSName:                       "posix",
		SysPlatform:                  "linux",
		PlatformSystem:               "Linux",
		PlatformMachine:              "aarch64",
		PlatformPythonImplementation: "CPython",
	}
	if got.Env.Extras = nil; !equal(got.Env, want) {
		t.Errorf("environment %+v, want %+v", got.Env, want)
	}
	if best := got.Tags.List()[0]; best != "cp313-cp313-manylinux_2_36_aarch64" {
		t.Errorf("best tag %s", best)
	}
}

func equal(a, b pep508.Env) bool {
	return a.PythonVersion == b.PythonVersion && a.PythonFullVersion == b.PythonFullVersion &&
		a.ImplementationName == b.ImplementationName && a.ImplementationVersion == b.ImplementationVersion &&
		a.OSName == b.OSName && a.SysPlatform == b.SysPlatform && a.PlatformSystem == b.PlatformSystem &&
		a.PlatformMachine == b.PlatformMachine && a.PlatformPythonImplementation == b.PlatformPythonImplementation &&
		a.PlatformRelease == "" && a.PlatformVersion == ""
}

func TestLinuxTargetMachines(t *testing.T) {
	tests := []struct{ arch, variant, best string }{
		{"amd64", "", "cp312-cp312-manylinux_2_36_x86_64"},
		{"amd64", "v3", "cp312-cp312-manylinux_2_36_x86_64"},
		{"386", "", "cp312-cp312-manylinux_2_36_i686"},
		{"arm", "", "cp312-cp312-manylinux_2_36_armv7l"},
		{"arm", "v7", "cp312-cp312-manylinux_2_36_armv7l"},
		{"ppc64le", "", "cp312-cp312-manylinux_2_36_ppc64le"},
		{"s390x", "", "cp312-cp312-manylinux_2_36_s390x"},
		{"riscv64", "", "cp312-cp312-manylinux_2_36_riscv64"},
	}
	for _, test := range tests {
		got, err := lock.LinuxTarget(test.arch, test.variant, "3.12.4", false, glibc)
		if err != nil {
			t.Errorf("%s/%s: %v", test.arch, test.variant, err)
		} else if best := got.Tags.List()[0]; best != test.best {
			t.Errorf("%s/%s: best tag %s, want %s", test.arch, test.variant, best, test.best)
		}
	}
}

func TestLinuxTargetFreeThreaded(t *testing.T) {
	got, err := lock.LinuxTarget("amd64", "", "3.13.2", true, wheel.Libc{Family: "musl", Major: 1, Minor: 2})
	if err != nil {
		t.Fatal(err)
	}
	if best := got.Tags.List()[0]; best != "cp313-cp313t-musllinux_1_2_x86_64" {
		t.Errorf("best tag %s", best)
	}
}

func TestLinuxTargetMistakes(t *testing.T) {
	tests := []struct {
		arch, variant, python string
		libc                  wheel.Libc
		want                  string
		reason                lock.Reason
	}{
		{
			"mips64", "", "3.12.4", glibc,
			"architecture \"mips64\" has no Python wheels\nknown: 386, amd64, arm/v7, arm64, ppc64le, riscv64, s390x", lock.UnsupportedPlatform,
		},
		{"arm", "v5", "3.12.4", glibc, `architecture "arm/v5" has no Python wheels`, lock.UnsupportedPlatform},
		{"amd64", "", "3.12", glibc, "Python version \"3.12\" is no full version of Python 3\ngive it with its patch level", lock.WrongPython},
		{"amd64", "", "2.7.18", glibc, `Python version "2.7.18" is no full version of Python 3`, lock.WrongPython},
		{"amd64", "", "3.999999999999999999999.1", glibc, `Python version "3.999999999999999999999.1"`, lock.WrongPython},
		{"amd64", "", "latest", glibc, `Python version "latest": `, lock.WrongPython},
		{"amd64", "", "3.12.4", wheel.Libc{Family: "uclibc"}, "uclibc", lock.UnsupportedPlatform},
	}
	for _, test := range tests {
		_, err := lock.LinuxTarget(test.arch, test.variant, test.python, false, test.libc)
		if err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, test.reason) {
			t.Errorf("%s/%s %s: error %v, want %s", test.arch, test.variant, test.python, err, test.want)
		}
	}
}
