package testengine

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The frontend's image holds six programs and nothing else, and says about
// itself what BuildKit wants to know.
func TestFrontendImage(t *testing.T) {
	engine := Start(t)
	image := engine.Image(t, engine.FrontendRef(t), "")
	layers := [][]string{
		{"bin/imagespec-install", "lib/imagespec/compile.py"},
		{"bin/imagespec-account"},
		{"bin/imagespec-digest"},
		{"bin/imagespec-memo"},
		{"bin/imagespec-resolve"},
		{"bin/imagespec-frontend"},
	}
	if len(image.Layers) != len(layers) {
		t.Fatalf("%d layers, want those of %q", len(image.Layers), layers)
	}
	for n, want := range layers {
		var programs []string
		for _, file := range image.Layers[n].Files(t) {
			if !file.ModTime.IsZero() && file.ModTime.Unix() != 0 {
				t.Errorf("%s has time %s", file.Name, file.ModTime)
			}
			if file.Mode.IsRegular() {
				programs = append(programs, file.Name)
			}
		}
		if !slices.Equal(programs, want) {
			t.Errorf("layer %d holds %v, want %v", n, programs, want)
		}
	}
	labels := image.Config.Config.Labels
	if labels["moby.buildkit.frontend.network.none"] != "true" {
		t.Errorf("labels %v lack network.none: engines without a bridge refuse it", labels)
	}
	for _, capability := range []string{"inputs", "subrequests", "contexts"} {
		if !strings.Contains(labels["moby.buildkit.frontend.caps"], "moby.buildkit.frontend."+capability) {
			t.Errorf("labels %v lack the capability %s", labels, capability)
		}
	}
	if got := image.Config.Config.Entrypoint; !slices.Equal(got, []string{"/bin/imagespec-frontend"}) {
		t.Errorf("entrypoint %q", got)
	}
	// All are static, so that an image without any library runs them.
	if got := engine.Run(t, engine.FrontendRef(t)); strings.Contains(got.Stderr, "no such file") {
		t.Errorf("the frontend does not start: %+v", got)
	}
}

// The same sources give the same image when every step is done again.
func TestFrontendIsReproducible(t *testing.T) {
	engine := Start(t)
	again, err := engine.buildFrontend("--no-cache")
	if err != nil {
		t.Fatal(err)
	}
	if ref := engine.FrontendRef(t); again != ref {
		t.Errorf("first %s, then %s", ref, again)
	}
}

func TestHostArgs(t *testing.T) {
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", bundle)
	t.Setenv("GOPROXY", "https://proxy.example.com")
	got := HostArgs()
	for _, want := range []string{"--build-arg=GOPROXY=https://proxy.example.com", "--secret=id=ca-certificates,src=" + bundle} {
		if !slices.Contains(got, want) {
			t.Errorf("%q lacks %s", got, want)
		}
	}
	t.Setenv("SSL_CERT_FILE", bundle+".absent")
	t.Setenv("GOPROXY", "")
	for _, arg := range HostArgs() {
		if strings.HasPrefix(arg, "--secret") || strings.Contains(arg, "GOPROXY") {
			t.Errorf("%s, which this machine does not have", arg)
		}
	}
}

// A proxy's error page is no registry, a request to log in is one.
func TestRegistryAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/registry/v2/" {
			w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	if err := registryAnswers(t.Context(), server.URL+"/registry"); err != nil {
		t.Error(err)
	}
	if err := registryAnswers(t.Context(), server.URL+"/page"); err == nil {
		t.Error("a page was taken for a registry")
	}
}
