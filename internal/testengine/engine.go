// Package testengine gives tests, make and people a real BuildKit: buildkitd
// with Debian's runc, docker buildx, a registry on loopback and the base
// images in it. Everything lives in the folder .engine of the checkout.
//
// Up starts what is not running yet, Down ends it; the program enginectl does
// the same from a shell. Start is for tests, which then build (Build, Solve),
// look at what was pushed (Image) and run it (Run).
//
// Where docker.io answers, base images come from there. Elsewhere stand-ins
// made of Debian's packages are pushed to the registry under the real names,
// and the registry is configured as docker.io's mirror.
//
// A builder of docker buildx that the machine already has is used instead if
// IMAGESPEC_BUILDER names it; IMAGESPEC_REGISTRY then names a registry that
// it can push to and this process can read by plain HTTP.
package testengine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
)

// Engine is a running BuildKit with a registry beside it.
type Engine struct {
	Builder  string // docker buildx's name for it
	Host     string // BUILDKIT_HOST; empty for a builder that is not ours
	Registry string // host:port of the registry, plain HTTP
	// Bases says where base images come from, for people to read.
	Bases string

	checkout string // the folder with go.mod and Dockerfile
	home     string // its folder .engine

	frontend func() (string, error)
}

// MissingError says what this machine lacks to run an engine, and how to get
// it.
type MissingError struct{ What string }

func (e *MissingError) Error() string { return "no test engine: " + e.What }

// Start returns the checkout's engine, which it starts if it is not running.
// The test is skipped where the machine cannot run one, except in CI.
func Start(t testing.TB) *Engine { return start(t, "main") }

// Second returns another engine with a store of its own, which shares nothing
// but the registry with the first.
func Second(t testing.TB) *Engine { return start(t, "second") }

// started remembers the engines of this process, so that a hundred tests do
// not ask a hundred times whether everything runs.
var started sync.Map // name → func() (*Engine, error)

func start(t testing.TB, name string) *Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("needs an engine")
	}
	up, _ := started.LoadOrStore(name, sync.OnceValues(func() (*Engine, error) {
		return Up(context.Background(), name, t.Logf)
	}))
	engine, err := up.(func() (*Engine, error))()
	var missing *MissingError
	if errors.As(err, &missing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// frontendOfMain is the frontend that the first engine has built. The others
// take it from the registry: they are emptied often, and it would be compiled
// anew each time.
func frontendOfMain() (string, error) {
	main, err := Up(context.Background(), "main", func(string, ...any) {})
	if err != nil {
		return "", err
	}
	return main.Frontend()
}

// Up starts the engine of that name, which is main or second, unless it is
// running. What is done and how long it takes goes to logf.
func Up(ctx context.Context, name string, logf func(string, ...any)) (*Engine, error) {
	checkout, err := findCheckout()
	if err != nil {
		return nil, err
	}
	e := &Engine{checkout: checkout, home: filepath.Join(checkout, ".engine")}
	e.frontend = sync.OnceValues(func() (string, error) { return e.buildFrontend() })
	if builder := os.Getenv("IMAGESPEC_BUILDER"); builder != "" {
		e.Builder, e.Registry, e.Bases = builder, os.Getenv("IMAGESPEC_REGISTRY"), "as the builder finds them"
		if e.Registry == "" {
			return nil, &MissingError{"IMAGESPEC_BUILDER is set, so IMAGESPEC_REGISTRY must name a registry for it"}
		}
		return e, nil
	}
	if err := checkMachine(); err != nil {
		return nil, err
	}
	unlock, err := lock(e.home)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if name != "main" {
		e.frontend = sync.OnceValues(frontendOfMain)
	}
	s := starter{Engine: e, name: name, logf: logf}
	return e, s.run(ctx)
}

// Down ends every process that Up started in this checkout and unmounts what
// they left. Stores and images stay for the next Up.
func Down() error {
	checkout, err := findCheckout()
	if err != nil {
		return err
	}
	home := filepath.Join(checkout, ".engine")
	unlock, err := lock(home)
	if err != nil {
		return err
	}
	defer unlock()
	var errs []error
	for _, name := range []string{"second", "main", "registry"} {
		errs = append(errs, daemon{dir: filepath.Join(home, name)}.stop())
	}
	return errors.Join(append(errs, unmountBelow(home))...)
}

// Env is the environment in which docker buildx, buildctl and our own scripts
// use this engine. It builds the frontend's image for IMAGESPEC_FRONTEND.
func (e *Engine) Env() ([]string, error) {
	frontend, err := e.Frontend()
	if err != nil {
		return nil, err
	}
	env := append(e.buildxEnv(),
		"BUILDX_BUILDER="+e.Builder,
		"IMAGESPEC_REGISTRY="+e.Registry,
		"IMAGESPEC_FRONTEND="+frontend)
	if e.Host != "" {
		env = append(env, "BUILDKIT_HOST="+e.Host)
	}
	return env, nil
}

// buildxEnv puts our buildx where the docker command looks for it.
func (e *Engine) buildxEnv() []string {
	if e.Host == "" {
		return nil
	}
	return []string{"DOCKER_CONFIG=" + filepath.Join(e.home, "docker")}
}

// findCheckout walks up from the working directory to the main module.
func findCheckout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module github.com/imagespec/imagespec\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the test engine works only inside a checkout of imagespec")
		}
		dir = filepath.Dir(dir)
	}
}

func checkMachine() error {
	if os.Geteuid() != 0 {
		return &MissingError{"buildkitd needs root; or name a docker buildx builder in IMAGESPEC_BUILDER"}
	}
	var absent []string
	for _, program := range []string{"docker", "docker-registry", "mmdebstrap", "runc"} {
		if _, err := exec.LookPath(program); err != nil {
			absent = append(absent, program)
		}
	}
	if absent != nil {
		return &MissingError{strings.Join(absent, ", ") + " not installed; make deps installs them on Debian"}
	}
	return nil
}

// lock keeps two processes from starting or stopping engines at once. The
// kernel releases it when its holder ends, however it ends.
func lock(home string) (unlock func(), err error) {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(home, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return func() { file.Close() }, nil
}

// client connects to the engine's own API, through docker buildx where the
// engine is a builder that is not ours.
func (e *Engine) client(ctx context.Context) (*client.Client, error) {
	if e.Host != "" {
		return client.New(ctx, e.Host)
	}
	return client.New(ctx, "", client.WithContextDialer(e.dialStdio))
}

// timed runs one step of a start and says how long it took, if that was long.
func timed(logf func(string, ...any), step string, f func() error) error {
	begin := time.Now()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	if took := time.Since(begin); took > 300*time.Millisecond {
		logf("%-45s %6.1f s", step, took.Seconds())
	}
	return nil
}
