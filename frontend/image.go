package frontend

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// imageFS reads the files of an image, links followed. The engine has to pull
// the image for it.
type imageFS struct {
	ctx context.Context //nolint:containedctx // fs.FS has no context; it lives as long as one look
	ref client.Reference
}

// openImage makes the files of an image readable.
func (b *build) openImage(ctx context.Context, image llb.State, platform ocispecs.Platform) (fs.FS, error) {
	def, err := image.Marshal(ctx, llb.Platform(platform), llb.WithCaps(b.ui.BuildOpts().LLBCaps))
	if err != nil {
		return nil, fmt.Errorf("marshalling the base image: %w", err)
	}
	ref, err := b.ref(ctx, client.SolveRequest{Definition: def.ToPB()})
	if err != nil {
		return nil, err
	}
	return imageFS{ctx: ctx, ref: ref}, nil
}

// Open implements fs.FS; files are read whole by ReadFile.
func (i imageFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
}

// ReadFile implements fs.ReadFileFS.
func (i imageFS) ReadFile(name string) ([]byte, error) {
	return dockerui.ReadFile(i.ctx, i.ref, name)
}

// Stat implements fs.StatFS.
func (i imageFS) Stat(name string) (fs.FileInfo, error) {
	stat, err := i.ref.StatFile(i.ctx, client.StatRequest{Path: name})
	if err != nil {
		return nil, err
	}
	return statInfo{stat}, nil
}

// ReadDir implements fs.ReadDirFS.
func (i imageFS) ReadDir(name string) ([]fs.DirEntry, error) {
	stats, err := i.ref.ReadDir(i.ctx, client.ReadDirRequest{Path: name})
	if err != nil {
		return nil, err
	}
	var entries []fs.DirEntry
	for _, stat := range stats {
		entries = append(entries, fs.FileInfoToDirEntry(statInfo{stat}))
	}
	return entries, nil
}

// statInfo is what the engine tells of a file.
type statInfo struct{ stat *fstypes.Stat }

func (s statInfo) Name() string       { return path.Base(s.stat.Path) }
func (s statInfo) Size() int64        { return s.stat.Size }
func (s statInfo) Mode() fs.FileMode  { return fs.FileMode(s.stat.Mode) }
func (s statInfo) ModTime() time.Time { return time.Unix(0, s.stat.ModTime) }
func (s statInfo) IsDir() bool        { return s.Mode().IsDir() }
func (s statInfo) Sys() any           { return s.stat }
