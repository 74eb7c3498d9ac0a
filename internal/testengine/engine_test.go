package testengine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"
)

// A second start finds everything running and changes nothing.
func TestStartTwice(t *testing.T) {
	first := Start(t)
	if first.Host == "" {
		t.Skip("the builder is not ours")
	}
	pid := func(name string) int {
		pid, ok := daemon{dir: filepath.Join(first.home, name)}.running()
		if !ok {
			t.Errorf("%s does not run", name)
		}
		return pid
	}
	buildkitd, registry := pid("main"), pid("registry")
	begin := time.Now()
	second, err := Up(t.Context(), "main", t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the second start took %s", took)
	}
	if pid("main") != buildkitd || pid("registry") != registry {
		t.Error("the second start started other processes")
	}
	if second.Host != first.Host || second.Registry != first.Registry || second.Builder != first.Builder {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
}

// The second engine has a store of its own and the same registry.
func TestSecond(t *testing.T) {
	first, second := Start(t), Second(t)
	if first.Host == "" {
		t.Skip("the builder is not ours")
	}
	if first.Host == second.Host || first.Builder == second.Builder {
		t.Errorf("both engines are %s, %s", first.Host, first.Builder)
	}
	if first.Registry != second.Registry {
		t.Errorf("registries %s and %s", first.Registry, second.Registry)
	}
	if got := second.Run(t, "python:3.11-slim-bookworm", "python", "-c", "print('two')"); got.Stdout != "two\n" {
		t.Errorf("got %+v", got)
	}
}

// The base images are what the official ones are to a venv: the interpreter
// in /usr/local/bin, its modules with the C libraries behind them, the full
// version in the environment.
func TestPythonBases(t *testing.T) {
	engine := Start(t)
	// A venv made by hand, without Python, as our installer makes it.
	const script = `
mkdir -p /opt/venv/bin
ln -s /usr/local/bin/python3 /opt/venv/bin/python
echo 'home = /usr/local/bin' > /opt/venv/pyvenv.cfg
/opt/venv/bin/python -c '
import bz2, ctypes, lzma, os, platform, sqlite3, ssl, sys, zlib
assert platform.python_version() == os.environ["PYTHON_VERSION"], platform.python_version()
assert ssl.create_default_context().get_ca_certs(), "no certificate authorities"
print(sys.prefix, sys.base_prefix, "%d.%d" % sys.version_info[:2])'`
	for _, test := range []struct{ image, python string }{
		{"python:3.11-slim-bookworm", "3.11"},
		{"python:3.11-slim", "3.11"},
		{"python:3.13-slim-trixie", "3.13"},
		{"python:3.13-slim-bookworm", "3.13"},
	} {
		t.Run(test.image, func(t *testing.T) {
			ran := engine.Run(t, test.image, "sh", "-ec", script)
			if want := "/opt/venv /usr/local " + test.python + "\n"; ran.Stdout != want || ran.Status != 0 {
				t.Errorf("got %+v, want %q", ran, want)
			}
		})
	}
}

// Run takes entrypoint, environment, user and directory from the image, and
// gives back the exit status.
func TestRun(t *testing.T) {
	engine := Start(t)
	ref := engine.Registry + "/test/run:1"
	dir := write(t, "Dockerfile", `
FROM python:3.11-slim-bookworm
WORKDIR /work
USER 1000:1000
ENV GREETING="hello there"
ENTRYPOINT ["sh", "-c"]
CMD ["id -u; id -g; pwd; echo $GREETING; echo oops >&2; exit 3"]
`)
	if built, err := engine.Build(t, dir, "--tag="+ref, "--push"); err != nil {
		t.Fatal(err, built.Output)
	}
	got := engine.Run(t, ref)
	if want := (Ran{Stdout: "1000\n1000\n/work\nhello there\n", Stderr: "oops\n", Status: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := engine.Run(t, ref, "echo $0", "word"); got.Stdout != "word\n" {
		t.Errorf("with arguments: %+v", got)
	}
	if _, err := engine.RunImage(t.Context(), engine.Registry+"/test/absent:1"); err == nil {
		t.Error("an absent image ran")
	}
}

// What was pushed can be looked at, file by file.
func TestImage(t *testing.T) {
	engine := Start(t)
	ref := engine.Registry + "/test/image:1"
	dir := write(t, "Dockerfile", `
FROM scratch
LABEL colour=green
COPY --chmod=0640 --chown=7:8 Dockerfile /etc/file
`)
	built, err := engine.Build(t, dir, "--tag="+ref, "--push", "--provenance=false",
		"--platform=linux/amd64,linux/arm64", "--build-arg=SOURCE_DATE_EPOCH=1600000000",
		"--output=type=image,rewrite-timestamp=true")
	if err != nil {
		t.Fatal(err, built.Output)
	}
	image := engine.Image(t, ref, "linux/arm64")
	if image.Index == nil || len(image.Index.Manifests) != 2 || image.Config.Architecture != "arm64" {
		t.Errorf("index %+v, architecture %q", image.Index, image.Config.Architecture)
	}
	if image.Config.Config.Labels["colour"] != "green" || len(image.Layers) != 1 {
		t.Fatalf("labels %v, %d layers", image.Config.Config.Labels, len(image.Layers))
	}
	if byDigest := engine.Image(t, engine.Registry+"/test/image@"+built.Digest().String(), "linux/arm64"); byDigest.Digest != image.Digest {
		t.Errorf("by digest %s, by tag %s", byDigest.Digest, image.Digest)
	}
	files := image.Layers[0].Files(t)
	if len(files) != 2 {
		t.Fatalf("files %+v", files)
	}
	file := files[1]
	if file.Name != "etc/file" || file.Mode != fs.FileMode(0o640) || file.UID != 7 || file.GID != 8 ||
		file.ModTime.Unix() != 1600000000 || file.Size == 0 {
		t.Errorf("file %+v", file)
	}
}

// Steps of a build are known by name, and a failed build tells its text.
func TestBuild(t *testing.T) {
	engine := Start(t)
	dir := write(t, "Dockerfile", "FROM python:3.11-slim-bookworm\nARG RANDOM\nRUN echo $RANDOM\n")
	random := time.Now().String()
	for _, want := range []string{"DONE", "CACHED"} {
		built, err := engine.Build(t, dir, "--build-arg=RANDOM="+random)
		if err != nil {
			t.Fatal(err, built.Output)
		}
		if got := built.Steps()["[2/2] RUN echo "+random]; got != want {
			t.Errorf("step is %q, want %q, in %v", got, want, built.Steps())
		}
	}
	built, err := engine.Build(t, write(t, "Dockerfile", "FROM python:3.11-slim-bookworm\nRUN exit 5\n"))
	if err == nil || !strings.Contains(built.Output, "exit code: 5") {
		t.Errorf("error %v, output %s", err, built.Output)
	}
}

// Solve tells which steps ran.
func TestSolve(t *testing.T) {
	engine := Start(t)
	def, err := llb.Image("docker.io/library/python:3.11-slim-bookworm").
		Run(llb.Shlexf("echo %q", time.Now()), llb.WithCustomName("say the time")).
		Marshal(t.Context(), llb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		solved, err := engine.Solve(t, def, client.SolveOpt{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(solved.Ran(), "\n"), "say the time"); got != want {
			t.Errorf("the step ran: %v, want %v: %v", got, want, solved.Ran())
		}
	}
}

// The stand-in for Go is the one that our Dockerfile starts from.
func TestDockerfileBase(t *testing.T) {
	checkout, err := findCheckout()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(checkout, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), " "+goImage+" AS build\n") {
		t.Errorf("the Dockerfile does not start from %s", goImage)
	}
}

// Without root there is an error that says so, which skips tests.
func TestMissingError(t *testing.T) {
	var missing *MissingError
	t.Setenv("IMAGESPEC_BUILDER", "somebody's")
	t.Setenv("IMAGESPEC_REGISTRY", "")
	if _, err := Up(t.Context(), "main", t.Logf); !errors.As(err, &missing) || !strings.Contains(err.Error(), "IMAGESPEC_REGISTRY") {
		t.Errorf("got %v", err)
	}
	t.Setenv("IMAGESPEC_BUILDER", "")
	t.Setenv("PATH", t.TempDir())
	if _, err := Up(t.Context(), "main", t.Logf); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

// write makes a folder with one file.
func write(t *testing.T, name, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The engine fetches from a server on loopback, and what it knows by its
// checksum only once.
func TestServeFiles(t *testing.T) {
	engine := Start(t)
	text := time.Now().String()
	server := ServeFiles(t, write(t, "a.txt", text))
	def, err := llb.HTTP(server.URL+"/a.txt", llb.Checksum(digest.FromString(text))).Marshal(t.Context(), llb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := engine.Solve(t, def, client.SolveOpt{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.Count("GET /a.txt"); got != 1 {
		t.Errorf("fetched %d times", got)
	}
	if got := server.Count("GET /b.txt"); got != 0 {
		t.Errorf("a file that nobody wants was fetched %d times", got)
	}
}
