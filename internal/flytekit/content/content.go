// Package content computes the digests of files that are in flytekit's tag of an
// image, byte for byte as flytekit does. Which files these are, and what becomes
// of their digests, package flytekit says: this one is what a step of the build
// runs, and knows no spec.
package content

import (
	"crypto/sha1" //nolint:gosec // flytekit's algorithm
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Needs are the files and folders whose content is in the tag, as the spec
// writes them: relative to the build context.
type Needs struct {
	Requirements string   `json:",omitempty"` // a file; "" where none is needed
	Copy         []string `json:",omitempty"` // files and folders
	Source       string   `json:",omitempty"` // a folder; "" where none is needed
	Base         *Needs   `json:",omitempty"` // those of the base image, where that is a spec of its own
}

// Paths gives all files and folders that are needed, and what else is read.
func (n *Needs) Paths() []string {
	var paths []string
	for ; n != nil; n = n.Base {
		paths = append(paths, n.Copy...)
		if n.Requirements != "" {
			paths = append(paths, n.Requirements)
		}
		if n.Source != "" {
			paths = append(paths, n.Source, path.Join(n.Source, ".dockerignore"))
		}
	}
	for i := range paths {
		paths[i] = path.Clean(paths[i])
	}
	return paths
}

// Folders says whether more than single files are needed.
func (n *Needs) Folders() bool {
	return n != nil && (len(n.Copy) > 0 || n.Source != "" || n.Base.Folders())
}

// Digests are the contents' digests, in hexadecimal. One that is not needed
// is "".
type Digests struct {
	Requirements string   `json:",omitempty"` // sha1 of the file without white space around
	Copy         string   `json:",omitempty"` // md5 of all files
	Source       string   `json:",omitempty"` // md5 of all files
	Base         *Digests `json:",omitempty"`
}

// Answer is what the step of a build writes: digests, or why there are none.
type Answer struct {
	Digests Digests
	Failure *Error `json:",omitempty"`
}

// Error is a file or folder that cannot be read.
type Error struct {
	Field   string // of the spec
	Name    string
	Level   int // how many specs deep, 0 for the image's own
	Problem string
	cause   error // nil in an answer that was read
}

// Unwrap gives why it cannot be read, where that is known.
func (e *Error) Unwrap() error { return e.cause }

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s cannot be read for flytekit's tag: %s", e.Field, e.Name, e.Problem)
}

// Of computes what the tag needs of a build context. A file that is not there is
// an *Error where it is one in flytekit: requirements is, an entry of copy is not.
func Of(context fs.FS, n Needs) (Digests, error) { return of(context, n, 0) }

func of(context fs.FS, n Needs, level int) (d Digests, err error) {
	fail := func(field, name string, err error) (Digests, error) {
		return d, &Error{field, name, level, err.Error(), err}
	}
	if n.Requirements != "" {
		if d.Requirements, err = requirements(context, n.Requirements); err != nil {
			return fail("requirements", n.Requirements, err)
		}
	}
	if n.Copy != nil {
		if d.Copy, err = copied(context, n.Copy); err != nil {
			return fail("copy", strings.Join(n.Copy, ", "), err)
		}
	}
	if n.Source != "" {
		if d.Source, err = source(context, n.Source); err != nil {
			return fail("source_root", n.Source, err)
		}
	}
	if n.Base != nil {
		base, err := of(context, *n.Base, level+1)
		d.Base = &base
		return d, err
	}
	return d, nil
}

// requirements is the digest of a requirements file.
func requirements(context fs.FS, name string) (string, error) {
	data, err := fs.ReadFile(context, path.Clean(name))
	if err != nil {
		return "", err
	}
	sum := sha1.Sum([]byte(strings.Trim(string(data), " \t\n\r\v\f"))) //nolint:gosec // flytekit's algorithm
	return hex.EncodeToString(sum[:]), nil
}
