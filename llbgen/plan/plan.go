// Package plan decides what an image will be, as plain data: which packages,
// in which layers, on which base, with which configuration. It reads the spec
// and the lock, prints as JSON, and knows nothing of BuildKit; package llbgen
// turns a Plan into LLB and decides nothing.
package plan

import (
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Prefix is where the environment of every image lives.
const Prefix = "/opt/venv"

// Plan is the whole image for one platform. Everything that reaches LLB is in
// it, and nothing else: comments, other platforms' files and the spelling of
// the input are not.
type Plan struct {
	Platform string `json:"platform"` // "linux/amd64"
	Base     Base   `json:"base"`
	// Interpreter is the Python that a base without one gets, nil for a base with one.
	Interpreter *Interpreter `json:"interpreter,omitempty"`
	Python      Python       `json:"python"`
	Libc        string       `json:"libc"`                  // C library of the base, "glibc-2.36"
	Lock        string       `json:"lock,omitempty"`        // path of the lock in the build context
	Format      string       `json:"lock_format,omitempty"` // "uv.lock", "requirements.txt", …: of which format it is
	// Resolved is what was asked of the resolver, nil if all is locked.
	Resolved *resolve.Request `json:"resolved,omitempty"`
	// Secrets are those of pip_secret_mounts, for the steps that talk to an index.
	Secrets  []Secret  `json:"secrets,omitempty"`
	Rewrites Rewrites  `json:"url_rewrites,omitempty"` // the longest ones first
	Packages []Package `json:"packages"`               // sorted by name
	Pip      *Package  `json:"pip,omitempty"`          // part of every environment that has no pip of its own
	Layers   []Layer   `json:"layers"`                 // in the order they are laid on the base
	Removes  []string  `json:"removes,omitempty"`      // names of packages of the spec that this one is built on, which others here replace
	Builds   *Builds   `json:"builds,omitempty"`       // nil where nothing is built
	Apt      *Apt      `json:"apt,omitempty"`
	Account  Account   `json:"account"`
	Copies   []Copy    `json:"copies,omitempty"`   // in the order they are made
	Commands []Command `json:"commands,omitempty"` // in the order they are run
	Tools    []Tool    `json:"tools,omitempty"`    // what commands have at hand
	Bytecode Bytecode  `json:"bytecode,omitempty"` // how the modules of each layer are compiled, into one more layer
	Config   Config    `json:"config"`

	RequirementsAt diag.Range `json:"-"` // where the spec names the lock
}

// Base is the image that the environment is laid on.
type Base struct {
	Ref    string     `json:"ref"`              // normalised reference, "docker.io/library/python:3.12-slim-bookworm"
	Digest string     `json:"digest,omitempty"` // of the manifest, where a registry was asked
	Env    []string   `json:"env,omitempty"`    // of its configuration, where that was read
	Plan   *Plan      `json:"plan,omitempty"`   // of the base, where it is a spec of its own
	At     diag.Range `json:"-"`
}

// Architecture is that of the platform: "amd64".
func (p *Plan) Architecture() string {
	_, rest, _ := strings.Cut(p.Platform, "/")
	architecture, _, _ := strings.Cut(rest, "/")
	return architecture
}

// Python is the interpreter of the base that the environment runs on.
type Python struct {
	Version      string `json:"version"`                 // "3.12.4"
	Home         string `json:"home"`                    // directory of the executable, "/usr/local/bin"
	FreeThreaded bool   `json:"free_threaded,omitempty"` // the build without the global interpreter lock
	From         string `json:"from,omitempty"`          // where the version comes from, "pyproject.toml:4", where it is neither the spec nor the base
	Executable   string `json:"executable,omitempty"`    // the interpreter that python_exec names; else that of the version in Home
	SystemSite   bool   `json:"system_site,omitempty"`   // packages that the base has beside the interpreter are visible
}

// PythonPrefix is where an interpreter is unpacked that the base does not have.
const PythonPrefix = "/opt/python"

// Interpreter is an archive of Python that is unpacked on a base without one.
type Interpreter struct {
	Version string     `json:"version"` // full, "3.12.16"
	URL     string     `json:"url"`
	SHA256  string     `json:"sha256"` // hex
	Prefix  string     `json:"prefix"` // where it is unpacked
	At      diag.Range `json:"-"`
}

// String gives the version, and behind it the t of a free-threaded build.
func (p Python) String() string { return p.Version + p.suffix() }

// Minor gives the first two numbers of the version, and the t of a
// free-threaded build: what the interpreter's own files are named by.
func (p Python) Minor() string {
	parts := strings.SplitN(p.Version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".") + p.suffix()
}

// PreRelease tells alpha, beta and candidate versions from released ones.
func (p Python) PreRelease() bool { return strings.ContainsAny(p.Version, "abr") }

func (p Python) suffix() string {
	if p.FreeThreaded {
		return "t"
	}
	return ""
}

// Package is one package of the environment and the file that it comes from.
type Package struct {
	Name    string     `json:"name"`
	Version string     `json:"version"`
	Kind    lock.Kind  `json:"kind"`
	File    string     `json:"file"`              // file name, empty for git and directory
	URL     string     `json:"url"`               // of the file, repository or archive; empty for what is in the context
	Path    string     `json:"path,omitempty"`    // of the file or tree in the build context
	SHA256  string     `json:"sha256"`            // hex, empty where the lock has none
	Size    int64      `json:"size"`              // bytes, 0 where the lock does not say
	Private bool       `json:"private,omitempty"` // fetched by a step that has secrets, since its server may want them
	Group   string     `json:"group"`             // name of its layer
	Direct  bool       `json:"direct,omitempty"`  // asked for by URL and not from an index, which direct_url.json records (PEP 610)
	Build   *Build     `json:"build,omitempty"`   // nil for a wheel
	At      diag.Range `json:"-"`

	locked, by *lock.Package // in the lock, and the first one there that asks for it
}

// Why gives the packages of the lock that brought a package in: itself, the
// one that asks for it, and so on up to the project or to what the lock asks
// for on its own. There are none for a package that the image does not have.
func (p *Plan) Why(name string) []*lock.Package {
	byName := make(map[string]Package, len(p.Packages))
	for _, pkg := range p.Packages {
		byName[pkg.Name] = pkg
	}
	var chain []*lock.Package
	for pkg, ok := byName[name]; ok; {
		delete(byName, pkg.Name) // a package that asks for itself ends it
		chain = append(chain, pkg.locked)
		if pkg.by == nil {
			break
		}
		next, installed := byName[pkg.by.Name]
		if !installed {
			chain = append(chain, pkg.by)
		}
		pkg, ok = next, installed
	}
	return chain
}

// Layer is a set of packages that is installed by one step into one layer.
type Layer struct {
	Name     string   `json:"name"`
	Packages []string `json:"packages"`
	Size     int64    `json:"size"` // bytes to download, as far as the lock says

	rank int
}

// Install is what one step unpacks into one layer.
type Install struct {
	Layer
	Wheels []Package
}

// Installs gives all that is unpacked: the layers in their order, and pip.
func (p *Plan) Installs() []Install {
	var all []Install
	for _, layer := range p.Layers {
		step := Install{Layer: layer}
		for _, pkg := range p.Packages {
			if pkg.Group == layer.Name {
				step.Wheels = append(step.Wheels, pkg)
			}
		}
		all = append(all, step)
	}
	if p.Pip != nil {
		all = append(all, Install{
			Layer:  Layer{Name: p.Pip.Group, Packages: []string{p.Pip.Name}, Size: p.Pip.Size},
			Wheels: []Package{*p.Pip},
		})
	}
	return all
}

// Config is what the image's configuration gets on top of the base's.
type Config struct {
	Path        []string          `json:"path"`         // directories put before the base's PATH
	PathBehind  []string          `json:"path_behind"`  // directories put behind it
	LibraryPath []string          `json:"library_path"` // directories put before the base's LD_LIBRARY_PATH
	Env         []EnvVar          `json:"env"`
	ImageID     string            `json:"image_id,omitempty"` // flytekit's id of the spec, the variable _F_IMG_ID
	User        string            `json:"user"`
	Workdir     string            `json:"workdir"`
	Shell       []string          `json:"shell"`
	Labels      map[string]string `json:"labels,omitempty"`
	Entrypoint  *[]string         `json:"entrypoint,omitempty"` // nil keeps the base's, empty clears it
}

// EnvVar is one environment variable.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
