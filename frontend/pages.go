package frontend

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/index"
)

// pageFile is what a page of an index is called as a file.
const pageFile = "page"

// page reads a page of an index through the engine, which has the network,
// the credentials and the policies. Without a checksum the engine looks at the
// status, and asks whether the page it has is still the newest.
//
// Where the spec has secrets, or the netrc a login, a step that has them reads it
// instead: in each build anew, too.
func (b *build) page(ctx context.Context, url string, secrets []plan.Secret) (data []byte, err error) {
	defer recoverTo(&err) // many pages are read at once
	if private, err := b.isPrivate(ctx, url, secrets); err != nil {
		return nil, err
	} else if private {
		return b.privatePage(ctx, url, secrets)
	}
	opts := []llb.HTTPOption{
		llb.Filename(pageFile),
		llb.WithCustomNamef("read %s", url),
		llb.ProgressGroup("imagespec.index", "[index] look up files", false),
	}
	caps := b.ui.BuildOpts().LLBCaps
	if caps.Supports(pb.CapSourceHTTPHeader) == nil {
		opts = append(opts, llb.Header(llb.HTTPHeader{Accept: index.Accept}))
	} // else the index sends HTML
	def, err := llb.HTTP(url, opts...).Marshal(ctx, llb.WithCaps(caps))
	if err != nil {
		return nil, fmt.Errorf("marshalling the source: %w", err)
	}
	ref, err := b.ref(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		return nil, statusOf(err)
	}
	return readAll(ctx, ref, pageFile, index.MaxBytes)
}

// isPrivate says whether a page is read by a step that has secrets.
func (b *build) isPrivate(ctx context.Context, url string, secrets []plan.Secret) (bool, error) {
	host := plan.Server(url)
	if len(secrets) > 0 || host == "" {
		return len(secrets) > 0, nil
	}
	known, err := b.known(ctx, []string{host})
	return len(known) > 0, err
}

// privatePage reads a page with the secrets of spec and build.
func (b *build) privatePage(ctx context.Context, url string, secrets []plan.Secret) ([]byte, error) {
	opt, err := b.stepOptions()
	if err != nil {
		return nil, err
	}
	fetch := llbgen.Fetch{URL: url, Accept: index.Accept, File: pageFile, Secrets: secrets}
	st := fetch.State(opt,
		llb.AddEnv("BUILD", b.ui.BuildOpts().SessionID),
		llb.WithCustomNamef("read %s", url),
		llb.ProgressGroup("imagespec.index", "[index] look up files", false),
	)
	def, err := st.Marshal(ctx, llb.WithCaps(b.ui.BuildOpts().LLBCaps))
	if err != nil {
		return nil, fmt.Errorf("marshalling the step: %w", err)
	}
	ref, err := b.ref(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		if e := explainSecret(err, secrets); e != nil {
			return nil, e
		}
		if status := refused(err); status != 0 {
			return nil, index.StatusError(status)
		}
		return nil, err
	}
	return readAll(ctx, ref, pageFile, index.MaxBytes)
}

// badStatus is how BuildKit says what a server has answered.
var badStatus = regexp.MustCompile(`invalid response status (\d{3})`)

// statusOf makes a status of BuildKit's words for it. Over the gateway errors
// are only texts.
func statusOf(err error) error {
	found := badStatus.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	status, _ := strconv.Atoi(found[1]) // three digits
	return index.StatusError(status)
}

// chunk is how much of a file is read at once: messages of the gateway have at
// most 16 MiB.
const chunk = 4 << 20

// readAll reads a file that may be larger than a message, up to one byte more
// than the limit.
func readAll(ctx context.Context, ref client.Reference, name string, limit int) ([]byte, error) {
	var data []byte
	for len(data) <= limit {
		part, err := ref.ReadFile(ctx, client.ReadRequest{
			Filename: name,
			Range:    &client.FileRange{Offset: len(data), Length: min(chunk, limit+1-len(data))},
		})
		if err != nil {
			return nil, err
		}
		data = append(data, part...)
		if len(part) < chunk {
			break
		}
	}
	return data, nil
}
