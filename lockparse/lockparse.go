// Package lockparse reads lock files of Python projects: it knows which
// format a file has by its name, and hands the file and those beside it to
// the package of that format. Selecting packages from a lock is in package
// lock.
package lockparse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/uvlock"
)

// maxBytes is the largest file that is read. Real locks have up to 10 MB.
const maxBytes = 16 << 20

// opener reads a file beside the lock, named relative to the lock's folder.
type opener = func(name string) (*diag.Source, error)

// format is a kind of file that says what to install.
type format struct {
	pattern string                                         // of the file's name, as in path.Match
	parse   func(*diag.Source, opener) (*lock.Lock, error) // nil for a format that is known but not read
}

// formats are the known formats, by the names that their tools give the files.
func formats() []format {
	return []format{
		{"uv.lock", uvlock.Parse},
		{"*.py.lock", uvlock.Parse}, // of a script with inline metadata (PEP 723)
		{"poetry.lock", nil},
		{"pdm.lock", nil},
		{"Pipfile.lock", nil},
		{"pylock.toml", nil},
		{"pylock.*.toml", nil},
		{"pyproject.toml", nil},
		{"requirements*.txt", nil},
	}
}

// Read reads a lock and the files beside it from the build context. The name
// is that of the lock in the context, such as "backend/uv.lock"; messages show
// files by such names.
//
// A file that cannot be read gives the error of fsys. Other errors are
// *diag.Error with a lock.Reason.
func Read(fsys fs.FS, name string) (*lock.Lock, error) {
	known := formats()
	i := slices.IndexFunc(known, func(f format) bool {
		ok, err := path.Match(f.pattern, path.Base(name))
		return ok && err == nil
	})
	if i < 0 {
		return nil, lock.UnsupportedFormat.Errorf(diag.Range{}, "%q is no lock file that is known by its name", name).
			WithHint("known: %s", patterns(known, false))
	}
	if known[i].parse == nil {
		return nil, lock.UnsupportedFormat.Errorf(diag.Range{}, "%q is not supported yet", name).
			WithHint("supported: %s", patterns(known, true))
	}
	src, err := read(fsys, name)
	if err != nil {
		return nil, err
	}
	return known[i].parse(src, func(beside string) (*diag.Source, error) {
		return read(fsys, path.Join(path.Dir(name), beside))
	})
}

// patterns lists the names of formats, all or those that are read.
func patterns(formats []format, read bool) string {
	var names []string
	for _, f := range formats {
		if f.parse != nil || !read {
			names = append(names, f.pattern)
		}
	}
	return strings.Join(names, ", ")
}

// read reads a file of the context, up to the limit. What lies outside of the
// context does not exist: a workspace may have members beside its root, which
// only matter once they are to be installed.
func read(fsys fs.FS, name string) (*diag.Source, error) {
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	if info, err := f.Stat(); err == nil && info.Size() <= maxBytes {
		data.Grow(int(info.Size()) + bytes.MinRead)
	}
	_, err = data.ReadFrom(io.LimitReader(f, maxBytes+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if data.Len() > maxBytes {
		return nil, lock.Malformed.Errorf(diag.Range{}, "%q has more than %d bytes", name, maxBytes)
	}
	return &diag.Source{Name: name, Data: data.Bytes()}, nil
}
