package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/patternmatcher"

	"github.com/imagespec/imagespec/internal/diag"
)

// contextFS reads single files of the build context, whatever it is: a folder
// of the client, a git repository, an archive or an input. Only the files that
// are read are sent, each with a hint of its own: sharing the hint of the main
// context would have the client send that one anew.
type contextFS struct {
	build *build
	ctx   context.Context //nolint:containedctx // fs.FS has no context; it lives as long as one compile
}

func (c *contextFS) with(ctx context.Context) *contextFS {
	return &contextFS{build: c.build, ctx: ctx}
}

// Open implements fs.FS for files. Archives are no files that messages show
// lines of, and may be large.
func (c *contextFS) Open(name string) (fs.File, error) {
	read := c.ReadFile
	if slices.Contains(archives(), path.Ext(name)) {
		read = c.readArchive
	}
	data, err := read(name)
	if err != nil {
		return nil, err
	}
	return &file{Reader: bytes.NewReader(data), name: path.Base(name)}, nil
}

// ReadFile implements fs.ReadFileFS. The file is known to messages and ops
// from then on.
func (c *contextFS) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	st, ref, def, err := c.open(name, name)
	if err != nil {
		return nil, err
	}
	data, err := dockerui.ReadFile(c.ctx, ref, name)
	if err != nil {
		return nil, c.missing(name, err)
	}
	m := llb.NewSourceMap(st, name, language(name), diag.Redact(data))
	m.Definition = def
	c.build.files.add(m)
	return data, nil
}

// archives are the endings of the files that a package can be.
func archives() []string { return []string{".whl", ".gz", ".zip"} }

// maxArchive limits an archive that is read to learn its digest.
const maxArchive = 1 << 30

// readArchive reads an archive.
func (c *contextFS) readArchive(name string) ([]byte, error) {
	_, ref, _, err := c.open(name, name)
	if err != nil {
		return nil, err
	}
	data, err := readAll(c.ctx, ref, name, maxArchive)
	if err != nil {
		return nil, c.missing(name, err)
	}
	if len(data) > maxArchive {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("it has more than %d bytes", maxArchive)}
	}
	return data, nil
}

// ReadDir implements fs.ReadDirFS for folders of archives: other files are not
// sent, and not listed.
func (c *contextFS) ReadDir(name string) ([]fs.DirEntry, error) {
	var patterns []string
	for _, ending := range archives() {
		patterns = append(patterns, path.Join(name, "*"+ending))
	}
	_, ref, _, err := c.open(name, patterns...)
	if err != nil {
		return nil, err
	}
	entries, err := imageFS{ctx: c.ctx, ref: ref}.ReadDir(name)
	if err != nil {
		return nil, c.missing(name, err)
	}
	return entries, nil
}

// Glob implements fs.GlobFS: what matches the pattern is sent.
func (c *contextFS) Glob(pattern string) ([]string, error) {
	_, ref, _, err := c.open(pattern, pattern)
	if err != nil {
		return nil, err
	}
	return fs.Glob(imageFS{ctx: c.ctx, ref: ref}, pattern)
}

// open sends files of the build context to the engine, and gives a reference
// to them.
func (c *contextFS) open(name string, paths ...string) (*llb.State, client.Reference, *llb.Definition, error) {
	st, err := c.state(name, paths...)
	if err != nil {
		return nil, nil, nil, err
	}
	ref, def, err := c.solve(st)
	return st, ref, def, err
}

// solve gives a reference to a part of the build context.
func (c *contextFS) solve(st *llb.State) (client.Reference, *llb.Definition, error) {
	def, err := st.Marshal(c.ctx, llb.WithCaps(c.build.ui.BuildOpts().LLBCaps))
	if err != nil {
		return nil, nil, fmt.Errorf("marshalling the build context: %w", err)
	}
	ref, err := c.build.ref(c.ctx, client.SolveRequest{Definition: def.ToPB()})
	return ref, def, err
}

// state is the build context, of which the files at some paths are sent.
func (c *contextFS) state(name string, paths ...string) (*llb.State, error) {
	return c.build.ui.MainContext(c.ctx,
		llb.FollowPaths(paths),
		llb.SharedKeyHint("imagespec:"+name),
		llb.Differ(llb.DiffNone, false),
		dockerui.WithInternalName("load "+name),
	)
}

// missing says why a file cannot be read.
func (c *contextFS) missing(name string, err error) error {
	err = notThere(name, err)
	if errors.Is(err, fs.ErrNotExist) && c.ignored(name) {
		return &ignoredError{name: name, spec: c.build.entry.Filename}
	}
	return err
}

// notThere makes an absent file an fs.ErrNotExist: over the gateway it is only
// a text.
func notThere(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "no such file or directory") || errors.Is(err, fs.ErrNotExist):
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}

// ignored says whether the ignore file of the build leaves a file out.
func (c *contextFS) ignored(name string) bool {
	patterns, err := c.build.ui.DockerIgnorePatterns(c.ctx)
	if err != nil || len(patterns) == 0 {
		return false
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return false
	}
	match, err := matcher.MatchesOrParentMatches(name)
	return err == nil && match
}

// ignoredError is a file that the ignore file leaves out of the context.
type ignoredError struct{ name, spec string }

func (e *ignoredError) Error() string {
	return fmt.Sprintf("%s is left out of the build context by %s.dockerignore or, if there is none, by .dockerignore; add a line \"!%s\" to it",
		e.name, e.spec, e.name)
}

// Is makes it an absent file too.
func (e *ignoredError) Is(target error) bool { return target == fs.ErrNotExist }

// language is the syntax that editors may show a file's excerpt in.
func language(name string) string {
	switch path.Ext(name) {
	case ".toml", ".lock":
		return "toml"
	case ".json":
		return "json"
	}
	return "text"
}

// file is a file that was read whole.
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
