package plan

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
)

// Secret is a file of the client that steps have while they run, in no layer
// and no key.
type Secret struct {
	ID     string     `json:"id"`     // of the build secret, numbered as flytekit does
	Target string     `json:"target"` // where it is mounted
	Source string     `json:"source"` // the client's file, for the message when it is not given
	At     diag.Range `json:"-"`
}

// Rewrite is a beginning of URLs and what takes its place when something is
// fetched. Neither is part of any cache key of a file.
type Rewrite struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Secrets numbers the secrets of a spec.
func Secrets(spec *imagespec.Spec) []Secret {
	var all []Secret
	for i, mount := range spec.PipSecretMounts.Pairs {
		all = append(all, Secret{
			ID: fmt.Sprintf("secret_%d", i), Target: mount.Value.Value, Source: mount.Key.Value, At: mount.Key.At,
		})
	}
	return all
}

// addSecrets adds the secrets of the spec, and says which packages may need
// them: those of all servers but PyPI's own.
func (p *Plan) addSecrets(spec *imagespec.Spec) {
	p.Secrets = Secrets(spec)
	for i := range p.Packages {
		u, err := url.Parse(p.Packages[i].URL)
		p.Packages[i].Private = len(p.Secrets) > 0 && err == nil && u.Host != "" && u.Host != "files.pythonhosted.org"
	}
}

// RewritesOf sorts the rewrites of a spec.
func RewritesOf(spec *imagespec.Spec) Rewrites {
	var all Rewrites
	for _, pair := range spec.BuilderOptions.URLRewrites.Pairs {
		all = append(all, Rewrite{pair.Key.Value, pair.Value.Value})
	}
	slices.SortFunc(all, func(a, b Rewrite) int {
		return cmp.Or(cmp.Compare(len(b.From), len(a.From)), strings.Compare(a.From, b.From))
	})
	return all
}

// Rewrites are those of a spec, the longest ones first.
type Rewrites []Rewrite

// Apply gives where a URL is fetched from: the longest rewrite counts.
func (all Rewrites) Apply(url string) string {
	for _, r := range all {
		if rest, ok := strings.CutPrefix(url, r.From); ok {
			return r.To + rest
		}
	}
	return url
}
