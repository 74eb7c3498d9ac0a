package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
)

// TestHello is the example of the README.
func TestHello(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.build(t)
	if got := p.run(t); strings.TrimSpace(got) != "hello from an ImageSpec" {
		t.Errorf("the image prints %q", got)
	}
	p.replace(t, "imagespec.yaml", "entrypoint:", "# entrypoint:")
	p.build(t)
	if got, want := p.installed(t), p.planned(t).versions(); !slices.Equal(got, want) {
		t.Errorf("installed %q, planned %q", got, want)
	}
}

// TestScience builds more than 150 packages: every one is there in the version
// of the lock, and can be imported.
func TestScience(t *testing.T) {
	p := example(t, testengine.Start(t), "science")
	p.build(t)
	planned := p.planned(t)
	if got, want := p.installed(t), planned.versions(); !slices.Equal(got, want) {
		t.Errorf("installed %q, planned %q", got, want)
	}
	if len(planned.Packages) < 80 {
		t.Errorf("only %d packages", len(planned.Packages))
	}
	count, failed, _ := strings.Cut(p.run(t, "python", "-c", checkImports), "\n")
	t.Log(count)
	for line := range strings.SplitSeq(strings.TrimSpace(failed), "\n") {
		if line != "" && !slices.ContainsFunc(unimportable, func(s string) bool { return strings.HasPrefix(line, s+": ") }) {
			t.Error(line)
		}
	}
}

// unimportable are modules that cannot be imported in any environment with
// the same packages: azure-identity's top_level.txt names a folder that its
// wheel does not have.
var unimportable = []string{"images"}

// TestTwoEngines: the same input gives the same layers everywhere, and the
// same manifest where the time is fixed.
func TestTwoEngines(t *testing.T) {
	first := example(t, testengine.Start(t), "hello")
	second := example(t, testengine.Second(t), "hello")
	second.image = strings.Replace(second.image, ":latest", ":second", 1)
	var digests [2][]string
	for i, p := range []project{first, second} {
		p.build(t, "--build-arg", "SOURCE_DATE_EPOCH=0")
		image := p.engine.Image(t, p.image, "")
		digests[i] = append(digests[i], image.Digest.String())
		for _, layer := range image.Layers {
			digests[i] = append(digests[i], layer.Digest.String())
		}
	}
	if !slices.Equal(digests[0], digests[1]) {
		t.Errorf("manifest and layers %q on one engine, %q on the other", digests[0], digests[1])
	}
}

// TestUnchangedRebuild: no step runs, and no wheel is fetched even if the lock
// names another server now, which has none of them.
func TestUnchangedRebuild(t *testing.T) {
	p := example(t, testengine.Start(t), "hello")
	p.build(t)
	p.edit(t, "uv.lock", func(text string) string { return "# a comment\n" + text })
	p.takeWheelsAway(t, "")
	if again := ran(p.solve(t)); len(again) != 0 {
		t.Errorf("done again: %q", again)
	}
}

// TestBumpOnePackage: one wheel is fetched, as there are no others any more,
// and one group installed and compiled; every other layer is the one of before.
func TestBumpOnePackage(t *testing.T) {
	p := example(t, emptyEngine(t), "hello")
	p.build(t)
	before := p.engine.Image(t, p.image, "")

	useBumpedLock(t, p)
	p.takeWheelsAway(t, "certifi-2025.11.12")
	want := []string{"[python 1/9] compile anyio, certifi, httpcore, pygments", "[python 1/9] install anyio, certifi, httpcore, pygments"}
	if got := ran(p.solve(t)); !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	after := p.engine.Image(t, p.image, "")
	changed := 0
	for i := range after.Layers {
		if after.Layers[i].Digest != before.Layers[i].Digest {
			changed++
		}
	}
	if len(after.Layers) != len(before.Layers) || changed != 2 {
		t.Errorf("%d of %d layers changed, want 2 of %d", changed, len(after.Layers), len(before.Layers))
	}
}

// useBumpedLock puts the lock in which one package has another version in the
// place of the project's.
func useBumpedLock(t *testing.T, p project) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, "bumped.lock"))
	if err != nil {
		t.Fatal(err)
	}
	p.edit(t, "uv.lock", func(string) string { return string(data) })
}
