package account

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// Limits of what a base may have.
const (
	maxLinks = 40      // as Linux has it for one path
	maxFile  = 4 << 20 // bytes of a file of /etc that is read as a whole
)

// base is the file system below, read-only. Paths are relative to it.
type base struct{ root *os.Root }

// resolve follows the symbolic links of a path as in a process whose root the
// base is. What does not exist is left as it is, so that it can be made there.
func (b base) resolve(name string) (string, error) {
	todo, done, links := strings.Split(name, "/"), ".", 0
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, part)
		info, err := b.root.Lstat(next)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("/%s: more than %d symbolic links on the way", name, maxLinks)
		}
		target, err := b.root.Readlink(next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			done = "."
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return done, nil
}

// exists tells whether a path leads to something, links followed.
func (b base) exists(name string) (bool, error) {
	resolved, err := b.resolve(name)
	if err != nil {
		return false, err
	}
	_, err = b.root.Lstat(resolved)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// read gives the text of a file and what it is, or nil if there is none. Its
// path has no links left in it.
func (b base) read(resolved string) ([]byte, fs.FileInfo, error) {
	info, err := b.root.Lstat(resolved)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("/%s of the base is no regular file", resolved)
	}
	if info.Size() > maxFile {
		return nil, nil, fmt.Errorf("/%s of the base has %d bytes, more than %d", resolved, info.Size(), maxFile)
	}
	f, err := b.root.Open(resolved)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	return data, info, err
}

// owner gives the numbers that a file belongs to.
func owner(info fs.FileInfo) (uid, gid int) {
	stat := info.Sys().(*syscall.Stat_t)
	return int(stat.Uid), int(stat.Gid)
}
