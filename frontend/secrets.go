package frontend

import (
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/subrequests/outline"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// noSecret is how BuildKit says that the client has not given a secret.
var noSecret = regexp.MustCompile(`secret (secret_\d+): not found`)

// explainSecret gives the error for a secret of the spec that was not given to
// the build, nil if it is about something else.
func explainSecret(err error, secrets []plan.Secret) error {
	if err == nil {
		return nil
	}
	found := noSecret.FindStringSubmatch(err.Error())
	if found == nil {
		return nil
	}
	for _, secret := range secrets {
		if secret.ID == found[1] {
			e := diag.Errorf(secret.At, "pip_secret_mounts needs %s, but the build was not given the secret %s", secret.Source, secret.ID).
				WithHint("add to the build command: --secret id=%s,src=%s", secret.ID, secret.Source)
			e.Err = err
			return e
		}
	}
	return nil
}

// exitStatus is how BuildKit says how a step ended.
var exitStatus = regexp.MustCompile(`exit code: (\d+)`)

// refused gives the status with which a server has refused a step that
// fetches, 0 if that is not why it failed.
func refused(err error) int {
	found := exitStatus.FindStringSubmatch(err.Error())
	if found == nil {
		return 0
	}
	code, _ := strconv.Atoi(found[1]) // digits
	return resolver.Refused(code)
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
		} else if host, ssh := remote(p.Rewrites.Apply(pkg.URL)); !ssh {
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
		if _, ssh := remote(pkg.URL); ssh && pkg.Kind == lock.KindGit {
			return []outline.SSH{{Name: sshKey, Required: true}}
		}
	}
	return nil
}
