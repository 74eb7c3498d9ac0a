package venv

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParsePython(t *testing.T) {
	for s, want := range map[string]Python{"3.12": {3, 12, false}, "3.9": {3, 9, false}, "3.13t": {3, 13, true}} {
		if got, err := ParsePython(s); err != nil || got != want || got.String() != s {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "3", "3.", "2.7", "3.2", "3.12.4", "3.012", "+3.12", "3.12tt", "t", "3.-1", "python3.12", "3.12 "} {
		if got, err := ParsePython(s); err == nil {
			t.Errorf("%q becomes %v", s, got)
		}
	}
}

// FuzzParsePython: what is taken is written as it was.
func FuzzParsePython(f *testing.F) {
	f.Add("3.12")
	f.Add("3.13t")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParsePython(s); err == nil && p.String() != s {
			t.Errorf("%q becomes %q", s, p)
		}
	})
}

func TestLayout(t *testing.T) {
	l := Layout{Prefix: "/opt/venv", Python: Python{3, 13, true}}
	for got, want := range map[string]string{
		l.SitePackages():   "lib/python3.13t/site-packages",
		l.Headers("numpy"): "include/site/python3.13/numpy",
		l.Interpreter():    "/opt/venv/bin/python",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// official is the interpreter of the official image.
func official(root string) Options {
	return Options{
		Layout: Layout{Prefix: "/opt/venv", Python: Python{Major: 3, Minor: 12}},
		Root:   root, Version: "3.12.4", Home: "/usr/local/bin",
	}
}

// nodes gives what is below a directory: "-" for a file with its content, "l"
// for a link with its target, "d" for a directory.
func nodes(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		switch {
		case d.IsDir():
			found[rel] = "d"
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			found[rel] = "l " + target
			return err
		default:
			data, err := os.ReadFile(name)
			found[rel] = "- " + string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCreate(t *testing.T) {
	root := t.TempDir()
	if err := Create(official(root)); err != nil {
		t.Fatal(err)
	}
	got := nodes(t, root)
	want := map[string]string{
		".": "d", "opt": "d", "opt/venv": "d", "opt/venv/bin": "d", "opt/venv/lib": "d",
		"opt/venv/lib/python3.12": "d", "opt/venv/lib/python3.12/site-packages": "d",
		"opt/venv/bin/python":     "l /usr/local/bin/python3.12",
		"opt/venv/bin/python3":    "l python",
		"opt/venv/bin/python3.12": "l python",
		"opt/venv/lib64":          "l lib",
		"opt/venv/bin/activate":   "- " + activate("/opt/venv"),
		"opt/venv/pyvenv.cfg":     "- home = /usr/local/bin\nimplementation = CPython\nversion_info = 3.12.4\ninclude-system-site-packages = false\n",
	}
	for name, content := range got {
		if want[name] != content {
			t.Errorf("%s: got %q, want %q", name, content, want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d things, want %d", len(got), len(want))
	}
}

func TestCreateFreeThreaded(t *testing.T) {
	opt := official(t.TempDir())
	opt.Python, opt.Version = Python{3, 13, true}, "3.13.0"
	if err := Create(opt); err != nil {
		t.Fatal(err)
	}
	got := nodes(t, filepath.Join(opt.Root, "opt/venv"))
	for name, want := range map[string]string{
		"bin/python": "l /usr/local/bin/python3.13t", "bin/python3.13": "l python", "bin/python3.13t": "l python",
		"lib/python3.13t/site-packages": "d",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}

func TestCreateErrors(t *testing.T) {
	for want, change := range map[string]func(*Options){
		`prefix "opt/venv" is not a clean absolute path`: func(o *Options) { o.Prefix = "opt/venv" },
		`prefix "/opt/../venv" is not a clean absolute`:  func(o *Options) { o.Prefix = "/opt/../venv" },
		`prefix "/opt/venv/" is not a clean absolute`:    func(o *Options) { o.Prefix = "/opt/venv/" },
		`prefix / is the system's own root`:              func(o *Options) { o.Prefix = "/" },
		`prefix "/opt:venv" contains a character`:        func(o *Options) { o.Prefix = "/opt:venv" },
		`prefix "/opt\nvenv" contains a character`:       func(o *Options) { o.Prefix = "/opt\nvenv" },
		`home "bin" is not a clean absolute path`:        func(o *Options) { o.Home = "bin" },
		`home "/a\nb" is not a clean absolute path`:      func(o *Options) { o.Home = "/a\nb" },
		`version "3.11.2" is not one of Python 3.12`:     func(o *Options) { o.Version = "3.11.2" },
		`version "3.120" is not one of Python 3.12`:      func(o *Options) { o.Version = "3.120" },
		`version "3.12.4\nx" is not one of Python 3.12`:  func(o *Options) { o.Version = "3.12.4\nx" },
		`open /no/such/root: no such file or directory`:  func(o *Options) { o.Root = "/no/such/root" },
		`opt/venv/pyvenv.cfg: exists already`:            func(o *Options) { Create(*o) },
	} {
		opt := official(t.TempDir())
		change(&opt)
		if err := Create(opt); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s…", err, want)
		}
	}
}

// interpreter is a Python of this machine, as it describes itself.
type interpreter struct {
	Base, Version, Minor string
}

// interpreters finds the Pythons to try: Debian's, and one in the layout of
// the official image (bin/python3.N beside lib/python3.N under one directory).
func interpreters(t *testing.T) []interpreter {
	t.Helper()
	var found []interpreter
	for _, name := range []string{"/usr/bin/python3", "/usr/local/bin/python3", "python3"} {
		out, err := exec.Command(name, "-c", `import json, os, sys; print(json.dumps({
			"Base": os.path.dirname(os.path.realpath(sys._base_executable)),
			"Version": "%d.%d.%d" % sys.version_info[:3], "Minor": "%d.%d" % sys.version_info[:2]}))`).Output()
		var i interpreter
		if err == nil && json.Unmarshal(out, &i) == nil && !slices.Contains(found, i) {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		t.Skip("there is no Python")
	}
	return found
}

// make makes an environment for a real interpreter.
func (i interpreter) make(t *testing.T) (dir string) {
	t.Helper()
	root := t.TempDir()
	python, err := ParsePython(i.Minor)
	if err != nil {
		t.Fatal(err)
	}
	err = Create(Options{Layout: Layout{Prefix: "/opt/venv", Python: python}, Root: root, Version: i.Version, Home: i.Base})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "opt/venv")
}

// TestStarts: a real interpreter takes the skeleton for an environment. It finds
// it from its own path, so that it need not lie at its prefix.
func TestStarts(t *testing.T) {
	for _, i := range interpreters(t) {
		t.Run(i.Base, func(t *testing.T) {
			dir := i.make(t)
			site := filepath.Join(dir, "lib/python"+i.Minor+"/site-packages")
			os.WriteFile(filepath.Join(site, "demo.py"), []byte("x = 1\n"), 0o644)
			for _, name := range []string{"python", "python3", "python" + i.Minor} {
				out, err := exec.Command(filepath.Join(dir, "bin", name), "-I", "-c",
					"import sys, ssl, sysconfig, demo; print(sys.prefix, sys.prefix != sys.base_prefix, sysconfig.get_path('purelib'), demo.__file__, [p for p in sys.path if 'dist-packages' in p])").CombinedOutput()
				want := dir + " True " + site + " " + site + "/demo.py []\n"
				if err != nil || string(out) != want {
					t.Errorf("%s: %v\ngot  %swant %s", name, err, out, want)
				}
			}
		})
	}
}

// TestAgainstOthers lists all differences from what uv and the standard library
// make of the same interpreter.
func TestAgainstOthers(t *testing.T) {
	found := interpreters(t)
	i := found[len(found)-1]
	python := filepath.Join(i.Base, "python"+i.Minor)
	cases := map[string]struct {
		command []string
		theirs  []string // what only they have
		others  []string // what differs
	}{
		"uv venv": {
			[]string{"uv", "venv", "--quiet", "--no-project", "--python", python},
			[]string{
				".gitignore", "CACHEDIR.TAG", "bin/activate.bat", "bin/activate.csh", "bin/activate.fish", "bin/activate.nu",
				"bin/activate.ps1", "bin/activate.xsh", "bin/activate_this.py", "bin/deactivate.bat", "bin/pydoc.bat",
			},
			[]string{"bin/activate", "pyvenv.cfg"},
		}, // pyvenv.cfg: the line "uv = "
		"python -m venv": {
			[]string{python, "-m", "venv", "--without-pip"},
			[]string{"bin/Activate.ps1", "bin/activate.csh", "bin/activate.fish", "include", "include/python" + i.Minor},
			// They link python to python3 to the interpreter, and the name that it was called by is first.
			[]string{"bin/activate", "bin/python", "bin/python3", "bin/python" + i.Minor, "pyvenv.cfg"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(c.command[0]); err != nil {
				t.Skip(err)
			}
			dir := filepath.Join(t.TempDir(), "venv")
			if out, err := exec.Command(c.command[0], append(c.command[1:], dir)...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			theirs, ours := nodes(t, dir), nodes(t, i.make(t))
			for file, content := range theirs {
				our, inOurs := ours[file]
				switch {
				case !inOurs && !slices.Contains(c.theirs, file):
					t.Errorf("%s: we do not have it", file)
				case inOurs && our != content && !slices.Contains(c.others, file):
					t.Errorf("%s: they have %q, we %q", file, content, our)
				}
			}
			for file := range ours {
				if _, inTheirs := theirs[file]; !inTheirs {
					t.Errorf("%s: only we have it", file)
				}
			}
			if name == "uv venv" && withoutLine(theirs["pyvenv.cfg"], "uv = ") != ours["pyvenv.cfg"] {
				t.Errorf("pyvenv.cfg: they have\n%s\nwe\n%s", theirs["pyvenv.cfg"], ours["pyvenv.cfg"])
			}
		})
	}
}

// withoutLine takes the lines with a prefix out of a text.
func withoutLine(text, prefix string) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, prefix) }), "")
}

// TestActivate sources the script in the shells that are there.
func TestActivate(t *testing.T) {
	opt := official(t.TempDir())
	opt.Prefix = "/opt/it's a venv"
	if err := Create(opt); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(opt.Root, opt.Prefix, "bin/activate")
	for _, shell := range []string{"sh", "bash", "dash", "zsh", "busybox"} {
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		t.Run(shell, func(t *testing.T) {
			args := []string{"-eu", "-c", `
				PS1='$ '; PYTHONHOME=/home; PATH=/usr/bin:/bin
				. "$1"; . "$1"
				echo "$VIRTUAL_ENV|$PATH|$PS1|${PYTHONHOME-unset}"
				deactivate
				echo "${VIRTUAL_ENV-unset}|$PATH|$PS1|$PYTHONHOME"
				command -v deactivate || echo gone`, "sh", script}
			if shell == "busybox" {
				args = append([]string{"sh"}, args...)
			}
			out, err := exec.Command(shell, args...).CombinedOutput()
			want := "/opt/it's a venv|/opt/it's a venv/bin:/usr/bin:/bin|(it's a venv) $ |unset\n" +
				"unset|/usr/bin:/bin|$ |/home\ngone\n"
			if err != nil || string(out) != want {
				t.Errorf("%v\ngot\n%swant\n%s", err, out, want)
			}
		})
	}
}

// TestExecutable: an environment over an interpreter of any name, whose own
// packages it sees.
func TestExecutable(t *testing.T) {
	opt := official(t.TempDir())
	opt.Home, opt.Executable, opt.SystemSite = "/opt/conda/bin", "/opt/conda/bin/python", true
	if err := Create(opt); err != nil {
		t.Fatal(err)
	}
	found := nodes(t, filepath.Join(opt.Root, "opt/venv"))
	if found["bin/python"] != "l /opt/conda/bin/python" || !strings.Contains(found["pyvenv.cfg"], "\ninclude-system-site-packages = true\n") {
		t.Errorf("python is %q, pyvenv.cfg %q", found["bin/python"], found["pyvenv.cfg"])
	}
	opt.Root, opt.Executable = t.TempDir(), "conda/bin/python"
	if err := Create(opt); err == nil {
		t.Error("a relative interpreter is taken")
	}
}
