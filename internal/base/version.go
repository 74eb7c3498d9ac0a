package base

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/standalone"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pyproject"
)

// Version is the Python that an image gets where its base has none yet.
type Version struct {
	Text string     // "3.12", "3.12.4" or "3.13t"
	At   diag.Range // what says so
	From string     // the same for people, "pyproject.toml:4"; empty if it is the spec
}

// freeThreaded says whether it is a build without the global interpreter lock.
func (v Version) freeThreaded() bool { return strings.HasSuffix(v.Text, "t") }

// Wanted gives the Python of a spec that has no python_version: what the file
// .python-version of the project or of the build context says, else one that
// fits the requires-python of the pyproject.toml beside the lock, else
// DefaultPython.
func Wanted(spec *imagespec.Spec, context fs.FS) (Version, error) {
	if v := spec.PythonVersion; v.IsSet() {
		return Version{Text: v.Value, At: v.At}, nil
	}
	dirs := []string{"."}
	if spec.Requirements.IsSet() {
		dirs = []string{path.Dir(path.Clean(spec.Requirements.Value)), "."}
	}
	for _, dir := range slices.Compact(dirs) {
		v, err := fromVersionFile(context, path.Join(dir, ".python-version"))
		if err != nil || v.Text != "" {
			return v, err
		}
	}
	if spec.Requirements.IsSet() {
		v, err := fromProject(context, path.Join(dirs[0], "pyproject.toml"))
		if err != nil || v.Text != "" {
			return v, err
		}
	}
	return Version{Text: DefaultPython, At: spec.BaseImage.At, From: "default"}, nil
}

// read reads a file that need not be there.
func read(context fs.FS, name string) (*diag.Source, error) {
	data, err := fs.ReadFile(context, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s for the version of Python: %w", name, err)
	}
	return &diag.Source{Name: name, Data: data}, nil
}

// request is how uv and pyenv write a version of CPython; uv's name of the
// free-threaded build comes last.
var request = regexp.MustCompile(`^(?:cpython[@-]?|python-?)?((?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)(?:(?:a|b|rc)[1-9]\d*)?)?)(t|\+freethreaded)?$`)

// fromVersionFile reads a .python-version: its first line that is neither empty
// nor a comment.
func fromVersionFile(context fs.FS, name string) (Version, error) {
	src, err := read(context, name)
	if src == nil || err != nil {
		return Version{}, err
	}
	lines := bytes.Split(bytes.TrimPrefix(src.Data, []byte("\ufeff")), []byte("\n"))
	for i, line := range lines {
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		at := diag.Range{Source: src, Line: i + 1}
		m := request.FindStringSubmatch(strings.ToLower(text))
		if m == nil {
			return Version{}, diag.Errorf(at, "%s asks for %q, which is no version of CPython of the form X.Y or X.Y.Z", name, text).
				WithHint("write one such as 3.12 there, or set python_version in the spec, which goes before")
		}
		version := m[1]
		if m[2] != "" {
			version += "t"
		}
		return Version{Text: version, At: at, From: at.String()}, nil
	}
	return Version{}, nil
}

// fromProject takes DefaultPython if it fits, since the newest Python has wheels
// of few packages yet; else the newest minor version of which the newest release
// fits, or the one release that requires-python names.
func fromProject(context fs.FS, name string) (Version, error) {
	src, err := read(context, name)
	if src == nil || err != nil {
		return Version{}, err
	}
	project, err := pyproject.Parse(src)
	if err != nil {
		return Version{}, err
	}
	if project.RequiresLine == 0 {
		return Version{}, nil
	}
	at := diag.Range{Source: src, Line: project.RequiresLine}
	if pinned, ok := project.RequiresPython.Pinned(); ok && len(pinned.Release()) >= 2 {
		return Version{Text: pinned.String(), At: at, From: at.String()}, nil
	}
	known := standalone.Versions()
	newestFirst := slices.Clone(known)
	slices.Reverse(newestFirst)
	for _, minor := range append([]string{DefaultPython}, newestFirst...) {
		newest, err := pep440.Parse(NewestPatch(minor))
		if err == nil && project.RequiresPython.Contains(newest) {
			return Version{Text: minor, At: at, From: at.String()}, nil
		}
	}
	return Version{}, diag.Errorf(at, "no known version of Python fits requires-python %q: known are %s", project.RequiresPython, strings.Join(known, ", ")).
		WithHint("set python_version in the spec")
}
