package testengine

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/containerd/platforms"
	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is an image as the registry holds it, for one platform.
type Image struct {
	Digest digest.Digest // of the manifest
	Config ocispec.Image
	Layers []Layer // the lowest first
	// Index is what the reference names, if that is an index.
	Index *ocispec.Index

	repository repository
}

// Layer is one of an image's layers.
type Layer struct {
	ocispec.Descriptor               // of the compressed blob
	DiffID             digest.Digest // of the tar in it

	repository repository
}

// File is an entry of a layer.
type File struct {
	Name     string // without a leading or trailing slash
	Mode     fs.FileMode
	UID, GID int
	Size     int64
	ModTime  time.Time
	Link     string // target of a symbolic or hard link
	Digest   digest.Digest
}

// Image reads an image from the registry. The platform, as in "linux/arm64",
// chooses from an index; without one it is this machine's.
func (e *Engine) Image(t testing.TB, ref, platform string) *Image {
	t.Helper()
	image, err := readImage(ref, platform)
	if err != nil {
		t.Fatalf("%s: %v", ref, err)
	}
	return image
}

func readImage(ref, platform string) (*Image, error) {
	matcher := platforms.Default()
	if platform != "" {
		parsed, err := platforms.Parse(platform)
		if err != nil {
			return nil, err
		}
		matcher = platforms.Only(parsed)
	}
	repository, name := splitRef(ref)
	image := &Image{repository: repository}
	text, err := repository.get("manifests/" + name)
	if err != nil {
		return nil, err
	}
	var index ocispec.Index
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, err
	}
	if index.Manifests != nil {
		image.Index = &index
		if text, err = repository.choose(index, matcher); err != nil {
			return nil, err
		}
	}
	image.Digest = digest.FromBytes(text)
	return image, image.readManifest(text)
}

func (i *Image) readManifest(text []byte) error {
	var manifest ocispec.Manifest
	if err := json.Unmarshal(text, &manifest); err != nil {
		return err
	}
	config, err := i.repository.get("blobs/" + manifest.Config.Digest.String())
	if err != nil {
		return err
	}
	if err := json.Unmarshal(config, &i.Config); err != nil {
		return err
	}
	if len(i.Config.RootFS.DiffIDs) != len(manifest.Layers) {
		return fmt.Errorf("%d layers, but %d diff ids", len(manifest.Layers), len(i.Config.RootFS.DiffIDs))
	}
	for n, layer := range manifest.Layers {
		i.Layers = append(i.Layers, Layer{layer, i.Config.RootFS.DiffIDs[n], i.repository})
	}
	return nil
}

// Files lists a layer's entries in the order of its tar, whiteouts included.
func (l Layer) Files(t testing.TB) []File {
	t.Helper()
	files, err := l.read()
	if err != nil {
		t.Fatalf("layer %s: %v", l.Digest, err)
	}
	return files
}

func (l Layer) read() ([]File, error) {
	blob, err := l.repository.open("blobs/" + l.Digest.String())
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	var content io.Reader = blob
	switch {
	case strings.HasSuffix(l.MediaType, "gzip"):
		content, err = gzip.NewReader(blob)
	case strings.HasSuffix(l.MediaType, "zstd"):
		content, err = zstd.NewReader(blob)
	}
	if err != nil {
		return nil, err
	}
	var files []File
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		sum, err := digest.FromReader(archive)
		if err != nil {
			return nil, err
		}
		files = append(files, File{
			Name: strings.Trim(strings.TrimPrefix(header.Name, "."), "/"), Mode: header.FileInfo().Mode(),
			UID: header.Uid, GID: header.Gid, Size: header.Size, ModTime: header.ModTime,
			Link: header.Linkname, Digest: sum,
		})
	}
}

// repository is the URL of a repository in a registry.
type repository string

// splitRef cuts a reference at its digest or tag, which is latest if absent.
func splitRef(ref string) (repo repository, name string) {
	path, name, found := strings.Cut(ref, "@")
	if colon := strings.LastIndex(path, ":"); colon > strings.LastIndex(path, "/") {
		if !found {
			name = path[colon+1:]
		}
		path = path[:colon]
	}
	if name == "" {
		name = "latest"
	}
	host, path, _ := strings.Cut(path, "/")
	return repository("http://" + host + "/v2/" + path + "/"), name
}

// choose gets the manifest of the best platform in an index.
func (r repository) choose(index ocispec.Index, matcher platforms.MatchComparer) ([]byte, error) {
	var best *ocispec.Descriptor
	for _, m := range index.Manifests {
		if m.Platform == nil || !matcher.Match(*m.Platform) {
			continue
		}
		if best == nil || matcher.Less(*m.Platform, *best.Platform) {
			best = &m
		}
	}
	if best == nil {
		return nil, errors.New("the index has nothing for this platform")
	}
	return r.get("manifests/" + best.Digest.String())
}

func (r repository) get(path string) ([]byte, error) {
	body, err := r.open(path)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func (r repository) open(path string) (io.ReadCloser, error) {
	request, err := http.NewRequest(http.MethodGet, string(r)+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header["Accept"] = []string{
		ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest,
		"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json", "*/*",
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("%s: %s", request.URL, response.Status)
	}
	return response.Body, nil
}
