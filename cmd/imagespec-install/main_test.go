package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// wheel writes a wheel NAME-1.0 with one module, a command of the same name and
// a script, and gives its path.
func wheel(t *testing.T, dir, name string) string {
	t.Helper()
	info := name + "-1.0.dist-info/"
	files := [][2]string{
		{name + "/__init__.py", "def main():\n    print('hello from " + name + "')\n"},
		{name + "/data.bin", strings.Repeat(name, 1<<18)}, // above the size of a job
		{name + "-1.0.data/scripts/" + name + ".sh", "#!/bin/sh\n"},
		{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"},
		{info + "entry_points.txt", "[console_scripts]\n" + name + " = " + name + ":main\n"},
	}
	record := info + "RECORD,,\n"
	for _, f := range files {
		record += f[0] + ",,\n"
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range append(files, [2]string{info + "RECORD", record}) {
		entry, err := w.Create(f[0])
		if err != nil {
			t.Fatal(err)
		}
		entry.Write([]byte(f[1]))
	}
	w.Close()
	file := filepath.Join(dir, name+"-1.0-py3-none-any.whl")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// call runs the command in this process.
func call(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestRun(t *testing.T) {
	root := t.TempDir()
	status, stdout, stderr := call("venv", "--root", root, "--prefix", "/opt/venv", "--python", "3.12", "--version", "3.12.4", "--home", "/usr/local/bin")
	if status != 0 || stdout != "created /opt/venv for Python 3.12.4\n" || stderr != "" {
		t.Errorf("venv: %d, %q, %q", status, stdout, stderr)
	}
	a, b := wheel(t, t.TempDir(), "a"), wheel(t, t.TempDir(), "b")
	status, stdout, stderr = call("wheels", "--root", root, "--prefix", "/opt/venv", "--python", "3.12", b, a)
	if status != 0 || stdout != "installed 2 wheels, 18 files, 0.5 MB\n" || stderr != "" {
		t.Errorf("wheels: %d, %q, %q", status, stdout, stderr)
	}
}

// TestDigestsAndURLs: FILE is the name of a wheel, with or without directory.
func TestDigestsAndURLs(t *testing.T) {
	a := wheel(t, t.TempDir(), "a")
	data, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	right, wrong := hex.EncodeToString(sum[:]), strings.Repeat("0", 64)
	for _, file := range []string{a, filepath.Base(a)} {
		root := t.TempDir()
		status, _, stderr := call("wheels", "--root", root, "--prefix", "/venv", "--python", "3.12",
			"--sha256", file+"="+right, "--direct-url", file+"=https://example.org/a.whl?x=1", a)
		url, _ := os.ReadFile(filepath.Join(root, "venv/lib/python3.12/site-packages/a-1.0.dist-info/direct_url.json"))
		if status != 0 || !strings.HasPrefix(string(url), `{"url":"https://example.org/a.whl?x=1"`) {
			t.Errorf("%s: %d, %s, %s", file, status, stderr, url)
		}
		status, stdout, stderr := call("wheels", "--root", t.TempDir(), "--prefix", "/venv", "--python", "3.12", "--sha256", file+"="+wrong, a)
		want := "a-1.0-py3-none-any.whl: has the SHA-256 " + right + ", expected " + wrong + "\n"
		if status != 1 || stdout != "" || stderr != want {
			t.Errorf("%s: %d, %q, %q, want %q", file, status, stdout, stderr, want)
		}
	}
}

// TestBuilt: what a build has made is found by its folder, and keeps what is
// said of its origin.
func TestBuilt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "greet")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	wheel(t, dir, "greet")
	root, origin := t.TempDir(), `{"url":"file:///root/greet","dir_info":{"editable":false}}`
	status, stdout, stderr := call("wheels", "--root", root, "--prefix", "/venv", "--python", "3.12", "--built", dir, "--origin", "greet="+origin)
	written, _ := os.ReadFile(filepath.Join(root, "venv/lib/python3.12/site-packages/greet-1.0.dist-info/direct_url.json"))
	if status != 0 || !strings.HasPrefix(stdout, "installed 1 wheels") || string(written) != origin {
		t.Errorf("%d, %q, %q, direct_url.json %q", status, stdout, stderr, written)
	}
	wheel(t, dir, "other")
	if status, _, stderr := call("wheels", "--root", root, "--prefix", "/venv", "--python", "3.12", "--built", dir); status != 2 || !strings.Contains(stderr, "holds 2 wheels, want one") {
		t.Errorf("two wheels: %d, %q", status, stderr)
	}
}

func TestCommandLine(t *testing.T) {
	for line, want := range map[string]string{
		"":     "",
		"help": "",
		"venv": "--root is missing",
		"venv --root /out --python 3.12 --prefix /v x":                 `venv takes no arguments, got "x"`,
		"venv --root /out --python three":                              `--python: Python version "three" is not of the form 3.12 or 3.13t`,
		"venv --nonsense":                                              "flag provided but not defined: -nonsense",
		"wheels --root /out --python 3.12":                             "no wheels are named",
		"wheels --root /out --python 3.12 --sha256 a":                  `invalid value "a" for flag -sha256: is not of the form FILE=VALUE`,
		"wheels --root /out --python 3.12 --sha256 a= x.whl":           `invalid value "a=" for flag -sha256: is not of the form FILE=VALUE`,
		"wheels --root /out --python 3.12 --sha256 a=1 --sha256 a=2 x": `invalid value "a=2" for flag -sha256: a is there twice`,
		"wheels --root /out --python 3.12 --sha256 a=1 x.whl":          "a is not among the wheels, but --sha256 or --direct-url names it",
		"wheels --root /out --python 3.12 --origin a={} /w/x":          "a is not among the built, but --origin names it",
		"wheels --root /out --python 3.12 --built /nowhere":            `invalid value "/nowhere" for flag -built: /nowhere holds 0 wheels, want one`,
		"wheels --root /out --python 3.12 --direct-url /w/a=u:1 /w/x":  "a is not among the wheels, but --sha256 or --direct-url names it",
	} {
		status, stdout, stderr := call(strings.Fields(line)...)
		if want != "" {
			want += "\n"
		}
		if status != 2 || stdout != "" || stderr != want+usage {
			t.Errorf("%s: status %d, got\n%swant\n%s", line, status, stderr, want+usage)
		}
	}
}

// binary builds the command as the frontend image does.
func binary(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "imagespec-install")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", file, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// TestDependencies: the bytes of the command are in the cache key of every
// install step, so it may not change with the rest of the project.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := regexp.MustCompile(`^(github\.com/imagespec/imagespec/(cmd/imagespec-install|internal/(standalone/unpack|tree|uninstall|venv|wheelinstall)(/.*)?)|github\.com/klauspost/compress/.*|golang\.org/x/sys/unix)$`)
	for _, pkg := range strings.Fields(string(out)) {
		if !allowed.MatchString(pkg) {
			t.Errorf("it imports %s", pkg)
		}
	}
}

// tree lists a directory with everything that goes into a layer.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		fmt.Fprintf(&b, "%s %d %s", info.Mode(), info.ModTime().UnixNano(), rel)
		if d.Type().IsRegular() {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %x", sha256.Sum256(data))
		}
		if target, err := os.Readlink(name); err == nil {
			b.WriteString(" " + target)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDeterministic: nothing of the machine gets into the tree, and neither the
// order of the arguments. The mode of the root itself is the caller's.
func TestDeterministic(t *testing.T) {
	file, dir := binary(t), t.TempDir()
	var wheels []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		wheels = append(wheels, wheel(t, dir, name))
	}
	reversed := []string{wheels[4], wheels[3], wheels[2], wheels[1], wheels[0]}
	var first string
	for i, c := range []struct {
		env    []string
		umask  string
		wheels []string
	}{
		{nil, "022", wheels},
		{[]string{"GOMAXPROCS=1", "TZ=America/Los_Angeles"}, "000", wheels},
		{[]string{"GOMAXPROCS=7", "TZ=Asia/Tokyo", "LANG=C", "SOURCE_DATE_EPOCH=1"}, "277", reversed},
	} {
		root := t.TempDir()
		os.Chmod(root, 0o755)
		script := "umask " + c.umask + `
			"$0" venv --root "$1" --prefix /opt/venv --python 3.12 --version 3.12.4 --home /usr/local/bin &&
			root=$1 && shift && "$0" wheels --root "$root" --prefix /opt/venv --python 3.12 "$@"`
		cmd := exec.Command("sh", append([]string{"-c", script, file, root}, c.wheels...)...)
		cmd.Env = append(os.Environ(), c.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := tree(t, root)
		if i == 0 {
			first = got
		} else if got != first {
			t.Errorf("run %d gives\n%s\nthe first gave\n%s", i, got, first)
		}
	}
}

// TestEmptyRoot: the command needs nothing but itself, its arguments' files and
// the root: no /tmp, /etc, /proc, /dev, and no user name.
func TestEmptyRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can change the root directory")
	}
	dir := t.TempDir()
	for _, sub := range []string{"bin", "wheels", "out"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(binary(t), filepath.Join(dir, "bin/imagespec-install")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(wheel(t, filepath.Join(dir, "wheels"), "a"))
	for _, args := range [][]string{
		{"venv", "--root", "/out", "--prefix", "/opt/venv", "--python", "3.12", "--version", "3.12.4", "--home", "/usr/local/bin"},
		{"wheels", "--root", "/out", "--prefix", "/opt/venv", "--python", "3.12", "/wheels/" + name},
	} {
		cmd := exec.Command("chroot", append([]string{dir, "/bin/imagespec-install"}, args...)...)
		cmd.Env = []string{}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if got := tree(t, filepath.Join(dir, "out")); !strings.Contains(got, "opt/venv/lib/python3.12/site-packages/a/__init__.py") {
		t.Errorf("got\n%s", got)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 3 {
		t.Errorf("it has left something beside /out: %v", entries)
	}
}

// TestRuns: the environment does what it is for, with a real Python. It lies
// under its prefix by a link, as it will in the image by the layer.
func TestRuns(t *testing.T) {
	python, err := exec.LookPath("/usr/bin/python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	out, err := exec.Command(python, "-c", "import platform; print(platform.python_version())").Output()
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimSpace(string(out))
	minor := version[:strings.LastIndex(version, ".")]

	root, prefix := t.TempDir(), filepath.Join(t.TempDir(), "venv")
	for _, args := range [][]string{
		{"venv", "--root", root, "--prefix", prefix, "--python", minor, "--version", version, "--home", "/usr/bin"},
		{"wheels", "--root", root, "--prefix", prefix, "--python", minor, wheel(t, t.TempDir(), "hello")},
	} {
		if status, _, stderr := call(args...); status != 0 {
			t.Fatal(stderr)
		}
	}
	if err := os.Symlink(filepath.Join(root, prefix), prefix); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(prefix, "bin/hello")).CombinedOutput(); err != nil || string(out) != "hello from hello\n" {
		t.Errorf("the launcher: %v, %s", err, out)
	}
	// What reads the metadata and the times: importlib.metadata, zipfile.
	const code = `
import importlib.metadata as m, shutil, sys
d = m.distribution("hello")
assert all(f.locate().exists() for f in d.files), d.files
assert d.read_text("INSTALLER") == "imagespec\n"
print(d.version, len(d.files), sorted(e.name for e in d.entry_points))
shutil.make_archive(sys.argv[1], "zip", sys.prefix + "/lib")
`
	cmd := exec.Command(filepath.Join(prefix, "bin/python"), "-c", code, filepath.Join(t.TempDir(), "archive"))
	cmd.Env = append(os.Environ(), "TZ=America/Los_Angeles")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "1.0 9 ['hello']\n" {
		t.Errorf("the package: %v, %s", err, out)
	}
}

// TestPython: the archive's interpreter lies below the prefix.
func TestPython(t *testing.T) {
	var data bytes.Buffer
	zw := gzip.NewWriter(&data)
	tw := tar.NewWriter(zw)
	for _, name := range []string{"python/bin/python3.12", "python/lib/python3.12/os.py"} {
		tw.WriteHeader(&tar.Header{Name: name, Mode: 0o755})
	}
	tw.Close()
	zw.Close()
	archive, root := filepath.Join(t.TempDir(), "python.tar.gz"), t.TempDir()
	if err := os.WriteFile(archive, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"python", "--root", root, "--prefix", "/opt/python", "--python", "3.12"}
	status, stdout, stderr := call(append(args, archive)...)
	if status != 0 || stdout != "unpacked Python 3.12 to /opt/python\n" {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(root, "opt/python/bin/python3.12")); err != nil {
		t.Error(err)
	}
	if status, _, stderr := call(args...); status != 2 || !strings.HasPrefix(stderr, "python takes one archive, got 0") {
		t.Errorf("without archive: status %d, %q", status, stderr)
	}
}
