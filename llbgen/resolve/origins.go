package resolve

import (
	"net/url"
	"slices"

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
	for _, text := range r.Files {
		for _, location := range address.FindAllString(text, -1) {
			add(location)
		}
	}
	slices.Sort(origins)
	return slices.Compact(origins)
}
