package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/internal/base"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// baseImage is the image that the environment is laid on.
type baseImage struct {
	plan.Base
	facts       base.Facts
	known       base.Facts // what the image's name tells, zero if nothing
	interpreter *plan.Interpreter
	nested      *compiled // that it is, where the spec has a spec for its base
	warnings    []diag.Warning
	config      dockerspec.DockerOCIImage
	state       llb.State
}

// resolveBase finds the base of a spec for a platform: a named context of its
// name, else the image, pinned by the digest that its tag has now. It is only
// pulled where neither configuration nor name tell about Python and libc.
func (b *build) resolveBase(ctx context.Context, spec *imagespec.Spec, platform ocispecs.Platform) (*baseImage, error) {
	if spec.Base != nil {
		return b.nestedBase(ctx, spec, platform)
	}
	want := sync.OnceValues(func() (base.Version, error) { return base.Wanted(spec, b.context.FS(ctx)) })
	named, err := base.Of(spec, want)
	if err != nil {
		return nil, err
	}
	found, err := b.contextImage(ctx, named, platform)
	if err == nil && found == nil {
		found, err = b.registryImage(ctx, named, platform)
	}
	if err != nil {
		return nil, diag.Errorf(named.At, "base image %s: %w", named.Ref, err)
	}
	if found.config.Architecture != "" && !sameMachine(found.config.Platform, platform) {
		return nil, diag.Errorf(named.At, "base image %s is for %s, not for %s", named.Ref,
			platforms.FormatAll(found.config.Platform), platforms.FormatAll(platform)).
			WithHint("take a base image that exists for the platform, or build for another --platform")
	}
	found.Env = found.config.Config.Env
	if found.warnings, err = base.CheckCUDA(spec, named.Ref, found.Env); err != nil {
		return nil, err
	}
	if err := b.lookAt(ctx, found, platform, spec); err != nil {
		return nil, err
	}
	found.facts.Python, found.interpreter, err = base.Settle(spec, found.Base, found.facts, want, platform.Architecture)
	return found, err
}

// nestedBase compiles the spec that another one is built on into the same
// graph.
func (b *build) nestedBase(ctx context.Context, spec *imagespec.Spec, platform ocispecs.Platform) (*baseImage, error) {
	c, err := b.compile(ctx, spec.Base, &platform, nil)
	if err != nil {
		return nil, err
	}
	if err := c.plan.CheckBuilds(); err != nil {
		return nil, err
	}
	config := llbgen.Image(c.plan, c.base.config, platform, nil)
	found := &baseImage{
		Base:   plan.Base{Ref: c.plan.Base.Ref, Digest: c.plan.Base.Digest, Env: config.Config.Env, Plan: c.plan, At: spec.BaseImage.At},
		facts:  base.Facts{Python: c.plan.Python, Libc: c.base.facts.Libc},
		nested: c, config: *config, state: c.state,
	}
	more, err := base.CheckCUDA(spec, found.Ref, found.Env)
	found.warnings = append(c.warnings, more...)
	return found, err
}

// contextImage is the base that the client puts in the place of the named one,
// nil if there is none.
func (b *build) contextImage(ctx context.Context, named plan.Base, platform ocispecs.Platform) (*baseImage, error) {
	var dgst digest.Digest
	nc, err := b.ui.NamedContext(named.Ref, dockerui.ContextOpt{
		Platform:      &platform,
		ResolveMode:   b.ui.ImageResolveMode.String(),
		CaptureDigest: &dgst,
	})
	if err != nil || nc == nil {
		return nil, err
	}
	state, config, err := nc.Load(ctx)
	if err != nil {
		return nil, err
	}
	named.Digest = dgst.String()
	found := &baseImage{Base: named, state: *state}
	if config != nil {
		found.config = *config
	}
	return found, nil
}

// registryImage is the named base itself.
func (b *build) registryImage(ctx context.Context, named plan.Base, platform ocispecs.Platform) (*baseImage, error) {
	ref, dgst, data, err := b.engine.ResolveImageConfig(ctx, named.Ref, sourceresolver.Opt{
		LogName: "[internal] load metadata for " + named.Ref,
		ImageOpt: &sourceresolver.ResolveImageOpt{
			Platform:    &platform,
			ResolveMode: b.ui.ImageResolveMode.String(),
		},
	})
	if err != nil {
		return nil, err
	}
	known := base.Known(named.Ref)
	known.Python = plan.Python{} // the tag only guesses the patch version
	found := &baseImage{Base: named, known: known}
	if err := json.Unmarshal(data, &found.config); err != nil {
		return nil, fmt.Errorf("its configuration: %w", err)
	}
	if ref, err = pin(ref, dgst); err != nil {
		return nil, err
	}
	found.Digest = dgst.String()
	found.state = llb.Image(ref,
		llb.Platform(platform),
		b.ui.ImageResolveMode,
		llb.WithCustomNamef("[%sbase] %s", b.stepPrefix(platform), named.Ref),
		b.files.Location(named.At),
	)
	return found, nil
}

// pin puts a digest into a reference, so that cache keys and provenance do not
// depend on what a tag means later.
func pin(ref string, dgst digest.Digest) (string, error) {
	if dgst == "" {
		return ref, nil
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	if _, ok := named.(reference.Digested); ok {
		return ref, nil
	}
	pinned, err := reference.WithDigest(named, dgst)
	if err != nil {
		return "", err
	}
	return pinned.String(), nil
}

// sameMachine compares an image's platform with the one that was asked for;
// the registry has chosen, so only the architecture can be wrong.
func sameMachine(have, want ocispecs.Platform) bool {
	return have.OS == want.OS && have.Architecture == want.Architecture
}

// lookAt finds out what the base has: from its configuration and name, else
// from its files. Only these tell about a free-threaded Python, and about the
// one that python_exec names.
func (b *build) lookAt(ctx context.Context, found *baseImage, platform ocispecs.Platform, spec *imagespec.Spec) error {
	freeThreaded, exec := base.FreeThreaded(spec), spec.PythonExec
	found.facts = base.FromConfig(found.Env).Or(found.known)
	if freeThreaded || exec.IsSet() {
		found.facts.Python, found.facts.NoPython = plan.Python{}, false
	}
	if found.facts.Complete() {
		return nil
	}
	ref, err := b.engine.Ref(ctx, found.state, llb.Platform(platform))
	if err != nil {
		return diag.Errorf(found.At, "base image %s cannot be looked at: %w", found.Ref, err)
	}
	root := gateway.Open(ctx, ref)
	if exec.IsSet() {
		if found.facts.Python, err = base.Executable(root, found.Base, exec); err != nil {
			return err
		}
	}
	found.facts = found.facts.Or(base.Inspect(root, base.Path(found.Env), platform.Architecture, freeThreaded))
	found.facts.NoPython = found.facts.Python.Version == ""
	if found.facts.Libc.Family == "" {
		return diag.Errorf(found.At, "base image %s has neither glibc nor musl where they are on Linux", found.Ref).
			WithHint("take a base image with one of them, such as debian:bookworm-slim")
	}
	return nil
}
