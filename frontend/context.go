package frontend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/patternmatcher"

	"github.com/imagespec/imagespec/frontend/gateway"
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
	return gateway.File(name, data), nil
}

// ReadFile implements fs.ReadFileFS. The file is known to messages and ops
// from then on.
func (c *contextFS) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	st, err := c.state(name, name)
	if err != nil {
		return nil, err
	}
	files, err := c.read(st)
	if err != nil {
		return nil, err
	}
	data, err := files.ReadFile(name)
	if err != nil {
		return nil, c.missing(name, err)
	}
	m := llb.NewSourceMap(st, name, language(name), diag.Redact(data))
	if m.Definition, err = c.build.engine.Marshal(c.ctx, *st); err != nil {
		return nil, err
	}
	c.build.files.add(m)
	return data, nil
}

// archives are the endings of the files that a package can be.
func archives() []string { return []string{".whl", ".gz", ".zip"} }

// maxArchive limits an archive that is read to learn its digest.
const maxArchive = 1 << 30

// readArchive reads an archive.
func (c *contextFS) readArchive(name string) ([]byte, error) {
	files, err := c.open(name, name)
	if err != nil {
		return nil, err
	}
	data, err := files.ReadLarge(name, maxArchive)
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
	files, err := c.open(name, patterns...)
	if err != nil {
		return nil, err
	}
	entries, err := files.ReadDir(name)
	if err != nil {
		return nil, c.missing(name, err)
	}
	return entries, nil
}

// Glob implements fs.GlobFS: what matches the pattern is sent.
func (c *contextFS) Glob(pattern string) ([]string, error) {
	files, err := c.open(pattern, pattern)
	if err != nil {
		return nil, err
	}
	return fs.Glob(files, pattern)
}

// open sends files of the build context to the engine, and makes them readable.
func (c *contextFS) open(name string, paths ...string) (gateway.Files, error) {
	st, err := c.state(name, paths...)
	if err != nil {
		return gateway.Files{}, err
	}
	return c.read(st)
}

// read makes a part of the build context readable.
func (c *contextFS) read(st *llb.State) (gateway.Files, error) {
	ref, err := c.build.engine.Ref(c.ctx, *st)
	return gateway.Open(c.ctx, ref), err
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
	if errors.Is(err, fs.ErrNotExist) && c.ignored(name) {
		return &ignoredError{name: name, spec: c.build.entry.Filename}
	}
	return err
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
