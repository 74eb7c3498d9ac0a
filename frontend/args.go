package frontend

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/imagespec/imagespec/internal/diag"
)

// buildArgs are the build arguments of the client. A file can only use them as
// ${VARIABLES} of a requirements file.
type buildArgs struct {
	values map[string]string

	mu   sync.Mutex
	used map[string]bool
}

// get gives the value of a variable, empty if there is none.
func (a *buildArgs) get(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used == nil {
		a.used = map[string]bool{}
	}
	a.used[name] = true
	return a.values[name]
}

// unused warns of arguments that nothing has asked for.
func (a *buildArgs) unused() []diag.Warning {
	a.mu.Lock()
	defer a.mu.Unlock()
	var warnings []diag.Warning
	for _, name := range slices.Sorted(maps.Keys(a.values)) {
		if !a.used[name] && !predefined(name) {
			warnings = append(warnings, diag.Warning{
				Rule: "UnusedBuildArg",
				Msg:  fmt.Sprintf("build argument %q is not used: a spec has no variables", name),
				Hint: "write the value into the spec; only requirements files have ${VARIABLES}",
			})
		}
	}
	return warnings
}

// predefined says whether an argument is BuildKit's own, or one that clients
// pass to every build.
func predefined(name string) bool {
	if strings.HasPrefix(name, "BUILDKIT_") || name == "SOURCE_DATE_EPOCH" {
		return true
	}
	proxies := []string{"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}
	return slices.Contains(proxies, strings.ToLower(name))
}
