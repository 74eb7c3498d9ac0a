package resolve

import (
	"net/url"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Origins gives the servers that a request names, as "https://host[:port]" and
// sorted: those for which there may be credentials.
func (r *Request) Origins() []string {
	var origins []string
	add := func(location string) {
		if u, err := url.Parse(location); err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http") {
			origins = append(origins, u.Scheme+"://"+u.Host)
		}
	}
	for _, location := range slices.Concat([]string{r.Index}, r.ExtraIndexes, r.FindLinks) {
		add(location)
	}
	for _, line := range slices.Concat(r.Requirements, r.Constraints) {
		if q, err := pep508.ParseRequirement(line.Text); err == nil {
			add(q.URL)
		}
	}
	eachURL(r.Project, add)
	slices.Sort(origins)
	return slices.Compact(origins)
}

// eachURL calls a function with every URL in a value, also with those of
// requirements.
func eachURL(value any, do func(string)) {
	switch value := value.(type) {
	case string:
		if i := max(strings.Index(value, "https://"), strings.Index(value, "http://")); i >= 0 {
			location, _, _ := strings.Cut(value[i:], " ")
			do(location)
		}
	case []any:
		for _, item := range value {
			eachURL(item, do)
		}
	case map[string]any:
		for _, item := range value {
			eachURL(item, do)
		}
	}
}
