package testengine

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	digest "github.com/opencontainers/go-digest"
)

// Built is what docker buildx said about a build.
type Built struct {
	Output   string         // standard output and error, with plain progress
	Metadata map[string]any // of --metadata-file; nil if the build failed

	began, ended time.Time
}

// Build runs docker buildx build with these arguments; the context is a folder
// or a URL. The error of a failed build is its exit status; its text is in
// Output.
func (e *Engine) Build(t testing.TB, context string, args ...string) (*Built, error) {
	t.Helper()
	metadata := filepath.Join(t.TempDir(), "metadata.json")
	args = append([]string{"buildx", "build", "--builder=" + e.Builder, "--progress=plain", "--metadata-file=" + metadata}, args...)
	cmd := e.Docker(t.Context(), append(args, context)...)
	built := &Built{began: time.Now()}
	output, err := cmd.CombinedOutput()
	built.Output, built.ended = string(output), time.Now()
	if err != nil {
		return built, fmt.Errorf("docker buildx build: %w", err)
	}
	text, err := os.ReadFile(metadata)
	if err != nil {
		return built, err
	}
	return built, json.Unmarshal(text, &built.Metadata)
}

// Digest is the digest of the image or index that was exported.
func (b *Built) Digest() digest.Digest {
	text, _ := b.Metadata["containerimage.digest"].(string)
	return digest.Digest(text)
}

// ref is the id of the engine's record of the build, empty if the build failed.
func (b *Built) ref() string {
	ref, _ := b.Metadata["buildx.build.ref"].(string)
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// Steps maps each step's name to how it went: "CACHED", "DONE", "ERROR" or
// "CANCELED", from the plain progress.
func (b *Built) Steps() map[string]string {
	line := regexp.MustCompile(`^#(\d+) (CACHED|DONE|ERROR|CANCELED|.+)`)
	names, steps := map[string]string{}, map[string]string{}
	scanner := bufio.NewScanner(bytes.NewBufferString(b.Output))
	for scanner.Scan() {
		match := line.FindStringSubmatch(scanner.Text())
		if match == nil {
			continue
		}
		number, text := match[1], match[2]
		switch name, known := names[number]; {
		case !known:
			names[number] = text
		case text == "CACHED" || text == "DONE" || text == "ERROR" || text == "CANCELED":
			steps[name] = text
		}
	}
	return steps
}

// Docker is a docker command that finds our buildx.
func (e *Engine) Docker(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), e.buildxEnv()...)
	return cmd
}

// dialStdio reaches the API of a builder that only docker buildx knows.
func (e *Engine) dialStdio(ctx context.Context, _ string) (net.Conn, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "client"), os.NewFile(uintptr(pair[1]), "builder")
	defer ours.Close()
	defer theirs.Close()
	cmd := exec.Command("docker", "buildx", "--builder="+e.Builder, "dial-stdio", "--progress=none")
	cmd.Stdin, cmd.Stdout = theirs, theirs
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go cmd.Wait() // ends when the connection does
	return net.FileConn(ours)
}

// buildFrontend builds the frontend's image from our Dockerfile with this
// engine and returns its reference by digest, so that changed sources give
// another one. It is pushed under the name that syntax lines have, too. More
// arguments go to docker buildx build.
func (e *Engine) buildFrontend(more ...string) (string, error) {
	name := e.Registry + "/imagespec/frontend"
	dir, err := os.MkdirTemp("", "imagespec-frontend-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	metadata := filepath.Join(dir, "metadata.json")
	args := append([]string{
		"buildx", "build", "--builder=" + e.Builder, "--provenance=false", "--progress=plain",
		"--build-arg=SOURCE_DATE_EPOCH=0", "--metadata-file=" + metadata,
		"--output=type=image,push=true,rewrite-timestamp=true,name=" + name,
	}, append(more, HostArgs()...)...)
	if err := run(e.Docker(context.Background(), append(args, e.checkout)...)); err != nil {
		return "", err
	}
	var answer struct {
		Digest digest.Digest `json:"containerimage.digest"`
	}
	text, err := os.ReadFile(metadata)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("docker buildx's metadata: %w", err)
	}
	return name + "@" + answer.Digest.String(), nil
}

// HostArgs are arguments of docker buildx build that pass on how this machine
// reaches package registries: its certificate authorities, as the secret
// ca-certificates, and Go's proxy settings, as build arguments.
func HostArgs() []string {
	var args []string
	for _, name := range []string{"GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE"} {
		if value := os.Getenv(name); value != "" {
			args = append(args, "--build-arg="+name+"="+value)
		}
	}
	if _, err := os.Stat(hostBundle()); err == nil {
		args = append(args, "--secret=id=ca-certificates,src="+hostBundle())
	}
	return args
}

// HostSecrets is the secret of HostArgs for Solve.
func HostSecrets(t testing.TB) session.Attachable {
	t.Helper()
	bundle, err := os.ReadFile(hostBundle())
	if errors.Is(err, fs.ErrNotExist) {
		return secretsprovider.FromMap(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return secretsprovider.FromMap(map[string][]byte{"ca-certificates": bundle})
}

// hostBundle is the file with the machine's certificate authorities.
func hostBundle() string {
	return cmp.Or(os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt")
}

// Prune empties the engine: layers, downloads and cache mounts. What the
// registry holds stays.
func (e *Engine) Prune(ctx context.Context) error {
	return run(e.Docker(ctx, "buildx", "prune", "--builder="+e.Builder, "--all", "--force"))
}

// FrontendRef is the reference of our frontend's image for a syntax line. It
// is built at the first call.
func (e *Engine) FrontendRef(t testing.TB) string {
	t.Helper()
	ref, err := e.Frontend()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// Frontend is FrontendRef for programs.
func (e *Engine) Frontend() (string, error) { return e.frontend() }
