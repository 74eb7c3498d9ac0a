package base

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
)

// cudaImage is one tag of nvidia/cuda.
type cudaImage struct {
	Tag    string // "12.4.1-cudnn-runtime-ubuntu22.04"
	CUDA   string // "12.4.1"
	CUDNN  string // "9.1.0.70", or its major version alone where no more is known; empty without
	Ubuntu string // "22.04"
	Glibc  string // of that Ubuntu, "2.35"
}

//go:embed cuda.json
var cudaJSON []byte

// cudaImages are the runtime images of nvidia/cuda that were known when this
// was written: newest CUDA first, then newest Ubuntu, then without cuDNN
// first. cuda.py makes the file.
var cudaImages = sync.OnceValue(func() []cudaImage {
	var all []cudaImage
	if err := json.Unmarshal(cudaJSON, &all); err != nil {
		panic(err) // a test reads it
	}
	return all
})

// cudaBase is the image for the CUDA and cuDNN that a spec asks for: the newest
// patch of the version, on the newest Ubuntu, with libraries and without
// compilers. One with cuDNN stands in where the table has none without.
func cudaBase(spec *imagespec.Spec) (string, error) {
	if !spec.Cuda.IsSet() {
		return "", diag.Errorf(spec.Cudnn.At, "cudnn is %s, but the spec has no cuda", spec.Cudnn.Value).
			WithHint("add cuda, such as cuda: %s", newestCUDA())
	}
	var ofCUDA []cudaImage
	for _, image := range cudaImages() {
		if isVersion(image.CUDA, spec.Cuda.Value) {
			ofCUDA = append(ofCUDA, image)
		}
	}
	if len(ofCUDA) == 0 {
		return "", diag.Errorf(spec.Cuda.At, "there is no known image of CUDA %s", spec.Cuda.Value).
			WithHint("take %s, or name a base_image", oneOf(nearestCUDA(spec.Cuda.Value)))
	}
	fits := func(image cudaImage) bool { return image.CUDNN == "" }
	if spec.Cudnn.IsSet() {
		fits = func(image cudaImage) bool { return isVersion(image.CUDNN, spec.Cudnn.Value) }
	}
	i := slices.IndexFunc(ofCUDA, fits)
	switch {
	case i >= 0:
		return "nvidia/cuda:" + ofCUDA[i].Tag, nil
	case !spec.Cudnn.IsSet():
		return "nvidia/cuda:" + ofCUDA[0].Tag, nil
	}
	var known []string
	for _, image := range ofCUDA {
		if image.CUDNN != "" && !slices.Contains(known, image.CUDNN) {
			known = append(known, image.CUDNN)
		}
	}
	return "", diag.Errorf(spec.Cudnn.At, "there is no known image of CUDA %s with cuDNN %s", spec.Cuda.Value, spec.Cudnn.Value).
		WithHint("with CUDA %s there is cuDNN %s; take that, or name a base_image", spec.Cuda.Value, oneOf(known))
}

// isVersion says whether a version is the wanted one or one of its patches.
func isVersion(have, wanted string) bool {
	return have == wanted || strings.HasPrefix(have, wanted+".")
}

func newestCUDA() string { return cudaImages()[0].CUDA }

// nearestCUDA gives the versions of the wanted minor version, else those of its
// major version, else the newest, at most four.
func nearestCUDA(wanted string) []string {
	parts := strings.Split(wanted, ".")
	for n := min(2, len(parts)); n >= 0; n-- {
		prefix := strings.Join(parts[:n], ".")
		var near []string
		for _, image := range cudaImages() {
			if (n == 0 || isVersion(image.CUDA, prefix)) && !slices.Contains(near, image.CUDA) {
				near = append(near, image.CUDA)
			}
		}
		if len(near) > 0 {
			return near[:min(4, len(near))]
		}
	}
	return nil
}

// oneOf lists alternatives.
func oneOf(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " or " + items[len(items)-1]
}

// CheckCUDA holds the CUDA and cuDNN that a spec asks for against the
// environment of the base that it names. An image that says nothing of them
// may have them all the same, which is a warning.
func CheckCUDA(spec *imagespec.Spec, ref string, env []string) ([]diag.Warning, error) {
	if !spec.BaseImage.IsSet() {
		return nil, nil // the base was chosen by them
	}
	var warnings []diag.Warning
	for _, field := range []struct {
		key, name, variable string
		want                imagespec.Text
	}{
		{"cuda", "CUDA", "CUDA_VERSION", spec.Cuda},
		{"cudnn", "cuDNN", "NV_CUDNN_VERSION", spec.Cudnn},
	} {
		if !field.want.IsSet() {
			continue
		}
		have, _, _ := strings.Cut(Lookup(env, field.variable), "-") // cuDNN's is that of the package
		switch {
		case have == "":
			warnings = append(warnings, diag.Warning{
				Rule: "CudaUnknown", At: field.want.At,
				Msg:  fmt.Sprintf("whether the base image %s has %s %s is not known: its environment has no %s", ref, field.name, field.want.Value, field.variable),
				Hint: "remove " + field.key + ", which changes nothing beside base_image, or take an image of nvidia/cuda",
			})
		case !isVersion(have, field.want.Value):
			return nil, diag.Errorf(field.want.At, "%s is %s, but the base image %s has %s %s", field.key, field.want.Value, ref, field.name, have).
				WithHint("take a base image with %s %s, or leave base_image out", field.name, field.want.Value)
		}
	}
	return warnings, nil
}
