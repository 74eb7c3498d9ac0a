package testengine

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// recipes hold how stand-ins are made from Debian's roots.
//
//go:embed images
var recipes embed.FS

// epoch is the time of every file and image made here, so that the same
// packages give the same digests.
const epoch = "1700000000"

// goImage is what our Dockerfile starts from.
const goImage = "golang:1.26-bookworm"

// pythonBase is one Python image and the names on docker.io that it stands
// in for.
type pythonBase struct {
	suite, python string
	platforms     string
	names         []string
}

// pythonBases has no Python 3.13 on bookworm, because Debian has none: trixie
// stands in for it, with glibc 2.41 instead of 2.36.
func pythonBases() []pythonBase {
	return []pythonBase{
		{"bookworm", "3.11", "linux/amd64,linux/arm64", []string{"python:3.11-slim-bookworm", "python:3.11-slim"}},
		{"trixie", "3.13", "linux/amd64", []string{"python:3.13-slim-trixie", "python:3.13-slim", "python:3.13-slim-bookworm"}},
	}
}

// root is a Debian file tree as a tar, made without an image registry.
type root struct {
	suite, arch string
	options     []string // of mmdebstrap
}

func (r root) tar() string { return r.suite + "-" + r.arch + ".tar" }

// roots lists the trees that the recipes add. The one for arm64 is unpacked,
// but none of its programs is run, so that no emulation is needed.
func roots() []root {
	native := []string{"--variant=minbase"}
	return []root{
		{"bookworm", "amd64", native},
		{"trixie", "amd64", native},
		{"bookworm", "arm64", []string{
			"--variant=extract", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
			"--include=?essential", "--include=python3.11,python3.11-venv,ca-certificates,base-files,netbase,tzdata",
			`--customize-hook=sh setup.sh "$1" 3.11`,
		}},
	}
}

// makeRoots downloads and unpacks Debian, one suite after the other: two
// cores and one connection do not get faster by more.
func (s *starter) makeRoots(ctx context.Context) error {
	if runtime.GOARCH != "amd64" {
		return &MissingError{"docker.io does not answer and stand-ins for its images are made on amd64 only"}
	}
	dir, err := s.writeRecipes()
	if err != nil {
		return err
	}
	for _, r := range roots() {
		make := func() error {
			args := append([]string{
				"--quiet", "--arch=" + r.arch, `--aptopt=Acquire::Languages "none"`,
				"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
				"--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/info/*",
			}, r.options...)
			cmd := exec.CommandContext(ctx, "mmdebstrap", append(args, r.suite, r.tar())...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+epoch)
			// Killed it would leave mounts behind; interrupted it tidies up.
			cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
			return run(cmd)
		}
		key := strings.Join(r.options, " ")
		if strings.Contains(key, "setup.sh") {
			key += filesHash(filepath.Join(dir, "setup.sh"))
		}
		if err := s.once(r.tar(), key, "unpack Debian "+r.suite+" for "+r.arch, make); err != nil {
			return err
		}
	}
	return nil
}

// writeRecipes lays the recipes beside the roots, where builds find both.
func (s *starter) writeRecipes() (dir string, err error) {
	dir = filepath.Join(s.home, "images")
	entries, err := recipes.ReadDir("images")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, entry := range entries {
		text, err := recipes.ReadFile(path.Join("images", entry.Name()))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, entry.Name()), text, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// pushBases builds the stand-ins and pushes them under the names of the
// images that they stand in for.
func (s *starter) pushBases(ctx context.Context) error {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(s.home, "images", "[a-z]*[a-z]"))
	if err != nil {
		return err
	}
	key := filesHash(files...) + string(goroot)
	once := func(name string, f func() error) error {
		return s.once(strings.ReplaceAll(name, "/", "_"), key, "make stand-in for "+name, f)
	}
	for _, suite := range []string{"bookworm", "trixie"} {
		name := "debian:" + suite + "-slim"
		if err := once(name, func() error {
			return s.pushBase(ctx, "debian.Dockerfile", []string{name}, "--build-arg=SUITE="+suite)
		}); err != nil {
			return err
		}
	}
	// The others start from these. Each waits for the network, so they go side
	// by side.
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return once(goImage, func() error {
			dir, _, _ := strings.Cut(string(goroot), "\n")
			return s.pushBase(ctx, "golang.Dockerfile", []string{goImage}, "--build-context=goroot="+dir)
		})
	})
	for _, base := range pythonBases() {
		group.Go(func() error {
			return once(base.names[0], func() error { return s.pushPython(ctx, base) })
		})
	}
	return group.Wait()
}

// pushPython asks the image for Debian's full version of Python first,
// because the official image has it in its environment.
func (s *starter) pushPython(ctx context.Context, base pythonBase) error {
	args := []string{"--build-arg=SUITE=" + base.suite, "--build-arg=PYTHON=" + base.python}
	dir, err := os.MkdirTemp("", "imagespec-base-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := s.buildRecipe(ctx, "python.Dockerfile", append(args, "--target=version", "--output="+dir)...); err != nil {
		return err
	}
	version, err := os.ReadFile(filepath.Join(dir, "python-version"))
	if err != nil {
		return err
	}
	args = append(args, "--platform="+base.platforms, "--build-arg=PYTHON_VERSION="+strings.TrimSpace(string(version)))
	return s.pushBase(ctx, "python.Dockerfile", base.names, args...)
}

func (s *starter) pushBase(ctx context.Context, recipe string, names []string, args ...string) error {
	var refs []string
	for _, name := range names {
		refs = append(refs, s.Registry+"/library/"+name)
	}
	// Uncompressed, since they never leave this machine.
	output := `--output=type=image,push=true,rewrite-timestamp=true,compression=uncompressed,"name=` + strings.Join(refs, ",") + `"`
	return s.buildRecipe(ctx, recipe, append(args, output)...)
}

func (s *starter) buildRecipe(ctx context.Context, recipe string, args ...string) error {
	dir := filepath.Join(s.home, "images")
	args = append([]string{
		"buildx", "build", "--builder=" + s.Builder, "--provenance=false", "--progress=plain",
		"--build-arg=SOURCE_DATE_EPOCH=" + epoch, "--file=" + filepath.Join(dir, recipe),
	}, args...)
	return run(s.Docker(ctx, append(args, dir)...))
}
