package frontend

import (
	"bytes"
	"context"
	"io/fs"
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/flytekit"
)

// nameOf gives what flytekit calls the image: registry, name and tag. A spec
// that it has no name for is built all the same, with a warning.
func (b *build) nameOf(ctx context.Context, spec *imagespec.Spec) (string, []diag.Warning) {
	called, err := flytekit.Read(spec.Source)
	if err != nil {
		return "", nameless(err, spec)
	}
	files, err := b.tagFiles(ctx, called)
	if err != nil {
		return "", nameless(err, spec)
	}
	digests, err := called.Digests(files)
	if err != nil {
		return "", nameless(err, spec)
	}
	name, err := called.Name(digests)
	if err != nil {
		return "", nameless(err, spec)
	}
	return name, called.Warnings()
}

// nameless warns that the exporter gets no name.
func nameless(err error, spec *imagespec.Spec) []diag.Warning {
	w := diag.Warning{
		Rule: "NoFlytekitName",
		Msg:  "flytekit has no name for this image: " + err.Error(),
		Hint: "name the image with -t or --output",
		At:   diag.Range{Source: spec.Source, Line: 1},
	}
	if all := diag.All(err); len(all) > 0 && len(all[0].At) > 0 {
		w.Msg, w.At = "flytekit has no name for this image: "+all[0].Msg, all[0].At[0]
	}
	return []diag.Warning{w}
}

// tagFiles gives the files of the build context whose content is in the tag.
// What is ignored has not been sent, and is not in the image either.
func (b *build) tagFiles(ctx context.Context, called *flytekit.Spec) (fs.FS, error) {
	needs, err := called.Needs()
	if err != nil {
		return nil, err
	}
	var paths []string
	for n := &needs; n != nil; n = n.Base {
		paths = append(paths, n.Copy...)
		if n.Requirements != "" {
			paths = append(paths, n.Requirements)
		}
		if n.Source != "" {
			paths = append(paths, n.Source, path.Join(n.Source, ".dockerignore"))
		}
	}
	if len(paths) == 0 {
		return nothing{}, nil
	}
	for i := range paths {
		paths[i] = path.Clean(paths[i])
	}
	st, err := b.ui.MainContext(ctx,
		llb.FollowPaths(paths),
		llb.SharedKeyHint("imagespec:tag"),
		dockerui.WithInternalName("load what the tag is made of"),
	)
	if err != nil {
		return nil, err
	}
	ref, _, err := b.context.with(ctx).solve(st)
	if err != nil {
		return nil, err
	}
	return taggedFS{imageFS{ctx: ctx, ref: ref}}, nil
}

// taggedFS reads files whole.
type taggedFS struct{ imageFS }

// Open implements fs.FS.
func (t taggedFS) Open(name string) (fs.File, error) {
	data, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &file{Reader: bytes.NewReader(data), name: path.Base(name)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (t taggedFS) ReadFile(name string) ([]byte, error) {
	data, err := t.imageFS.ReadFile(name)
	return data, notThere(name, err)
}

// Stat implements fs.StatFS.
func (t taggedFS) Stat(name string) (fs.FileInfo, error) {
	info, err := t.imageFS.Stat(name)
	return info, notThere(name, err)
}

// nothing is a file system without files.
type nothing struct{}

// Open implements fs.FS.
func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
