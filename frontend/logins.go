package frontend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen"
)

// logins remembers for which hosts the secret netrc has a login. BuildKit's own
// sources log in with headers and tokens, but read no netrc: what it is for is
// fetched by steps. To try those only after a server has refused would ask it
// in every build, also where nothing has changed.
//
// The frontend cannot read a secret, and it is not in any key. So a step of each
// build reads it, and tells no more than which of the hosts are in it.
type logins struct {
	mu    sync.Mutex
	asked map[string]bool // by host: whether there is a login
}

// known gives those of some hosts that the secret netrc has a login for.
func (b *build) known(ctx context.Context, hosts []string) ([]string, error) {
	b.logins.mu.Lock()
	defer b.logins.mu.Unlock()
	var more []string
	for _, host := range hosts {
		if _, ok := b.logins.asked[host]; !ok {
			more = append(more, host)
		}
	}
	if len(more) > 0 {
		found, err := b.askNetrc(ctx, more)
		if err != nil {
			return nil, fmt.Errorf("asking what the secret netrc is for: %w", err)
		}
		if b.logins.asked == nil {
			b.logins.asked = map[string]bool{}
		}
		for _, host := range more {
			b.logins.asked[host] = slices.Contains(found, host)
		}
	}
	return slices.DeleteFunc(slices.Clone(hosts), func(host string) bool { return !b.logins.asked[host] }), nil
}

// askNetrc runs the step.
func (b *build) askNetrc(ctx context.Context, hosts []string) ([]string, error) {
	opt, err := b.stepOptions()
	if err != nil {
		return nil, err
	}
	step := llbgen.Known{Hosts: hosts, Build: b.ui.BuildOpts().SessionID}
	ref, err := b.engine.Run(ctx, step.State(opt))
	if err != nil {
		return nil, err
	}
	data, err := gateway.Open(ctx, ref).ReadLarge(resolver.KnownFile, maxAnswer)
	return strings.Fields(string(data)), err
}
