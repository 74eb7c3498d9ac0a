package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
)

// TestName pushes an image under the name that its spec has in flytekit, which
// is also what the command prints.
func TestName(t *testing.T) {
	engine := testengine.Start(t)
	p := written(t, engine, strings.ReplaceAll(`
-- imagespec.yaml --
# syntax=imagespec/frontend
name: Demo
registry: REGISTRY/acme
base_image: python:3.11-slim-bookworm
copy: [data]
builder_options: {pip: false}
-- data/a/b --
1
`, "REGISTRY", engine.Registry))
	command := exec.Command("go", "run", "./cmd/imagespec", "name", "-f", filepath.Join(p.dir, "imagespec.yaml"), p.dir)
	command.Dir = "../.."
	command.Stderr = os.Stderr
	printed, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSpace(string(printed))
	if !strings.HasPrefix(name, engine.Registry+"/acme/demo:") {
		t.Errorf("the name is %q", name)
	}
	p.build(t, "--output", "type=image,push=true,name=*")
	p.image = name
	if got := p.run(t, "cat", "data/a/b"); got != "1\n" {
		t.Errorf("the image named %s prints %q", name, got)
	}
}
