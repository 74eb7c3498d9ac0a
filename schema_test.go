package imagespec

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
)

// TestSchemaFile keeps the file in the repository, which editors read.
func TestSchemaFile(t *testing.T) {
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "imagespec.schema.json", string(got))
}

// TestDocs wants every key documented, in whole sentences and with an example.
func TestDocs(t *testing.T) {
	known := docs()
	for prefix, fields := range map[string][]field{"": new(Spec).fields(), "builder_options.": new(Options).fields()} {
		for _, f := range fields {
			d, ok := known[prefix+f.name]
			if !ok || len(d.examples) == 0 || !strings.HasSuffix(d.text, ".") {
				t.Errorf("%s%s has no description or no example in docs.go: %+v", prefix, f.name, d)
			}
			if shape(f.into, d) == nil {
				t.Errorf("%s%s has a type that schema.go does not know", prefix, f.name)
			}
		}
	}
}

// TestSchemaExamples wants each example to fit, at its own place.
func TestSchemaExamples(t *testing.T) {
	s := compileSchema(t)
	for prefix, fields := range map[string][]field{"": new(Spec).fields(), "builder_options.": new(Options).fields()} {
		for _, f := range fields {
			for _, example := range docs()[prefix+f.name].examples {
				spec := map[string]any{f.name: example}
				if prefix != "" {
					spec = map[string]any{"builder_options": spec}
				}
				text, err := json.Marshal(spec)
				if err != nil {
					t.Fatal(err)
				}
				if err := validate(t, s, string(text)); err != nil && f.name != "builder_options" {
					t.Errorf("%s: %v", text, err)
				}
			}
		}
	}
}

// TestSchemaFits: what fits is what Parse takes, or knows and does not support
// yet.
func TestSchemaFits(t *testing.T) {
	s := compileSchema(t)
	specs := []string{
		"{}", "python_version: 3.12", "python_version: '3.12'", "name: null", "entrypoint: []", "env: {A: 1, B: true, C: ''}",
		"platform: linux/amd64,linux/arm64", "platform: [linux/amd64, linux/arm/v7]", "base_image: {name: base, base_image: {packages: [numpy]}}",
		"pip_secret_mounts: [[.netrc, /root/.netrc]]", "source_copy_mode: ALL\nsource_root: src", "source_copy_mode: 2\nsource_root: src",
		"builder_options: {locked: true, imagepull_secret_name: x}", "builder_options:", "builder_config: {uv_image: x}",
	}
	files, err := filepath.Glob("testdata/projects/*/imagespec.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, string(data))
	}
	for _, spec := range specs {
		if err := validate(t, s, spec); err != nil {
			t.Errorf("%s\n%v", spec, err)
		}
		if _, _, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(spec)}); err != nil && spec != "{}" && !strings.Contains(err.Error(), "not supported yet") {
			t.Errorf("fits, but: %v", err)
		}
	}
}

// TestSchemaRefuses: what does not fit is wrong to Parse, too. The message
// names where it is.
func TestSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	for spec, at := range map[string]string{
		"version: 1":                               "additional properties 'version'",
		"nmae: x":                                  "additional properties 'nmae'",
		"extras: [gpu]":                            "additional properties 'extras'",
		"name: [a]":                                "/name",
		"packages: numpy":                          "/packages",
		"apt_packages: {git: 1}":                   "/apt_packages",
		"commands: [[a]]":                          "/commands/0",
		"entrypoint: python":                       "/entrypoint",
		"env: [A=1]":                               "/env",
		"env: {A: [1]}":                            "/env/A",
		"env: {A: null}":                           "/env/A",
		"base_image: [python]":                     "/base_image",
		"base_image: {nmae: x}":                    "/base_image",
		"platform: [windows/amd64]":                "/platform",
		"platform: arm64":                          "/platform",
		"pip_secret_mounts: [[a]]":                 "/pip_secret_mounts/0",
		"pip_secret_mounts: {a: b}":                "/pip_secret_mounts",
		"source_copy_mode: everything":             "/source_copy_mode",
		"builder_options: [gpu]":                   "/builder_options",
		"builder_options: {locked: 'yes'}":         "/builder_options/locked",
		"builder_options: {extras: gpu}":           "/builder_options/extras",
		"builder_options: {name: x}":               "additional properties 'name'",
		"builder_options: {imagepull_secret: x}":   "additional properties 'imagepull_secret'",
		"builder_config: x":                        "/builder_config",
		"[name]":                                   "got array, want object",
		"base_image: {builder_options: {a: true}}": "/base_image",
	} {
		if err := validate(t, s, spec); err == nil || !strings.Contains(err.Error(), at) {
			t.Errorf("%s: got %v, want %s", spec, err, at)
		}
		if _, _, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(spec)}); err == nil {
			t.Errorf("Parse takes %s", spec)
		}
	}
}

// compileSchema compiles the schema, itself checked by that of schemas.
func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("imagespec.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("imagespec.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate says what does not fit in a YAML file, as an editor reads it.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var spec any
	if err := yaml.Unmarshal([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}
