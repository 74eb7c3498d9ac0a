package gateway

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// server is an engine that asks a server about sources, and fetches them.
type server struct {
	client.Client
	caps    apicaps.CapSet
	tells   *sourceresolver.MetaResponse // nil: the server refuses
	fetches error
}

func (s *server) BuildOpts() client.BuildOpts {
	return client.BuildOpts{LLBCaps: pb.Caps.CapSet(pb.Caps.All()), Caps: s.caps}
}

func (s *server) ResolveSourceMetadata(context.Context, *pb.SourceOp, sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	if s.tells == nil {
		return nil, errors.New("invalid response status 404")
	}
	return s.tells, nil
}

func (s *server) Solve(context.Context, client.SolveRequest) (*client.Result, error) {
	res := client.NewResult()
	res.SetRef(checkout{})
	return res, s.fetches
}

// checkout is a reference to a commit.
type checkout struct{ client.Reference }

func (checkout) StatFile(context.Context, client.StatRequest) (*fstypes.Stat, error) {
	return &fstypes.Stat{Size: 8}, nil
}

func (checkout) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	if req.Filename != ".git/HEAD" {
		return nil, fs.ErrNotExist
	}
	return []byte("fetched\n"), nil
}

// newServer is one of an engine that can be asked.
func newServer() *server { return &server{caps: gwpb.Caps.CapSet(gwpb.Caps.All())} }

// TestCommit: an engine that tells no commit has to fetch one.
func TestCommit(t *testing.T) {
	branch, tag, old, mute := newServer(), newServer(), newServer(), &server{caps: gwpb.Caps.CapSet(nil)}
	branch.tells = &sourceresolver.MetaResponse{Git: &sourceresolver.ResolveGitResponse{Checksum: "commit"}}
	tag.tells = &sourceresolver.MetaResponse{Git: &sourceresolver.ResolveGitResponse{Checksum: "tag", CommitChecksum: "commit"}}
	old.tells = &sourceresolver.MetaResponse{}
	for name, tc := range map[string]struct {
		engine *server
		want   string
	}{"a branch": {branch, "commit"}, "an annotated tag": {tag, "commit"}, "an engine that does not tell": {old, "fetched"}, "one that cannot be asked": {mute, "fetched"}} {
		got, err := Engine{Client: tc.engine}.Commit(t.Context(), "https://example.com/tool", "main")
		if err != nil || got != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
	if _, err := (Engine{Client: newServer()}).Commit(t.Context(), "https://example.com/tool", "main"); err == nil {
		t.Error("a server that refuses has a commit")
	}
}

// TestStatus: so has one that tells no status.
func TestStatus(t *testing.T) {
	well, old, gone := newServer(), newServer(), newServer()
	well.tells = &sourceresolver.MetaResponse{HTTP: &sourceresolver.ResolveHTTPResponse{}}
	old.tells, old.fetches = &sourceresolver.MetaResponse{}, errors.New("invalid response status 403")
	for name, tc := range map[string]struct {
		engine *server
		says   string
	}{"well": {well, ""}, "gone": {gone, "invalid response status 404"}, "an engine that does not tell": {old, "invalid response status 403"}} {
		err := Engine{Client: tc.engine}.Status(t.Context(), "https://example.com/file")
		if (err == nil) != (tc.says == "") || err != nil && err.Error() != tc.says {
			t.Errorf("%s: %v, want %q", name, err, tc.says)
		}
	}
}
