package imagespec

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
)

// What an image has for the user and the place that the file names none of:
// those of flytekit's images.
const (
	DefaultUser    = "flytekit"
	DefaultWorkdir = "/root"
)

// aptPackage is a name of a Debian package, and what apt-get takes behind it:
// an architecture, and a version or a release (Debian policy 5.6.1, 5.6.12).
var aptPackage = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?(=[A-Za-z0-9.+:~-]+|/[a-z0-9.-]+)?$`)

// checkApt wants names of packages, each once: options and shell words are
// none.
func (d *decoder) checkApt(field string, list List) {
	seen := map[string]bool{}
	for _, item := range list.Items {
		if !aptPackage.MatchString(item.Value) {
			e := d.errorf(item.At, "%s %s is not the name of a Debian package", field, show(item.Value)).
				WithHint("write a name such as git, or name=version")
			if words := strings.Fields(item.Value); len(words) > 1 {
				e.WithHint("write each package as an item of its own: [%s]", strings.Join(words, ", "))
			} else if near := strings.ToLower(item.Value); aptPackage.MatchString(near) {
				e.WithHint("names are written in lower case: %s", near)
			}
			continue
		}
		name, _, _ := strings.Cut(item.Value, "=")
		name, _, _ = strings.Cut(name, "/")
		if seen[name] {
			d.errorf(item.At, "%s has %s twice", field, show(name)).WithHint("remove one of the two")
		}
		seen[name] = true
	}
}

// checkCommands wants something to run in each item.
func (d *decoder) checkCommands(list List) {
	for _, item := range list.Items {
		if strings.TrimSpace(item.Value) == "" {
			d.errorf(item.At, "commands has an empty command").WithHint("remove the item")
		}
	}
}

// CopyMode is which files of source_root are copied.
type CopyMode int

// The modes are flytekit's CopyFileDetection, which has their numbers too.
const (
	CopyUnset   CopyMode = iota
	CopyModules          // what the Python process has loaded: here all files
	CopyAll              // all files that are not ignored
	CopyNone
)

// copyModes are the ways to write a mode.
var copyModes = map[string]CopyMode{
	"loaded_modules": CopyModules, "auto": CopyModules, "1": CopyModules,
	"all": CopyAll, "2": CopyAll,
	"no_copy": CopyNone, "none": CopyNone, "3": CopyNone,
}

// CopyMode gives which files of SourceRoot are copied. As in flytekit a
// source_root alone asks for the modules.
func (s *Spec) CopyMode() CopyMode {
	if mode, ok := copyModes[strings.ToLower(s.SourceCopyMode.Value)]; ok {
		return mode
	}
	if s.SourceRoot.IsSet() {
		return CopyModules
	}
	return CopyUnset
}

// checkSource wants paths below the build context, and a mode that fits.
func (d *decoder) checkSource(s *Spec) {
	d.checkInContext("source_root", s.SourceRoot)
	for _, item := range s.Copy.Items {
		d.checkInContext("copy", item)
	}
	mode := s.SourceCopyMode
	if !mode.IsSet() {
		return
	}
	if _, ok := copyModes[strings.ToLower(mode.Value)]; !ok {
		e := d.errorf(mode.At, "source_copy_mode %s is unknown", show(mode.Value)).
			WithHint("write ALL, LOADED_MODULES or NO_COPY")
		if near, ok := diag.Nearest(strings.ToLower(mode.Value), []string{"all", "loaded_modules", "no_copy"}); ok {
			e.WithHint("did you mean %q?", strings.ToUpper(near))
		}
		return
	}
	if s.CopyMode() != CopyNone && !s.SourceRoot.IsSet() {
		d.errorf(mode.At, "source_copy_mode is set, but source_root is not").
			WithHint("name the folder to copy as source_root, such as \".\"")
	}
}

// checkInContext wants a path that flytekit's builder can copy, too.
func (d *decoder) checkInContext(name string, file Text) {
	switch {
	case !file.IsSet():
	case file.Value == "":
		d.errorf(file.At, "%s names no path", name).WithHint(`write a path in the build context, "." for all of it`)
	case path.IsAbs(file.Value) || slices.Contains(strings.Split(file.Value, "/"), ".."):
		d.errorf(file.At, "%s %s lies outside the build context", name, show(file.Value)).
			WithHint(`write a path relative to the build context, without ".."`)
	case !fs.ValidPath(path.Clean(file.Value)) || strings.ContainsAny(file.Value, "*?[\\"):
		d.errorf(file.At, "%s %s is not a path", name, show(file.Value)).WithHint("name one file or folder, without wildcards")
	}
}

// checkUnusedHere warns about what is set for somebody else.
func (d *decoder) checkUnusedHere(s *Spec) {
	if s.RegistryConfig.IsSet() {
		d.warn("RegistryConfigIgnored", s.RegistryConfig.At,
			"the client of the build has the logins: docker login",
			"registry_config is read by flytekit's envd builder alone")
	}
	tools := []string{"uv_image", "micromamba_image"}
	for _, pair := range s.BuilderConfig.Pairs {
		if !slices.Contains(tools, pair.Key.Value) {
			d.errorf(pair.Key.At, "unknown key %s", show("builder_config."+pair.Key.Value)).Hint = diag.Suggest(pair.Key.Value, tools)
		}
	}
	if len(s.BuilderConfig.Pairs) > 0 {
		d.warn("BuilderConfigIgnored", s.BuilderConfig.At,
			"to fetch from a mirror, have the engine replace the URLs by a source policy",
			"builder_config is read by flytekit's default builder: no such image is used here")
	}
}

// checkRuntime wants pip in an image that is to install packages when it starts.
func (d *decoder) checkRuntime(s *Spec) {
	for _, item := range s.RuntimePackages.Items {
		if strings.TrimSpace(item.Value) == "" || strings.HasPrefix(item.Value, "-") {
			d.errorf(item.At, "runtime_packages %s is not a requirement", show(item.Value)).
				WithHint("write a requirement, such as pandas==2.2.3")
		}
	}
	if pip := s.BuilderOptions.Pip; len(s.RuntimePackages.Items) > 0 && !pip.On() {
		e := d.errorf(s.RuntimePackages.At, "runtime_packages are installed by pip, but builder_options.pip is false").
			WithHint("remove one of the two")
		e.At = append(e.At, pip.At)
	}
}

var (
	userName   = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	userNumber = regexp.MustCompile(`^\d{1,10}(:\d{1,10})?$`)
)

// checkUser wants a name that useradd takes, or numbers.
func (d *decoder) checkUser(user Text) {
	if !user.IsSet() || userName.MatchString(user.Value) || userNumber.MatchString(user.Value) {
		return
	}
	d.errorf(user.At, "builder_options.user %s is not the name of a user", show(user.Value)).
		WithHint("write a name such as app, root, or numbers such as 1000:1000")
}

// checkWorkdir wants an absolute path, and makes it a clean one. The root
// itself is none: everything in it would become the user's.
func (d *decoder) checkWorkdir(dir *Text) {
	if !dir.IsSet() {
		return
	}
	written := dir.Value
	dir.Value = path.Clean(written)
	if !path.IsAbs(dir.Value) || dir.Value == "/" {
		d.errorf(dir.At, "builder_options.workdir %s is not the absolute path of a directory", show(written)).
			WithHint("write a path such as /app")
	}
}

// checkLabels wants names.
func (d *decoder) checkLabels(labels Map) {
	for _, pair := range labels.Pairs {
		if pair.Key.Value == "" {
			d.errorf(pair.Key.At, "builder_options.labels has a label without name").WithHint("write NAME: value")
		}
	}
}
