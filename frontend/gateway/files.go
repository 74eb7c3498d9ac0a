package gateway

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// Files are the files of a reference as an fs.FS, links followed. They are
// read whole.
type Files struct {
	ctx context.Context //nolint:containedctx // fs.FS has no context; it lives as long as one look
	ref client.Reference
}

// Open makes the files of a reference readable.
func Open(ctx context.Context, ref client.Reference) Files {
	return Files{ctx: ctx, ref: ref}
}

// Open implements fs.FS.
func (f Files) Open(name string) (fs.File, error) {
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return File(name, data), nil
}

// ReadFile implements fs.ReadFileFS for files that fit into one message.
func (f Files) ReadFile(name string) ([]byte, error) {
	data, err := dockerui.ReadFile(f.ctx, f.ref, name)
	return data, pathError(name, err)
}

// chunk is how much of a file is read at once: messages of the gateway have at
// most 16 MiB.
const chunk = 4 << 20

// ReadLarge reads a file that may be larger than a message, up to one byte more
// than the limit.
func (f Files) ReadLarge(name string, limit int) ([]byte, error) {
	var data []byte
	for len(data) <= limit {
		part, err := f.ref.ReadFile(f.ctx, client.ReadRequest{
			Filename: name,
			Range:    &client.FileRange{Offset: len(data), Length: min(chunk, limit+1-len(data))},
		})
		if err != nil {
			return nil, pathError(name, err)
		}
		data = append(data, part...)
		if len(part) < chunk {
			break
		}
	}
	return data, nil
}

// Has says whether there is a file.
func (f Files) Has(name string) bool {
	_, err := f.Stat(name)
	return err == nil
}

// Stat implements fs.StatFS.
func (f Files) Stat(name string) (fs.FileInfo, error) {
	stat, err := f.ref.StatFile(f.ctx, client.StatRequest{Path: name})
	if err != nil {
		return nil, pathError(name, err)
	}
	return statInfo{stat}, nil
}

// ReadDir implements fs.ReadDirFS.
func (f Files) ReadDir(name string) ([]fs.DirEntry, error) {
	stats, err := f.ref.ReadDir(f.ctx, client.ReadDirRequest{Path: name})
	if err != nil {
		return nil, pathError(name, err)
	}
	var entries []fs.DirEntry
	for _, stat := range stats {
		entries = append(entries, fs.FileInfoToDirEntry(statInfo{stat}))
	}
	return entries, nil
}

// pathError makes an absent file an fs.ErrNotExist: over the gateway it is only
// a text.
func pathError(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "no such file or directory") || errors.Is(err, fs.ErrNotExist):
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}

// statInfo is what the engine tells of a file.
type statInfo struct{ stat *fstypes.Stat }

func (s statInfo) Name() string       { return path.Base(s.stat.Path) }
func (s statInfo) Size() int64        { return s.stat.Size }
func (s statInfo) Mode() fs.FileMode  { return fs.FileMode(s.stat.Mode) }
func (s statInfo) ModTime() time.Time { return time.Unix(0, s.stat.ModTime) }
func (s statInfo) IsDir() bool        { return s.Mode().IsDir() }
func (s statInfo) Sys() any           { return s.stat }

// File is a file that was read whole.
func File(name string, data []byte) fs.File {
	return &file{Reader: bytes.NewReader(data), name: path.Base(name)}
}

type file struct {
	*bytes.Reader
	name string
}

func (f *file) Stat() (fs.FileInfo, error) { return f, nil }
func (f *file) Close() error               { return nil }
func (f *file) Name() string               { return f.name }
func (f *file) Mode() fs.FileMode          { return 0o444 }
func (f *file) ModTime() time.Time         { return time.Time{} }
func (f *file) IsDir() bool                { return false }
func (f *file) Sys() any                   { return nil }
