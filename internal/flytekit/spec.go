// Package flytekit knows what flytekit calls an image: the id, the tag and the
// name that `ImageSpec(**yaml.safe_load(file))` has there, character by
// character, since Flyte finds images by them. It reads the file by PyYAML's
// rules, under which 3.10 is the number 3.1 and `on` is true; what a spec means
// for a build is not decided here, and package imagespec reads it otherwise.
//
// The id is a digest of what Python prints for the spec; the tag one of the
// same with the digests of files in place of their names. What a file alone
// cannot tell is taken to be so:
//
//   - The working directory of flytekit is the build context.
//   - The client is no arm64 machine. On one, flytekit takes linux/arm64 for
//     the platform of a spec that has none and a registry on localhost.
//   - Git ignores no file: flytekit asks it, for a source_root of "." and the
//     files that git does not track. A .dockerignore counts as in flytekit.
//   - Which characters are printable is that of Unicode 15, Python 3.12's: an
//     id with a character that is newer than one of the two Pythons differs
//     between them, too.
//
// The parsers of YAML are siblings, not twins. Text that both read and each in
// another way is an error; that PyYAML refuses tabs between tokens is not
// looked at, since there is no other name then.
//
// Three ways of writing a spec that flytekit refuses have the identity that is
// meant by them: a mapping as base_image is ImageSpec(base_image=ImageSpec(…)),
// pip_secret_mounts are lists, since YAML has no tuples, and a registry can
// have a scheme.
package flytekit

import (
	"crypto/md5" //nolint:gosec // flytekit's algorithm
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"gopkg.in/yaml.v3"

	"github.com/imagespec/imagespec/internal/diag"
)

// fields are the names of ImageSpec's fields in the order of the dataclass,
// which is that of the id.
func fields() []string {
	return []string{
		"name", "python_version", "builder", "source_root", "env", "registry", "packages", "conda_packages",
		"conda_channels", "requirements", "apt_packages", "cuda", "cudnn", "base_image", "platform", "pip_index",
		"pip_extra_index_url", "pip_secret_mounts", "pip_extra_args", "registry_config", "entrypoint", "commands",
		"tag_format", "source_copy_mode", "copy", "python_exec", "runtime_packages", "builder_options", "builder_config",
	}
}

// unhashed are the fields that change no id.
func unhashed() []string { return []string{"builder", "pip_secret_mounts", "runtime_packages"} }

// stringLists are the fields of which flytekit wants lists of strings.
func stringLists() []string {
	return []string{
		"packages", "conda_packages", "conda_channels", "apt_packages", "pip_extra_index_url", "entrypoint", "commands",
		"runtime_packages",
	}
}

// Spec is an ImageSpec of flytekit, after its __post_init__.
type Spec struct {
	values map[string]value      // of the fields that are not None, by name
	at     map[string]*yaml.Node // where they are
	base   *Spec                 // the base image, where it is a spec of its own
	reader *constructor
}

// ImageID is the id of the image of a file, empty for one that flytekit cannot
// read.
func ImageID(src *diag.Source) string {
	spec, err := Read(src)
	if err != nil {
		return ""
	}
	return spec.ID()
}

// Read reads a file as flytekit does. Errors are *diag.Error: what flytekit
// refuses, and the few things that it gives another id in each process or that
// YAML's parsers do not agree about.
func Read(src *diag.Source) (*Spec, error) {
	c := &constructor{src: src}
	root, err := c.document()
	if err != nil {
		return nil, err
	}
	return c.spec(root)
}

// spec reads the mapping of a spec.
func (c *constructor) spec(n *yaml.Node) (*Spec, error) {
	n = resolveAlias(n)
	if n.Kind != yaml.MappingNode || n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!map" {
		return nil, c.errorf(n, "the spec is no mapping of field names to values")
	}
	if c.depth++; c.depth > maxDepth {
		return nil, c.errorf(n, "specs lie more than %d deep in each other", maxDepth)
	}
	defer func() { c.depth-- }()
	entries, err := c.entries(n)
	if err != nil {
		return nil, err
	}
	s := &Spec{values: map[string]value{"name": str("flytekit")}, at: map[string]*yaml.Node{"": n}, reader: c}
	for _, e := range entries {
		if err := s.set(e); err != nil {
			return nil, err
		}
	}
	return s, s.postInit()
}

// set reads a field. One that is there again takes the place of the first.
func (s *Spec) set(e entry) error {
	key, err := s.reader.key(e.key)
	if err != nil {
		return err
	}
	name, ok := key.(str)
	if !ok || !slices.Contains(fields(), string(name)) {
		e := s.reader.errorf(e.key, "flytekit's ImageSpec has no field %s", key.repr())
		e.Hint = diag.Suggest(string(name), fields())
		return e
	}
	field := string(name)
	s.at[field] = e.value
	delete(s.values, field)
	if field == "base_image" {
		s.base = nil
		if n := resolveAlias(e.value); n.Kind == yaml.MappingNode {
			s.base, err = s.reader.spec(n)
			return err
		}
	}
	v, err := s.reader.value(e.value)
	if err != nil {
		return err
	}
	if (v != none{}) {
		s.values[field] = v
	}
	return nil
}

// errorf is a mistake in a field's value.
func (s *Spec) errorf(field, format string, args ...any) *diag.Error {
	n, ok := s.at[field]
	if !ok {
		n = s.at[""]
	}
	return s.reader.errorf(n, format, args...)
}

// postInit does what ImageSpec's __post_init__ does.
func (s *Spec) postInit() error {
	name, ok := s.values["name"].(str)
	if !ok {
		return s.errorf("name", "name must be a string in flytekit").WithHint("put it in quotes")
	}
	s.values["name"] = lower(name)
	if err := s.checkRegistry(); err != nil {
		return err
	}
	if s.values["platform"] == nil {
		s.values["platform"] = str("linux/amd64")
	}
	if mode := s.values["source_copy_mode"]; s.values["source_root"] != nil && (mode == nil || !mode.truth()) {
		s.values["source_copy_mode"] = loadedModules
	}
	return s.checkTypes()
}

// lower is Python's str.lower, which knows of letters that become two.
func lower(s str) str { return str(cases.Lower(language.Und).String(string(s))) }

// registryPattern is flytekit's, with Python's idea of digits and letters, and
// of the end, where a line break can follow.
var registryPattern = regexp.MustCompile(`^(localhost:\p{Nd}{1,5}|([a-z\p{Nd}._-]+)(:\p{Nd}{1,5})?)(/[\p{L}\p{N}_.-]+)*\n?$`)

// checkRegistry lowers the registry. An empty one is none.
func (s *Spec) checkRegistry() error {
	v := s.values["registry"]
	if v == nil || !v.truth() {
		return nil
	}
	text, ok := v.(str)
	if !ok {
		return s.errorf("registry", "registry must be a string in flytekit").WithHint("put it in quotes")
	}
	registry := string(lower(text))
	if scheme, rest, ok := strings.Cut(registry, "://"); ok && (scheme == "https" || scheme == "http") {
		registry = strings.TrimSuffix(rest, "/")
	}
	if !registryPattern.MatchString(registry) {
		return s.errorf("registry", "registry %s is not the name of a registry", text.repr()).
			WithHint("write host[:port][/path], such as ghcr.io/org or localhost:30000")
	}
	s.values["registry"] = str(registry)
	return nil
}

// checkTypes refuses what flytekit refuses. It looks at few fields only, and
// takes any type for the others.
func (s *Spec) checkTypes() error {
	for _, field := range stringLists() {
		if v := s.values[field]; v != nil && !isStrings(v) {
			return s.errorf(field, "%s must be a list of strings in flytekit", field).WithHint("put its items in quotes")
		}
	}
	if v := s.values["pip_secret_mounts"]; v != nil && !isMounts(v) {
		return s.errorf("pip_secret_mounts", "pip_secret_mounts must be a list of pairs of strings").
			WithHint("write each as - [secret file, path in the build]")
	}
	if v := s.values["builder_options"]; v != nil {
		if _, ok := v.(dict); !ok {
			return s.errorf("builder_options", "builder_options must be a mapping of options")
		}
	}
	return nil
}

func isStrings(v value) bool {
	l, ok := v.(list)
	return ok && !slices.ContainsFunc(l, func(item value) bool { _, isStr := item.(str); return !isStr })
}

func isMounts(v value) bool {
	l, ok := v.(list)
	return ok && !slices.ContainsFunc(l, func(item value) bool {
		t, isTuple := item.(tuple)
		if isTuple {
			item = list(t)
		}
		pair, isList := item.(list)
		return !isList || len(pair) != 2 || !isStrings(pair)
	})
}

// ID is flytekit's id of the image, which a container of it has as _F_IMG_ID.
func (s *Spec) ID() string {
	sum := md5.Sum([]byte(s.dict().repr())) //nolint:gosec // flytekit's algorithm
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// dict is what Python prints of the spec and the id is the digest of.
func (s *Spec) dict() dict {
	d := dict{}
	for _, field := range fields() {
		v := s.values[field]
		if field == "base_image" && s.base != nil {
			v = s.base.dict()
		}
		if v != nil && !slices.Contains(unhashed(), field) {
			d = append(d, pair{str(field), v})
		}
	}
	return d
}
