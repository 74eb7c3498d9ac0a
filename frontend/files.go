package frontend

import (
	"context"
	"strings"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec/internal/diag"
)

// files are the files that errors, warnings and ops point at: the spec and
// what it names. They are known to BuildKit as source maps, one per file
// however many ops point into it.
type files struct {
	mu   sync.Mutex
	maps map[string]*llb.SourceMap // by the name that diag.Source has
}

func newFiles(spec *llb.SourceMap) *files {
	return &files{maps: map[string]*llb.SourceMap{spec.Filename: spec}}
}

func (f *files) add(m *llb.SourceMap) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.maps[m.Filename] = m
}

func (f *files) find(r diag.Range) *llb.SourceMap {
	if r.Source == nil || r.Line == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.maps[r.Source.Name]
}

// location ties an op to a place. It changes no digest.
func (f *files) location(r diag.Range) llb.ConstraintsOpt {
	m := f.find(r)
	if m == nil {
		return llb.WithDescription(nil)
	}
	return m.Location(ranges(r))
}

// explain turns an error that points into the user's files into one that the
// client prints with excerpts.
func (f *files) explain(err error) error {
	found := diag.All(err)
	if len(found) == 0 {
		return err
	}
	explained := error(&explainedError{text: text(err), cause: err})
	for _, e := range found {
		for _, at := range e.At {
			if m := f.find(at); m != nil {
				explained = errdefs.WithSource(explained, &errdefs.Source{Info: info(m), Ranges: ranges(at)})
			}
		}
	}
	return explained
}

// explainedError says an error in the words meant for the user and keeps the
// cause.
type explainedError struct {
	text  string
	cause error
}

func (e *explainedError) Error() string { return e.text }

// text gives the messages of all errors in the tree, one after the other.
func text(err error) string {
	var lines []string
	for _, e := range diag.All(err) {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// warn streams warnings to the client, each once: most are the same for all
// platforms.
func (b *build) warn(ctx context.Context, warnings []diag.Warning) {
	for _, w := range warnings {
		if _, sent := b.warned.LoadOrStore(w.String(), true); sent {
			continue
		}
		opts := client.WarnOpts{Level: 1}
		if w.Hint != "" {
			opts.Detail = [][]byte{[]byte(w.Hint)}
		}
		if m := b.files.find(w.At); m != nil {
			opts.SourceInfo, opts.Range = info(m), ranges(w.At)
		}
		b.entry.Warn(ctx, w.String(), opts)
	}
}

func ranges(r diag.Range) []*pb.Range {
	return []*pb.Range{{
		Start: &pb.Position{Line: int32(r.Line), Character: int32(r.Column)},
		End:   &pb.Position{Line: int32(r.End())},
	}}
}

func info(m *llb.SourceMap) *pb.SourceInfo {
	return &pb.SourceInfo{
		Data:       m.Data,
		Filename:   m.Filename,
		Language:   m.Language,
		Definition: m.Definition.ToPB(),
	}
}
