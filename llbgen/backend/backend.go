// Package backend tells what the files of a project say of its build: whether it
// may need a compiler, what it asks for, and which files are the project's own.
// Nothing is run for it; what only the build backend knows, it is asked in the
// step that builds.
package backend

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/pyproject"
)

// NotOwn gives patterns of what lies in a project's folder without being part of
// it: what tools leave there, and what an earlier build has.
func NotOwn() []string {
	return []string{
		".git", "**/__pycache__", "**/*.pyc", "**/*.egg-info", "**/.venv", "**/.tox", "**/.nox",
		"**/.mypy_cache", "**/.pytest_cache", "**/.ruff_cache", "**/node_modules",
		"build/lib", "build/lib.*", "build/bdist.*", "build/temp.*", "dist/*.whl", "dist/*.tar.gz",
	}
}

// pure are build requirements that compile nothing by themselves.
var pure = []string{
	"calver", "editables", "flit-core", "flit-scm", "hatch-fancy-pypi-readme", "hatch-nodejs-version",
	"hatch-requirements-txt", "hatch-vcs", "hatchling", "packaging", "pbr", "pdm-backend", "pdm-pep517",
	"poetry", "poetry-core", "poetry-dynamic-versioning", "setuptools", "setuptools-git-versioning",
	"setuptools-scm", "tomli", "trove-classifiers", "uv-build", "uv-dynamic-versioning", "versioneer",
	"versioningit", "wheel",
}

// extension finds what a project says that its build is to compile.
var extension = regexp.MustCompile(`(?im)ext[-_]modules|Extension\(|cffi_modules|rust_extensions|\[tool\.(hatch\.build(\.targets\.wheel)?\.hooks|poetry\.build|pdm\.build.*custom|setuptools\.cmdclass)|^build *= *".*\.py"`)

// Project is what the files of a folder tell of its build.
type Project struct {
	system  *pyproject.BuildSystem // nil: setuptools, as of old
	text    []byte                 // of pyproject.toml, setup.py and setup.cfg
	dynamic bool                   // one of the last two is there
}

// Read reads what a folder has of the files that builds are described in. One
// that has none of them is a Project, too.
func Read(fsys fs.FS, folder string) (Project, error) {
	var p Project
	for _, name := range []string{"pyproject.toml", "setup.py", "setup.cfg"} {
		data, err := fs.ReadFile(fsys, path.Join(folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return p, err
		}
		if name != "pyproject.toml" {
			p.dynamic = true
		} else if p.system, err = pyproject.ParseBuildSystem(&diag.Source{Name: path.Join(folder, name), Data: data}); err != nil {
			return p, err
		}
		p.text = append(append(p.text, data...), '\n')
	}
	return p, nil
}

// Compiles says whether the build may need a compiler. It does not if its
// requirements are all known to compile nothing, and if none of the files
// speaks of extension modules or programs of its own.
func (p Project) Compiles() bool {
	if p.system != nil {
		for _, r := range p.system.Requires {
			req, err := pep508.ParseRequirement(r)
			if err != nil || !slices.Contains(pure, pep508.NormalizeName(req.Name)) {
				return true // the build will say what is wrong with it
			}
		}
	}
	return extension.Match(p.text)
}

// askNothing are the backends that have no requirements beside those of
// pyproject.toml, unless it speaks of hooks.
var askNothing = []string{"flit_core.buildapi", "hatchling.build", "pdm.backend", "poetry.core.masonry.api", "setuptools.build_meta", "uv_build"}

// hooks are what makes hatchling ask for more.
var hooks = regexp.MustCompile(`hooks|require-runtime|\btool\.hatch\.build\.targets\.wheel\.dependencies`)

// Requires gives all requirements of the build where pyproject.toml tells
// them, so that an edit of the source need not install them again; nil where
// only the backend knows. That of setuptools asks for wheel up to 70.0.
func (p Project) Requires() []string {
	if p.system == nil || len(p.system.Requires) == 0 || p.system.InTree || p.dynamic ||
		!slices.Contains(askNothing, p.system.Backend) || hooks.Match(p.text) {
		return nil
	}
	if p.system.Backend == "setuptools.build_meta" {
		return append(slices.Clone(p.system.Requires), "wheel")
	}
	return p.system.Requires
}
