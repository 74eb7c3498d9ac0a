package buildcontext

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/patternmatcher"

	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/internal/diag"
)

// FS gives the files of the build context. Each that is read is sent by itself,
// and is known to messages and ops from then on.
func (c *Context) FS(ctx context.Context) fs.FS {
	return files{Context: c, ctx: ctx}
}

// files are those of the build context.
type files struct {
	*Context
	ctx context.Context //nolint:containedctx // fs.FS has no context; it lives as long as one compile
}

// Open implements fs.FS for files. Archives are no files that messages show
// lines of, and may be large.
func (f files) Open(name string) (fs.File, error) {
	read := f.ReadFile
	if slices.Contains(archives(), path.Ext(name)) {
		read = f.readArchive
	}
	data, err := read(name)
	if err != nil {
		return nil, err
	}
	return gateway.File(name, data), nil
}

// ReadFile implements fs.ReadFileFS.
func (f files) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	st, err := f.state(f.ctx, name, name)
	if err != nil {
		return nil, err
	}
	sent, err := f.read(f.ctx, st)
	if err != nil {
		return nil, err
	}
	data, err := sent.ReadFile(name)
	if err != nil {
		return nil, f.missing(f.ctx, name, err)
	}
	m := llb.NewSourceMap(st, name, language(name), diag.Redact(data))
	if m.Definition, err = f.Engine.Marshal(f.ctx, *st); err != nil {
		return nil, err
	}
	f.OnRead(m)
	return data, nil
}

// archives are the endings of the files that a package can be.
func archives() []string { return []string{".whl", ".gz", ".zip"} }

// maxArchive limits an archive that is read to learn its digest.
const maxArchive = 1 << 30

// readArchive reads an archive.
func (f files) readArchive(name string) ([]byte, error) {
	sent, err := f.send(name, name)
	if err != nil {
		return nil, err
	}
	data, err := sent.ReadLarge(name, maxArchive)
	if err != nil {
		return nil, f.missing(f.ctx, name, err)
	}
	if len(data) > maxArchive {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("it has more than %d bytes", maxArchive)}
	}
	return data, nil
}

// ReadDir implements fs.ReadDirFS for folders of archives: other files are not
// sent, and not listed.
func (f files) ReadDir(name string) ([]fs.DirEntry, error) {
	var patterns []string
	for _, ending := range archives() {
		patterns = append(patterns, path.Join(name, "*"+ending))
	}
	sent, err := f.send(name, patterns...)
	if err != nil {
		return nil, err
	}
	entries, err := sent.ReadDir(name)
	if err != nil {
		return nil, f.missing(f.ctx, name, err)
	}
	return entries, nil
}

// Glob implements fs.GlobFS: what matches the pattern is sent.
func (f files) Glob(pattern string) ([]string, error) {
	sent, err := f.send(pattern, pattern)
	if err != nil {
		return nil, err
	}
	return fs.Glob(sent, pattern)
}

// send sends the files at some paths, and makes them readable.
func (f files) send(name string, paths ...string) (gateway.Files, error) {
	st, err := f.state(f.ctx, name, paths...)
	if err != nil {
		return gateway.Files{}, err
	}
	return f.read(f.ctx, st)
}

// missing says why a file cannot be read.
func (c *Context) missing(ctx context.Context, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) && c.ignored(ctx, name) {
		return &ignoredError{name: name, spec: c.Spec}
	}
	return err
}

// ignored says whether the ignore file of the build leaves a file out.
func (c *Context) ignored(ctx context.Context, name string) bool {
	patterns, err := c.UI.DockerIgnorePatterns(ctx)
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
