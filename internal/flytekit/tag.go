package flytekit

import (
	"crypto/md5" //nolint:gosec // flytekit's algorithm
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/flytekit/content"
)

// Needs says what the tag needs. An error is a *diag.Error for what flytekit
// cannot make a tag of.
func (s *Spec) Needs() (content.Needs, error) {
	var n content.Needs
	var err error
	if n.Requirements, err = s.requirements(); err != nil {
		return n, err
	}
	if n.Copy, err = s.copies(); err != nil {
		return n, err
	}
	if n.Source, err = s.sourceRoot(); err != nil {
		return n, err
	}
	if s.base != nil {
		base, err := s.base.Needs()
		if err != nil {
			return n, err
		}
		n.Base = &base
	}
	return n, nil
}

// requirements gives the requirements file.
func (s *Spec) requirements() (string, error) {
	v := s.values["requirements"]
	if v == nil || !v.truth() {
		return "", nil
	}
	file, ok := v.(str)
	if !ok {
		return "", s.errorf("requirements", "requirements must be a string in flytekit").WithHint("put it in quotes")
	}
	return s.inContext("requirements", file)
}

// copies gives the entries of copy. A string in place of a list is a folder to
// flytekit.
func (s *Spec) copies() ([]string, error) {
	v := s.values["copy"]
	if v == nil || !v.truth() {
		return nil, nil
	}
	if one, ok := v.(str); ok {
		v = list{one}
	}
	if !isStrings(v) {
		return nil, s.errorf("copy", "copy must be a list of strings").WithHint("put its items in quotes")
	}
	var all []string
	for _, item := range v.(list) {
		name, err := s.inContext("copy", item.(str))
		if err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, nil
}

// sourceRoot gives the folder whose files are in the tag.
//
// For the copy mode LOADED_MODULES, which flytekit sets where the file sets
// none, it has none of them: flytekit looks for loaded modules, whose paths are
// absolute, below source_root as it is written, and below a relative path it
// finds none. (An absolute one is no path of a build context.)
func (s *Spec) sourceRoot() (string, error) {
	mode := s.values["source_copy_mode"]
	if mode == nil {
		return "", nil
	}
	v := s.values["source_root"]
	if v == nil || !v.truth() {
		return "", s.errorf("source_copy_mode", "source_copy_mode needs a source_root").WithHint("set source_root to the folder to copy, such as src")
	}
	root, ok := v.(str)
	if !ok {
		return "", s.errorf("source_root", "source_root must be a string in flytekit").WithHint("put it in quotes")
	}
	dir, err := s.inContext("source_root", root)
	if mode == loadedModules {
		return "", err
	}
	return dir, err
}

// onlyLoaded reports whether the copy mode is LOADED_MODULES.
func (s *Spec) onlyLoaded() bool { return s.values["source_copy_mode"] == loadedModules }

// Warnings say where the tag does not follow the files as a reader would think.
func (s *Spec) Warnings() []diag.Warning {
	var all []diag.Warning
	root, _ := s.values["source_root"].(str)
	at := s.errorf("source_root", "").At[0]
	switch {
	case s.onlyLoaded():
		all = append(all, diag.Warning{
			Rule: "SourceNotInTag", At: at,
			Msg:  "flytekit's tag stays the same when files below source_root change, since it takes no loaded module to be there",
			Hint: "set source_copy_mode: all",
		})
	case s.values["source_copy_mode"] != nil && strings.Trim(string(root), "./") == "" && !strings.Contains(string(root), ".."):
		all = append(all, diag.Warning{
			Rule: "GitIgnored", At: at,
			Msg:  "flytekit's tag leaves out what git ignores below source_root, and git is not asked here: with such files the tag is another",
			Hint: "move the source into a folder of its own, of which flytekit takes all",
		})
	}
	if s.base != nil {
		all = append(all, s.base.Warnings()...)
	}
	return all
}

// inContext wants a path below the build context and gives it as it is written.
func (s *Spec) inContext(field string, name str) (string, error) {
	clean := path.Clean(string(name))
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", s.errorf(field, "%s %s is outside of the build context", field, name.repr()).
			WithHint("flytekit's tag has the content of it; write a path relative to the build context")
	}
	return string(name), nil
}

// noFiles is the digest of no file at all.
var noFiles = hex.EncodeToString(md5.New().Sum(nil)) //nolint:gosec // flytekit's algorithm

// Digests computes what the tag needs of a build context, see content.Of.
func (s *Spec) Digests(context fs.FS) (content.Digests, error) {
	n, err := s.Needs()
	if err != nil {
		return content.Digests{}, err
	}
	d, err := content.Of(context, n)
	return d, s.Locate(err)
}

// Locate gives a *content.Error the place of its field, in this spec or in one
// that it is built on. Other errors stay as they are.
func (s *Spec) Locate(err error) error {
	var unreadable *content.Error
	if !errors.As(err, &unreadable) {
		return err
	}
	for range unreadable.Level {
		s = s.base
	}
	return s.errorf(unreadable.Field, "%w", err).WithHint("paths are relative to the build context")
}

// Tag is flytekit's tag of the image. An error is a *diag.Error for what
// flytekit cannot make a tag of.
func (s *Spec) Tag(d content.Digests) (string, error) {
	hashed := &Spec{values: maps.Clone(s.values), at: s.at, reader: s.reader}
	delete(hashed.values, "registry_config")
	for field, digest := range map[string]string{"requirements": d.Requirements, "copy": d.Copy, "source_root": d.Source} {
		if digest != "" {
			hashed.values[field] = str(digest)
		}
	}
	if s.onlyLoaded() {
		hashed.values["source_root"] = str(noFiles)
	}
	if s.base != nil {
		var base content.Digests
		if d.Base != nil {
			base = *d.Base
		}
		name, err := s.base.Name(base)
		if err != nil {
			return "", err
		}
		hashed.values["base_image"] = str(name)
	}
	return s.formatTag(strings.ReplaceAll(hashed.ID(), "-", "_"))
}

// formatTag applies tag_format.
func (s *Spec) formatTag(hash string) (string, error) {
	v := s.values["tag_format"]
	if v == nil || !v.truth() {
		return hash, nil
	}
	format, ok := v.(str)
	if !ok {
		return "", s.errorf("tag_format", "tag_format must be a string in flytekit").WithHint("put it in quotes")
	}
	tag, err := formatWith(string(format), hash)
	if err != nil {
		return "", s.errorf("tag_format", "tag_format %s: %w", format.repr(), err).
			WithHint(`write the tag with {spec_hash} where flytekit's hash goes, such as "{spec_hash}-dev"`)
	}
	return tag, nil
}

// Name is flytekit's name of the image: registry, name and tag.
func (s *Spec) Name(d content.Digests) (string, error) {
	tag, err := s.Tag(d)
	if err != nil {
		return "", err
	}
	name := string(s.values["name"].(str)) + ":" + tag
	if registry, ok := s.values["registry"].(str); ok && registry != "" {
		name = string(registry) + "/" + name
	}
	return name, nil
}
