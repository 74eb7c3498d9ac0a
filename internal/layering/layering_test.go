// Package layering asserts which package may import which. It holds no code:
// the direction of imports is a decision of the design, and this test is
// where it can be read and where a change of it fails first.
package layering

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const (
	module   = "github.com/imagespec/imagespec"
	buildkit = "github.com/moby/buildkit/"
)

// layers go from the ground up. A package imports only from layers below its
// own, and from the folder it lies in. The empty name is the root package.
func layers() [][]string {
	return [][]string{
		{"internal/diag"},
		{"", "lockparse"},
		{"llbgen"},
		{"internal"},
		{"frontend"},
		{"cmd"},
	}
}

// usesBuildKit lists who may import BuildKit. The plan may not: it is plain
// data, for tools that know nothing of LLB. Nor may frontend/explain, which is
// about texts.
func usesBuildKit() []string {
	return []string{
		"llbgen", "frontend", "frontend/buildcontext", "frontend/gateway", "frontend/lookup", "frontend/sourcemap",
		"cmd/imagespec-frontend", "internal/testengine", "internal/bench", "internal/e2e",
	}
}

func TestImportDirections(t *testing.T) {
	for pkg, imports := range packages(t) {
		for _, imported := range imports {
			if msg := forbidden(pkg, imported); msg != "" {
				t.Errorf("%q imports %q: %s", pkg, imported, msg)
			}
		}
	}
}

// The rules themselves forbid what they are there for.
func TestForbidden(t *testing.T) {
	for _, test := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"cmd/imagespec", module + "/frontend", true},
		{"frontend", module + "/llbgen/plan", true},
		{"llbgen", module + "/lockparse", true},
		{"llbgen/plan", module, true},
		{"lockparse/uvlock", module + "/lockparse/lock", true},
		{"lockparse", module + "/internal/diag", true},
		{"llbgen", buildkit + "client/llb", true},
		{"llbgen", module + "/frontend", false},
		{"lockparse", module + "/llbgen", false},
		{"lockparse", module, false},
		{"", module + "/lockparse/lock", false},
		{"internal/diag", module, false},
		{"internal/venv", module + "/frontend", false},
		{"lockparse/lock", buildkit + "client/llb", false},
		{"llbgen/plan", buildkit + "client/llb", false},
		{"frontend/explain", buildkit + "frontend/gateway/client", false},
		{"cmd/imagespec-install", buildkit + "solver/pb", false},
	} {
		if msg := forbidden(test.pkg, test.imported); (msg == "") != test.ok {
			t.Errorf("%q imports %q: %q", test.pkg, test.imported, msg)
		}
	}
}

// forbidden says why a package of ours, named below the module, may not
// import another, or nothing if it may.
func forbidden(pkg, imported string) string {
	if strings.HasPrefix(imported, buildkit) {
		for _, user := range usesBuildKit() {
			if pkg == user {
				return ""
			}
		}
		return "only " + strings.Join(usesBuildKit(), ", ") + " use BuildKit"
	}
	other, ours := strings.CutPrefix(imported+"/", module+"/")
	if !ours {
		return ""
	}
	other = strings.TrimSuffix(other, "/")
	layer, folder := place(pkg)
	otherLayer, otherFolder := place(other)
	if otherLayer < layer || otherFolder == folder {
		return ""
	}
	return "imports go from cmd to frontend to llbgen to lockparse and the root"
}

// place finds a package's layer and the folder of that layer it belongs to;
// the longest folder counts.
func place(pkg string) (layer int, folder string) {
	layer = -1
	for n, folders := range layers() {
		for _, candidate := range folders {
			in := pkg == candidate || candidate != "" && strings.HasPrefix(pkg, candidate+"/")
			if in && (layer < 0 || len(candidate) > len(folder)) {
				layer, folder = n, candidate
			}
		}
	}
	return layer, folder
}

// packages maps each package of the module, named below it, to what its
// code imports; tests may import more.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, module), "/")
		if layer, _ := place(name); layer < 0 {
			t.Errorf("%q belongs to no layer", name)
		}
		found[name] = pkg.Imports
	}
	return found
}
