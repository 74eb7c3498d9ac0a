package llbgen

import (
	"maps"
	"slices"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/llbgen/plan"
)

// defaultPath is what a container's PATH is where the base names none, as
// BuildKit has it.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Image gives the configuration of the planned image: the base's, with what
// the plan adds, and the labels of the client. base is not changed.
func Image(p *plan.Plan, base dockerspec.DockerOCIImage, platform ocispecs.Platform, labels map[string]string) *dockerspec.DockerOCIImage {
	img := base
	img.Platform = ocispecs.Platform{
		Architecture: platform.Architecture, OS: platform.OS,
		OSVersion: platform.OSVersion, Variant: platform.Variant,
	}
	img.Created = nil // the exporter sets it, by the epoch where one is given
	img.History = history(p, base)
	img.RootFS = ocispecs.RootFS{Type: "layers"}
	img.Config.Env = environ(p.Config, base.Config.Env)
	img.Config.Labels = maps.Clone(base.Config.Labels)
	if len(labels) > 0 && img.Config.Labels == nil {
		img.Config.Labels = map[string]string{}
	}
	maps.Copy(img.Config.Labels, labels)
	if p.Config.Entrypoint != nil {
		img.Config.Entrypoint = *p.Config.Entrypoint
		img.Config.Cmd = nil // it was written for the base's entrypoint
	}
	return &img
}

// history gives one entry per layer: the base's own and ours. Left to the
// exporter, the text would be what each engine happens to remember of a layer.
func history(p *plan.Plan, base dockerspec.DockerOCIImage) []ocispecs.History {
	all := slices.Clone(base.History)
	layers := 0
	for _, h := range all {
		if !h.EmptyLayer {
			layers++
		}
	}
	for range len(base.RootFS.DiffIDs) - layers {
		all = append(all, ocispecs.History{Comment: "layer of " + p.Base.Ref})
	}
	all = append(all, ocispecs.History{CreatedBy: "create " + plan.Prefix, Comment: "imagespec"})
	for _, layer := range p.Layers {
		all = append(all, ocispecs.History{CreatedBy: "install " + strings.Join(layer.Packages, ", "), Comment: "imagespec"})
	}
	if p.Bytecode != "" {
		for _, layer := range p.Layers {
			all = append(all, ocispecs.History{CreatedBy: "compile " + strings.Join(layer.Packages, ", "), Comment: "imagespec"})
		}
	}
	return all
}

// environ gives the base's environment with the plan's directories before its
// PATH and the plan's variables set, each at its old place or at the end.
func environ(c plan.Config, base []string) []string {
	env := slices.Clone(base)
	path := defaultPath
	if i := index(env, "PATH"); i >= 0 {
		_, path, _ = strings.Cut(env[i], "=")
	}
	env = setenv(env, "PATH", strings.Join(append(slices.Clone(c.Path), path), ":"))
	for _, v := range c.Env {
		env = setenv(env, v.Name, v.Value)
	}
	return env
}

func setenv(env []string, name, value string) []string {
	entry := name + "=" + value
	if i := index(env, name); i >= 0 {
		env[i] = entry
		return env
	}
	return append(env, entry)
}

func index(env []string, name string) int {
	return slices.IndexFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}
