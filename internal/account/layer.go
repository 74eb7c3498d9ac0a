package account

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

	"github.com/imagespec/imagespec/internal/tree"
)

// meta is what a file has beside its content.
type meta struct {
	mode     fs.FileMode
	uid, gid int
	time     time.Time
}

func metaOf(info fs.FileInfo) meta {
	uid, gid := owner(info)
	return meta{info.Mode(), uid, gid, info.ModTime()}
}

// layer is what is written. Its paths have no links of the base left in them.
type layer struct {
	base base
	out  *os.Root
	dirs map[string]meta // all directories written, which get their times last
}

// mkdir makes a directory and those above. What the base has stays as it is
// there, else it gets new; a directory that was made before stays.
func (l *layer) mkdir(dir string, fresh meta) error {
	if _, made := l.dirs[dir]; made {
		return nil
	}
	if dir != "." {
		if err := l.mkdirAbove(dir); err != nil {
			return err
		}
	}
	info, err := l.base.root.Lstat(dir)
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("/%s of the base is in the way, a directory has to be there", dir)
	case err == nil:
		fresh = metaOf(info)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return l.setDir(dir, fresh)
}

// mkdirAbove makes the directories above a path. A new one is for root alone to
// write to.
func (l *layer) mkdirAbove(name string) error {
	return l.mkdir(path.Dir(name), meta{mode: fs.ModeDir | 0o755, time: tree.ModTime()})
}

// setDir makes a directory, those above being there, with just this meta.
func (l *layer) setDir(dir string, m meta) error {
	if err := l.out.Mkdir(dir, 0o700); err != nil && (dir != "." && !errors.Is(err, fs.ErrExist)) {
		return err
	}
	l.dirs[dir] = m
	return nil
}

// file writes a file, replacing one that was written before.
func (l *layer) file(name string, m meta, content io.Reader) error {
	if err := l.mkdirAbove(name); err != nil {
		return err
	}
	f, err := l.out.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return l.setMeta(name, m)
}

// symlink writes a link. Its mode is always the same.
func (l *layer) symlink(target, name string, m meta) error {
	if err := l.mkdirAbove(name); err != nil {
		return err
	}
	if err := l.out.Symlink(target, name); err != nil {
		return err
	}
	if err := l.out.Lchown(name, m.uid, m.gid); err != nil {
		return err
	}
	return tree.Lchtimes(l.out, name, m.time)
}

// setMeta sets the owner first: a change of it takes the set-user-id bit away.
func (l *layer) setMeta(name string, m meta) error {
	return errors.Join(
		l.out.Lchown(name, m.uid, m.gid),
		l.out.Chmod(name, m.mode),
		l.out.Chtimes(name, m.time, m.time),
	)
}

// close gives the directories what they have to have, those below first.
func (l *layer) close() error {
	for _, dir := range slices.Backward(slices.Sorted(maps.Keys(l.dirs))) {
		if err := l.setMeta(dir, l.dirs[dir]); err != nil {
			return err
		}
	}
	return nil
}

// own writes a path of the base and all below with another owner: what
// belongs to uid already is left out. As chown -R it keeps the group and
// follows no links below. A missing directory is made.
func (l *layer) own(name string, uid, gid int) error {
	resolved, err := l.base.resolve(name)
	if err != nil {
		return err
	}
	if system(resolved) {
		return fmt.Errorf("%s is /%s of the base, which belongs to the system and not to a user", name, resolved)
	}
	if err := l.mkdirAbove(resolved); err != nil {
		return err
	}
	if _, err := l.base.root.Lstat(resolved); errors.Is(err, fs.ErrNotExist) {
		if _, made := l.dirs[resolved]; made {
			return nil
		}
		return l.setDir(resolved, meta{fs.ModeDir | 0o755, uid, gid, tree.ModTime()})
	}
	return fs.WalkDir(l.base.root.FS(), resolved, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return l.ownOne(name, entry, uid)
	})
}

// system says whether a directory is the root, or one that programs of the base
// live in.
func system(dir string) bool {
	return slices.Contains([]string{".", "bin", "boot", "dev", "etc", "lib", "lib64", "opt", "proc", "run", "sbin", "sys", "usr", "var"}, dir) ||
		strings.HasPrefix(dir, "etc/") || strings.HasPrefix(dir, "usr/bin") || strings.HasPrefix(dir, "usr/lib") || strings.HasPrefix(dir, "usr/sbin")
}

// ownOne writes one file of the base with another owner. Devices, pipes and
// sockets stay as they are: an image has no use for them in a home.
func (l *layer) ownOne(name string, entry fs.DirEntry, uid int) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	m := metaOf(info)
	if m.uid == uid {
		return nil
	}
	m.uid = uid
	if _, err := l.out.Lstat(name); err == nil && !info.IsDir() {
		return nil // written anew before, with its owner
	}
	switch info.Mode().Type() {
	case fs.ModeDir:
		if err := l.mkdir(name, m); err != nil {
			return err
		}
		return l.setDir(name, m)
	case fs.ModeSymlink:
		target, err := l.base.root.Readlink(name)
		if err != nil {
			return err
		}
		return l.symlink(target, name, m)
	case 0:
		f, err := l.base.root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return l.file(name, m, f)
	}
	return nil
}
