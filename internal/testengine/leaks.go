package testengine

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Leaks gives where a build has let a secret out: in what it printed, in the
// image in the registry with its configuration, layers and attestations, and in
// the engine's record of the build with its log and trace. A secret is also
// found in base64, alone or behind "user:", and as part of a URL. An empty ref
// is no image: of a build that failed.
func (e *Engine) Leaks(t testing.TB, built *Built, ref string, secrets ...string) []string {
	t.Helper()
	s := searcher{t: t, engine: e, words: spellings(secrets)}
	s.search("the output", []byte(built.Output))
	if ref != "" {
		named, err := reference.ParseNormalizedNamed(ref)
		if err != nil {
			t.Fatal(err)
		}
		s.image(reference.Path(named), built.Digest().String())
	}
	s.history(built)
	return s.found
}

// spellings gives the forms in which a secret could be somewhere.
func spellings(secrets []string) []string {
	var words []string
	for _, secret := range secrets {
		words = append(words, secret, url.QueryEscape(secret))
		// In base64 what stands before it decides how it is written.
		for skip := range 3 {
			encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", skip) + secret))
			words = append(words, encoded[4:len(encoded)-4])
		}
	}
	slices.Sort(words)
	return slices.DeleteFunc(slices.Compact(words), func(word string) bool { return len(word) < 4 })
}

type searcher struct {
	t      testing.TB
	engine *Engine
	words  []string
	found  []string
}

// search looks into data as it is, and decompressed.
func (s *searcher) search(where string, data []byte) {
	for _, text := range [][]byte{data, decompressed(data)} {
		for _, word := range s.words {
			if bytes.Contains(text, []byte(word)) {
				s.found = append(s.found, where+" has "+word)
			}
		}
	}
}

// decompressed gives what gzip or zstd has made small, nil if neither has.
func decompressed(data []byte) []byte {
	var r io.Reader
	if zipped, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
		r = zipped
	} else if bytes.HasPrefix(data, []byte("\x28\xb5\x2f\xfd")) {
		if r, err = zstd.NewReader(bytes.NewReader(data)); err != nil {
			return nil
		}
	}
	if r == nil {
		return nil
	}
	text, _ := io.ReadAll(r) // what can be read of it
	return text
}

// image looks into everything that a manifest or an index names.
func (s *searcher) image(repository, digest string) {
	data := s.get("/v2/" + repository + "/manifests/" + digest)
	s.search("manifest "+digest, data)
	var names struct {
		Manifests, Layers []ocispec.Descriptor
		Config            ocispec.Descriptor
	}
	if err := json.Unmarshal(data, &names); err != nil {
		s.t.Fatalf("%s: %v", digest, err)
	}
	for _, m := range names.Manifests {
		s.image(repository, m.Digest.String())
	}
	for _, blob := range append(names.Layers, names.Config) {
		if blob.Digest != "" {
			s.search(blob.MediaType+" "+blob.Digest.String(), s.get("/v2/"+repository+"/blobs/"+blob.Digest.String()))
		}
	}
}

func (s *searcher) get(path string) []byte {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.engine.Registry+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept", strings.Join([]string{
		ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest,
		"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
	}, ", "))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", path, res.Status, err)
	}
	return data
}
