package fresh

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// condition is when a requirement counts.
type condition struct {
	all   []pep508.Marker // all of these hold
	none  []pep508.Marker // none of these does
	extra string          // the extra that asks for it, empty for a plain dependency
}

// and gives the condition with one more marker.
func (c condition) and(m pep508.Marker) condition {
	if !m.IsTrue() {
		c.all = append(slices.Clip(c.all), m)
	}
	return c
}

// holds says whether the condition is true in an environment.
func (c condition) holds(env *pep508.Env) bool {
	is := func(m pep508.Marker) bool {
		ok, err := m.Eval(env)
		return ok && err == nil
	}
	if c.extra != "" && !env.Extras[c.extra] || slices.ContainsFunc(c.none, is) {
		return false
	}
	return !slices.ContainsFunc(c.all, func(m pep508.Marker) bool { return !is(m) })
}

// String gives the condition as a requirement shows it.
func (c condition) String() string {
	var parts []string
	for _, m := range c.all {
		parts = append(parts, m.String())
	}
	for _, m := range c.none {
		parts = append(parts, "not ("+m.String()+")")
	}
	if c.extra != "" {
		parts = append(parts, fmt.Sprintf("extra == %q", c.extra))
	}
	return strings.Join(parts, " and ")
}

// same says whether two conditions mean the same on every Python that is
// admitted. uv writes markers in a form of its own, so they are not compared
// as text but tried on every environment between which one of them could
// tell. Where these are too many, they are taken for the same.
func (c condition) same(d condition, p pythons) bool {
	if c.String() == d.String() {
		return true
	}
	for env := range samples(p, c, d) {
		if c.holds(env) != d.holds(env) {
			return false
		}
	}
	return true
}

// never says whether no environment fulfils the condition.
func (c condition) never(p pythons) bool {
	for env := range samples(p, c) {
		if c.holds(env) {
			return false
		}
	}
	return true
}

// maxSamples limits the environments of one comparison.
const maxSamples = 100_000

// axes are the values that variables of markers take in samples.
type axes struct {
	pythons         []string
	platforms       [][3]string // sys_platform, os_name, platform_system
	machines        []string
	implementations [][2]string // implementation_name, platform_python_implementation
	extras          []map[string]bool
}

// samples gives environments of systems that exist, with every value that the
// conditions ask for, and some that they do not.
func samples(p pythons, conditions ...condition) iter.Seq[*pep508.Env] {
	a := newAxes(p, conditions)
	total := len(a.pythons) * len(a.platforms) * len(a.machines) * len(a.implementations) * len(a.extras)
	return func(yield func(*pep508.Env) bool) {
		for i := 0; i < total && total <= maxSamples; i++ {
			n := i
			pick := func(count int) int {
				rest := n % count
				n /= count
				return rest
			}
			python, extras := a.pythons[pick(len(a.pythons))], a.extras[pick(len(a.extras))]
			platform := a.platforms[pick(len(a.platforms))]
			machine, implementation := a.machines[pick(len(a.machines))], a.implementations[pick(len(a.implementations))]
			if !yield(&pep508.Env{
				PythonFullVersion: python, ImplementationVersion: python,
				SysPlatform: platform[0], OSName: platform[1], PlatformSystem: platform[2],
				PlatformMachine:    machine,
				ImplementationName: implementation[0], PlatformPythonImplementation: implementation[1],
				Extras: extras,
			}) {
				return
			}
		}
	}
}

// newAxes collects the values of all variables that the conditions ask for;
// the others have one value.
func newAxes(p pythons, conditions []condition) axes {
	a := axes{
		platforms:       [][3]string{{"linux", "posix", "Linux"}},
		machines:        []string{"x86_64"},
		implementations: [][2]string{{"cpython", "CPython"}},
	}
	values := make(map[string][]string)
	for _, c := range conditions {
		for _, m := range slices.Concat(c.all, c.none) {
			for variable, value := range m.Values {
				// A string may also be a list that is looked into.
				values[variable] = append(append(values[variable], value), strings.FieldsFunc(value, isSeparator)...)
			}
		}
		if c.extra != "" {
			values["extra"] = append(values["extra"], c.extra)
		}
	}
	a.addPythons(p, slices.Concat(values["python_version"], values["python_full_version"], values["implementation_version"]))
	if values["sys_platform"] != nil || values["os_name"] != nil || values["platform_system"] != nil {
		a.platforms = append(a.platforms, [][3]string{
			{"darwin", "posix", "Darwin"},
			{"win32", "nt", "Windows"},
			{"freebsd14", "posix", "FreeBSD"},
			{"emscripten", "posix", "Emscripten"},
			{"android", "posix", "Android"},
			{"cygwin", "posix", "CYGWIN_NT"},
		}...)
		known := fmt.Sprint(a.platforms)
		for _, v := range slices.Concat(values["sys_platform"], values["os_name"], values["platform_system"]) {
			if !strings.Contains(known, v) { // to uv, two names of one system exclude others
				a.platforms = append(a.platforms, [3]string{v, v, v}, [3]string{v, "posix", v})
			}
		}
	}
	if asked := values["platform_machine"]; asked != nil {
		a.machines = append(append(a.machines, "aarch64", "arm64", "AMD64", "other"), asked...)
	}
	if asked := slices.Concat(values["implementation_name"], values["platform_python_implementation"]); asked != nil {
		a.implementations = append(a.implementations, [2]string{"pypy", "PyPy"})
		for _, v := range asked {
			a.implementations = append(a.implementations, [2]string{strings.ToLower(v), v})
		}
	}
	a.addExtras(values["extra"])
	return a
}

func isSeparator(r rune) bool { return r == ' ' || r == ',' || r == '|' }

// addExtras gives no extra, each alone, and all of them.
func (a *axes) addExtras(names []string) {
	a.extras = []map[string]bool{{}}
	all := make(map[string]bool)
	for _, name := range names {
		name = pep508.NormalizeName(name)
		if !all[name] {
			a.extras = append(a.extras, map[string]bool{name: true})
		}
		all[name] = true
	}
	if len(all) > 1 {
		a.extras = append(a.extras, all)
	}
}

// newestMinor is beyond the Pythons that projects ask for.
const newestMinor = 20

// pythons are those that a lock is for.
type pythons struct {
	admitted pep440.Specifiers
	minors   []string // a release of every minor version that is admitted
}

func newPythons(admitted pep440.Specifiers) pythons {
	p := pythons{admitted: admitted}
	for minor := range newestMinor {
		p.minors = p.add(p.minors, fmt.Sprintf("3.%d.9", minor))
	}
	return p
}

// add adds a version to a list if it is admitted.
func (p pythons) add(list []string, text string) []string {
	if version, err := pep440.Parse(text); err == nil && p.admitted.ContainsRelease(version) {
		return append(list, text)
	}
	return list
}

// addPythons gives a release of every minor version, and those around the
// versions that are asked for, as far as they are admitted.
func (a *axes) addPythons(p pythons, asked []string) {
	if len(asked) == 0 { // any Python will do
		a.pythons = []string{"3.12.4"}
		return
	}
	a.pythons = slices.Clone(p.minors)
	for _, text := range asked {
		version, err := pep440.Parse(strings.TrimSuffix(text, ".*"))
		if err != nil || len(version.Release()) < 2 {
			continue
		}
		r := append(version.Release(), 0)
		for _, patch := range []uint64{r[2] - min(1, r[2]), r[2], r[2] + 1} {
			a.pythons = p.add(a.pythons, fmt.Sprintf("%d.%d.%d", r[0], r[1], patch))
		}
	}
	slices.Sort(a.pythons)
	a.pythons = slices.Compact(a.pythons)
}
