// Package imagespec reads ImageSpec files: the flat YAML mapping in which
// Flyte describes the container image of a task. Here are its types, the
// strict decoding with the place of every value, and the checks that need the
// file alone. What a lock file contains, which base image a Python version
// means and how an image is built is decided elsewhere.
package imagespec

import (
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/internal/diag"
)

// Text is a scalar as it was written, with its place. `3.10` stays "3.10" and
// `true` stays "true", whatever YAML would make of them. The zero value is
// unset.
type Text struct {
	Value string
	At    diag.Range
}

// IsSet reports whether the file has the value; an empty string is one, null
// is not.
func (t Text) IsSet() bool { return t.At.Line > 0 }

// List is a sequence of scalars. The zero value is unset.
type List struct {
	Items []Text
	At    diag.Range
}

// IsSet reports whether the file has the list; `[]` is one, null is not.
func (l List) IsSet() bool { return l.At.Line > 0 }

// Values gives the items' text, nil for an empty or unset list.
func (l List) Values() []string {
	var values []string
	for _, item := range l.Items {
		values = append(values, item.Value)
	}
	return values
}

// Pair is an entry of a Map.
type Pair struct{ Key, Value Text }

// Map is a mapping of scalars to scalars, in the file's order. The zero value
// is unset.
type Map struct {
	Pairs []Pair
	At    diag.Range
}

// IsSet reports whether the file has the mapping; `{}` is one, null is not.
func (m Map) IsSet() bool { return m.At.Line > 0 }

// Flag is true or false. The zero value is unset; whether that is the same as
// false is said at each field.
type Flag struct {
	Value bool
	At    diag.Range
}

// IsSet reports whether the file has the value; null is not one.
func (f Flag) IsSet() bool { return f.At.Line > 0 }

// On reports whether what is done by default is wanted: unset is true.
func (f Flag) On() bool { return f.Value || !f.IsSet() }

// Spec is an ImageSpec file, field by field in the order of flytekit's
// dataclass, on which flytekit's image id depends.
type Spec struct {
	Source *diag.Source // the file it was read from

	Name             Text  // the image's repository, in lower case; "flytekit" where unset
	PythonVersion    Text  // X.Y or X.Y.Z or a pre-release of that, with a trailing t where free-threaded
	Builder          Text  // which of flytekit's builders to use; this frontend is none of them
	SourceRoot       Text  // the directory whose files go to /root
	Env              Map   // the image's environment
	Registry         Text  // where flytekit pushes, without scheme and in lower case
	Packages         List  // PEP 508 requirements
	CondaPackages    List  // conda match specs
	CondaChannels    List  // channels beside conda-forge
	Requirements     Text  // a lock or requirements file, relative to the build context
	AptPackages      List  // Debian packages
	Cuda             Text  // CUDA version
	Cudnn            Text  // cuDNN version
	BaseImage        Text  // the image that is built on; without a value where Base is set
	Base             *Spec // the image that is built on, as a spec of its own; nil where it is named
	Platform         List  // target platforms, one per item also where they were written as "a,b"
	PipIndex         Text  // index URL in place of PyPI, without credentials; "" is PyPI too
	PipExtraIndexURL List  // further index URLs, without credentials
	PipSecretMounts  Map   // the client's secret file → where it is mounted in the build
	PipExtraArgs     Text  // options of the installer, separated by spaces
	RegistryConfig   Text  // path of a JSON file with registry credentials
	Entrypoint       List  // the image's entrypoint; set and empty clears the base's
	Commands         List  // shell commands that run as root after all else
	TagFormat        Text  // the tag, with {spec_hash} in it
	SourceCopyMode   Text  // which files of SourceRoot are copied
	Copy             List  // files and directories that go below /root
	PythonExec       Text  // the base image's interpreter to use
	RuntimePackages  List  // PEP 508 requirements that are installed when the container starts
	BuilderOptions   Options
	BuilderConfig    Map // images that flytekit's default builder takes its tools from
}

// Options is what lies under `builder_options`, the one place where flytekit
// lets a file say more than its own fields.
type Options struct {
	Extras          List // extras of the locked project to install (PEP 508 names)
	Groups          List // dependency groups to install (PEP 735)
	Package         Text // the workspace member to install for
	Locked          Flag // a lock that does not fit its project is an error
	Flytekit        Text // "true", "false", or the version of flytekit that is added to what is resolved
	ExcludeNewer    Text // nothing that was uploaded at this time (RFC 3339) or later is resolved to; of a day, its end
	URLRewrites     Map  // beginning of a URL → what takes its place when a file, an index or a commit is fetched
	CompileBytecode Flag // whether modules are compiled; they are where it is unset
	Pip             Flag // pip is part of the environment; unset is true
	User            Text // the image's user, a name or uid[:gid]; "flytekit" where unset
	Workdir         Text // the image's working directory, where sources go; "/root" where unset
	Labels          Map  // of the image's configuration

	DefaultGroups    Flag // install the groups, too, that the project declares as default
	InstallProject   Flag // install the project itself beside its dependencies
	BuildAptPackages List // Debian packages for the steps that build packages; empty: not even compilers
	At               diag.Range
}

// Platforms gives the target platforms in the file's order, normalised as
// BuildKit does, and nil where `platform` is unset. Entries that Parse would
// have refused are left out.
func (s *Spec) Platforms() []ocispecs.Platform {
	var list []ocispecs.Platform
	for _, item := range s.Platform.Items {
		if p, ok := parsePlatform(item.Value); ok {
			list = append(list, p)
		}
	}
	return list
}

// parsePlatform reads "os/arch" or "os/arch/variant", and reports whether it
// is one that images are built for.
func parsePlatform(s string) (ocispecs.Platform, bool) {
	if !strings.Contains(s, "/") {
		return ocispecs.Platform{}, false // Parse would complete it with this machine's
	}
	p, err := platforms.Parse(s)
	if err != nil {
		return ocispecs.Platform{}, false
	}
	p = platforms.Normalize(p)
	return p, slices.Contains(knownPlatforms(), platforms.FormatAll(p))
}

// knownPlatforms are the Linux platforms that BuildKit and Debian name, in
// normalised spelling.
func knownPlatforms() []string {
	return []string{
		"linux/386", "linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4",
		"linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm64", "linux/loong64",
		"linux/mips64le", "linux/ppc64le", "linux/riscv64", "linux/s390x",
	}
}
