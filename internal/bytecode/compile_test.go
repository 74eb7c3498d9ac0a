package bytecode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// pythons are the interpreters of this machine that the program is tried with.
func pythons(t *testing.T) []string {
	t.Helper()
	var found []string
	for minor := 7; minor <= 20; minor++ {
		for _, suffix := range []string{"", "t"} {
			name := fmt.Sprintf("python3.%d%s", minor, suffix)
			// A launcher may be there without a Python, or take its time to find it.
			text, err := exec.Command(name, "-c", "import sys; print(sys.executable)").Output()
			if err == nil {
				found = append(found, strings.TrimSpace(string(text)))
			}
		}
	}
	if len(found) == 0 {
		t.Skip("no Python on this machine")
	}
	return found
}

const site = "/opt/venv/lib/python3/site-packages"

// layerTime is not ModTime of package tree: the program has it from the layer.
var layerTime = time.Unix(400000000, 0)

// layer writes files into a tree as an installation would, all group-writable.
func layer(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, site, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o775); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o664); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		mode := fs.FileMode(0o664)
		if entry.IsDir() || strings.HasSuffix(name, "script.py") {
			mode = 0o775
		}
		return errors.Join(err, os.Chmod(name, mode), os.Chtimes(name, layerTime, layerTime))
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// compile runs the program and gives what it wrote and printed.
func compile(t *testing.T, python, layer, mode string) (out, printed string) {
	t.Helper()
	out = t.TempDir()
	cmd := exec.Command(python, "-S", "-B", "-W", "ignore", "compile.py", layer, out, site, mode)
	cmd.Env = []string{"PYTHONHASHSEED=0", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out, string(text)
}

// listed gives the files below a folder.
func listed(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, err = filepath.Rel(dir, name)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// oddFiles is a layer with what packages really have in them.
var oddFiles = map[string]string{
	"six.py":                       "x = 1\n",
	"pkg/__init__.py":              "import os\nvalues = {'a', 'b', None, 1.5, ('c', frozenset({1, 2}))}\n",
	"pkg/templates/main.py":        "print '{{ name }}'\n",
	"pkg/nulls.py":                 "a = 'x'\x00\n",
	"pkg/latin.py":                 "# coding: latin-1\na = '\xe4'\n",
	"pkg/wrong.py":                 "a = '\xe4'\n",
	"pkg/escape.py":                "a = '\\d'\n",
	"pkg/v1.2.py":                  "a = 1\n",
	"pkg/script.py":                "#!/usr/bin/python\n",
	"pkg/.py":                      "a = 1\n",
	"pkg/data.txt":                 "no module\n",
	"pkg/empty/data.json":          "{}",
	"pkg/broken/only.py":           "def f(:\n",
	"pkg/__pycache__/six.py":       "a = 1\n",
	"zope/interface/ünï.py":        "a = 1\n",
	"six-1.17.0.dist-info/RECORD":  "",
	"pkg/deep/er/and/deeper/mo.py": "a = 1\n",
}

// TestCompile: what gets bytecode, and that it is as if Python had written it.
func TestCompile(t *testing.T) {
	root := layer(t, oddFiles)
	for _, python := range pythons(t) {
		t.Run(path.Base(python), func(t *testing.T) {
			tag := output(t, python, "-c", "import sys; print(sys.implementation.cache_tag)")
			want := []string{}
			for _, module := range []string{"six", "pkg/__init__", "pkg/escape", "pkg/latin", "pkg/v1.2", "pkg/script", "pkg/deep/er/and/deeper/mo", "zope/interface/ünï"} {
				dir, name := path.Split(path.Join(site[1:], module))
				want = append(want, dir+"__pycache__/"+name+"."+tag+".pyc")
			}
			slices.Sort(want)
			out, printed := compile(t, python, root, "timestamp")
			got := listed(t, out)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("compiled\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			for _, line := range []string{"not compiled: " + site + "/pkg/templates/main.py: SyntaxError", "compiled: 8 modules"} {
				if !strings.Contains(printed, line+"\n") {
					t.Errorf("it does not print %q:\n%s", line, printed)
				}
			}
			checkModes(t, out)
			again, _ := compile(t, python, root, "timestamp")
			if diff, err := exec.Command("diff", "-r", out, again).CombinedOutput(); err != nil {
				t.Errorf("a second run differs: %s", diff)
			}
		})
	}
}

// checkModes: the layer decides, so that the folders are the same in both.
func checkModes(t *testing.T, out string) {
	t.Helper()
	err := filepath.WalkDir(out, func(name string, entry fs.DirEntry, err error) error {
		info, statErr := entry.Info()
		if err := errors.Join(err, statErr); err != nil {
			return err
		}
		want := fs.FileMode(0o664)
		if entry.IsDir() {
			want = fs.ModeDir | 0o775
		}
		if info.Mode() != want || !info.ModTime().Equal(layerTime) {
			t.Errorf("%s has mode %v and time %v", name, info.Mode(), info.ModTime())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingToCompile: the layer is there all the same.
func TestNothingToCompile(t *testing.T) {
	root := layer(t, map[string]string{"nvidia/lib/libcublas.so": "\x7fELF"})
	out, printed := compile(t, pythons(t)[0], root, "timestamp")
	if _, err := os.Stat(filepath.Join(out, site)); err != nil || printed != "compiled: 0 modules\n" {
		t.Errorf("%v, %s", err, printed)
	}
	checkModes(t, out)
}

// TestValidity: Python takes the bytecode for the module that was compiled, at
// the path that it has in the image, and for no other one.
func TestValidity(t *testing.T) {
	for _, python := range pythons(t) {
		for _, tc := range []struct {
			mode  string
			times time.Time // of the module in the image
			text  string
			want  bool
		}{
			{"timestamp", layerTime, "x = 1\n", true},
			{"timestamp", time.Unix(0, 0), "x = 1\n", false},
			{"timestamp", time.Now(), "x = 2\n", false},
			{"checked-hash", layerTime, "x = 1\n", true},
			{"checked-hash", time.Unix(0, 0), "x = 1\n", true},
			{"checked-hash", layerTime, "x = 2\n", false},
		} {
			root := layer(t, map[string]string{"six.py": "x = 1\n"})
			out, _ := compile(t, python, root, tc.mode)
			module := filepath.Join(out, site, "six.py")
			err := errors.Join(os.WriteFile(module, []byte(tc.text), 0o644), os.Chtimes(module, tc.times, tc.times))
			if err != nil {
				t.Fatal(err)
			}
			// -v says "code object from ….pyc" of bytecode that is used.
			cmd := exec.Command(python, "-B", "-v", "-c", "import six; print(six.__spec__.loader.get_code('six').co_filename)")
			cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(out, site))
			text, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if used := strings.Contains(string(text), "six."+output(t, python, "-c", "import sys; print(sys.implementation.cache_tag)")+".pyc matches"); used != tc.want {
				t.Errorf("%s, %s, %q of %v: bytecode is used: %v", python, tc.mode, tc.text, tc.times, used)
			}
		}
	}
}

// TestFilename: tracebacks show where a module is in the image.
func TestFilename(t *testing.T) {
	root := layer(t, map[string]string{"six.py": "x = 1\n"})
	python := pythons(t)[0]
	out, _ := compile(t, python, root, "timestamp")
	file := filepath.Join(out, listed(t, out)[0])
	got := output(t, python, "-c", "import marshal, sys; print(marshal.loads(open(sys.argv[1], 'rb').read()[16:]).co_filename)", file)
	if want := site + "/six.py"; got != want {
		t.Errorf("compiled as %s, want %s", got, want)
	}
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	text, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
