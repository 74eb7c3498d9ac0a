package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// show lists a directory with modes, times and targets of links.
func show(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		fmt.Fprintf(&b, "%s %s %s", info.Mode(), info.ModTime().UTC().Format(time.RFC3339Nano), rel)
		if target, err := os.Readlink(name); err == nil {
			b.WriteString(" -> " + target)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// open begins a tree in a new directory of mode 0755.
func open(t *testing.T) (*Tree, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tr, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tr, dir
}

func TestTree(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	tr, dir := open(t)
	for _, err := range []error{
		tr.MkdirAbove("opt/venv"),
		tr.Mkdir("a/b/c", "a-b", "a/b", "opt/venv"),
		tr.WriteFile("a/b/file", false, []byte("x")),
		tr.WriteFile("a-b/tool", true, []byte("x")),
		tr.WriteFile("top", false, nil),
		tr.Symlink("/usr/bin/python3", "a/python"),
		tr.Symlink("python", "a/python3"),
		tr.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const want = `drwxr-xr-x 1980-01-02T00:00:00Z .
drwxrwxr-x 1980-01-02T00:00:00Z a
drwxrwxr-x 1980-01-02T00:00:00Z a/b
drwxrwxr-x 1980-01-02T00:00:00Z a/b/c
-rw-rw-r-- 1980-01-02T00:00:00Z a/b/file
Lrwxrwxrwx 1980-01-02T00:00:00Z a/python -> /usr/bin/python3
Lrwxrwxrwx 1980-01-02T00:00:00Z a/python3 -> python
drwxrwxr-x 1980-01-02T00:00:00Z a-b
-rwxrwxr-x 1980-01-02T00:00:00Z a-b/tool
drwxr-xr-x 1980-01-02T00:00:00Z opt
drwxrwxr-x 1980-01-02T00:00:00Z opt/venv
-rw-rw-r-- 1980-01-02T00:00:00Z top
`
	if got := show(t, dir); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestModTime: Python's zipfile takes it in every time zone.
func TestModTime(t *testing.T) {
	for hours := -12; hours <= 14; hours++ {
		if local := ModTime().In(time.FixedZone("", hours*3600)); local.Year() < 1980 {
			t.Errorf("at %+d hours it is %s", hours, local)
		}
	}
}

// TestExistingDirectory: its mode stays, its time is set.
func TestExistingDirectory(t *testing.T) {
	tr, dir := open(t)
	if err := os.Mkdir(filepath.Join(dir, "opt"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{tr.Mkdir("opt/venv"), tr.Mkdir("opt/venv"), tr.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const want = `drwxr-xr-x 1980-01-02T00:00:00Z .
drwx------ 1980-01-02T00:00:00Z opt
drwxrwxr-x 1980-01-02T00:00:00Z opt/venv
`
	if got := show(t, dir); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestRefused: what exists stays, and nothing gets out.
func TestRefused(t *testing.T) {
	outside := t.TempDir()
	for name, c := range map[string]struct {
		do   func(*Tree) error
		want string
	}{
		"file again":         {func(tr *Tree) error { return tr.WriteFile("file", false, nil) }, "file: exists already"},
		"file over a link":   {func(tr *Tree) error { return tr.WriteFile("link", false, nil) }, "link: exists already"},
		"file over a dir":    {func(tr *Tree) error { return tr.WriteFile("dir", false, nil) }, "dir: exists already"},
		"link again":         {func(tr *Tree) error { return tr.Symlink("x", "file") }, "symlinkat x file: file exists"},
		"directory as file":  {func(tr *Tree) error { return tr.Mkdir("file/a") }, "file: is in the way, a directory has to be there"},
		"directory by link":  {func(tr *Tree) error { return tr.Mkdir("link/a") }, "link: is in the way, a directory has to be there"},
		"file by link":       {func(tr *Tree) error { return tr.WriteFile("link/a", false, nil) }, "openat link: path escapes from parent"},
		"climbing file":      {func(tr *Tree) error { return tr.WriteFile("../a", false, nil) }, "openat ..: path escapes from parent"},
		"climbing directory": {func(tr *Tree) error { return tr.Mkdir("../a") }, "..: "},
		"no directory":       {func(tr *Tree) error { return tr.WriteFile("none/a", false, nil) }, "openat none: no such file or directory"},
		"no such tree":       {func(*Tree) error { _, err := Open("/no/such/tree"); return err }, "open /no/such/tree: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			tr, dir := open(t)
			for _, err := range []error{
				tr.WriteFile("file", false, []byte("old")), tr.Mkdir("dir"), os.Symlink(outside, filepath.Join(dir, "link")),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := c.do(tr); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s…", err, c.want)
			}
			if old, _ := os.ReadFile(filepath.Join(dir, "file")); string(old) != "old" {
				t.Errorf("the file has become %q", old)
			}
			if found, _ := os.ReadDir(outside); len(found) > 0 {
				t.Errorf("%s is outside", found[0].Name())
			}
		})
	}
}

// TestManyWriters: goroutines may write into the same and other directories.
func TestManyWriters(t *testing.T) {
	tr, dir := open(t)
	if err := tr.Mkdir("a/b", "c"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			into, err := tr.Dir([]string{"a/b", "c"}[i%2])
			if err != nil {
				t.Error(err)
				return
			}
			defer into.Close()
			for j := range 10 {
				err := into.WriteFile(fmt.Sprintf("%d-%d", i, j), j%2 == 0, func(w io.Writer) error {
					_, err := io.WriteString(w, "content")
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	got := show(t, dir)
	if strings.Count(got, "\n") != 4+200 || strings.Count(got, "1980-01-02T00:00:00Z") != 4+200 {
		t.Errorf("got\n%s", got)
	}
}

// TestFillError: the error of the one who fills a file comes back as it is.
func TestFillError(t *testing.T) {
	tr, _ := open(t)
	dir, err := tr.Dir(".")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cause := errors.New("bad wheel")
	if err := dir.WriteFile("a", false, func(io.Writer) error { return cause }); err != cause {
		t.Errorf("got %v", err)
	}
}
