package frontend

import (
	"context"
	"maps"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests/outline"

	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// outline lists what the spec takes from outside: the epoch, and the secrets
// and keys that its build needs or may use.
func (b *build) outline(ctx context.Context) (*client.Result, error) {
	c, err := b.compileFirst(ctx)
	if err != nil {
		return nil, err
	}
	spec := c.spec
	return outline.Outline{
		Name: spec.Name.Value,
		Args: []outline.Arg{{
			Name:        "SOURCE_DATE_EPOCH",
			Description: "time in the image, in seconds since 1970",
			Value:       b.ui.BuildArgs["SOURCE_DATE_EPOCH"],
		}},
		Secrets: secretsOf(c.plan),
		SSH:     keysOf(c.plan),
		Sources: [][]byte{b.entry.Data},
	}.ToResult()
}

// secretsOf lists the secrets that a build of the plan needs or may use, for
// the outline.
func secretsOf(p *plan.Plan) []outline.Secret {
	all := map[string]bool{} // id → it is required
	for _, secret := range p.Secrets {
		all[secret.ID] = true
	}
	optional := func(ids ...string) {
		for _, id := range ids {
			all[id] = all[id] || false
		}
	}
	var locations []string
	for _, pkg := range p.Packages {
		if pkg.Kind != lock.KindGit {
			locations = append(locations, p.Rewrites.Apply(pkg.URL))
		} else if host, ssh := llbgen.Remote(p.Rewrites.Apply(pkg.URL)); !ssh {
			optional(llb.GitAuthHeaderKey+"."+host, llb.GitAuthTokenKey+"."+host)
		}
		if pkg.Build != nil { // its build requirements are installed
			locations = append(locations, p.Builds.Indexes...)
			optional("ca-certificates")
		}
	}
	if p.Resolved != nil {
		locations = append(locations, p.Resolved.Origins()...)
		optional("ca-certificates", "netrc")
	}
	for _, location := range locations {
		if host := plan.Server(location); host != "" {
			optional(resolve.AuthHeader+host, resolve.AuthToken+host, "netrc")
		}
	}
	var list []outline.Secret
	for _, id := range slices.Sorted(maps.Keys(all)) {
		list = append(list, outline.Secret{Name: id, Required: all[id]})
	}
	return list
}

// sshKey is the id of the keys that llb.Git uses.
const sshKey = "default"

// keysOf lists the ssh keys that a build of the plan needs, for the outline.
func keysOf(p *plan.Plan) []outline.SSH {
	for _, pkg := range p.Packages {
		if _, ssh := llbgen.Remote(pkg.URL); ssh && pkg.Kind == lock.KindGit {
			return []outline.SSH{{Name: sshKey, Required: true}}
		}
	}
	return nil
}
