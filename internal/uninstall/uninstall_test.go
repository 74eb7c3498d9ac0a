package uninstall

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/tree"
	"github.com/imagespec/imagespec/internal/venv"
)

// environment writes files below site-packages of an environment.
func written(t *testing.T, files map[string]string) Options {
	t.Helper()
	opt := Options{Layout: venv.Layout{Prefix: "/opt/venv", Python: venv.Python{Major: 3, Minor: 12}}, Root: t.TempDir()}
	site := filepath.Join(opt.Root, "opt/venv", opt.SitePackages())
	for name, text := range files {
		file := filepath.Join(site, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return opt
}

// listed gives the paths in the environment that are no directories, and
// wants the times of all directories that have lost something.
func listed(t *testing.T, opt Options) []string {
	t.Helper()
	var names []string
	root := os.DirFS(filepath.Join(opt.Root, "opt/venv"))
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, strings.TrimPrefix(name, "lib/python3.12/site-packages/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestUninstall(t *testing.T) {
	opt := written(t, map[string]string{
		"old_name-1.0.dist-info/RECORD":                       "old_name/__init__.py,sha256=x,1\nold_name/sub/data.txt,,\nshared/old.py,,\n../../../bin/old,,\nold_name-1.0.dist-info/RECORD,,\nold_name-1.0.dist-info/METADATA,,\n\"old_name/a,b.py\",,\nold_name/never.py,,\n",
		"old_name-1.0.dist-info/METADATA":                     "",
		"old_name/__init__.py":                                "",
		"old_name/a,b.py":                                     "",
		"old_name/__pycache__/a,b.cpython-312.pyc":            "",
		"old_name/__pycache__/__init__.cpython-312.opt-1.pyc": "",
		"old_name/sub/data.txt":                               "",
		"shared/old.py":                                       "",
		"shared/__pycache__/old.cpython-312.pyc":              "",
		"shared/__pycache__/older.cpython-312.pyc":            "",
		"shared/older.py":                                     "",
		"../../../bin/old":                                    "",
		"../../../bin/python":                                 "",
		"other-2.dist-info/RECORD":                            "other.py,,\n",
		"other.py":                                            "",
	})
	opt.Packages = []string{"old-name"}
	if err := Uninstall(opt); err != nil {
		t.Fatal(err)
	}
	want := []string{"bin/python", "other-2.dist-info/RECORD", "other.py", "shared/__pycache__/older.cpython-312.pyc", "shared/older.py"}
	if got := listed(t, opt); !slices.Equal(got, want) {
		t.Errorf("left are\n%q, want\n%q", got, want)
	}
	for _, dir := range []string{"old_name", "old_name-1.0.dist-info"} {
		if _, err := os.Stat(filepath.Join(opt.Root, "opt/venv", opt.SitePackages(), dir)); err == nil {
			t.Errorf("%s is still there", dir)
		}
	}
	for _, dir := range []string{"bin", opt.SitePackages(), opt.SitePackages() + "/shared"} {
		info, err := os.Stat(filepath.Join(opt.Root, "opt/venv", dir))
		if err != nil || !info.ModTime().Equal(tree.ModTime()) {
			t.Errorf("%s has the time %v, %v", dir, info.ModTime(), err)
		}
	}
}

func TestRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ record, asked, says string }{
		"absent":   {"", "missing", "missing is not in /opt/venv"},
		"outside":  {"../../../../../etc/passwd,,\n", "old", "old: ../../../../../etc/passwd is outside the environment"},
		"absolute": {"/etc/passwd,,\n", "old", "old: /etc/passwd is outside the environment"},
		"no CSV":   {"a\"b,,\n", "old", "old: parse error"},
	} {
		opt := written(t, map[string]string{"old-1.dist-info/RECORD": tc.record})
		opt.Packages = []string{tc.asked}
		if err := Uninstall(opt); err == nil || !strings.HasPrefix(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %s", name, err, tc.says)
		}
	}
}

// TestLinks: a link in the environment leads nowhere else.
func TestLinks(t *testing.T) {
	opt := written(t, map[string]string{"old-1.dist-info/RECORD": "link/file,,\n"})
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(opt.Root, "opt/venv", opt.SitePackages(), "link")); err != nil {
		t.Fatal(err)
	}
	opt.Packages = []string{"old"}
	err := Uninstall(opt)
	if _, still := os.Stat(filepath.Join(outside, "file")); err == nil || still != nil {
		t.Errorf("%v, %v", err, still)
	}
}
