package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// engine is a stand-in for BuildKit behind the gateway: it serves the files of
// a build context and the configuration of base images, and remembers what it
// was asked to solve. What a real engine does with it is the business of the
// end-to-end tests.
type engine struct {
	client.Client
	opts    map[string]string
	files   map[string]string    // of the build context, by path
	bases   map[string]fakeImage // by normalised reference
	without []apicaps.CapID      // what this engine cannot do
	anyArch bool                 // base images exist for every architecture
	panics  bool                 // when asked for a base image
	// fetchStatus is what the server of wheels answers instead of a wheel, and
	// goneHost the host of those that it is the answer for; empty: all.
	fetchStatus, goneHost string
	pages                 map[string]string                                // of indexes, by URL
	pageStatus            map[string]int                                   // with which the server refuses a page
	resolver              func(step *pb.ExecOp) (map[string]string, error) // what imagespec-resolve does beside looking into a netrc
	netrc                 []string                                         // hosts in the secret netrc
	memory                map[string]string                                // the cache mount of answers, by its id and the key

	mu       sync.Mutex
	read     []string              // URLs of pages, with the Accept header
	looked   []string              // the hosts that were looked for in the netrc, those of a step in a line
	solved   []client.SolveRequest // the images
	warnings []string
	asked    []string // references of base images
}

// fakeImage is an image of the registry.
type fakeImage struct {
	env   []string
	files map[string]string
	arch  string
}

// officialPython looks like an official image of Python 3.12.4.
func officialPython() fakeImage {
	return fakeImage{env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "PYTHON_VERSION=3.12.4"}, arch: "amd64"}
}

// newEngine makes an engine with a build context, given as pairs of path and
// content, and one base image.
func newEngine(files map[string]string) *engine {
	return &engine{
		opts:   map[string]string{"filename": "imagespec.yaml"},
		files:  files,
		bases:  map[string]fakeImage{"docker.io/library/python:3.12-slim-bookworm": officialPython()},
		memory: map[string]string{},
	}
}

func (e *engine) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		Opts:      e.opts,
		SessionID: "session",
		Workers:   []client.WorkerInfo{{Platforms: []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}}}},
		LLBCaps:   capsWithout(pb.Caps.All(), &pb.Caps, e.without),
		Caps:      capsWithout(gwpb.Caps.All(), &gwpb.Caps, nil),
	}
}

func capsWithout(all []*apicaps.PBCap, list *apicaps.CapList, without []apicaps.CapID) apicaps.CapSet {
	for _, c := range all {
		for _, w := range without {
			if c.ID == string(w) {
				c.Enabled = false
			}
		}
	}
	return list.CapSet(all)
}

// CurrentFrontend is the image that the frontend runs from.
func (e *engine) CurrentFrontend() (*llb.State, error) {
	st := llb.Image("example.com/imagespec/frontend@" + digest.FromString("frontend").String())
	return &st, nil
}

func (e *engine) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

func (e *engine) Warn(_ context.Context, _ digest.Digest, msg string, _ client.WarnOpts) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.warnings = append(e.warnings, msg)
	return nil
}

func (e *engine) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, ref+" "+opt.ImageOpt.ResolveMode)
	if e.panics {
		panic("on purpose")
	}
	b, ok := e.bases[ref]
	if !ok {
		return "", "", nil, fmt.Errorf("%s: not found", ref)
	}
	var img dockerspec.DockerOCIImage
	img.OS, img.Architecture = "linux", b.arch
	if e.anyArch {
		img.Architecture = opt.ImageOpt.Platform.Architecture
	}
	img.Config.Env = b.env
	data, err := json.Marshal(img)
	return ref, digest.FromString(ref), data, err
}

// Solve serves local sources and base images as files; everything else is an
// image to build.
func (e *engine) Solve(_ context.Context, req client.SolveRequest) (*client.Result, error) {
	res := client.NewResult()
	source := soleSource(req.Definition)
	switch {
	case strings.HasPrefix(source, "local://"):
		res.SetRef(tree(e.files))
	case strings.HasPrefix(source, "https://"):
		return res, e.page(req.Definition, res)
	case resolveStep(req.Definition) != nil:
		return e.resolve(req.Definition)
	case memoStep(req.Definition) != nil:
		res.SetRef(e.remember(req.Definition))
	case strings.HasPrefix(source, "docker-image://"):
		ref, _, _ := strings.Cut(strings.TrimPrefix(source, "docker-image://"), "@")
		res.SetRef(tree(e.bases[ref].files))
	default:
		e.mu.Lock()
		defer e.mu.Unlock()
		e.solved = append(e.solved, req)
		if err := e.fetchError(req.Definition); err != nil {
			return nil, err
		}
		res.SetRef(tree(nil))
	}
	return res, nil
}

// page serves a page of an index.
func (e *engine) page(def *pb.Definition, res *client.Result) error {
	var op pb.Op
	if err := op.UnmarshalVT(def.Def[0]); err != nil {
		return err
	}
	url := op.GetSource().Identifier
	e.mu.Lock()
	defer e.mu.Unlock()
	e.read = append(e.read, strings.TrimSpace(url+" "+op.GetSource().Attrs[pb.AttrHTTPHeaderPrefix+"accept"]))
	if status := e.pageStatus[url]; status != 0 {
		return fmt.Errorf("failed to load cache key: invalid response status %d", status)
	}
	text, ok := e.pages[url]
	if !ok {
		return errors.New("failed to load cache key: invalid response status 404")
	}
	res.SetRef(tree(map[string]string{op.GetSource().Attrs[pb.AttrHTTPFilename]: text}))
	return nil
}

// memoStep gives the step of the memory that a definition is, nil for others.
func memoStep(def *pb.Definition) *pb.ExecOp {
	for _, dt := range def.Def {
		var op pb.Op
		if op.UnmarshalVT(dt) == nil && op.GetExec() != nil && op.GetExec().Meta.Args[0] == "/bin/imagespec-memo" {
			return op.GetExec()
		}
	}
	return nil
}

// remember runs a step of the memory as imagespec-memo does.
func (e *engine) remember(def *pb.Definition) fakeRef {
	e.mu.Lock()
	defer e.mu.Unlock()
	step := memoStep(def)
	key := step.Meta.Args[3]
	for _, m := range step.Mounts {
		if m.CacheOpt != nil {
			key = m.CacheOpt.ID + " " + key
		}
	}
	if step.Meta.Args[1] == "recall" {
		if answer, ok := e.memory[key]; ok {
			return tree(map[string]string{path.Base(step.Meta.Args[4]): answer})
		}
		return tree(nil)
	}
	for _, dt := range def.Def {
		var op pb.Op
		if op.UnmarshalVT(dt) == nil && op.GetFile() != nil {
			e.memory[key] = string(op.GetFile().Actions[0].GetMkfile().Data)
		}
	}
	return tree(nil)
}

// fetchError is what BuildKit says of a wheel whose server sends an error page.
func (e *engine) fetchError(def *pb.Definition) error {
	if e.fetchStatus == "" {
		return nil
	}
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return err
		}
		if strings.HasPrefix(op.GetSource().GetIdentifier(), "https://"+e.goneHost) {
			return errdefs.WrapVertex(errors.New("digest mismatch sha256:aa: sha256:bb"), digest.FromBytes(dt))
		}
	}
	return nil
}

// ResolveSourceMetadata asks the server of a wheel.
func (e *engine) ResolveSourceMetadata(_ context.Context, op *pb.SourceOp, _ sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	if e.fetchStatus != "" {
		return nil, fmt.Errorf("invalid response status %s", e.fetchStatus)
	}
	return &sourceresolver.MetaResponse{Op: op}, nil
}

// soleSource gives the identifier of a definition that is one source.
func soleSource(def *pb.Definition) string {
	if len(def.Def) != 2 { // the source and the op that names the result
		return ""
	}
	var op pb.Op
	if err := op.UnmarshalVT(def.Def[0]); err != nil {
		return ""
	}
	return op.GetSource().GetIdentifier()
}

// fakeRef is a solved tree of files.
type fakeRef struct{ fstest.MapFS }

func tree(files map[string]string) fakeRef {
	all := fstest.MapFS{}
	for name, content := range files {
		all[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o755}
	}
	return fakeRef{all}
}

func (r fakeRef) ToState() (llb.State, error)    { return llb.Scratch(), nil }
func (r fakeRef) Evaluate(context.Context) error { return nil }

func (r fakeRef) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	data, err := r.MapFS.ReadFile(path.Clean(req.Filename))
	if err != nil || req.Range == nil {
		return data, err
	}
	data = data[min(req.Range.Offset, len(data)):]
	return data[:min(req.Range.Length, len(data))], nil
}

func (r fakeRef) StatFile(_ context.Context, req client.StatRequest) (*fstypes.Stat, error) {
	info, err := r.MapFS.Stat(path.Clean(req.Path))
	if err != nil {
		return nil, err
	}
	return stat(info), nil
}

func (r fakeRef) ReadDir(_ context.Context, req client.ReadDirRequest) ([]*fstypes.Stat, error) {
	entries, err := r.MapFS.ReadDir(path.Clean(req.Path))
	if err != nil {
		return nil, err
	}
	var stats []*fstypes.Stat
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		stats = append(stats, stat(info))
	}
	return stats, nil
}

func stat(info fs.FileInfo) *fstypes.Stat {
	return &fstypes.Stat{Path: info.Name(), Mode: uint32(info.Mode()), Size: info.Size()}
}

// build runs the frontend.
func (e *engine) build(t *testing.T) (*client.Result, error) {
	t.Helper()
	return Build(t.Context(), e)
}

// config decodes the image configuration of a result.
func config(t *testing.T, res *client.Result, key string) dockerspec.DockerOCIImage {
	t.Helper()
	var img dockerspec.DockerOCIImage
	if err := json.Unmarshal(res.Metadata[key], &img); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return img
}
