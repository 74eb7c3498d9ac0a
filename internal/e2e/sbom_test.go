package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// TestSBOM has the image of each platform scanned: its SBOM has the packages of
// the plan, and knows the layer of each file.
func TestSBOM(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.build(t, p.engine.SBOMArg(t), "--platform=linux/amd64,linux/arm64")
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		t.Run(platform, func(t *testing.T) {
			image := p.engine.Image(t, p.image, platform)
			boms := image.SBOMs(t)
			if len(boms) != 1 || boms[0].Name != "sbom" {
				t.Fatalf("%d SBOMs, want that of the image", len(boms))
			}
			var got []string
			for _, pkg := range boms[0].Packages {
				if pkg.Name != "pip" {
					got = append(got, pep508.NormalizeName(pkg.Name)+" "+pkg.Version)
				}
			}
			slices.Sort(got)
			if want := p.planned(t, "--platform="+platform).versions(); !slices.Equal(got, want) {
				t.Errorf("the SBOM has %q, want %q", got, want)
			}
			const module = "opt/venv/lib/python3.11/site-packages/rich/__init__.py"
			at := slices.IndexFunc(boms[0].Files, func(f testengine.SBOMFile) bool { return f.Name == "/"+module })
			if at < 0 {
				t.Fatalf("no %s among %d files", module, len(boms[0].Files))
			}
			for _, layer := range image.Layers {
				has := slices.ContainsFunc(layer.Files(t), func(f testengine.File) bool { return f.Name == module })
				if named := strings.Contains(boms[0].Files[at].Comment, layer.Digest.String()); has != named {
					t.Errorf("%s is in layer %s: %t, the SBOM says %q", module, layer.Digest, has, boms[0].Files[at].Comment)
				}
			}
		})
	}
}
