package pipfilelock_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/pipfilelock"
)

// pipenvScript lets the Pipenv that is installed go the way of "pipenv sync"
// up to where it calls pip: the requirements of each category, their markers
// evaluated for the Python that is named, and the digest of the Pipfile.
const pipenvScript = `
import json, os, sys
folder, python, *categories = sys.argv[1:]
os.chdir(folder)
from pipenv.utils.locking import Lockfile
from pipenv.project import Project
lockfile = Lockfile.load(os.path.join(folder, "Pipfile.lock"), create=False)
env = {"python_version": ".".join(python.split(".")[:2]), "python_full_version": python, "implementation_version": python, "platform_release": "", "platform_version": ""}
lines = {}
for category in categories:
    for requirement, line in lockfile.get_requirements(dev=False, only=False, categories=[category]):
        if not requirement.markers or requirement.markers.evaluate(env):
            name, _, rest = line.partition(";")
            hashes = sorted(word.removeprefix("--hash=") for word in line.split() if word.startswith("--hash="))
            words = name.split()
            lines[words[1] if words[0] == "-e" else words[0]] = hashes
json.dump({"lines": lines, "digest": Project().pipfile.calculate_hash()}, sys.stdout)
`

// TestLivePipenv compares with the Pipenv of the python3 on PATH.
func TestLivePipenv(t *testing.T) {
	if testing.Short() {
		t.Skip("Pipenv is not asked in short tests")
	}
	if err := exec.Command("python3", "-c", "import pipenv.utils.locking").Run(); err != nil {
		t.Skip("python3 has no Pipenv to compare with")
	}
	own, err := filepath.Abs(filepath.Join("testdata", "project"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(vectors.Dir(t), "pipenv", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range append(found, own) {
		for _, python := range []string{"3.9.2", "3.11.7", "3.13.1"} {
			for _, groups := range [][]string{nil, {"dev"}, {"docs"}} {
				t.Run(filepath.Base(folder)+"/"+python+"/"+strings.Join(groups, ","), func(t *testing.T) {
					compare(t, folder, python, groups)
				})
			}
		}
	}
}

func compare(t *testing.T, folder, python string, groups []string) {
	read := func(name string) (*diag.Source, error) {
		data, err := os.ReadFile(filepath.Join(folder, name))
		return &diag.Source{Name: name, Data: data}, err
	}
	src, err := read("Pipfile.lock")
	if err != nil {
		t.Fatal(err)
	}
	l, err := pipfilelock.Parse(src, read, func(string) string { return "x" })
	if err != nil {
		t.Fatal(err)
	}
	picks, err := l.Resolver.Resolve(locktest.Bookworm(t, python).Env, lock.Request{Groups: groups})
	if len(groups) > 0 && groups[0] == "docs" && err != nil {
		t.Skip("the lock has no such category")
	}
	if errors.Is(err, lock.NotLocked) {
		t.Skip(err) // Pipenv would install it without a hash
	}
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]string)
	for _, pick := range picks {
		p := pick.Package
		hashes := []string{}
		for _, h := range p.Hashes {
			hashes = append(hashes, h.Algorithm+":"+h.Hex)
		}
		slices.Sort(hashes)
		switch p.Source.Origin {
		case lock.Registry:
			got[p.Name+"=="+p.Version] = hashes
		case lock.Directory:
			got["./"+p.Source.Path] = hashes
		default: // Pipenv's line has no hashes then
			got[p.Source.URL] = hashes
		}
	}
	args := []string{"-W", "ignore", "-c", pipenvScript, folder, python, "default"}
	for _, group := range groups {
		args = append(args, strings.Replace(group, "dev", "develop", 1))
	}
	cmd := exec.Command("python3", args...)
	cmd.Env = append(os.Environ(), "PIPENV_IGNORE_VIRTUALENVS=1", "PIPENV_VERBOSITY=-1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	var answer struct {
		Lines  map[string][]string
		Digest string
	}
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatal(err, string(output))
	}
	want := make(map[string][]string)
	for name, hashes := range answer.Lines {
		if name, version, ok := strings.Cut(name, "=="); ok {
			name, _, _ = strings.Cut(name, "[")
			want[pep508.NormalizeName(name)+"=="+version] = hashes
			continue
		}
		want[name] = hashes
	}
	for name, hashes := range want {
		if !slices.Equal(got[name], hashes) {
			t.Errorf("%s has hashes %q, Pipenv has %q", name, got[name], hashes)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is selected, but not by Pipenv", name)
	}
	pipfile, err := read("Pipfile")
	if err != nil {
		t.Fatal(err)
	}
	if stale := len(l.Warnings) > 0; stale == strings.Contains(string(src.Data), answer.Digest) {
		t.Errorf("stale: %v, but Pipenv's digest of %s is %s", stale, pipfile.Name, answer.Digest)
	}
}
