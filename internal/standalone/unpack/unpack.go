// Package unpack unpacks the archives of package standalone, for the installer.
// It is apart from their table, so that a new archive does not change the
// installer, which is part of the key of each step that it runs in.
package unpack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imagespec/imagespec/internal/tree"
)

// Limits of an archive, far above what real ones have (150 MB in 4,000 files).
const (
	maxTotal     = 1 << 30
	maxFiles     = 200_000
	maxSysconfig = 4 << 20
)

// Options says what to unpack, and where to.
type Options struct {
	Archive string // path of the tar.gz
	Root    string // existing directory that stands for / of the image
	Prefix  string // absolute path of the interpreter's directory in the image
	Python  string // what its own files are named by, "3.12"
}

// Problem is what is wrong with an entry of an archive.
type Problem struct{ Entry, Reason string }

func (p Problem) Error() string { return fmt.Sprintf("%q: %s", p.Entry, p.Reason) }

// Unpack writes the interpreter below Root, with the modes, owners and times
// of package tree. Entries outside python/, links that lead out of it, paths
// that are there twice, and everything that is neither file, directory nor
// symbolic link are refused. Files are copied through, not held in memory.
//
// As uv does, it writes the real prefix and the usual names of compilers into
// the data of sysconfig, which builds of extensions read, and puts an
// EXTERNALLY-MANAGED (PEP 668) beside the library: packages belong into
// environments. Bytecode is left out; its times would not be those of the
// files.
func Unpack(opt Options) (err error) {
	if !path.IsAbs(opt.Prefix) || path.Clean(opt.Prefix) != opt.Prefix || opt.Prefix == "/" {
		return fmt.Errorf("prefix %q is not the clean absolute path of a directory", opt.Prefix)
	}
	file, err := os.Open(opt.Archive)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s is no gzip archive: %w", path.Base(opt.Archive), err)
	}
	t, err := tree.Open(opt.Root)
	if err != nil {
		return err
	}
	u := unpacker{Options: opt, tree: t, seen: map[string]bool{}, dirs: map[string]bool{}}
	err = u.all(tar.NewReader(io.LimitReader(unzipped, maxTotal)))
	if err == nil {
		err = u.finish()
	}
	return errors.Join(err, t.Close())
}

// unpacker writes the entries of one archive.
type unpacker struct {
	Options
	tree *tree.Tree
	seen map[string]bool // files and links, relative to the prefix
	dirs map[string]bool // directories that exist in the tree
	size int64           // of the files so far, with the holes of sparse ones
}

func (u *unpacker) all(archive *tar.Reader) error {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s is no tar archive, or a truncated one: %w", path.Base(u.Archive), err)
		}
		if err := u.entry(header, archive); err != nil {
			return err
		}
	}
}

// entry writes one entry.
func (u *unpacker) entry(header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeDir {
		return nil // directories follow from the files in them
	}
	name, err := inPython(header.Name)
	if err != nil {
		return err
	}
	switch {
	case u.seen[name]:
		return Problem{header.Name, "is there twice"}
	case len(u.seen) >= maxFiles:
		return Problem{header.Name, fmt.Sprintf("is one of more than %d files", maxFiles)}
	case slices.Contains(strings.Split(name, "/"), "__pycache__"):
		return nil
	}
	if u.size += header.Size; u.size > maxTotal {
		return Problem{header.Name, fmt.Sprintf("makes the files larger than %d bytes together", maxTotal)}
	}
	u.seen[name] = true
	dir := u.at(path.Dir(name))
	if !u.dirs[dir] {
		if err := u.tree.Mkdir(dir); err != nil {
			return err
		}
		u.dirs[dir] = true
	}
	switch header.Typeflag {
	case tar.TypeReg:
		return u.file(name, header, content)
	case tar.TypeSymlink:
		return u.link(name, header)
	}
	return Problem{header.Name, "is neither file, directory nor symbolic link"}
}

// inPython gives a name relative to the archive's folder python/.
func inPython(name string) (string, error) {
	inside, ok := strings.CutPrefix(strings.TrimPrefix(name, "./"), "python/")
	switch {
	case !ok || inside == "":
		return "", Problem{name, "does not lie in python/"}
	case path.Clean(inside) != inside || path.IsAbs(inside) || inside == ".." || strings.HasPrefix(inside, "../"):
		return "", Problem{name, "is no clean path within python/"}
	case strings.ContainsAny(inside, "\\\x00\n\r") || !utf8.ValidString(inside):
		return "", Problem{name, "has a character that no file of Python has"}
	}
	return inside, nil
}

// at gives the path in the tree of a path below the prefix.
func (u *unpacker) at(name string) string {
	return path.Join(strings.TrimPrefix(u.Prefix, "/"), name)
}

// file writes a regular file.
func (u *unpacker) file(name string, header *tar.Header, content io.Reader) error {
	if u.isSysconfig(name) {
		if header.Size > maxSysconfig {
			return Problem{header.Name, fmt.Sprintf("has %d bytes, the limit for this file is %d", header.Size, maxSysconfig)}
		}
		data, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		content = bytes.NewReader(patchSysconfig(data, u.Prefix))
	}
	dir, err := u.tree.Dir(path.Dir(u.at(name)))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.WriteFile(path.Base(name), header.Mode&0o111 != 0, func(w io.Writer) error {
		_, err := io.Copy(w, content)
		return err
	})
}

// link makes a symbolic link, which has to stay in the archive.
func (u *unpacker) link(name string, header *tar.Header) error {
	target := path.Join(path.Dir(name), header.Linkname)
	if header.Linkname == "" || path.IsAbs(header.Linkname) || target == ".." || strings.HasPrefix(target, "../") {
		return Problem{header.Name, fmt.Sprintf("is a link to %q, out of python/", header.Linkname)}
	}
	return u.tree.Symlink(header.Linkname, u.at(name))
}

// stdlib is the directory of the standard library, relative to the prefix.
func (u *unpacker) stdlib() string { return path.Join("lib", "python"+u.Python) }

func (u *unpacker) isSysconfig(name string) bool {
	return path.Dir(name) == u.stdlib() && strings.HasPrefix(path.Base(name), "_sysconfigdata_") && path.Ext(name) == ".py"
}

// finish checks that this is the Python that was asked for, and marks it.
func (u *unpacker) finish() error {
	for _, needed := range []string{"bin/python" + u.Python, u.stdlib() + "/os.py"} {
		if !u.seen[needed] {
			return fmt.Errorf("%s is no archive of Python %s: it has no python/%s", path.Base(u.Archive), u.Python, needed)
		}
	}
	marker := u.stdlib() + "/EXTERNALLY-MANAGED"
	if u.seen[marker] {
		return nil
	}
	return u.tree.WriteFile(u.at(marker), false, []byte(externallyManaged))
}

// externallyManaged is what pip shows who installs without an environment.
const externallyManaged = `[externally-managed]
Error=This Python belongs to the image and is the base of its environment.
 Install into the environment: /opt/venv/bin/python -m pip install PACKAGE
`
