package llbgen

import (
	"slices"
	"testing"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/llbgen/plan"
)

func TestImage(t *testing.T) {
	var base dockerspec.DockerOCIImage
	base.Config.Env = []string{"PATH=/usr/local/bin:/usr/bin", "LANG=C.UTF-8"}
	base.Config.Cmd = []string{"python3"}
	base.Config.Labels = map[string]string{"maintainer": "base"}

	p := &plan.Plan{Base: plan.Base{Env: base.Config.Env}, Config: plan.Config{
		Path:       []string{"/opt/venv/bin"},
		PathBehind: []string{"/usr/local/cuda/bin"},
		User:       "app",
		Workdir:    "/app",
		Labels:     map[string]string{"team": "spec", "kind": "task"},
		ImageID:    "fv8aVGdGU6GT1t5W98ZQPA",
		Env:        []plan.EnvVar{{Name: "LANG", Value: "de_DE.UTF-8"}, {Name: "QUOTED", Value: "a \"b\" $c\nd"}},
		Entrypoint: &[]string{"python", "-m", "app"},
	}}
	img := Image(p, base, amd64, map[string]string{"team": "ml"})

	wantEnv := []string{
		"PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/usr/local/cuda/bin", "LANG=de_DE.UTF-8",
		"QUOTED=a \"b\" $c\nd", "_F_IMG_ID=fv8aVGdGU6GT1t5W98ZQPA",
	}
	if !slices.Equal(img.Config.Env, wantEnv) {
		t.Errorf("env %q, want %q", img.Config.Env, wantEnv)
	}
	if img.Config.Cmd != nil {
		t.Errorf("command %q of the base is kept beside a new entrypoint", img.Config.Cmd)
	}
	if img.Config.User != "app" || img.Config.WorkingDir != "/app" {
		t.Errorf("user %q, working directory %q", img.Config.User, img.Config.WorkingDir)
	}
	if img.Config.Labels["team"] != "ml" || img.Config.Labels["kind"] != "task" || img.Config.Labels["maintainer"] != "base" {
		t.Errorf("labels %v", img.Config.Labels)
	}
	if len(base.Config.Labels) != 1 || base.Config.Env[1] != "LANG=C.UTF-8" {
		t.Errorf("the base's own configuration was changed: %+v", base.Config)
	}
}

func TestImageKeepsTheBasesEntrypoint(t *testing.T) {
	var base dockerspec.DockerOCIImage
	base.Config.Entrypoint = []string{"/entry"}
	base.Config.Cmd = []string{"serve"}
	img := Image(&plan.Plan{}, base, amd64, nil)
	if !slices.Equal(img.Config.Entrypoint, base.Config.Entrypoint) || !slices.Equal(img.Config.Cmd, base.Config.Cmd) {
		t.Errorf("entrypoint %q, command %q", img.Config.Entrypoint, img.Config.Cmd)
	}
	if want := []string{"PATH=" + plan.DefaultPath}; !slices.Equal(img.Config.Env, want) {
		t.Errorf("env %q of a base without PATH, want %q", img.Config.Env, want)
	}
}

// TestHistory: every layer has an entry, also where the base's own history is
// shorter than its layers.
func TestHistory(t *testing.T) {
	var base dockerspec.DockerOCIImage
	base.RootFS.DiffIDs = []digest.Digest{digest.FromString("a"), digest.FromString("b")}
	base.History = []ocispecs.History{{CreatedBy: "debootstrap"}, {CreatedBy: "ENV A=1", EmptyLayer: true}}
	var got []string
	for _, h := range Image(example(), base, amd64, nil).History {
		got = append(got, h.CreatedBy)
	}
	want := []string{"debootstrap", "ENV A=1", "", "make user flytekit and certificates", "create /opt/venv", "install anyio, idna", "install numpy"}
	if !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
}
