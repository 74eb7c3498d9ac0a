package lookup

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

// Logins remembers for which hosts the secret netrc has a login. BuildKit's own
// sources log in with headers and tokens, but read no netrc: what it is for is
// fetched by steps. To try those only after a server has refused would ask it
// in every build, also where nothing has changed.
//
// The frontend cannot read a secret, and it is not in any key. So a step of each
// build reads it, and tells no more than which of the hosts are in it.
type Logins struct {
	mu    sync.Mutex
	asked map[string]bool // by host: whether there is a login
}

// Netrc gives those of some hosts that the secret netrc has a login for. Each is
// looked for once in a build.
func (s *Servers) Netrc(ctx context.Context, hosts []string) ([]string, error) {
	s.Logins.mu.Lock()
	defer s.Logins.mu.Unlock()
	var more []string
	for _, host := range hosts {
		if _, ok := s.Logins.asked[host]; !ok {
			more = append(more, host)
		}
	}
	if len(more) > 0 {
		found, err := s.askNetrc(ctx, more)
		if err != nil {
			return nil, fmt.Errorf("asking what the secret netrc is for: %w", err)
		}
		if s.Logins.asked == nil {
			s.Logins.asked = map[string]bool{}
		}
		for _, host := range more {
			s.Logins.asked[host] = slices.Contains(found, host)
		}
	}
	return slices.DeleteFunc(slices.Clone(hosts), func(host string) bool { return !s.Logins.asked[host] }), nil
}

// askNetrc runs the step.
func (s *Servers) askNetrc(ctx context.Context, hosts []string) ([]string, error) {
	step := llbgen.Known{Hosts: hosts, Build: s.Engine.BuildOpts().SessionID}
	ref, err := s.Engine.Run(ctx, step.State(s.Options))
	if err != nil {
		return nil, err
	}
	data, err := gateway.Open(ctx, ref).ReadLarge(resolver.KnownFile, maxAnswer)
	return strings.Fields(string(data)), err
}
