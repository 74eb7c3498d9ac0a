package testengine

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/lockparse/pep508"
)

// SBOMArg gives the argument of docker buildx build that has an SBOM made, by
// the program in the folder scanner. Its image is built first.
func (e *Engine) SBOMArg(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	compile := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, "./internal/testengine/scanner")
	compile.Dir = e.checkout
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := run(compile); err != nil {
		t.Fatal(err)
	}
	const recipe = "FROM scratch\nCOPY scanner /\nENTRYPOINT [\"/scanner\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(recipe), 0o644); err != nil {
		t.Fatal(err)
	}
	name := e.Registry + "/imagespec/scanner"
	built, err := e.Build(t, dir, "--provenance=false", "--output=type=image,push=true,name="+name)
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	return "--attest=type=sbom,generator=" + name + "@" + built.Digest().String()
}

// SBOM is what a scan has found.
type SBOM struct {
	Name     string // of what was scanned: "sbom" is the image, others begin with "sbom-"
	Packages []struct {
		Name    string
		Version string `json:"versionInfo"`
	}
	Files []struct {
		Name    string `json:"fileName"` // absolute
		Comment string // BuildKit's, which names a layer
	}
}

// Versions lists the packages, one "name version" for each.
func (s SBOM) Versions() []string {
	var versions []string
	for _, pkg := range s.Packages {
		versions = append(versions, pep508.NormalizeName(pkg.Name)+" "+pkg.Version)
	}
	slices.Sort(versions)
	return versions
}

// File gives what is said of the file of a path, and whether there is one.
func (s SBOM) File(path string) (comment string, found bool) {
	for _, f := range s.Files {
		if f.Name == path {
			return f.Comment, true
		}
	}
	return "", false
}

// SBOMs reads those of an image from the attestations beside it, that of the
// image itself first.
func (i *Image) SBOMs(t testing.TB) []SBOM {
	t.Helper()
	var all []SBOM
	for _, manifest := range i.attestations(t) {
		for _, layer := range manifest.Layers {
			if layer.Annotations["in-toto.io/predicate-type"] != "https://spdx.dev/Document" {
				continue
			}
			var statement struct{ Predicate SBOM }
			i.repository.decode(t, "blobs/"+layer.Digest.String(), &statement)
			all = append(all, statement.Predicate)
		}
	}
	return all
}

// attestations reads the manifests that say something of this image.
func (i *Image) attestations(t testing.TB) []ocispec.Manifest {
	t.Helper()
	if i.Index == nil {
		return nil
	}
	var all []ocispec.Manifest
	for _, m := range i.Index.Manifests {
		if m.Annotations["vnd.docker.reference.digest"] != i.Digest.String() {
			continue
		}
		var manifest ocispec.Manifest
		i.repository.decode(t, "manifests/"+m.Digest.String(), &manifest)
		all = append(all, manifest)
	}
	return all
}

func (r repository) decode(t testing.TB, path string, into any) {
	t.Helper()
	data, err := r.get(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
