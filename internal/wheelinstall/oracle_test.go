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
	t.Parallel()
	uv, python := oracleTools(t)
	for _, w := range oracleWheels(t) {
		t.Run(w.pin, func(t *testing.T) {
			t.Parallel()
			env := filepath.Join(t.TempDir(), "venv")
			for _, difference := range compare(t, "uv", uvTree(t, uv, python, env, w), ours(t, env, w.file)) {
				t.Error(difference)
			}
		})
	}
}

// TestOraclePip is TestOracle with pip, which takes a second to start, so that
// all wheels go into one environment.
func TestOraclePip(t *testing.T) {
	t.Parallel()
	python := python311(t, "pip")
	env := filepath.Join(t.TempDir(), "venv")
	command(t, python, "-m", "venv", "--without-pip", env)
	before := snapshot(t, env)
	install := []string{
		"-m", "pip", "--python", filepath.Join(env, "bin/python"), "install", "--quiet",
		"--no-cache-dir", "--no-deps", "--no-compile", "--no-index",
	}
	var wheels []string
	for _, w := range oracleWheels(t) {
		if w.pip {
			install = append(install, "--find-links", w.file, w.pin)
			wheels = append(wheels, w.file)
		}
	}
	command(t, python, install...)
	for _, difference := range compare(t, "pip", without(snapshot(t, env), before), ours(t, env, wheels...)) {
		t.Error(difference)
	}
}

// TestOracleOdd compares with uv what becomes of wheels that are legal but odd,
// or that builders get wrong; such ones are hard to find on PyPI. Where we do
// otherwise on purpose, the case lists all that differs.
func TestOracleOdd(t *testing.T) {
	uv, python := oracleTools(t)
	const info, site = "demo-1.0.dist-info/", "lib/python3.11/site-packages/"
	const listed = info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"
	noHashes := []string{"RECORD: " + info + "METADATA: differs", "RECORD: " + info + "WHEEL: differs"}
	cases := map[string]struct {
		files   entries
		differs []string
	}{
		"modes":          {entries{"a 0654", "", "b 0100700", "", "c 0100001", "", "d 0", ""}, nil},
		"wheel version":  {entries{info + "WHEEL", "Wheel-Version: 1.9\n"}, nil},
		"same in .data":  {entries{"demo.py", "a", "demo-1.0.data/purelib/demo.py", "a"}, nil},
		"entry points":   {entries{info + "entry_points.txt", "# x\n[console_scripts]\na = a:b\n; x\nB = q.w : e.f [x,y]\n[gui_scripts]\nc = z:y\n"}, nil},
		"scripts' lines": {entries{"demo-1.0.data/scripts/a", "#!python\n1", "demo-1.0.data/scripts/b", "#!pythonw -E\n1", "demo-1.0.data/scripts/c", "#!python", "demo-1.0.data/scripts/d", "#!python\r\n1"}, nil},
		// Our RECORD has digests of all files, uv's has what the wheel's has.
		"no digests":  {entries{info + "RECORD", listed}, noHashes},
		"other paths": {entries{"a.py", "a", info + "RECORD", "/a.py,sha256=ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs,1\n./" + listed}, noHashes},
		"unlisted":    {entries{"a.py", "a", info + "RECORD", listed}, append(noHashes, "RECORD: a.py: differs")},
		"missing":     {entries{info + "RECORD", "a.py,,\nd/,,\n" + listed}, noHashes},
		// uv takes the x bits of a link for those of the file that it becomes, pip does not.
		"link": {entries{"libdemo.so 0120777", "libdemo.so.1"}, []string{site + "libdemo.so: differs"}},
		// lib64 is a link: the layer has to name the directory behind it.
		"lib64": {entries{"demo-1.0.data/data/lib64/a.so", ""}, []string{"RECORD: ../../../lib64/a.so: only uv has it", "RECORD: ../../a.so: only we have it"}},
		// uv lists setuptools' scripts though it does not install them.
		"setuptools": {
			entries{info + "entry_points.txt", "[console_scripts]\na = a:b\n", "demo-1.0.data/scripts/a-script.py", "x"},
			[]string{"RECORD: demo-1.0.data/scripts/a-script.py: only uv has it"},
		},
		// pip finds .data by its ending, uv by the exact name of .dist-info.
		"capitals": {entries{"Demo-1.0.data/purelib/a.py", "a"}, []string{
			"RECORD: Demo-1.0.data/purelib/a.py: only uv has it", "RECORD: a.py: only we have it",
			site + "Demo-1.0.data/purelib/a.py: only uv has it", site + "a.py: only we have it",
		}},
		// Where a wheel comes from is not for the wheel to say.
		"direct_url.json": {
			entries{info + "direct_url.json", "{}"},
			[]string{"RECORD: " + info + "direct_url.json: only uv has it", site + info + "direct_url.json: only uv has it"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			env := filepath.Join(t.TempDir(), "venv")
			w := oracleWheel{pin: "demo==1.0", file: buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", c.files)}
			got := compare(t, "uv", uvTree(t, uv, python, env, w), ours(t, env, w.file))
			for i := range got {
				got[i], _, _ = strings.Cut(got[i], " (")
			}
			slices.Sort(got)
			slices.Sort(c.differs)
			if !slices.Equal(got, c.differs) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.differs, "\n"))
			}
		})
	}
}

// oracleTools finds uv and Python.
func oracleTools(t *testing.T) (uv, python string) {
	t.Helper()
	uv, err := exec.LookPath("uv")
	if err != nil {
		t.Skip("uv is not installed, there is nothing to compare with")
	}
	return uv, python311(t)
}

// uvTree makes an environment, has uv install a wheel and gives what uv has
// written. The wheel is found by name, since a wheel named by its path gets a
// direct_url.json.
func uvTree(t *testing.T, uv, python, env string, w oracleWheel) tree {
	t.Helper()
	command(t, uv, "venv", "--quiet", "--no-project", "--python", python, env)
	before := snapshot(t, env)
	command(t, uv, "pip", "install", "--quiet", "--no-cache", "--no-deps", "--offline", "--no-index",
		"--link-mode", "hardlink", "--python", filepath.Join(env, "bin/python"), "--find-links", filepath.Dir(w.file), w.pin)
	return without(snapshot(t, env), before)
}

// ours installs wheels for the environment env and gives what was written.
func ours(t *testing.T, env string, files ...string) tree {
	t.Helper()
	root := t.TempDir()
	var wheels []wheelinstall.Wheel
	for _, file := range files {
		wheels = append(wheels, wheelinstall.Wheel{Path: file})
	}
	_, err := wheelinstall.Install(wheelinstall.Options{
		Layout: venv.Layout{Prefix: env, Python: venv.Python{Major: 3, Minor: 11}},
		Root:   root,
		Wheels: wheels,
		Warn:   func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot(t, filepath.Join(root, env))
}

// compare gives the differences of two trees, one a line, but for those that
// are explained. Directories follow from files.
func compare(t *testing.T, who string, theirs, ours tree) (found []string) {
	t.Helper()
	if len(ours) == 0 {
		t.Error("we have written nothing")
	}
	for _, name := range union(theirs, ours) {
		their, inTheirs := theirs[name]
		our, inOurs := ours[name]
		switch {
		case isRecord(name):
			found = append(found, compareRecords(t, who, path.Dir(path.Dir(name)), their.data, our.data)...)
		case their.kind == our.kind && their.digest == our.digest:
		case explained(who, their.kind, name):
		case !inOurs:
			found = append(found, fmt.Sprintf("%s: only %s has it", name, who))
		case !inTheirs:
			found = append(found, name+": only we have it")
		default:
			found = append(found, fmt.Sprintf("%s: differs (%s has %s %s, we %s %s)", name, who, their.kind, their.digest, our.kind, our.digest))
		}
	}
	return found
}

// compareRecords compares two RECORDs of the directory site as sets.
func compareRecords(t *testing.T, who, site string, theirs, ours []byte) (found []string) {
	t.Helper()
	their, our := recordRows(t, theirs), recordRows(t, ours)
	for _, name := range union(their, our) {
		_, inTheirs := their[name]
		_, inOurs := our[name]
		switch {
		case their[name] == our[name] || explained(who, "file", path.Join(site, name)):
		case !inOurs:
			found = append(found, fmt.Sprintf("RECORD: %s: only %s has it", name, who))
		case !inTheirs:
			found = append(found, fmt.Sprintf("RECORD: %s: only we have it", name))
		default:
			found = append(found, fmt.Sprintf("RECORD: %s: differs (%s has %+v, we %+v)", name, who, their[name], our[name]))
		}
	}
	return found
}

func recordRows(t *testing.T, record []byte) map[string]metadata.Row {
	t.Helper()
	rows, err := metadata.ParseRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	byPath := map[string]metadata.Row{}
	for _, row := range rows {
		byPath[row.Path] = row
	}
	return byPath
}

// union gives the keys of two maps, sorted.
func union[M ~map[string]V, V any](a, b M) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
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
