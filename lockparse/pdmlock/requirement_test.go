package pdmlock

import (
	"fmt"
	"strings"
	"testing"
)

// All forms that PDM writes into a lock, and that projects have.
func TestParseRequirement(t *testing.T) {
	tests := []struct{ text, want string }{
		{"click", `click[]`},
		{"Jaraco.Classes[b,A_x]>=1,<2; python_version < '3.11'", `jaraco-classes[a-x b]>=1,<2; python_version < "3.11"`},
		{"sub @ file:///${PROJECT_ROOT}/sub", `sub[] direct`},
		{"sub @ git+https://git.example/sub.git@main ; sys_platform == 'linux'", `sub[] direct; sys_platform == "linux"`},
		{"-e file:///${PROJECT_ROOT}/sub#egg=sub", `sub[] direct`},
		{"-e file:///${PROJECT_ROOT}/sub#egg=Sub.Pkg[web]&subdirectory=py ; os_name == 'posix'", `sub-pkg[web] direct; os_name == "posix"`},
		{"-e git+https://git.example/sub.git@main#egg=sub", `sub[] direct`},
		{"git+https://git.example/group/Sub.git@main", `sub[] direct`},
		{"git+https://git.example/sub#subdirectory=py", `sub[] direct`},
		{"https://files.example/click-8.1.8-py3-none-any.whl", `click[] direct`},
		{"https://files.example/click-8.1.8.tar.gz#sha256=1", `click[] direct`},
		{"./wheels/click-8.1.8-py3-none-any.whl", `click[] direct`},
		{"./sub", "error: the requirement has no name, write it as \"NAME @ URL\""},
		{"-e ./sub", "error: the requirement has no name, write it as \"NAME @ URL\""},
		{"https://files.example/archive/main.zip", "error: the requirement has no name, write it as \"NAME @ URL\""},
		{"-e file:///sub#egg=%zz", "error: the requirement has no name, write it as \"NAME @ URL\""},
		{"-e file:///sub#egg=sub ; python > 3", "error: marker: expected"},
		{"click >> 8", "error: requirement: expected"},
		{"", "error: requirement: expected"},
	}
	for _, test := range tests {
		q, err := parseRequirement(test.text)
		got := describe(q)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != test.want && (err == nil || !strings.HasPrefix(got, test.want) || test.want == "") {
			t.Errorf("%q is %s, want %s", test.text, got, test.want)
		}
		if err == nil && q.String() != test.text {
			t.Errorf("%q is written %q", test.text, q)
		}
	}
}

func describe(q requirement) string {
	text := fmt.Sprintf("%s%s%s", q.name, q.extras, q.specifiers)
	if q.direct {
		text += " direct"
	}
	if !q.marker.IsTrue() {
		text += "; " + q.marker.String()
	}
	return text
}

// The platforms of the tests of dep-logic, which PDM uses.
func TestSplitPlatform(t *testing.T) {
	for platform, want := range map[string]string{
		"linux":                   "linux x86_64",
		"alpine":                  "linux x86_64",
		"macos":                   "darwin aarch64",
		"windows":                 "win32 x86_64",
		"windows_amd64":           "win32 x86_64",
		"windows_x86":             "win32 i686",
		"windows_arm64":           "win32 aarch64",
		"macos_arm64":             "darwin aarch64",
		"macos_14_0_x86_64":       "darwin x86_64",
		"manylinux_2_17_x86_64":   "linux x86_64",
		"manylinux_2_40_aarch64":  "linux aarch64",
		"manylinux_2_31_riscv64":  "linux riscv64",
		"musllinux_1_2_armv7l":    "linux armv7l",
		"linux_x86_64":            "linux x86_64",
		"freebsd_13_2_RELEASE_p1": "freebsd RELEASE_p1",
		"":                        " ",
		"manylinux_2_17":          "linux ",
	} {
		system, machine := splitPlatform(platform)
		if got := system + " " + machine; got != want {
			t.Errorf("%q is %q, want %q", platform, got, want)
		}
	}
}

// FuzzParseRequirement looks for texts that are read as nothing.
func FuzzParseRequirement(f *testing.F) {
	for _, text := range []string{"click[a]>=8; os_name == 'nt'", "-e file:///sub#egg=sub[web] ; os_name == 'nt'", "git+https://git.example/sub.git@main", "./sub"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if q, err := parseRequirement(text); err == nil && q.name == "" {
			t.Errorf("%q has no name", text)
		}
	})
}
