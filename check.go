package imagespec

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"

	"github.com/imagespec/imagespec/internal/diag"
)

// DefaultName is flytekit's name for an image that has none.
const DefaultName = "flytekit"

// check looks at the values of the working fields, and brings name and
// registry into the form that flytekit gives them. Unset ones pass.
func (d *decoder) check(s *Spec) {
	d.checkName(&s.Name)
	d.checkPythonVersion(s.PythonVersion)
	d.checkBuilder(s.Builder)
	d.checkEnv(s.Env)
	d.checkRegistry(&s.Registry)
	d.checkRequirements(s.Requirements)
	if s.Base == nil {
		d.checkBaseImage(s.BaseImage)
	}
	d.checkPlatform(s.Platform)
	d.checkCUDA("cuda", s.Cuda)
	d.checkCUDA("cudnn", s.Cudnn)
	d.checkPythonExec(s)
	if s.PipIndex.Value != "" { // flytekit takes the empty string for none
		d.checkIndex("pip_index", &s.PipIndex)
	}
	for i := range s.PipExtraIndexURL.Items {
		d.checkIndex("pip_extra_index_url", &s.PipExtraIndexURL.Items[i])
	}
	d.checkPackages(s.Packages)
	d.checkSecretMounts(s.PipSecretMounts)
	d.checkFlytekit(s.BuilderOptions.Flytekit)
	d.checkExcludeNewer(&s.BuilderOptions.ExcludeNewer)
	d.checkRewrites(s.BuilderOptions.URLRewrites)
	d.checkApt("apt_packages", s.AptPackages)
	d.checkCommands(s.Commands)
	d.checkSource(s)
	d.checkUnusedHere(s)
	d.checkRuntime(s)
	d.checkUser(s.BuilderOptions.User)
	d.checkWorkdir(&s.BuilderOptions.Workdir)
	d.checkLabels(s.BuilderOptions.Labels)
	d.checkNames("builder_options.extras", s.BuilderOptions.Extras)
	d.checkNames("builder_options.groups", s.BuilderOptions.Groups)
	d.checkApt("builder_options.build_apt_packages", s.BuilderOptions.BuildAptPackages)
	if p := s.BuilderOptions.Package; p.IsSet() {
		d.checkProjectName("builder_options.package", p)
	}
}

// checkName lowers the name and wants a repository in it. Unset it becomes
// flytekit's default, still without a place.
func (d *decoder) checkName(name *Text) {
	if !name.IsSet() {
		name.Value = DefaultName
		return
	}
	written := name.Value
	name.Value = strings.ToLower(name.Value)
	ref, err := reference.ParseNormalizedNamed(name.Value)
	if err != nil || !reference.IsNameOnly(ref) {
		d.errorf(name.At, "name %s is not the name of an image repository", show(written)).
			WithHint(`use letters, digits and single . _ - between them, without tag, such as "my-image"`)
	}
}

// pythonVersion is a release of CPython, a pre-release, or a minor version.
var pythonVersion = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)(\.(0|[1-9]\d*)((a|b|rc)[1-9]\d*)?)?t?$`)

// checkPythonVersion wants one version. Ranges and bare major versions would
// make the image depend on the day it is built.
func (d *decoder) checkPythonVersion(v Text) {
	if !v.IsSet() || pythonVersion.MatchString(v.Value) {
		return
	}
	e := d.errorf(v.At, "python_version %s is not a version of the form X.Y or X.Y.Z", show(v.Value))
	switch {
	case strings.ContainsAny(v.Value, "<>=~!*,"):
		e.WithHint("write the one version that the image has, such as 3.12")
	case v.Value == "3":
		e.WithHint("add the minor version, such as 3.12")
	default:
		e.WithHint("write a version such as 3.12 or 3.12.4, with a t behind for the free-threaded build")
	}
}

// checkBuilder warns where the file names one of flytekit's builders, which
// this build takes the place of, and what its users have to know then.
func (d *decoder) checkBuilder(b Text) {
	if !b.IsSet() || b.Value == "imagespec" {
		return
	}
	var hint string
	switch b.Value {
	case "default":
		hint = "the image is made for the same use; flytekit itself still reads the key"
	case "envd": // its default base has flytekit in it, the lock file here has to
		hint = "envd starts from flytekit's own image where base_image is unset; set base_image if the image relies on that"
	case "union", "unionai":
		hint = "nothing is sent to Union; the image goes where this build's output goes"
	case "noop":
		hint = "noop means that base_image is used as it is; to do so, build nothing"
	default:
		hint = "remove the key if only this frontend reads the file"
	}
	d.warn("BuilderIgnored", b.At, hint, "builder %s is not used: this frontend is the builder", show(b.Value))
}

// checkEnv wants names that the environment of a process can hold; execve(2)
// takes "name=value" strings. Values can be any text.
func (d *decoder) checkEnv(env Map) {
	for _, pair := range env.Pairs {
		switch name := pair.Key.Value; {
		case name == "":
			d.errorf(pair.Key.At, "env has a variable without name").WithHint("write NAME: value")
		case strings.Contains(name, "="):
			d.errorf(pair.Key.At, `env has the variable %s with a "=" in its name`, show(name)).WithHint("write NAME: value")
		}
	}
}

// registryName is flytekit's rule for registries.
var registryName = regexp.MustCompile(`^(localhost:\d{1,5}|([a-z\d._-]+)(:\d{1,5})?)(/[\w.-]+)*$`)

// checkRegistry lowers the registry, and takes the scheme off that flytekit's
// public examples show and flytekit refuses.
func (d *decoder) checkRegistry(r *Text) {
	if r.Value == "" {
		return // flytekit takes the empty string for none
	}
	written := r.Value
	r.Value = strings.ToLower(r.Value)
	if scheme, rest, ok := strings.Cut(r.Value, "://"); ok && (scheme == "https" || scheme == "http") {
		r.Value = strings.TrimSuffix(rest, "/")
	}
	if !registryName.MatchString(r.Value) {
		e := d.errorf(r.At, "registry %s is not the name of a registry", show(written)).
			WithHint("write host[:port][/path], such as ghcr.io/org or localhost:30000")
		if near := strings.Trim(r.Value, "/ "); registryName.MatchString(near) {
			e.WithHint("did you mean %s?", show(near))
		}
		return
	}
	if strings.Contains(written, "://") {
		d.warn("RegistryScheme", r.At, "write "+word(r.Value), "registry %s has a scheme, which flytekit refuses", show(written))
	}
}

// checkRequirements wants a path below the build context, the only place that
// a frontend can read. To flytekit it is relative to the working directory,
// which for "docker build ." is the same.
func (d *decoder) checkRequirements(file Text) {
	switch {
	case !file.IsSet():
	case file.Value == "":
		d.errorf(file.At, "requirements names no file").WithHint("name a lock or requirements file, such as uv.lock, or remove the key")
	case strings.Contains(file.Value, "://"):
		d.errorf(file.At, "requirements %s is not a file in the build context", show(file.Value)).
			WithHint("put the file into the build context and name it here")
	case !fs.ValidPath(path.Clean(file.Value)):
		d.errorf(file.At, "requirements %s lies outside the build context", show(file.Value)).
			WithHint("write a path relative to the build context, such as uv.lock")
	}
}

// checkBaseImage wants an image reference in the familiar form, as FROM takes
// it. The reference library's words stay in the chain: they explain its grammar,
// not the mistake.
func (d *decoder) checkBaseImage(image Text) {
	if !image.IsSet() {
		return
	}
	_, err := reference.ParseNormalizedNamed(image.Value)
	if err == nil {
		return
	}
	e := d.errorf(image.At, "base_image %s is not an image reference", show(image.Value))
	e.Err = err
	lower := strings.ToLower(image.Value)
	_, lowerErr := reference.ParseNormalizedNamed(lower)
	_, rest, scheme := strings.Cut(image.Value, "://")
	switch {
	case lowerErr == nil:
		e.WithHint("names are written in lower case: %s", word(lower))
	case scheme:
		e.WithHint("write it without the scheme: %s", word(rest))
	default:
		e.WithHint("write [registry/]name[:tag][@digest], such as python:3.12-slim-bookworm")
	}
}

// cudaVersion is a version of CUDA or cuDNN, or the beginning of one.
var cudaVersion = regexp.MustCompile(`^[1-9]\d*(\.\d+){0,3}$`)

// checkCUDA wants a version; whether there is an image with it is not known
// here.
func (d *decoder) checkCUDA(name string, version Text) {
	if version.IsSet() && !cudaVersion.MatchString(version.Value) {
		d.errorf(version.At, "%s %s is not a version", name, show(version.Value)).
			WithHint("write numbers with dots between them, such as %s", map[string]string{"cuda": "12.4.1", "cudnn": "9"}[name])
	}
}

// checkPythonExec wants the path of an interpreter in the base image. As in
// flytekit it cannot go with conda, which brings an interpreter of its own.
func (d *decoder) checkPythonExec(s *Spec) {
	exec := s.PythonExec
	if !exec.IsSet() {
		return
	}
	for _, conda := range []struct {
		name string
		list List
	}{{"conda_packages", s.CondaPackages}, {"conda_channels", s.CondaChannels}} {
		if len(conda.list.Items) > 0 {
			d.errorf(exec.At, "python_exec cannot stand beside %s, which brings a Python of its own", conda.name).WithHint("remove one of the two")
		}
	}
	switch {
	case s.Base != nil:
		d.errorf(exec.At, "python_exec cannot stand beside a base_image that is a spec, whose environment is built on").
			WithHint("write it into that spec")
	case !path.IsAbs(exec.Value) || path.Clean(exec.Value) != exec.Value || strings.ContainsAny(exec.Value, "\n\r") || path.Dir(exec.Value) == "/":
		d.errorf(exec.At, "python_exec %s is not the absolute path of an interpreter", show(exec.Value)).
			WithHint("write where it is in the base image, such as /usr/bin/python3")
	case strings.HasPrefix(exec.Value, "/opt/venv/"):
		d.errorf(exec.At, "python_exec %s lies where the image's own environment is made", show(exec.Value)).
			WithHint("name the interpreter that it is made of, such as /usr/bin/python3")
	}
}

// checkPlatform wants Linux platforms that we know, each once however it is
// spelt: two of one kind would be two images with one place in the index.
func (d *decoder) checkPlatform(list List) {
	if list.IsSet() && len(list.Items) == 0 {
		d.errorf(list.At, "platform names no platform").WithHint("remove it, or write one such as linux/amd64")
	}
	seen := map[string]bool{}
	for _, item := range list.Items {
		p, ok := parsePlatform(item.Value)
		if !ok {
			d.badPlatform(item)
			continue
		}
		name := platforms.Format(p)
		if seen[name] {
			d.errorf(item.At, "platform %s is listed twice", show(item.Value)).WithHint("remove one of the two")
		}
		seen[name] = true
	}
}

// badPlatform says why a platform is none, and which is near.
func (d *decoder) badPlatform(item Text) {
	os, _, ok := strings.Cut(item.Value, "/")
	if ok && os != "linux" && isOS(os) {
		d.errorf(item.At, "platform %s is not supported: images are built for Linux only", show(item.Value)).
			WithHint("write a platform such as linux/amd64 or linux/arm64")
		return
	}
	e := d.errorf(item.At, "platform %s is unknown", show(item.Value))
	e.Hint = diag.Suggest(item.Value, knownPlatforms())
	if p, ok := parsePlatform("linux/" + item.Value); ok {
		e.WithHint("did you mean %q?", platforms.Format(p))
	}
}

// isOS reports whether a name is that of an operating system that others
// build images for, rather than a misspelt "linux".
func isOS(name string) bool {
	switch strings.ToLower(name) {
	case "windows", "darwin", "macos", "freebsd", "wasi", "js":
		return true
	}
	return false
}

// checkIndex wants the URL of an index, and takes credentials out of it: they
// are no part of what an image is, and would get into every cache and log.
func (d *decoder) checkIndex(name string, index *Text) {
	shown := show(string(diag.Redact([]byte(index.Value))))
	u, err := url.Parse(index.Value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		d.errorf(index.At, "%s %s is not an http or https URL", name, shown).
			WithHint("write the URL of an index of the Simple API, such as https://pypi.org/simple")
		return
	}
	if u.RawQuery != "" || u.Fragment != "" {
		d.errorf(index.At, "%s %s has a query or fragment, which is not part of an index's URL", name, shown).
			WithHint("remove what begins with ? or #")
		return
	}
	if u.User == nil {
		return
	}
	u.User = nil
	index.Value = u.String()
	d.warn("IndexCredentials", index.At,
		fmt.Sprintf("take them out, and give them to the build as the secret HTTP_AUTH_HEADER_%[1]s or HTTP_AUTH_TOKEN_%[1]s", u.Hostname()),
		"the credentials in %s %s are not used", name, shown)
}

// checkNames wants project names, each once: installers compare them by their
// normal form, so "a-b" and "A_b" are one.
func (d *decoder) checkNames(name string, list List) {
	seen := map[string]bool{}
	for _, item := range list.Items {
		if !d.checkProjectName(name, item) {
			continue
		}
		normal := normalName(item.Value)
		if seen[normal] {
			d.errorf(item.At, "%s has %s twice", name, show(item.Value)).WithHint("remove one of the two")
		}
		seen[normal] = true
	}
}

var (
	projectName    = regexp.MustCompile(`^(?i)([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])$`)
	nameSeparators = regexp.MustCompile(`[-_.]+`)
)

// checkProjectName wants a name as PEP 508 has it, which extras and, by PEP
// 735, groups have too.
func (d *decoder) checkProjectName(name string, value Text) bool {
	if projectName.MatchString(value.Value) {
		return true
	}
	d.errorf(value.At, "%s %s is not a valid name", name, show(value.Value)).
		WithHint("a name has letters, digits and . _ - between them")
	return false
}

// normalName is the form in which names are compared (PEP 503).
func normalName(name string) string {
	return nameSeparators.ReplaceAllString(strings.ToLower(name), "-")
}
