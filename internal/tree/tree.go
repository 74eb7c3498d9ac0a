// Package tree writes directory trees whose every bit is decided by the
// caller's input: the same calls give the same layer, whatever the umask, the
// clock, or the order and number of the goroutines.
//
//   - Files have mode 0664, or 0775 if executable; directories 0775: who is in
//     the group of the tree may change it. Directories above it have 0755.
//   - Files, symbolic links and directories have the time ModTime, also
//     directories that were there before and only got a new entry.
//   - Nothing is overwritten: what exists already is an error.
//   - Everything is written through os.Root. No name and no link that is met on
//     the way leads out of the tree.
//
// Owners are those of the process, since only root could set others: the
// installer runs as root in its container, so they are 0:0. Extended attributes
// are not written. Nothing here knows what the files are for.
package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ModTime is the time of everything in a tree: 2 January 1980, 00:00 UTC.
//
// The zip format has no times before 1980, and Python's zipfile, which reads
// file times as local time, fails on them ("ZIP does not support timestamps
// before 1980"): in a tree dated 0, shutil.make_archive, zipapp and building a
// wheel break. It is the second of January because west of Greenwich the first
// in UTC is still 1979.
func ModTime() time.Time { return time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC) }

// Tree is a directory that is being written. Its methods take slash-separated
// paths relative to it. Mkdir and Symlink are for one goroutine; Dir and
// WriteFile may be called by many at a time.
type Tree struct {
	root *os.Root
	dirs map[string]bool // all directories that have been written to
}

// Open begins to write into an existing directory.
func Open(dir string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Tree{root: root, dirs: map[string]bool{}}, nil
}

// Mkdir makes directories and their parents, where they do not exist.
func (t *Tree) Mkdir(dirs ...string) error {
	wanted := map[string]bool{}
	for _, dir := range dirs {
		for dir = path.Clean(dir); dir != "." && !wanted[dir]; dir = path.Dir(dir) {
			wanted[dir] = true
		}
	}
	return t.mkdir(wanted, 0o775)
}

// MkdirAbove makes the directories above one, where they do not exist. They are
// not for the group to write to.
func (t *Tree) MkdirAbove(dir string) error {
	wanted := map[string]bool{}
	for dir = path.Dir(path.Clean(dir)); dir != "."; dir = path.Dir(dir) {
		wanted[dir] = true
	}
	return t.mkdir(wanted, 0o755)
}

func (t *Tree) mkdir(dirs map[string]bool, mode fs.FileMode) error {
	err := t.each(dirs, func(parent *os.Root, base string) error { return mkdir(parent, base, mode) })
	maps.Copy(t.dirs, dirs)
	return err
}

// mkdir makes a directory in its parent.
func mkdir(parent *os.Root, base string, mode fs.FileMode) error {
	err := parent.Mkdir(base, mode)
	if err == nil {
		return parent.Chmod(base, mode) // the umask may have taken bits away
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, statErr := parent.Stat(base); statErr != nil || !info.IsDir() {
		return fmt.Errorf("is in the way, a directory has to be there: %w", err)
	}
	return nil
}

// each calls do for directories, parents before children, with the open parent:
// os.Root goes down from the top for every path it is given, which would be most
// of the system calls of an installation. All parents have to be in the set.
func (t *Tree) each(dirs map[string]bool, do func(parent *os.Root, base string) error) (err error) {
	type level struct {
		name string
		root *os.Root
	}
	stack := []level{{".", t.root}}
	pop := func() {
		stack[len(stack)-1].root.Close()
		stack = stack[:len(stack)-1]
	}
	defer func() {
		for len(stack) > 1 {
			pop()
		}
	}()
	// Compared part by part, each directory comes directly before all below it.
	for _, dir := range slices.SortedFunc(maps.Keys(dirs), compareParts) {
		for parent := path.Dir(dir); stack[len(stack)-1].name != parent; {
			pop()
		}
		parent, base := stack[len(stack)-1].root, path.Base(dir)
		if err := do(parent, base); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		root, err := parent.OpenRoot(base)
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		stack = append(stack, level{dir, root})
	}
	return nil
}

// compareParts orders paths as a walk of the tree meets them.
func compareParts(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

// Dir opens a directory that Mkdir has made, for writing files into it.
func (t *Tree) Dir(dir string) (*Dir, error) {
	root, err := t.root.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Dir{root: root, name: dir}, nil
}

// WriteFile writes one file into a directory that Mkdir has made.
func (t *Tree) WriteFile(name string, executable bool, data []byte) error {
	dir, err := t.Dir(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.WriteFile(path.Base(name), executable, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Symlink makes a symbolic link in a directory that Mkdir has made. The target
// is written as it is: it may be absolute, and need not exist.
func (t *Tree) Symlink(target, name string) error {
	if err := t.root.Symlink(target, name); err != nil {
		return err
	}
	return Lchtimes(t.root, name, ModTime())
}

// Lchtimes sets the times of a symbolic link. Those that os.Root sets are of
// what it points to.
func Lchtimes(root *os.Root, name string, at time.Time) error {
	dir, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	spec, err := unix.TimeToTimespec(at)
	if err != nil {
		return err
	}
	err = unix.UtimesNanoAt(int(dir.Fd()), path.Base(name), []unix.Timespec{spec, spec}, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &fs.PathError{Op: "utimensat", Path: name, Err: err}
	}
	return nil
}

// Close sets the times of the directories, which every write into them has
// changed, and ends the use of the tree.
func (t *Tree) Close() error {
	err := t.each(t.dirs, func(parent *os.Root, base string) error {
		return parent.Chtimes(base, ModTime(), ModTime())
	})
	return errors.Join(err, t.root.Chtimes(".", ModTime(), ModTime()), t.root.Close())
}

// Dir is a directory of a tree, held open: files are made in it without
// walking down from the top once for each.
type Dir struct {
	root *os.Root
	name string
}

// WriteFile makes a file with the given base name and has fill write it.
func (d *Dir) WriteFile(base string, executable bool, fill func(io.Writer) error) error {
	mode := fs.FileMode(0o664)
	if executable {
		mode = 0o775
	}
	f, err := d.root.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: exists already: %w", path.Join(d.name, base), err)
		}
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Chmod(mode) // the umask may have taken bits away
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return d.root.Chtimes(base, ModTime(), ModTime())
}

// Close ends the use of the directory.
func (d *Dir) Close() error { return d.root.Close() }
