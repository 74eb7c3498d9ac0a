package pep508

import "fmt"

// Env is what markers are evaluated against: the variables of PEP 508 and the
// extras and dependency groups that are asked for.
type Env struct {
	PythonVersion                string // "3.12"; the UV dialect takes it from PythonFullVersion
	PythonFullVersion            string // "3.12.4"
	ImplementationName           string // "cpython"
	ImplementationVersion        string // "3.12.4"
	OSName                       string // "posix"
	SysPlatform                  string // "linux"
	PlatformSystem               string // "Linux"
	PlatformMachine              string // "x86_64"
	PlatformPythonImplementation string // "CPython"
	PlatformRelease              string // empty: no kernel is asked
	PlatformVersion              string // empty: no kernel is asked
	// Extras are the extras that are asked for, by normalised name. For
	// uv.lock also the encoded names of active conflict items, such as
	// "extra-7-project-cpu".
	Extras map[string]bool
	// Groups are the dependency groups that are asked for, by normalised name.
	Groups map[string]bool
}

// variable is a name that markers compare.
type variable byte

const (
	literal variable = iota // no variable: a quoted string
	pythonVersion
	pythonFullVersion
	implementationName
	implementationVersion
	osName
	sysPlatform
	platformSystem
	platformMachine
	platformPythonImplementation
	platformRelease
	platformVersion
	extra
	extras
	dependencyGroups
)

// lookup finds a variable by its name or one of the names of PEP 345. The
// result is literal if there is none.
func lookup(name string) variable {
	switch name {
	case "os.name":
		return osName
	case "sys.platform":
		return sysPlatform
	case "platform.version":
		return platformVersion
	case "platform.machine":
		return platformMachine
	case "platform.python_implementation", "python_implementation":
		return platformPythonImplementation
	}
	for v := pythonVersion; v <= dependencyGroups; v++ {
		if v.String() == name {
			return v
		}
	}
	return literal
}

// variableNames gives all names, for suggestions.
func variableNames() []string {
	var names []string
	for v := pythonVersion; v <= dependencyGroups; v++ {
		names = append(names, v.String())
	}
	return names
}

// String gives the name of the variable.
func (v variable) String() string {
	switch v {
	case pythonVersion:
		return "python_version"
	case pythonFullVersion:
		return "python_full_version"
	case implementationName:
		return "implementation_name"
	case implementationVersion:
		return "implementation_version"
	case osName:
		return "os_name"
	case sysPlatform:
		return "sys_platform"
	case platformSystem:
		return "platform_system"
	case platformMachine:
		return "platform_machine"
	case platformPythonImplementation:
		return "platform_python_implementation"
	case platformRelease:
		return "platform_release"
	case platformVersion:
		return "platform_version"
	case extra:
		return "extra"
	case extras:
		return "extras"
	case dependencyGroups:
		return "dependency_groups"
	}
	return fmt.Sprintf("variable(%d)", byte(v))
}

// value gives the text of a variable; name is that of the extra in question.
func (env *Env) value(v variable, name string) string {
	switch v {
	case pythonVersion:
		return env.PythonVersion
	case pythonFullVersion:
		return env.PythonFullVersion
	case implementationName:
		return env.ImplementationName
	case implementationVersion:
		return env.ImplementationVersion
	case osName:
		return env.OSName
	case sysPlatform:
		return env.SysPlatform
	case platformSystem:
		return env.PlatformSystem
	case platformMachine:
		return env.PlatformMachine
	case platformPythonImplementation:
		return env.PlatformPythonImplementation
	case platformRelease:
		return env.PlatformRelease
	case platformVersion:
		return env.PlatformVersion
	case extra:
		return name
	}
	return ""
}

// isSet says whether the variable is a set of names.
func (v variable) isSet() bool { return v == extras || v == dependencyGroups }

// set gives the names of a variable that is a set.
func (env *Env) set(v variable) map[string]bool {
	if v == dependencyGroups {
		return env.Groups
	}
	return env.Extras
}
