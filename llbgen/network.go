package llbgen

import (
	"embed"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagespec/imagespec/llbgen/plan"
)

// Paths inside the steps that have a network.
const (
	scratchDir   = "/run/imagespec"  // a tmpfs, for what must not stay
	secretCA     = "ca-certificates" // id of the build secret
	secretsDir   = scratchDir + "/secrets"
	secretCAPath = secretsDir + "/" + secretCA // where it is, if the client gives it
	uvCacheDir   = "/run/imagespec-uv"         // uv's cache, shared by all builds
	toolsPrefix  = "/opt/tools"                // of a tool, in its own state
)

// scripts are shell and Python programs of steps that run in the image: trust runs the
// rest of its command line with the client's certificate authorities trusted
// beside the base's own.
//
//go:embed scripts
var scripts embed.FS

// script mounts a program into a step. It is a file so that its text is not in
// the messages that show a command line.
func script(name string) llb.RunOption {
	text, err := scripts.ReadFile("scripts/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	st := llb.Scratch().File(llb.Mkfile("/"+name, 0o555, text, llb.WithCreatedTime(sourceTime)),
		llb.WithCustomNamef("[internal] script %s", name))
	return llb.AddMount(scriptPath(name), st, llb.Readonly, llb.SourcePath("/"+name))
}

func scriptPath(name string) string { return "/run/imagespec-scripts/" + name }

// network gives what each step of the image with a network gets beside its own
// options.
func (g generator) network() []llb.RunOption {
	return append([]llb.RunOption{script("trust")}, g.connection()...)
}

// connection is what every step with a network gets: the client's certificate
// authorities as an optional secret, which is in no layer and no key, uv's
// cache, and what the client says of the network.
func (g generator) connection() []llb.RunOption {
	opts := []llb.RunOption{
		llb.AddMount(scratchDir, llb.Scratch(), llb.Tmpfs()),
		llb.AddSecret(secretCAPath, llb.SecretID(secretCA), llb.SecretOptional),
		llb.AddMount(uvCacheDir, llb.Scratch(), llb.AsPersistentCacheDir("imagespec-uv", llb.CacheMountShared)),
		llb.AddEnv("UV_CACHE_DIR", uvCacheDir),
	}
	return slices.Concat(opts, g.Network, g.Limits)
}

// trusted is a command line that trusts the client's certificate authorities.
func trusted(command ...string) []string {
	return append([]string{"/bin/sh", scriptPath("trust")}, command...)
}

// tool gives a state with a tool at toolPath.
func (g generator) tool(t plan.Tool) llb.State {
	file := path.Join(wheelsDir, t.File)
	return g.helper(
		[]string{"wheels", "--root", outDir, "--prefix", toolsPrefix, "--python", "3.12", file},
		llb.WithCustomNamef("[tools] unpack %s %s", t.Name, t.Version),
		llb.AddMount(file, llb.HTTP(g.plan.Rewrites.Apply(t.URL),
			llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, t.SHA256)),
			llb.Filename(t.File),
			llb.WithCustomNamef("fetch %s", t.File),
		), llb.Readonly, llb.SourcePath(t.File)),
	)
}

// toolPath is where a tool lies in its state.
func toolPath(name string) string { return path.Join(toolsPrefix, "bin", name) }

// withTool mounts a tool into a step, at a place of its PATH.
func (g generator) withTool(t plan.Tool) llb.RunOption {
	return llb.AddMount(path.Join("/usr/bin", t.Name), g.tool(t), llb.Readonly, llb.SourcePath(toolPath(t.Name)))
}
