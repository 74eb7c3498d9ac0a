package account

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/imagespec/imagespec/internal/certs"
	"github.com/imagespec/imagespec/internal/tree"
)

// Options say what the layer is for.
type Options struct {
	Base string   // directory with the file system of the base, read-only
	Root string   // empty directory that the layer is written to
	User string   // name of the user to have; none if empty
	Own  []string // absolute paths that the user gets, with all below
	Path string   // PATH of login shells, as a line in ~/.profile; none if empty
}

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

func (opt Options) check() error {
	if opt.User == "" && (len(opt.Own) > 0 || opt.Path != "") {
		return errors.New("directories to own and a PATH need a user")
	}
	if opt.User != "" && !userName.MatchString(opt.User) {
		return fmt.Errorf("%q is no name of a user", opt.User)
	}
	if strings.ContainsAny(opt.Path, "\n\r\x00") {
		return fmt.Errorf("PATH %q has a line break", opt.Path)
	}
	for _, dir := range opt.Own {
		if !path.IsAbs(dir) || path.Clean(dir) != dir || dir == "/" {
			return fmt.Errorf("directory %q is not a clean absolute path below /", dir)
		}
	}
	return nil
}

// Write writes the layer. An error names the file of the base that is at fault;
// what has been written until then is of no use.
func Write(opt Options) error {
	if err := opt.check(); err != nil {
		return err
	}
	below, err := os.OpenRoot(opt.Base)
	if err != nil {
		return err
	}
	defer below.Close()
	out, err := os.OpenRoot(opt.Root)
	if err != nil {
		return err
	}
	defer out.Close()
	l := &layer{base: base{below}, out: out, dirs: map[string]meta{}}
	if opt.User != "" {
		if err := l.user(opt); err != nil {
			return err
		}
	}
	return errors.Join(l.authorities(), l.close())
}

// user writes the account, then its home, then the directories it owns.
func (l *layer) user(opt Options) error {
	u, err := l.account(opt.User)
	if err != nil {
		return err
	}
	if err := l.home(u); err != nil {
		return err
	}
	dirs := opt.Own
	if u.fresh { // a user of the base may have its home anywhere, such as /usr/sbin
		dirs = append([]string{u.home}, dirs...)
	}
	for _, dir := range dirs {
		if err := l.own(dir, u.uid, u.gid); err != nil {
			return err
		}
	}
	if opt.Path == "" {
		return nil
	}
	return l.profile(u, "export PATH="+quote(opt.Path)+"\n")
}

// home makes the home of a new user and copies the skeleton. One that the base
// has is left to its own files, as useradd does.
func (l *layer) home(u user) error {
	home, err := l.base.resolve(u.home)
	if err != nil {
		return err
	}
	if _, err := l.base.root.Lstat(home); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := l.mkdir(home, meta{fs.ModeDir | u.homeMode, u.uid, u.gid, tree.ModTime()}); err != nil || !u.fresh {
		return err
	}
	skel, err := l.base.resolve("etc/skel")
	if err != nil {
		return err
	}
	if _, err := l.base.root.Lstat(skel); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fs.WalkDir(l.base.root.FS(), skel, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == skel {
			return err
		}
		return l.copyOne(name, path.Join(home, strings.TrimPrefix(name, skel+"/")), entry, u)
	})
}

// copyOne copies a file of the skeleton to the user.
func (l *layer) copyOne(from, to string, entry fs.DirEntry, u user) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	m := meta{info.Mode(), u.uid, u.gid, info.ModTime()}
	switch info.Mode().Type() {
	case fs.ModeDir:
		return l.mkdir(to, m)
	case fs.ModeSymlink:
		target, err := l.base.root.Readlink(from)
		if err != nil {
			return err
		}
		return l.symlink(target, to, m)
	case 0:
		f, err := l.base.root.Open(from)
		if err != nil {
			return err
		}
		defer f.Close()
		return l.file(to, m, f)
	}
	return nil // devices and the like are no skeleton
}

// profile appends a line to ~/.profile, of the layer or of the base.
func (l *layer) profile(u user, line string) error {
	name, err := l.base.resolve(path.Join(u.home, ".profile"))
	if err != nil {
		return err
	}
	text, info, err := l.base.read(name)
	if err != nil {
		return err
	}
	m := meta{0o644, u.uid, u.gid, tree.ModTime()}
	if info != nil {
		m.mode = info.Mode()
	}
	if written, err := l.out.ReadFile(name); err == nil { // from the skeleton
		info, err := l.out.Lstat(name)
		if err != nil {
			return err
		}
		text, m.mode = written, info.Mode()
	}
	return l.file(name, m, io.MultiReader(bytes.NewReader(endLine(text)), strings.NewReader(line)))
}

// endLine gives the text with a line break at its end, if it has any text.
func endLine(text []byte) []byte {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return append(text, '\n')
	}
	return text
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]*$`)

// quote makes one word of the shell.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// bundles are where distributions have their authorities: Debian and Alpine,
// Fedora, SUSE, RHEL, and OpenSSL's own place in Alpine.
var bundles = []string{
	"etc/ssl/certs/ca-certificates.crt",
	"etc/pki/tls/certs/ca-bundle.crt",
	"etc/ssl/ca-bundle.pem",
	"etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"etc/pki/tls/cacert.pem",
	"etc/ssl/cert.pem",
}

// authorities writes Mozilla's roots if the base has no bundle, and links from
// where OpenSSL looks: Debian's, and one that was built for /etc/ssl.
func (l *layer) authorities() error {
	for _, bundle := range bundles {
		if found, err := l.base.exists(bundle); err != nil || found {
			return err
		}
	}
	name, err := l.base.resolve(bundles[0])
	if err != nil {
		return err
	}
	m := meta{mode: 0o644, time: tree.ModTime()}
	if err := l.file(name, m, bytes.NewReader(certs.PEM())); err != nil {
		return err
	}
	for _, link := range [][2]string{
		{"etc/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt"},
		{"usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt"},
		{"usr/lib/ssl/certs", "/etc/ssl/certs"},
	} {
		dir, err := l.base.resolve(path.Dir(link[0]))
		if err != nil {
			return err
		}
		at := path.Join(dir, path.Base(link[0]))
		if _, err := l.base.root.Lstat(at); err == nil {
			continue // even a link to nowhere is the base's own
		}
		if err := l.symlink(link[1], at, m); err != nil {
			return err
		}
	}
	return nil
}
