package plan

import (
	"cmp"
	"fmt"
	"maps"
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

// addSecrets adds the secrets of the spec, and says which files are fetched by
// a step that has secrets: with those of the spec the files of all servers but
// PyPI's own, without them those of servers that the build's netrc knows.
func (p *Plan) addSecrets(in Input) error {
	p.Secrets = Secrets(in.Spec)
	servers := map[string][]*Package{} // by host
	for _, pkg := range p.files() {
		if host := Server(p.Rewrites.Apply(pkg.URL)); host != "" {
			servers[host] = append(servers[host], pkg)
		}
	}
	private := slices.Sorted(maps.Keys(servers))
	if len(p.Secrets) == 0 && len(private) > 0 {
		var err error
		if private, err = in.known(private); err != nil {
			return err
		}
	}
	for _, host := range private {
		for _, pkg := range servers[host] {
			pkg.Private = true
		}
	}
	return nil
}

// files gives the packages that are files of a server.
func (p *Plan) files() []*Package {
	var files []*Package
	for i := range p.Packages {
		if pkg := &p.Packages[i]; pkg.URL != "" && pkg.File != "" {
			files = append(files, pkg)
		}
	}
	if p.Pip != nil {
		files = append(files, p.Pip)
	}
	return files
}

// known gives those of some hosts that the build's netrc has a login for.
func (in Input) known(hosts []string) ([]string, error) {
	if in.Netrc == nil {
		return nil, nil
	}
	return in.Netrc(hosts)
}

// Server gives the host of a URL if it may want a login, which PyPI's own never
// do; else nothing.
func Server(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "pypi.org" || u.Host == "files.pythonhosted.org" {
		return ""
	}
	return u.Hostname()
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

// applyTo applies them to each of some URLs.
func (all Rewrites) applyTo(urls []string) {
	for i, url := range urls {
		urls[i] = all.Apply(url)
	}
}
