package frontend

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/attestations/sbom"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// What an SBOM has beside the image, as the client of a Dockerfile says it: the
// build context, and what packages are built in, all or some by their names.
const (
	scanContextArg = "BUILDKIT_SBOM_SCAN_CONTEXT"
	scanStageArg   = "BUILDKIT_SBOM_SCAN_STAGE"
)

// scan adds an SBOM with more than the image where the client asks for more. That
// of the image alone is the engine's work, whatever the frontend.
func (b *build) scan(ctx context.Context, built *dockerui.ResultBuilder, images *sync.Map) error {
	args := b.ui.BuildArgs
	if b.ui.SBOM == nil || args[scanContextArg] == "" && args[scanStageArg] == "" {
		return nil
	}
	machine := b.ui.BuildPlatforms[0]
	scanner, err := sbom.CreateSBOMScanner(ctx, b.engine, b.ui.SBOM.Generator, machine, sourceresolver.Opt{
		ImageOpt: &sourceresolver.ResolveImageOpt{ResolveMode: b.ui.ImageResolveMode.String(), Platform: &machine},
	}, b.ui.SBOM.Parameters)
	if err != nil {
		return fmt.Errorf("the SBOM's generator %s: %w", b.ui.SBOM.Generator, err)
	}
	return built.EachPlatform(ctx, func(ctx context.Context, id string, _ ocispecs.Platform) (err error) {
		defer recoverTo(&err)
		image, _ := images.Load(id)
		c, _ := image.(*compiled)
		ref, _ := built.FindRef(id)
		attestation, err := b.scanImage(ctx, scanner, id, ref, c)
		if err == nil {
			built.AddAttestation(id, *attestation)
		}
		return err
	})
}

// scanImage gives the SBOM of an image and its extras, which a step makes that
// runs on the machine of the builder.
func (b *build) scanImage(ctx context.Context, scanner sbom.Scanner, id string, ref client.Reference, c *compiled) (*client.Attestation, error) {
	extras, err := b.extras(ctx, c)
	if err != nil {
		return nil, err
	}
	image, err := ref.ToState()
	if err != nil {
		return nil, err
	}
	machine := b.ui.BuildPlatforms[0]
	found, err := scanner(ctx, id, image, extras, llb.Platform(machine))
	if err != nil {
		return nil, err
	}
	return result.ConvertAttestation(&found, func(st *llb.State) (client.Reference, error) {
		return b.engine.Ref(ctx, *st, llb.Platform(machine))
	})
}

// extras gives what is scanned beside an image, by name.
func (b *build) extras(ctx context.Context, c *compiled) (map[string]llb.State, error) {
	states := map[string]llb.State{}
	if scans(b.ui.BuildArgs[scanContextArg], "context") {
		st, err := b.ui.MainContext(ctx)
		if err != nil {
			return nil, err
		}
		states["context"] = *st
	}
	for from := c; from != nil; from = from.base.nested {
		for name, st := range from.builds {
			if !scans(b.ui.BuildArgs[scanStageArg], name) {
				continue
			}
			// As a definition it keeps the platform that it is built for.
			ref, err := b.engine.Ref(ctx, st, llb.Platform(c.platform))
			if err != nil {
				return nil, err
			}
			if states[name], err = ref.ToState(); err != nil {
				return nil, err
			}
		}
	}
	return states, nil
}

// platformID is what dockerui calls the platform of an image in its result.
func platformID(platform *ocispecs.Platform) string {
	if platform == nil {
		return platforms.FormatAll(platforms.Normalize(platforms.DefaultSpec()))
	}
	return platforms.FormatAll(platforms.Normalize(*platform))
}

// scans says whether a build argument asks for the scan of what has a name.
func scans(argument, name string) bool {
	if all, err := strconv.ParseBool(argument); err == nil {
		return all
	}
	return slices.ContainsFunc(strings.Split(argument, ","), func(s string) bool { return strings.EqualFold(s, name) })
}
