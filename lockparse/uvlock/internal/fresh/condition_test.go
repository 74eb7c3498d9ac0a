package fresh

import (
	"testing"

	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

func when(t *testing.T, marker, extra string) condition {
	t.Helper()
	m, err := pep508.ParseMarker(marker, pep508.UV)
	if err != nil {
		t.Fatal(err)
	}
	return condition{extra: extra}.and(m)
}

// TestSame has markers as projects write them, and as uv writes them to locks
// for Python 3.10 and later.
func TestSame(t *testing.T) {
	admitted, err := pep440.ParseSpecifiers(">=3.10")
	if err != nil {
		t.Fatal(err)
	}
	p := newPythons(admitted)
	for _, tc := range []struct {
		project, extra, locked string
		same                   bool
	}{
		{"python_version < '3.11'", "", "python_full_version < '3.11'", true},
		{"python_version <= '3.11'", "", "python_full_version < '3.12'", true},
		{"python_version <= '3.11'", "", "python_full_version <= '3.11'", false},
		{"python_version >= '3.8'", "", "", true},
		{"python_version < '3.10'", "", "python_full_version < '0'", true},
		{"python_version == '3.12'", "", "python_full_version == '3.12.*'", true},
		{"python_full_version >= '3.11.4'", "", "python_full_version >= '3.11.5'", false},
		{"python_version >= '3.10' and sys_platform == 'linux'", "gpu", "sys_platform == 'linux' and extra == 'gpu'", true},
		{"sys_platform == 'linux'", "gpu", "sys_platform == 'linux'", false},
		{"sys_platform == 'linux'", "gpu", "sys_platform == 'linux' and extra == 'cpu'", false},
		{"platform_system == 'Windows'", "", "sys_platform == 'win32'", true},
		{"os_name == 'nt'", "", "sys_platform == 'win32'", true},
		{"platform_machine in 'x86_64 AMD64'", "", "platform_machine == 'x86_64' or platform_machine == 'AMD64'", false},
		{"platform_machine != 'arm64'", "", "platform_machine != 'aarch64'", false},
		{"implementation_name == 'pypy'", "", "implementation_name != 'cpython'", true},
		{"implementation_name == 'graalpy'", "", "implementation_name == 'pypy'", false},
		{"sys_platform == 'sunos5'", "", "sys_platform == 'aix'", false},
		{"(sys_platform == 'linux' and python_version < '3.13') or sys_platform == 'darwin'", "", "(python_full_version < '3.13' and sys_platform == 'linux') or sys_platform == 'darwin'", true},
	} {
		project, locked := when(t, tc.project, tc.extra), when(t, tc.locked, "")
		if project.same(locked, p) != tc.same || locked.same(project, p) != tc.same {
			t.Errorf("%s and %s: same = %t", project, locked, !tc.same)
		}
	}
	if never := when(t, "python_version < '3.10'", ""); !never.never(p) {
		t.Errorf("%s can hold", never)
	}
	if sometimes := when(t, "sys_platform == 'win32'", "gpu"); sometimes.never(p) {
		t.Errorf("%s never holds", sometimes)
	}
	without := condition{none: []pep508.Marker{when(t, "sys_platform == 'linux'", "").all[0]}}
	if other := when(t, "sys_platform != 'linux'", ""); !without.same(other, p) {
		t.Errorf("%s and %s differ", without, other)
	}
}
