// Package sourcemap ties places in the user's files to what BuildKit knows as
// source maps: the excerpts that clients print with errors and warnings, and
// where operations come from.
//
// What errors and warnings say is not known here.
package sourcemap

import (
	"errors"
	"strings"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec/internal/diag"
)

// Files are the files that errors, warnings and operations point at: the spec
// and what it names. There is one source map for each, however many operations
// point into it.
type Files struct {
	mu   sync.Mutex
	maps map[string]*llb.SourceMap // by the name that diag.Source has
}

// New gives the files of a build, of which only the spec is known at first.
func New(spec *llb.SourceMap) *Files {
	return &Files{maps: map[string]*llb.SourceMap{spec.Filename: spec}}
}

// Add makes a file known.
func (f *Files) Add(m *llb.SourceMap) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.maps[m.Filename] = m
}

// Find gives the file that a place is in, nil if it is not known.
func (f *Files) Find(r diag.Range) *llb.SourceMap {
	if r.Source == nil || r.Line == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.maps[r.Source.Name]
}

// Location ties an operation to a place. It changes no digest.
func (f *Files) Location(r diag.Range) llb.ConstraintsOpt {
	m := f.Find(r)
	if m == nil {
		return llb.WithDescription(nil)
	}
	return m.Location(Ranges(r))
}

// Excerpt gives what a client shows of a place, nil if its file is not known.
func (f *Files) Excerpt(r diag.Range) (*pb.SourceInfo, []*pb.Range) {
	m := f.Find(r)
	if m == nil {
		return nil, nil
	}
	return &pb.SourceInfo{
		Data:       m.Data,
		Filename:   m.Filename,
		Language:   m.Language,
		Definition: m.Definition.ToPB(),
	}, Ranges(r)
}

// Ranges gives the lines of a place.
func Ranges(r diag.Range) []*pb.Range {
	return []*pb.Range{{
		Start: &pb.Position{Line: int32(r.Line), Character: int32(r.Column)},
		End:   &pb.Position{Line: int32(r.End())},
	}}
}

// Explain turns an error that points into the user's files into one that the
// client prints with excerpts, in the words meant for the user: the messages of
// all places, one after the other. Other errors stay as they are.
func (f *Files) Explain(err error) error {
	found := diag.All(err)
	if len(found) == 0 {
		return err
	}
	lines := make([]string, len(found))
	for i, e := range found {
		lines[i] = e.Error()
	}
	explained := errors.New(strings.Join(lines, "\n"))
	for _, e := range found {
		for _, at := range e.At {
			if info, ranges := f.Excerpt(at); info != nil {
				explained = errdefs.WithSource(explained, &errdefs.Source{Info: info, Ranges: ranges})
			}
		}
	}
	return explained
}
