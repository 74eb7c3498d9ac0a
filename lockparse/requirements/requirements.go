// Package requirements reads requirements.txt files in all of pip's syntax,
// with the files that they include, and gives what a hashed one installs.
// pip 26 is the reference, for how a file is taken apart (its encoding, its
// lines, comments, variables and options) as for what is locked.
//
// Such a file is a lock only in pip's hash-checking mode, where every package
// that is installed must be listed with the hashes of its files; without it
// pip would go on to resolve dependencies. So every requirement whose marker
// holds must have a hash: its own, one in the fragment of its URL, or, for a
// package of an index, one of a constraint. A version need not be pinned,
// since the hash decides. Any other requirement is not locked
// (lock.NotLocked): one without a hash, a repository, a source tree. That a
// file lists every dependency cannot be seen here, no metadata is read.
//
// Differences from pip: files outside the build context, URLs of requirement
// files and file: URLs are refused, as are hashes that contradict each other;
// local paths are relative to the folder of the file that is built, which is
// where pip is usually run; encodings with several bytes for a letter are only
// those of Unicode. Options that choose between versions (--pre,
// --prefer-binary, …) or switch features of pip change nothing in a lock and
// are accepted.
package requirements

import (
	"errors"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Format is the name of the format, and the usual name of its file.
const Format = "requirements.txt"

// Parse reads a file and those that it includes. Open reads a file of the
// build context by its name relative to the folder of src; its errors that
// are fs.ErrNotExist mean that there is none. Getenv gives the values of
// ${VARIABLES}, as os.Getenv does; nil if there are none.
//
// A file that is not locked is no error here but in Resolve, because that
// depends on markers. Other errors are *diag.Error with a lock.Reason, up to
// ten of them joined.
func Parse(src *diag.Source, open func(name string) (*diag.Source, error), getenv func(name string) string) (*lock.Lock, error) {
	r := newReader(src, open, getenv)
	r.read(src, false, nil)
	for _, s := range r.statements {
		r.do(s)
	}
	r.checkModes()
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return r.lock(), nil
}

// file is what a requirements file and its includes say: the Resolver of the
// format.
type file struct {
	source       *diag.Source
	requirements []*requirement
	constraints  []*requirement
	hashMode     bool // hashes are required of all
	formats      formats
	pre          bool       // of --pre
	stray        diag.Range // a --hash that belongs to no requirement
	optOut       diag.Range // of --no-require-hashes
}

// lock makes the model of what was read.
func (r *reader) lock() *lock.Lock {
	l := &lock.Lock{
		Format:   Format,
		Source:   r.file.source,
		Resolver: r.file,
		Indexes:  &r.indexes,
		Warnings: r.warnings,
	}
	for _, q := range r.file.requirements {
		l.Packages = append(l.Packages, r.file.pack(q))
	}
	return l
}
