package wheelinstall_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imagespec/imagespec/internal/venv"
	"github.com/imagespec/imagespec/internal/wheelinstall"
	"github.com/imagespec/imagespec/internal/wheelinstall/metadata"
)

// difference is a way in which another installer's tree is not ours.
type difference struct {
	who    string // "uv", "pip", or "" for both
	kind   string // of their node; "" for any
	file   string // pattern for the path in the environment, with * for any characters
	reason string
}

// differences are all that remain, with the reasons. RECORD is compared as a
// set of rows, without those of files that are in this list.
func differences() []difference {
	site := "lib/python3.11/site-packages/"
	return []difference{
		{"", "", site + "*.dist-info/INSTALLER", "names the installer"},
		{"", "", site + "*.dist-info/REQUESTED", "uv and pip write it for packages that were named, we do not know which were"},
		{"uv", "", site + "*.dist-info/uv_cache.json", "uv's own, holds a time"},
		{"uv", "", ".lock", "uv locks the environment while it works on it"},
		{"uv", "empty directory", "*", "wheels hold files, pip makes no empty directories either"},
		{"pip", "", "bin/*", "pip's launchers have another text"},
	}
}

// explained tells whether a difference in a file is one of differences.
func explained(who, kind, file string) bool {
	return slices.ContainsFunc(differences(), func(d difference) bool {
		before, after, open := strings.Cut(d.file, "*")
		matched := file == d.file || open && strings.HasPrefix(file, before) && strings.HasSuffix(file[len(before):], after)
		return matched && (d.who == "" || d.who == who) && (d.kind == "" || d.kind == kind)
	})
}

// TestOracle installs real wheels with uv and with us, each into an environment
// of its own at the same path, and compares the trees.
func TestOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("it installs 174 wheels, some of them large")
	}
	uv, err := exec.LookPath("uv")
	if err != nil {
		t.Skip("uv is not installed, there is nothing to compare with")
	}
	python := python311(t)
	wheels := oracleWheels(t, python, func(oracleWheel) bool { return true })
	for _, w := range wheels {
		t.Run(w.pin, func(t *testing.T) {
			t.Parallel()
			env := filepath.Join(t.TempDir(), "venv")
			command(t, uv, "venv", "--quiet", "--no-project", "--python", python, env)
			before := snapshot(t, env)
			command(t, uv, "pip", "install", "--quiet", "--no-cache", "--no-deps", "--offline", "--no-index",
				"--link-mode", "copy", "--python", filepath.Join(env, "bin/python"), "--find-links", filepath.Dir(w.file), w.pin)
			compare(t, "uv", without(snapshot(t, env), before), ours(t, env, w.file))
		})
	}
}

// TestOraclePip is TestOracle with pip.
func TestOraclePip(t *testing.T) {
	if testing.Short() {
		t.Skip("it installs 34 wheels, some of them large")
	}
	python := python311(t)
	wheels := oracleWheels(t, python, func(w oracleWheel) bool { return w.pip })
	for _, w := range wheels {
		t.Run(w.pin, func(t *testing.T) {
			t.Parallel()
			env := filepath.Join(t.TempDir(), "venv")
			command(t, python, "-m", "venv", "--without-pip", env)
			before := snapshot(t, env)
			command(t, python, "-m", "pip", "--python", filepath.Join(env, "bin/python"), "install", "--quiet",
				"--no-cache-dir", "--no-deps", "--no-compile", "--no-index", "--find-links", filepath.Dir(w.file), w.pin)
			compare(t, "pip", without(snapshot(t, env), before), ours(t, env, w.file))
		})
	}
}

// ours installs a wheel for the environment env and gives what was written.
func ours(t *testing.T, env, wheel string) tree {
	t.Helper()
	root := t.TempDir()
	_, err := wheelinstall.Install(wheelinstall.Options{
		Layout: venv.Layout{Prefix: env, Python: venv.Python{Major: 3, Minor: 11}},
		Root:   root,
		Wheels: []wheelinstall.Wheel{{Path: wheel}},
		Warn:   func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot(t, filepath.Join(root, env))
}

// compare reports how two trees differ. Directories follow from files.
func compare(t *testing.T, who string, theirs, ours tree) {
	t.Helper()
	all := maps.Clone(theirs)
	maps.Copy(all, ours)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		their, inTheirs := theirs[name]
		our, inOurs := ours[name]
		switch {
		case isRecord(name):
			compareRecords(t, who, path.Dir(path.Dir(name)), their.data, our.data)
		case their.kind == our.kind && their.digest == our.digest:
		case explained(who, their.kind, name):
		case !inOurs:
			t.Errorf("%s: only %s has it (%s)", name, who, their.kind)
		case !inTheirs:
			t.Errorf("%s: only we have it (%s)", name, our.kind)
		default:
			t.Errorf("%s: %s has %s %s, we have %s %s", name, who, their.kind, their.digest, our.kind, our.digest)
		}
	}
	if len(ours) == 0 {
		t.Error("we have written nothing")
	}
}

// compareRecords compares two RECORDs of the directory site as sets.
func compareRecords(t *testing.T, who, site string, theirs, ours []byte) {
	t.Helper()
	rows := func(record []byte) map[string]metadata.Row {
		parsed, err := metadata.ParseRecord(record)
		if err != nil {
			t.Fatal(err)
		}
		byPath := map[string]metadata.Row{}
		for _, row := range parsed {
			byPath[row.Path] = row
		}
		if len(byPath) != len(parsed) {
			t.Errorf("RECORD has paths twice")
		}
		return byPath
	}
	their, our := rows(theirs), rows(ours)
	all := maps.Clone(their)
	maps.Copy(all, our)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if their[name] != our[name] && !explained(who, "file", path.Join(site, name)) {
			t.Errorf("RECORD: %s has %+v, we have %+v", who, their[name], our[name])
		}
	}
}

func isRecord(name string) bool { return strings.HasSuffix(name, ".dist-info/RECORD") }

// node is a file, a link or an empty directory.
type node struct {
	kind   string // "file", "executable", "link" or "empty directory"
	digest string // of the content; a link's target
	data   []byte // of a RECORD
}

// tree is what a directory holds, by path relative to it.
type tree map[string]node

// snapshot reads a directory.
func snapshot(t *testing.T, dir string) tree {
	t.Helper()
	nodes := tree{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		n, err := readNode(name, d)
		if n.kind != "" {
			nodes[rel] = n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

func readNode(name string, d fs.DirEntry) (node, error) {
	switch {
	case d.IsDir():
		entries, err := os.ReadDir(name)
		if len(entries) > 0 {
			return node{}, err
		}
		return node{kind: "empty directory"}, err
	case d.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(name)
		return node{kind: "link", digest: target}, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return node{}, err
	}
	info, err := d.Info()
	if err != nil {
		return node{}, err
	}
	sum := sha256.Sum256(data)
	n := node{kind: "file", digest: hex.EncodeToString(sum[:])}
	if info.Mode()&0o111 != 0 {
		n.kind = "executable"
	}
	if isRecord(name) {
		n.data = data
	}
	return n, nil
}

// without gives the nodes that before does not have in the same way.
func without(after, before tree) tree {
	added := tree{}
	for name, n := range after {
		if old, ok := before[name]; !ok || old.digest != n.digest {
			added[name] = n
		}
	}
	return added
}

// oracleWheel is a line of testdata/oracle-wheels.txt.
type oracleWheel struct {
	pin  string // "name==version"
	pip  bool   // also compared with pip
	file string // where it has been downloaded to
}

// oracleWheels gives the wheels that want chooses, downloaded into the user's
// cache directory if they are not there.
func oracleWheels(t testing.TB, python string, want func(oracleWheel) bool) []oracleWheel {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "imagespec-oracle-wheels")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/oracle-wheels.txt")
	if err != nil {
		t.Fatal(err)
	}
	var wheels []oracleWheel
	for line := range strings.Lines(string(data)) {
		mark, pin := line[0], strings.TrimSpace(line[1:])
		if w := (oracleWheel{pin: pin, pip: mark == '+'}); mark != '#' && want(w) {
			wheels = append(wheels, w)
		}
	}
	download(t, python, dir, wheels)
	return wheels
}

// download sets the file of each wheel. It skips the test if there is no network.
func download(t testing.TB, python, dir string, wheels []oracleWheel) {
	t.Helper()
	slots := make(chan struct{}, 4)
	failures := make([]string, len(wheels))
	var wg sync.WaitGroup
	for i := range wheels {
		if wheels[i].file = findWheel(dir, wheels[i].pin); wheels[i].file != "" {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			args := []string{"-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", dir, "--python-version", "3.11"}
			for _, platform := range []string{"manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1", "linux"} {
				args = append(args, "--platform", platform+"_x86_64")
			}
			out, err := exec.Command(python, append(args, wheels[i].pin)...).CombinedOutput()
			if wheels[i].file = findWheel(dir, wheels[i].pin); wheels[i].file == "" {
				failures[i] = fmt.Sprintf("%s: %v\n%s", wheels[i].pin, err, out)
			}
		})
	}
	wg.Wait()
	failures = slices.DeleteFunc(failures, func(s string) bool { return s == "" })
	if len(failures) == len(wheels) {
		t.Skipf("no wheel can be downloaded: %s", failures[0])
	}
	if len(failures) > 0 {
		t.Fatal(strings.Join(failures, "\n"))
	}
}

// findWheel gives the file of a pin in a directory; "" if it is not there.
func findWheel(dir, pin string) string {
	name, version, _ := strings.Cut(pin, "==")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		parts := strings.Split(e.Name(), "-")
		if strings.HasSuffix(e.Name(), ".whl") && metadata.Normalize(parts[0]) == metadata.Normalize(name) && parts[1] == version {
			return filepath.Join(dir, e.Name())
		}
	}
	return ""
}

// python311 finds the interpreter that the wheels are for.
func python311(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"python3.11", "python3"} {
		out, err := exec.Command(name, "-c", "import sys, pip; print(sys.version_info[:2] == (3, 11), sys.executable)").Output()
		if executable, ok := strings.CutPrefix(string(out), "True "); err == nil && ok {
			return strings.TrimSpace(executable)
		}
	}
	t.Skip("there is no Python 3.11 with pip, for which the wheels are")
	return ""
}

// command runs a program that has to succeed.
func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out.String())
	}
	return out.String()
}
