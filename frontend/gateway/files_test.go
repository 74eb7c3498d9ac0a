package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/moby/buildkit/frontend/gateway/client"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// blob is a reference with one file, "blob". As over the gateway its errors are
// only texts, and no message is larger than 16 MiB.
type blob struct {
	client.Reference
	data []byte
}

func (b blob) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	if req.Filename != "blob" {
		return nil, fmt.Errorf("open /tmp/mount/%s: no such file or directory", req.Filename)
	}
	part := b.data[min(req.Range.Offset, len(b.data)):]
	if part = part[:min(req.Range.Length, len(part))]; len(part) > 16<<20 {
		return nil, errors.New("message too large")
	}
	return part, nil
}

func (b blob) StatFile(_ context.Context, req client.StatRequest) (*fstypes.Stat, error) {
	if req.Path != "blob" {
		return nil, errors.New("the engine is gone")
	}
	return &fstypes.Stat{Path: "blob", Size: int64(len(b.data))}, nil
}

func TestReadLarge(t *testing.T) {
	const limit = 20 << 20
	for _, tc := range []struct {
		name       string
		size, want int
	}{
		{"empty", 0, 0},
		{"one message", 100, 100},
		{"a whole chunk", chunk, chunk},
		{"several chunks", 3*chunk + 1, 3*chunk + 1},
		{"as much as may be", limit, limit},
		{"more than may be", limit + 100, limit + 1},
	} {
		data := bytes.Repeat([]byte("0123456789"), tc.size/10+1)[:tc.size]
		got, err := Open(t.Context(), blob{data: data}).ReadLarge("blob", limit)
		if err != nil || !bytes.Equal(got, data[:tc.want]) {
			t.Errorf("%s: %d bytes, %v, want the first %d", tc.name, len(got), err, tc.want)
		}
	}
}

// TestAbsent: what is not there can be told from what cannot be read.
func TestAbsent(t *testing.T) {
	files := Open(t.Context(), blob{data: []byte("text")})
	if data, err := fs.ReadFile(files, "blob"); err != nil || string(data) != "text" {
		t.Errorf("blob has %q, %v", data, err)
	}
	if _, err := files.Open("other"); !errors.Is(err, fs.ErrNotExist) || err.Error() != "open other: file does not exist" {
		t.Errorf("an absent file gives %v", err)
	}
	if _, err := files.Stat("other"); errors.Is(err, fs.ErrNotExist) || err.Error() != "open other: the engine is gone" {
		t.Errorf("an engine without answer gives %v", err)
	}
}
