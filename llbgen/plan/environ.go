package plan

import (
	"slices"
	"strings"
)

// DefaultPath is what a container's PATH is where the base names none, as
// BuildKit has it.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environ gives the environment of the image but for flytekit's id of it: the
// base's variables and the plan's, each at its old place or at the end. A
// variable that the spec sets has that value and no other.
func (p *Plan) Environ() []string {
	env := slices.Clone(p.Base.Env)
	env = setenv(env, "PATH", join(p.Config.Path, value(env, "PATH", DefaultPath), p.Config.PathBehind))
	if libraries := join(p.Config.LibraryPath, value(env, "LD_LIBRARY_PATH", ""), nil); libraries != "" {
		env = setenv(env, "LD_LIBRARY_PATH", libraries)
	}
	for _, v := range p.Config.Env {
		env = setenv(env, v.Name, v.Value)
	}
	return env
}

// join puts directories before and behind a search path, those alone that it
// does not have yet: a base may be an image of ours.
func join(before []string, path string, behind []string) string {
	var dirs []string
	if path != "" {
		dirs = strings.Split(path, ":")
	}
	add := func(list []string) (missing []string) {
		for _, dir := range list {
			if !slices.Contains(dirs, dir) {
				missing = append(missing, dir)
			}
		}
		return missing
	}
	return strings.Join(slices.Concat(add(before), dirs, add(behind)), ":")
}

// value gives a variable's value, or another where it is not set.
func value(env []string, name, other string) string {
	if i := indexOf(env, name); i >= 0 {
		return env[i][len(name)+1:]
	}
	return other
}

func setenv(env []string, name, value string) []string {
	entry := name + "=" + value
	if i := indexOf(env, name); i >= 0 {
		env[i] = entry
		return env
	}
	return append(env, entry)
}

func indexOf(env []string, name string) int {
	return slices.IndexFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}
