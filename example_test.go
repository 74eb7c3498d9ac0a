package imagespec_test

import (
	"fmt"

	"github.com/containerd/platforms"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
)

func ExampleParse() {
	spec, warnings, err := imagespec.Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(`# syntax=imagespec/imagespec
python_version: 3.10
requirements: uv.lock
registry: https://ghcr.io/flyteorg
builder_options:
  extras: [gpu]
`)})
	if err != nil {
		fmt.Println(diag.Format(err))
		return
	}
	fmt.Println("name:", spec.Name.Value)
	fmt.Println("python:", spec.PythonVersion.Value, "from", spec.PythonVersion.At)
	fmt.Println("extras:", spec.BuilderOptions.Extras.Values())
	fmt.Println("base image set:", spec.BaseImage.IsSet())
	for _, w := range warnings {
		fmt.Printf("%s: %s: %s; %s\n", w.At, w.Rule, w.Msg, w.Hint)
	}
	// Output:
	// name: flytekit
	// python: 3.10 from imagespec.yaml:2
	// extras: [gpu]
	// base image set: false
	// imagespec.yaml:4: RegistryScheme: registry "https://ghcr.io/flyteorg" has a scheme, which flytekit refuses; write ghcr.io/flyteorg
}

func ExampleParse_mistakes() {
	_, _, err := imagespec.Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(`python_version: 3
requirement: uv.lock
entrypoint: sh
`)})
	fmt.Println(err)
	// Output:
	// imagespec.yaml:1: python_version "3" is not a version of the form X.Y or X.Y.Z
	// add the minor version, such as 3.12
	// imagespec.yaml:2: unknown key "requirement"
	// did you mean "requirements"?
	// imagespec.yaml:3: entrypoint must be a list of strings, not "sh"
	// write it as entrypoint: [sh]
}

func ExampleSpec_Platforms() {
	spec, _, err := imagespec.Parse(&diag.Source{Data: []byte("platform: linux/x86_64,linux/arm64/v8,linux/arm")})
	if err != nil {
		fmt.Println(diag.Format(err))
		return
	}
	for _, p := range spec.Platforms() {
		fmt.Println(platforms.Format(p))
	}
	// Output:
	// linux/amd64
	// linux/arm64
	// linux/arm/v7
}
