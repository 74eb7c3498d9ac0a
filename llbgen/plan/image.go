package plan

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Apt is the step that installs Debian packages into the base.
type Apt struct {
	Packages []string   `json:"packages"` // sorted, as apt-get takes them
	At       diag.Range `json:"-"`
}

// Copy is a file or folder of the build context that goes into the image, as
// a child of the working directory. Folders are copied with what is in them.
type Copy struct {
	From   string     `json:"from"`             // in the build context; "." is all of it
	To     string     `json:"to"`               // absolute
	Source bool       `json:"source,omitempty"` // it is source_root: what its .gitignore files name is left out
	At     diag.Range `json:"-"`
}

// Command is a shell command that runs in the image, as root.
type Command struct {
	Run string     `json:"run"`
	At  diag.Range `json:"-"`
}

// steps plans what is done to the image beside the packages.
func (p *Plan) steps(spec *imagespec.Spec, architecture string) {
	if len(spec.AptPackages.Items) > 0 {
		p.Apt = &Apt{Packages: slices.Sorted(slices.Values(spec.AptPackages.Values())), At: spec.AptPackages.At}
	}
	p.Account = p.account()
	p.Copies = copies(spec)
	for _, command := range spec.Commands.Items {
		p.Commands = append(p.Commands, Command{Run: command.Value, At: command.At})
	}
	if uv, ok := UV(architecture); ok && len(p.Commands) > 0 {
		p.Tools = append(p.Tools, uv)
	}
}

// account is the user of the image, who owns its working directory. Root and
// users by number are taken as they are.
func (p *Plan) account() Account {
	user, a := p.Config.User, Account{}
	if user != "root" && strings.Trim(user, "0123456789:") != "" {
		a.User, a.Own, a.Path = user, []string{p.Config.Workdir}, value(p.Environ(), "PATH", "")
	}
	return a
}

// copies puts the files of the spec below the working directory, each at the
// path that it has in the context, but source_root itself in its place.
func copies(spec *imagespec.Spec) []Copy {
	dir := workdir(spec)
	var all []Copy
	if mode := spec.CopyMode(); mode == imagespec.CopyModules || mode == imagespec.CopyAll {
		all = append(all, Copy{From: path.Clean(spec.SourceRoot.Value), To: dir, Source: true, At: spec.SourceRoot.At})
	}
	for _, item := range spec.Copy.Items {
		from := path.Clean(item.Value)
		all = append(all, Copy{From: from, To: path.Join(dir, from), At: item.At})
	}
	return all
}

func workdir(spec *imagespec.Spec) string {
	return cmp.Or(spec.BuilderOptions.Workdir.Value, imagespec.DefaultWorkdir)
}

// config is what the image's configuration gets: what flytekit's images have,
// then what the spec sets.
func config(spec *imagespec.Spec, imageID string) Config {
	c := Config{
		Path:        []string{Prefix + "/bin"},
		PathBehind:  []string{"/usr/local/nvidia/bin", "/usr/local/cuda/bin"},
		LibraryPath: []string{"/usr/local/nvidia/lib64"},
		Env: []EnvVar{
			{"UV_PYTHON", Prefix + "/bin/python"},
			{"UV_COMPILE_BYTECODE", "1"},
			{"UV_LINK_MODE", "copy"},
			{"FLYTE_SDK_RICH_TRACEBACKS", "0"},
			{"SSL_CERT_DIR", "/etc/ssl/certs"},
			{"PYTHONPATH", workdir(spec)},
		},
		ImageID: imageID,
		User:    cmp.Or(spec.BuilderOptions.User.Value, imagespec.DefaultUser),
		Workdir: workdir(spec),
		Shell:   []string{"/bin/bash", "-c"},
	}
	for _, pair := range spec.Env.Pairs {
		c.set(pair.Key.Value, pair.Value.Value)
	}
	for _, pair := range spec.BuilderOptions.Labels.Pairs {
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		c.Labels[pair.Key.Value] = pair.Value.Value
	}
	if spec.Entrypoint.IsSet() {
		entrypoint := append([]string{}, spec.Entrypoint.Values()...)
		c.Entrypoint = &entrypoint
	}
	return c
}

// set gives a variable its value, at the place where it was.
func (c *Config) set(name, value string) {
	for i := range c.Env {
		if c.Env[i].Name == name {
			c.Env[i].Value = value
			return
		}
	}
	c.Env = append(c.Env, EnvVar{Name: name, Value: value})
}

// addPip adds pip, unless the environment has one or is to have none.
func (p *Plan) addPip(spec *imagespec.Spec) {
	has := func(pkg Package) bool { return pkg.Name == "pip" }
	if !spec.BuilderOptions.Pip.On() || slices.ContainsFunc(p.Packages, has) {
		return
	}
	own := pip(p.Python)
	p.Pip = &own
}

// pip gives the pip that is part of an environment, for a minor version of
// Python: the newest there was for it when this was written.
func pip(python Python) Package {
	p := Package{Name: "pip", Kind: lock.KindWheel, Group: "+pip"}
	p.Version, p.SHA256, p.Size = "26.3", "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13", 1950951
	hash := "07/25/ee8c38ae72d66b844ce8eb9711ba905dba21ca1a8a0c960057c41cd23337"
	switch python.Minor() {
	case "3.9":
		p.Version, p.SHA256, p.Size = "26.0.1", "bdb1b08f4274833d62c1aa29e20907365a2ceb950410df15fc9521bad440122b", 1787723
		hash = "de/f0/c81e05b613866b76d2d1066490adf1a3dbc4ee9d9c839961c3fc8a6997af"
	case "3.8":
		p.Version, p.SHA256, p.Size = "25.0.1", "c46efd13b6aa8279f33f2864459c8ce587ea6a1a59ee20de055868d8f7688f7f", 1841526
		hash = "c9/bc/b7db44f5f39f9d0494071bddae6880eb645970366d0a200022a1a93d57f5"
	}
	p.File = "pip-" + p.Version + "-py3-none-any.whl"
	p.URL = "https://files.pythonhosted.org/packages/" + hash + "/" + p.File
	return p
}
