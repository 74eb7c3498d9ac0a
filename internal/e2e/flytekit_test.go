package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/testengine"
)

// flytekitRows are the differences that the docs tell of.
var flytekitRows = []struct {
	difference string // a regular expression for lines of differences
	reason     string // as it stands in docs/flytekit.md
}{
	{`(python prefix|env UV_PYTHON|env PATH|file of /root .venv): .*`, "a virtual environment on the base's Python; nothing is fetched from conda"},
	{`env LD_LIBRARY_PATH: .*`, "the empty part means the working directory to the loader"},
	{`(owner|mode) of site-packages: .*`, "layers are the same for every user and base; root's group may write"},
	{`user groups: flytekit's flytekit, ours flytekit root`, "membership lets the user change the environment"},
	{`(owner of|writable) /home: .*`, "only its own home is needed"},
	{`certificates: .*`, "a company's own authorities stay"},
	{`distribution (pip|setuptools): .*`, "`pip` and `python` are the same environment"},
}

// fields is a spec with what flytekit and we do beside the packages.
const fields = `
-- imagespec.yaml --
# syntax=imagespec/frontend
name: fields
python_version: "3.11"
base_image: python:3.11-slim-bookworm
apt_packages: [tree]
env: {GREETING: hello}
copy: [conf/app.ini]
entrypoint: [env]
commands:
  - tree --version
  - echo "$GREETING" >/root/made
-- conf/app.ini --
[app]
`

// TestFlytekitsImages builds three specs with the Dockerfile of flytekit's
// default builder and with ours, and wants that the images differ in what
// docs/flytekit.md says, and in nothing else.
func TestFlytekitsImages(t *testing.T) {
	python := pythonWithFlytekit(t)
	engine := testengine.Start(t)
	contexts := flytekitsImages(t, engine)
	specs := map[string]func(*testing.T) project{
		"hashed": func(t *testing.T) project { return example(t, engine, "hashed") },
		"uv.lock": func(t *testing.T) project {
			p := example(t, engine, "hello")
			p.edit(t, "imagespec.yaml", func(text string) string {
				// flytekit writes values into its Dockerfile without quotes.
				text = strings.Replace(text, "hello from an ImageSpec", "hello", 1)
				return regexp.MustCompile(`(?m)^entrypoint.*`).ReplaceAllString(text, "")
			})
			return p
		},
		"fields": func(t *testing.T) project { return written(t, engine, fields) },
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		t.Run(name, func(t *testing.T) {
			ours := specs[name](t)
			ours.build(t)
			theirs := buildByFlytekit(t, ours, python, contexts)
			their, our := facts(t, theirs), facts(t, ours)
			if their["distribution flytekit"] != "" && our["distribution flytekit"] == "" {
				// flytekit adds itself, unlocked: only what we have is compared.
				maps.DeleteFunc(their, func(name, _ string) bool {
					return strings.HasPrefix(name, "distribution ") && our[name] == ""
				})
			}
			found = append(found, differences(their, our)...)
		})
	}
	if t.Failed() {
		return // what was not compared would only be missing
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "flytekit.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range flytekitRows {
		before := len(found)
		found = slices.DeleteFunc(found, regexp.MustCompile("^(?:"+row.difference+")$").MatchString)
		if len(found) == before {
			t.Errorf("no image differs in %s", row.difference)
		}
		if !strings.Contains(string(docs), "| "+row.reason+" |") {
			t.Errorf("the docs do not give the reason %q", row.reason)
		}
	}
	for _, difference := range found {
		t.Errorf("not in the docs: %s", difference)
	}
}

// pythonWithFlytekit gives the Python that IMAGESPEC_FLYTEKIT_PYTHON names, or
// one with the newest flytekit of PyPI.
func pythonWithFlytekit(t *testing.T) string {
	t.Helper()
	if os.Getenv("IMAGESPEC_LIVE") == "" {
		t.Skip("IMAGESPEC_LIVE is not set: flytekit and what it installs would be downloaded from PyPI")
	}
	if python := os.Getenv("IMAGESPEC_FLYTEKIT_PYTHON"); python != "" {
		return python
	}
	env := filepath.Join(t.TempDir(), "venv")
	python := filepath.Join(env, "bin", "python")
	for _, args := range [][]string{{"venv", "--quiet", env}, {"pip", "install", "--quiet", "--python", python, "flytekit"}} {
		if out, err := exec.Command(uvHere(t), args...).CombinedOutput(); err != nil {
			t.Skipf("uv %v: %v\n%s", args, err, out)
		}
	}
	return python
}

// flytekitsImages pushes stand-ins for the two images that flytekit's
// Dockerfile takes programs from, and gives the arguments that name them. The
// one for micromamba makes an environment of the base's Python where conda
// would put one of its own.
func flytekitsImages(t *testing.T, engine *testengine.Engine) []string {
	t.Helper()
	const uv = "FROM scratch\nCOPY --from=bin uv /uv\n"
	const micromamba = `FROM python:3.11-slim-bookworm
RUN --mount=type=secret,id=ca-certificates cat /run/secrets/ca-certificates >>/etc/ssl/certs/ca-certificates.crt || true; \
    echo '# as another image has it' >>/etc/ssl/certs/ca-certificates.crt
COPY --chmod=755 <<'END' /usr/bin/micromamba
#!/bin/sh
[ "$1" = config ] || exec python3 -m venv /opt/micromamba/envs/runtime
END
`
	var contexts []string
	for name, dockerfile := range map[string]string{"ghcr.io/astral-sh/uv:0.5.1": uv, "mambaorg/micromamba:2.0.3-debian12-slim": micromamba} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
			t.Fatal(err)
		}
		ref := engine.Registry + "/e2e/" + name
		args := append(testengine.HostArgs(), "--provenance=false", "--build-context=bin="+filepath.Dir(uvHere(t)), "--output=type=image,push=true,name="+ref)
		if built, err := engine.Build(t, dir, args...); err != nil {
			t.Fatalf("%v\n%s", err, built.Output)
		}
		contexts = append(contexts, "--build-context="+name+"=docker-image://"+ref)
	}
	return contexts
}

// buildByFlytekit builds the spec of a project as flytekit does. BuildKit's own
// Dockerfile frontend takes the place of the one that the file asks for, and
// uv is told where the certificate authorities are.
func buildByFlytekit(t *testing.T, p project, python string, contexts []string) project {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata", "default_builder.py"))
	if err != nil {
		t.Fatal(err)
	}
	theirs := project{engine: p.engine, dir: t.TempDir(), image: strings.Replace(p.image, ":latest", ":flytekit", 1)}
	cmd := exec.Command(python, script, theirs.dir)
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	theirs.replace(t, "Dockerfile", "#syntax=", "# ")
	theirs.replace(t, "Dockerfile", "WORKDIR /\n", "WORKDIR /\nENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n")
	args := append(slices.Clone(contexts), "--provenance=false", "--output=type=image,push=true,name="+theirs.image)
	if built, err := p.engine.Build(t, theirs.dir, args...); err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	return theirs
}

// facts are what is compared: the image's config, and what probe.py finds in
// a container.
func facts(t *testing.T, p project) map[string]string {
	t.Helper()
	probe, err := os.ReadFile(filepath.Join("testdata", "probe.py"))
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]string{}
	if err := json.Unmarshal([]byte(p.run(t, "python", "-c", string(probe))), &facts); err != nil {
		t.Fatal(err)
	}
	image := p.engine.Image(t, p.image, "")
	text, err := json.Marshal(image.Config.Config)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	delete(config, "Env")
	for field, value := range config {
		facts["config "+field] = string(value)
	}
	for _, variable := range image.Config.Config.Env {
		if name, value, _ := strings.Cut(variable, "="); name != "SSL_CERT_FILE" {
			facts["env "+name] = value
		}
	}
	return facts
}

// differences gives a line for each fact that is not the same, with flytekit's
// first.
func differences(theirs, ours map[string]string) []string {
	names := maps.Clone(theirs)
	maps.Copy(names, ours)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		their, inTheirs := theirs[name]
		our, inOurs := ours[name]
		switch {
		case !inTheirs:
			lines = append(lines, fmt.Sprintf("%s: only ours: %s", name, our))
		case !inOurs:
			lines = append(lines, fmt.Sprintf("%s: only flytekit's: %s", name, their))
		case their != our:
			lines = append(lines, fmt.Sprintf("%s: flytekit's %s, ours %s", name, their, our))
		}
	}
	return lines
}
