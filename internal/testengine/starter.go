package testengine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// starter brings up one engine. It holds the checkout's lock.
type starter struct {
	*Engine
	name string // of the folder below .engine
	logf func(string, ...any)
}

func (s *starter) run(ctx context.Context) error {
	s.Builder = "imagespec"
	if s.name != "main" {
		s.Builder += "-" + s.name
	}
	if err := os.MkdirAll(filepath.Join(s.home, s.name), 0o755); err != nil {
		return err
	}
	socket, err := socketPath(filepath.Join(s.home, s.name))
	if err != nil {
		return err
	}
	s.Host = "unix://" + socket
	real := s.realBases(ctx)

	// Compiling and unpacking Debian take a minute or two each on a new
	// machine, so they go side by side.
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.buildTools(groupCtx) })
	if !real {
		group.Go(func() error { return s.makeRoots(groupCtx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := s.startRegistry(ctx); err != nil {
		return err
	}
	if err := s.startBuildkitd(ctx, socket); err != nil {
		return err
	}
	if real {
		return nil
	}
	return s.pushBases(ctx)
}

// realBases asks docker.io once per checkout whether it answers, and keeps
// the answer: what a base image is must not change from build to build.
func (s *starter) realBases(ctx context.Context) bool {
	const real, standIns = "docker.io", "stand-ins made of Debian packages"
	file := filepath.Join(s.home, "bases")
	if text, err := os.ReadFile(file); err == nil {
		s.Bases = string(text)
		return s.Bases == real
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s.Bases = standIns
	if err := registryAnswers(ctx, "https://registry-1.docker.io"); err == nil {
		s.Bases = real
	}
	s.logf("base images: %s", s.Bases)
	// Without the file the next start asks again, which is all that can happen.
	_ = os.WriteFile(file, []byte(s.Bases), 0o644)
	return s.Bases == real
}

// buildTools compiles the programs of the tools module and shows buildx to
// the docker command.
func (s *starter) buildTools(ctx context.Context) error {
	module := filepath.Join(s.checkout, "internal", "tools")
	bin := filepath.Join(s.home, "bin")
	return s.once("tools", filesHash(filepath.Join(module, "go.mod"), filepath.Join(module, "go.sum")), "compile buildkitd, buildx and linters", func() error {
		plugins := filepath.Join(s.home, "docker", "cli-plugins")
		if err := os.MkdirAll(plugins, 0o755); err != nil {
			return err
		}
		plugin := filepath.Join(plugins, "docker-buildx")
		if err := errors.Join(removeIfThere(plugin), os.Symlink("../../bin/buildx", plugin)); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin+"/", "tool")
		cmd.Dir = module
		// The compiler takes a seventh less time if it collects garbage less often.
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOGC=300")
		return run(cmd)
	})
}

// once does a step unless it was done before with the same input, which key
// stands for.
func (s *starter) once(name, key, step string, f func() error) error {
	stamp := filepath.Join(s.home, "stamps", name)
	if done, err := os.ReadFile(stamp); err == nil && string(done) == key {
		return nil
	}
	if err := timed(s.logf, step, f); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(stamp), 0o755); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(key), 0o644)
}

const registryConfig = `version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: %s}
`

// startRegistry keeps its address from start to start, since references to
// images carry it.
func (s *starter) startRegistry(ctx context.Context) error {
	d := daemon{dir: filepath.Join(s.home, "registry")}
	if err := os.MkdirAll(filepath.Join(d.dir, "store"), 0o755); err != nil {
		return err
	}
	address, err := keptAddress(filepath.Join(d.dir, "address"))
	if err != nil {
		return err
	}
	s.Registry = address
	if _, ok := d.running(); ok {
		return nil
	}
	config := filepath.Join(d.dir, "config.yml")
	text := fmt.Sprintf(registryConfig, filepath.Join(d.dir, "store"), address)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	ready := func(ctx context.Context) error { return registryAnswers(ctx, "http://"+address) }
	return d.start(ctx, ready, "docker-registry", "serve", config)
}

// The registry comes before docker.io, so stand-ins are found under the real
// names, and so is our frontend, which is not published.
//
// RUN steps and the engine share the machine's network, so that loopback
// servers of tests and package registries are reached without a bridge.
const buildkitdConfig = `root = %[1]q
insecure-entitlements = ["network.host"]
[grpc]
  address = [%[2]q]
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  snapshotter = "overlayfs"
  networkMode = "host"
  binary = "runc"
  gc = true
  maxUsedSpace = "20GB"
[registry.%[3]q]
  http = true
[registry."docker.io"]
  mirrors = [%[3]q]
`

func (s *starter) startBuildkitd(ctx context.Context, socket string) error {
	d := daemon{dir: filepath.Join(s.home, s.name)}
	if _, ok := d.running(); ok {
		return nil
	}
	// What a killed daemon left mounted would keep its store busy.
	if err := unmountBelow(d.dir); err != nil {
		return err
	}
	text := fmt.Sprintf(buildkitdConfig, filepath.Join(d.dir, "root"), s.Host, s.Registry)
	config := filepath.Join(d.dir, "buildkitd.toml")
	if err := errors.Join(os.WriteFile(config, []byte(text), 0o644), removeIfThere(socket)); err != nil {
		return err
	}
	ready := func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	if err := d.start(ctx, ready, filepath.Join(s.home, "bin", "buildkitd"), "--config", config); err != nil {
		return err
	}
	return s.createBuilder(ctx)
}

// createBuilder makes the daemon known to docker buildx, anew at each start,
// because a moved checkout has other paths.
func (s *starter) createBuilder(ctx context.Context) error {
	instance := filepath.Join(s.home, "docker", "buildx", "instances", s.Builder)
	if err := removeIfThere(instance); err != nil {
		return err
	}
	return run(s.Docker(ctx, "buildx", "create", "--name", s.Builder, "--driver", "remote", s.Host))
}

// socketPath is where the daemon of that folder listens. The kernel allows
// 107 bytes for it, so a deep checkout gets a short way to the same folder.
func socketPath(dir string) (string, error) {
	path := filepath.Join(dir, "buildkitd.sock")
	if len(path) <= 107 {
		return path, nil
	}
	link := fmt.Sprintf("/run/imagespec-%x", sha256.Sum256([]byte(dir)))[:30]
	if target, err := os.Readlink(link); err != nil || target != dir {
		if err := errors.Join(removeIfThere(link), os.Symlink(dir, link)); err != nil {
			return "", err
		}
	}
	return filepath.Join(link, "buildkitd.sock"), nil
}

// keptAddress reads a loopback address from a file, or finds a free one and
// writes it there.
func keptAddress(file string) (string, error) {
	if text, err := os.ReadFile(file); err == nil {
		return string(text), nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := listener.Addr().String()
	return address, errors.Join(listener.Close(), os.WriteFile(file, []byte(address), 0o644))
}

// registryAnswers tells a registry, also one that asks for a login, from a
// proxy's error page.
func registryAnswers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v2/", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.Header.Get("Docker-Distribution-Api-Version") == "" {
		return fmt.Errorf("%s: %s and no registry's header", url, response.Status)
	}
	return nil
}

// filesHash stands for the contents of files; one that cannot be read counts
// as empty.
func filesHash(files ...string) string {
	hash := sha256.New()
	for _, file := range files {
		text, _ := os.ReadFile(file)
		fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(file), len(text), text)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// run reports a failing command with all that it printed.
func run(cmd *exec.Cmd) error {
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, output)
	}
	return nil
}
