package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
)

// TestSBOM has the image of each platform scanned, by the engine, and with the
// build context by the frontend: its SBOM has the packages of the plan, and knows
// the layer of each file.
func TestSBOM(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	for _, tc := range []struct {
		name string
		args []string
		want []string // names of SBOMs
	}{
		{"image", nil, []string{"sbom"}},
		{"image and context", []string{"--build-arg=BUILDKIT_SBOM_SCAN_CONTEXT=true"}, []string{"sbom", "sbom-context"}},
	} {
		p.build(t, append(tc.args, p.engine.SBOMArg(t), "--platform=linux/amd64,linux/arm64")...)
		for _, platform := range []string{"linux/amd64", "linux/arm64"} {
			t.Run(tc.name+" of "+platform, func(t *testing.T) {
				image := p.engine.Image(t, p.image, platform)
				boms := image.SBOMs(t)
				if got := names(boms); !slices.Equal(got, tc.want) {
					t.Fatalf("SBOMs %q, want %q", got, tc.want)
				}
				if got, want := withoutPip(boms[0].Versions()), p.planned(t, "--platform="+platform).versions(); !slices.Equal(got, want) {
					t.Errorf("the SBOM has %q, want %q", got, want)
				}
				const module = "opt/venv/lib/python3.11/site-packages/rich/__init__.py"
				comment, found := boms[0].File("/" + module)
				if !found {
					t.Fatalf("no %s among %d files", module, len(boms[0].Files))
				}
				for _, layer := range image.Layers {
					has := slices.ContainsFunc(layer.Files(t), func(f testengine.File) bool { return f.Name == module })
					if named := strings.Contains(comment, layer.Digest.String()); has != named {
						t.Errorf("%s is in layer %s: %t, the SBOM says %q", module, layer.Digest, has, comment)
					}
				}
			})
		}
	}
}

func names(boms []testengine.SBOM) []string {
	var names []string
	for _, bom := range boms {
		names = append(names, bom.Name)
	}
	return names
}

func withoutPip(versions []string) []string {
	return slices.DeleteFunc(versions, func(v string) bool { return strings.HasPrefix(v, "pip ") })
}

// TestSBOMScans has more scanned than the image: the build
// context, and what one of two packages is built in.
func TestSBOMScans(t *testing.T) {
	p := written(t, testengine.Start(t), `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
requirements: pylock.toml
builder_options: {user: root, pip: false, build_apt_packages: []}
-- pylock.toml --
lock-version = "1.0"
created-by = "hand"
[[packages]]
name = "one"
directory = { path = "one" }
[[packages]]
name = "two"
directory = { path = "two" }
`+setuptoolsProject("one/", "one", "1.0")+setuptoolsProject("two/", "two", "2.0"))
	p.build(t, append(caArgs(), p.engine.SBOMArg(t), "--build-arg=BUILDKIT_SBOM_SCAN_CONTEXT=true", "--build-arg=BUILDKIT_SBOM_SCAN_STAGE=two")...)
	boms := p.engine.Image(t, p.image, "").SBOMs(t)
	if got, want := names(boms), []string{"sbom", "sbom-context", "sbom-two"}; !slices.Equal(got, want) {
		t.Fatalf("SBOMs %q, want %q", got, want)
	}
	image, context, two := boms[0], boms[1], boms[2]
	if got, want := image.Versions(), []string{"one 1.0", "two 2.0"}; !slices.Equal(got, want) {
		t.Errorf("the image has %q, want %q", got, want)
	}
	if _, found := context.File("/pylock.toml"); !found {
		t.Errorf("the context has no lock: %v", context.Files)
	}
	if got := two.Versions(); !slices.ContainsFunc(got, func(v string) bool { return strings.HasPrefix(v, "setuptools ") }) {
		t.Errorf("two was built without setuptools: %q", got)
	}
}
