package llbgen

import (
	"maps"
	"slices"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/llbgen/plan"
)

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
	img.Config.Env = p.Environ()
	if id := p.Config.ImageID; id != "" {
		img.Config.Env = slices.DeleteFunc(img.Config.Env, func(v string) bool { return strings.HasPrefix(v, "_F_IMG_ID=") })
		img.Config.Env = append(img.Config.Env, "_F_IMG_ID="+id)
	}
	img.Config.User = p.Config.User
	img.Config.WorkingDir = p.Config.Workdir
	img.Config.Shell = p.Config.Shell
	img.Config.Labels = map[string]string{}
	for _, more := range []map[string]string{base.Config.Labels, p.Config.Labels, labels} {
		maps.Copy(img.Config.Labels, more)
	}
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
	for _, step := range steps(p) {
		all = append(all, ocispecs.History{CreatedBy: step, Comment: "imagespec"})
	}
	return all
}

// steps names the layers of the image above those of its base, in the order
// of State.
func steps(p *plan.Plan) []string {
	var all []string
	if p.Apt != nil {
		all = append(all, "apt-get install "+strings.Join(p.Apt.Packages, " "))
	}
	all = append(all, "make user "+p.Config.User+" and certificates")
	if p.Interpreter != nil {
		all = append(all, "unpack Python "+p.Interpreter.Version)
	}
	if p.Base.Plan == nil {
		all = append(all, "create "+plan.Prefix)
	}
	for _, layer := range p.Installs() {
		all = append(all, "install "+strings.Join(layer.Packages, ", "))
	}
	if p.Bytecode != "" {
		for _, layer := range p.Installs() {
			all = append(all, "compile "+strings.Join(layer.Packages, ", "))
		}
	}
	for _, c := range p.Copies {
		all = append(all, "copy "+c.From+" "+c.To)
	}
	for _, command := range p.Commands {
		all = append(all, command.Run)
	}
	return all
}
