package lock_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// all is a Resolver that gives every package to every target.
type all struct{ packages []*lock.Package }

func (a all) Resolve(pep508.Env, lock.Request) ([]lock.Pick, error) {
	var picks []lock.Pick
	for _, p := range a.packages {
		picks = append(picks, lock.Pick{Package: p, By: a.packages[0]})
	}
	return picks, nil
}

// source is the lock that the packages of these tests point at.
var source = &diag.Source{Name: "uv.lock", Data: []byte("requires-python = \">=3.10\"\n\n[first]\n\n[second]\n")}

func newLock(packages ...*lock.Package) *lock.Lock {
	for _, p := range packages {
		if p.At.Line == 0 {
			p.At = diag.Range{Source: source, Line: 3}
		}
	}
	return &lock.Lock{Source: source, Packages: packages, Resolver: all{packages}}
}

// registry makes a package of an index; names that are no wheels are sdists.
func registry(name, version string, files ...string) *lock.Package {
	p := &lock.Package{Name: name, Version: version, Source: lock.Source{Origin: lock.Registry, URL: "https://pypi.org/simple"}}
	for _, file := range files {
		if strings.HasSuffix(file, ".whl") {
			p.Wheels = append(p.Wheels, lock.File{Name: file})
		} else {
			p.Sdist = &lock.File{Name: file}
		}
	}
	return p
}

func target(t *testing.T, arch, python string, libc wheel.Libc) lock.Target {
	t.Helper()
	target, err := lock.LinuxTarget(arch, "", python, false, libc)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// bookworm is the target of an image based on Debian 12.
func bookworm(t *testing.T) lock.Target {
	return target(t, "amd64", "3.12.4", wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
}

func TestSelectFile(t *testing.T) {
	const (
		pure   = "a-1.0-py3-none-any.whl"
		native = "a-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
		newest = "a-1.0-cp312-cp312-manylinux_2_34_x86_64.whl"
		stable = "a-1.0-cp310-abi3-manylinux_2_17_x86_64.whl"
		built1 = "a-1.0-1-py3-none-any.whl"
		built2 = "a-1.0-10-py3-none-any.whl"
		arm    = "a-1.0-cp312-cp312-manylinux_2_17_aarch64.whl"
		sdist  = "a-1.0.tar.gz"
	)
	tests := []struct {
		name  string
		files []string
		want  string
	}{
		{"native before pure", []string{pure, native}, native},
		{"own ABI before the stable one", []string{stable, native}, native},
		{"newer glibc first", []string{native, newest}, newest},
		{"higher build number", []string{pure, built2, built1}, built2},
		{"first of equals", []string{pure, "A-1.0-py3-none-any.whl"}, pure},
		{"no name of a wheel", []string{"a-1.0-old.whl", pure}, pure},
		{"source where no wheel fits", []string{arm, sdist}, sdist},
		{"wheel before source", []string{sdist, pure}, pure},
	}
	for _, test := range tests {
		got, err := lock.Select(newLock(registry("a", "1.0", test.files...)), bookworm(t), lock.Request{}, offline.Index{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		kind := lock.KindWheel
		if test.want == sdist {
			kind = lock.KindSdist
		}
		if p := got.Packages[0]; p.File.Name != test.want || p.Kind != kind {
			t.Errorf("%s: %s %s, want %s %s", test.name, p.Kind, p.File.Name, kind, test.want)
		}
	}
}

func TestSelectKind(t *testing.T) {
	wheelFile := []lock.File{{Name: "a-1.0-py3-none-any.whl"}}
	sdist := &lock.File{Name: "a-1.0.zip"}
	tests := []struct {
		name string
		pkg  lock.Package
		want lock.Kind
		file string
	}{
		{"wheel by URL", lock.Package{Source: lock.Source{Origin: lock.Archive}, Wheels: wheelFile}, lock.KindWheel, "a-1.0-py3-none-any.whl"},
		{"archive by URL", lock.Package{Source: lock.Source{Origin: lock.Archive}, Sdist: sdist}, lock.KindArchive, "a-1.0.zip"},
		{"commit", lock.Package{Source: lock.Source{Origin: lock.Git}}, lock.KindGit, ""},
		{"wheel in a commit", lock.Package{Source: lock.Source{Origin: lock.Git, Path: "dist/a"}, Wheels: wheelFile}, lock.KindGit, "a-1.0-py3-none-any.whl"},
		{"archive in a commit", lock.Package{Source: lock.Source{Origin: lock.Git, Path: "dist/a"}, Sdist: sdist}, lock.KindGit, "a-1.0.zip"},
		{"directory", lock.Package{Source: lock.Source{Origin: lock.Directory}}, lock.KindDirectory, ""},
	}
	for _, test := range tests {
		test.pkg.Name = "a"
		got, err := lock.Select(newLock(&test.pkg), bookworm(t), lock.Request{}, offline.Index{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if p := got.Packages[0]; p.Kind != test.want || p.File.Name != test.file || p.By != &test.pkg {
			t.Errorf("%s: %s %q by %v", test.name, p.Kind, p.File.Name, p.By)
		}
	}
}

func TestSelectPolicies(t *testing.T) {
	both := registry("a", "1.0", "a-1.0-py3-none-any.whl", "a-1.0.tar.gz")
	tests := []struct {
		name    string
		request lock.Request
		want    lock.Kind // empty: no artefact
	}{
		{"no policy", lock.Request{}, lock.KindWheel},
		{"no binary", lock.Request{NoBinary: lock.Policy{All: true}}, lock.KindSdist},
		{"no binary by name", lock.Request{NoBinary: lock.Policy{Names: []string{"b", "A"}}}, lock.KindSdist},
		{"no build", lock.Request{NoBuild: lock.Policy{All: true}}, lock.KindWheel},
		{"neither", lock.Request{NoBinary: lock.Policy{All: true}, NoBuild: lock.Policy{Names: []string{"a"}}}, ""},
	}
	for _, test := range tests {
		got, err := lock.Select(newLock(both), bookworm(t), test.request, offline.Index{})
		switch {
		case test.want == "" && errors.Is(err, lock.NoArtifact):
		case err != nil:
			t.Errorf("%s: %v", test.name, err)
		case got.Packages[0].Kind != test.want:
			t.Errorf("%s: %s, want %s", test.name, got.Packages[0].Kind, test.want)
		}
	}
}

func TestSelectPoliciesOfTheLock(t *testing.T) {
	p := registry("a", "1.0", "a-1.0-py3-none-any.whl", "a-1.0.tar.gz")
	p.NoBinary = true
	got, err := lock.Select(newLock(p), bookworm(t), lock.Request{}, offline.Index{})
	if err != nil || got.Packages[0].Kind != lock.KindSdist {
		t.Errorf("no binary: %+v, %v", got, err)
	}
	p.NoBuild = true
	if _, err := lock.Select(newLock(p), bookworm(t), lock.Request{}, offline.Index{}); !errors.Is(err, lock.NoArtifact) {
		t.Errorf("neither: %v, want %v", err, lock.NoArtifact)
	}
}

func TestSelectLeavesOut(t *testing.T) {
	pkg := func(name string, source lock.Source) *lock.Package {
		return &lock.Package{Name: name, Source: source, Wheels: []lock.File{{Name: "x-1-py3-none-any.whl"}}}
	}
	l := newLock(
		pkg("z-index", lock.Source{Origin: lock.Registry, Path: "wheels"}),
		pkg("b-root", lock.Source{Origin: lock.Virtual, Path: "."}),
		pkg("a-tree", lock.Source{Origin: lock.Directory, Path: "lib"}),
		pkg("c-file", lock.Source{Origin: lock.Archive, Path: "c.whl"}),
		pkg("d-url", lock.Source{Origin: lock.Archive, URL: "https://example.com/d.whl"}),
	)
	tests := []struct {
		request lock.Request
		want    []string
	}{
		{lock.Request{}, []string{"a-tree", "c-file", "d-url", "z-index"}},
		{lock.Request{NoInstallLocal: true}, []string{"d-url", "z-index"}},
		{lock.Request{NoInstall: []string{"D_URL", "none"}}, []string{"a-tree", "c-file", "z-index"}},
	}
	for _, test := range tests {
		got, err := lock.Select(l, bookworm(t), test.request, offline.Index{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range got.Packages {
			names = append(names, p.Package.Name)
		}
		if !slices.Equal(names, test.want) {
			t.Errorf("%+v gives %v, want %v", test.request, names, test.want)
		}
	}
}

func TestSelectWarnings(t *testing.T) {
	l := newLock()
	l.Warnings = []diag.Warning{{Rule: "LockCredentials"}}
	got, err := lock.Select(l, bookworm(t), lock.Request{}, offline.Index{})
	if err != nil || len(got.Warnings) != 1 || got.Warnings[0].Rule != "LockCredentials" {
		t.Errorf("selection %+v, error %v", got, err)
	}
}

// requires-python counts the release only, as uv does.
func TestRequiresPython(t *testing.T) {
	tests := []struct {
		python, requires string
		ok               bool
	}{
		{"3.12.4", ">=3.10", true},
		{"3.9.1", ">=3.10", false},
		{"3.14.0rc2", ">=3.14", true},
		{"3.14.0rc2", "<3.14", false},
		{"3.12.4", ">=3.12.5", false},
		{"3.12.4", "", true},
	}
	for _, test := range tests {
		requires, err := pep440.ParseSpecifiers(test.requires)
		if err != nil {
			t.Fatal(err)
		}
		l := newLock()
		l.RequiresPython = requires
		_, err = lock.Select(l, target(t, "amd64", test.python, wheel.Libc{Family: "glibc", Major: 2, Minor: 36}), lock.Request{}, offline.Index{})
		if (err == nil) != test.ok || err != nil && !errors.Is(err, lock.WrongPython) {
			t.Errorf("Python %s with %q: %v", test.python, test.requires, err)
		}
	}
}

// TestMessages shows every error of a selection as a terminal shows it.
func TestMessages(t *testing.T) {
	bounded := newLock()
	bounded.RequiresPython, _ = pep440.ParseSpecifiers(">=3.13")
	bounded.RequiresLine = 1
	second := registry("numpy", "2.3.0", "numpy-2.3.0.tar.gz")
	second.At = diag.Range{Source: source, Line: 5}
	many := registry("many", "1.0")
	for _, machine := range strings.Fields("aarch64 armv7l i686 ppc64 ppc64le riscv64 s390x loongarch64 mips64") {
		many.Wheels = append(many.Wheels, lock.File{Name: "many-1.0-py3-none-manylinux_2_36_" + machine + ".whl"})
	}
	musl := target(t, "arm64", "3.12.4", wheel.Libc{Family: "musl", Major: 1, Minor: 2})
	tests := []struct {
		name    string
		lock    *lock.Lock
		target  lock.Target
		request lock.Request
		reason  lock.Reason
	}{
		{"requires-python", bounded, bookworm(t), lock.Request{}, lock.WrongPython},
		{"ambiguous", newLock(registry("numpy", "1.26.4"), second), bookworm(t), lock.Request{}, lock.Ambiguous},
		{"platform", newLock(registry("torch", "2.5.1", "torch-2.5.1-cp312-cp312-win_amd64.whl", "torch-2.5.1-cp39-cp39-manylinux1_x86_64.whl",
			"torch-2.5.1-cp312-none-macosx_11_0_arm64.whl")), bookworm(t), lock.Request{}, lock.NoArtifact},
		{
			"musl", newLock(registry("decord", "0.6.0", "decord-0.6.0-py3-none-manylinux2010_x86_64.whl", "decord-0.6.0-py3-none-win_amd64.whl")),
			musl,
			lock.Request{},
			lock.NoArtifact,
		},
		{
			"abi", newLock(registry("numba", "0.60", "numba-0.60-cp39-cp39-manylinux2014_x86_64.whl", "numba-0.60-cp311-cp311-manylinux2014_x86_64.whl")),
			bookworm(t),
			lock.Request{},
			lock.NoArtifact,
		},
		{
			"interpreter", newLock(registry("old", "1.0", "old-1.0-cp27-cp27mu-manylinux1_x86_64.whl", "old-1.0-pp310-pypy310_pp73-any.whl")),
			bookworm(t),
			lock.Request{},
			lock.NoArtifact,
		},
		{"many", newLock(many), bookworm(t), lock.Request{}, lock.NoArtifact},
		{"nothing", newLock(registry("empty", "1.0")), bookworm(t), lock.Request{}, lock.NoArtifact},
		{"bzip2", newLock(registry("bz2", "1.0.0", "bz2-1.0.0.tar.bz2")), bookworm(t), lock.Request{}, lock.NoArtifact},
		{
			"no-build", newLock(registry("a", "1", "a-1-cp312-cp312-win32.whl", "a-1.tar.gz")), bookworm(t),
			lock.Request{NoBuild: lock.Policy{All: true}},
			lock.NoArtifact,
		},
		{
			"no-binary", newLock(registry("a", "1", "a-1-py3-none-any.whl")), bookworm(t),
			lock.Request{NoBinary: lock.Policy{All: true}},
			lock.NoArtifact,
		},
		{"several", newLock(registry("a", "1"), registry("b", "2")), bookworm(t), lock.Request{}, lock.NoArtifact},
	}
	var text strings.Builder
	for _, test := range tests {
		_, err := lock.Select(test.lock, test.target, test.request, offline.Index{})
		var reason lock.Reason
		if !errors.Is(err, test.reason) || !errors.As(err, &reason) || reason != test.reason {
			t.Fatalf("%s: %v is no %s", test.name, err, test.reason)
		}
		text.WriteString("== " + test.name + "\n" + diag.Format(err) + "\n\n")
	}
	golden.Check(t, "testdata/messages.txt", text.String())
}
