// Package venv knows virtual environments on Linux: where their parts lie
// (Layout), and the skeleton that makes a directory one (Create). What is
// installed into an environment is package wheelinstall's.
//
// The skeleton is what `uv venv` makes of the same interpreter, made without
// running it. It leaves out, on purpose:
//
//   - the `uv = VERSION` line of pyvenv.cfg, since uv did not make it;
//   - activation scripts for shells other than POSIX ones, and
//     activate_this.py: an image has its environment in PATH, `activate` alone
//     is kept for people who type the command from habit;
//   - .gitignore and CACHEDIR.TAG, which speak of a developer's directory. The
//     latter would make backup tools skip the image's packages.
//
// Compared with `python -m venv` it also leaves out the empty directory
// include/pythonX.Y and the lines `executable` and `command` of pyvenv.cfg, and
// it writes the version under the key `version_info`, as uv and virtualenv do.
// There is no pip in it; `uv pip install` works on it from outside.
package venv

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/imagespec/imagespec/internal/tree"
)

// Options says which environment to make.
type Options struct {
	Layout
	Root    string // existing directory that stands for / of the image
	Version string // full version of the interpreter, "3.12.4"
	Home    string // absolute path of the directory of the interpreter, in the image
	// Executable is the absolute path of the interpreter, in the image; empty
	// for the one in Home that is named by its version.
	Executable string
	SystemSite bool // packages that are installed beside the interpreter are visible
}

// Create writes the skeleton below Root. The interpreter itself need not exist
// there: links to it dangle until the environment lies on its base image.
func Create(opt Options) (err error) {
	if err := opt.check(); err != nil {
		return err
	}
	t, err := tree.Open(opt.Root)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := t.Close(); err == nil {
			err = closeErr
		}
	}()
	in := func(name string) string { return path.Join(strings.TrimPrefix(opt.Prefix, "/"), name) }
	if err := t.MkdirAbove(in(".")); err != nil {
		return err
	}
	if err := t.Mkdir(in(Scripts), in(opt.SitePackages())); err != nil {
		return err
	}
	if err := t.WriteFile(in("pyvenv.cfg"), false, []byte(opt.config())); err != nil {
		return err
	}
	if err := t.WriteFile(in("bin/activate"), false, []byte(activate(opt.Prefix))); err != nil {
		return err
	}
	for _, link := range opt.links() {
		if err := t.Symlink(link.target, in(link.name)); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what would make an environment that does not start.
func (opt Options) check() error {
	if err := opt.Layout.Check(); err != nil {
		return err
	}
	if !path.IsAbs(opt.Home) || path.Clean(opt.Home) != opt.Home || strings.ContainsAny(opt.Home, "\n\r\x00") {
		return fmt.Errorf("home %q is not a clean absolute path", opt.Home)
	}
	if e := opt.Executable; e != "" && (!path.IsAbs(e) || path.Clean(e) != e) {
		return fmt.Errorf("executable %q is not a clean absolute path", e)
	}
	number := Python{Major: opt.Python.Major, Minor: opt.Python.Minor}.String()
	if opt.Version != number && !strings.HasPrefix(opt.Version, number+".") || strings.ContainsAny(opt.Version, " \n\r") {
		return fmt.Errorf("version %q is not one of Python %s", opt.Version, opt.Python)
	}
	return nil
}

// config is the text of pyvenv.cfg. The interpreter itself reads only home and
// include-system-site-packages (PEP 405), uv and virtualenv read the rest.
func (opt Options) config() string {
	return "home = " + opt.Home + "\n" +
		"implementation = CPython\n" +
		"version_info = " + opt.Version + "\n" +
		"include-system-site-packages = " + strconv.FormatBool(opt.SystemSite) + "\n"
}

// link is a symbolic link in the environment.
type link struct{ name, target string }

// links gives the names of the interpreter. The first points out of the
// environment, and to the versioned name: a base image may have python3 of
// another version beside it, as Debian's and the official image's do.
func (opt Options) links() []link {
	interpreter := opt.Executable
	if interpreter == "" {
		interpreter = path.Join(opt.Home, "python"+opt.Python.String())
	}
	links := []link{
		{"bin/python", interpreter},
		{"bin/python3", "python"},
		{"bin/python" + Python{Major: opt.Python.Major, Minor: opt.Python.Minor}.String(), "python"},
	}
	if opt.Python.FreeThreaded {
		links = append(links, link{"bin/python" + opt.Python.String(), "python"})
	}
	// Interpreters that were built with lib64 as platform directory look there.
	return append(links, link{"lib64", "lib"})
}

// activate is the script that a POSIX shell sources. Sourcing it twice changes
// nothing, `deactivate` undoes it.
func activate(prefix string) string {
	quoted := "'" + strings.ReplaceAll(prefix, "'", `'\''`) + "'"
	return `# Source this file in a POSIX shell: . bin/activate
deactivate () {
    PATH="${_IMAGESPEC_OLD_PATH-$PATH}"
    export PATH
    if [ -n "${_IMAGESPEC_OLD_PYTHONHOME-}" ]; then
        PYTHONHOME="$_IMAGESPEC_OLD_PYTHONHOME"
        export PYTHONHOME
    fi
    if [ -n "${_IMAGESPEC_OLD_PS1+set}" ]; then
        PS1="$_IMAGESPEC_OLD_PS1"
    fi
    unset VIRTUAL_ENV _IMAGESPEC_OLD_PATH _IMAGESPEC_OLD_PYTHONHOME _IMAGESPEC_OLD_PS1
    hash -r 2>/dev/null || true
    [ "${1-}" = again ] || unset -f deactivate
}
[ -z "${_IMAGESPEC_OLD_PATH+set}" ] || deactivate again

VIRTUAL_ENV=` + quoted + `
export VIRTUAL_ENV
_IMAGESPEC_OLD_PATH="$PATH"
PATH="$VIRTUAL_ENV/bin:$PATH"
export PATH
if [ -n "${PYTHONHOME-}" ]; then
    _IMAGESPEC_OLD_PYTHONHOME="$PYTHONHOME"
    unset PYTHONHOME
fi
if [ -n "${PS1-}" ]; then
    _IMAGESPEC_OLD_PS1="$PS1"
    PS1="(${VIRTUAL_ENV##*/}) $PS1"
fi
hash -r 2>/dev/null || true
`
}
