package unpack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/tree"
)

// entry is one entry of an archive; a link has a target.
type entry struct {
	name, target, data string
	mode               int64
	kind               byte
}

// sysconfigData is how the archives have it, shortened.
const sysconfigData = `# system configuration generated and used by the sysconfig module
build_time_vars = {'AR': '/tools/llvm/bin/llvm-ar',
 'BINDIR': '/install/bin',
 'CC': 'clang -pthread',
 'CXX': 'clang++ -pthread',
 'CONFIG_ARGS': "'--prefix=/install' 'CC=clang' "
                "'--libdir=/install/lib:/install'",
 'LDSHARED': 'clang -pthread -shared -isysroot /sdk '
             '-L/tools/deps/lib',
 'NOTE': '/installation of clang',
 'VERSION': '3.12'}
`

// python is the smallest archive of a Python.
func python() []entry {
	return []entry{
		{name: "python/bin/python3.12", data: "\x7fELF", mode: 0o755},
		{name: "python/bin/python3", target: "python3.12"},
		{name: "python/lib/python3.12/os.py", data: "import sys\n", mode: 0o600},
		{name: "python/lib/python3.12/__pycache__/os.cpython-312.pyc", data: "old"},
		{name: "python/lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py", data: sysconfigData, mode: 0o644},
	}
}

// pack writes an archive.
func pack(t testing.TB, entries []entry) string {
	t.Helper()
	var data bytes.Buffer
	zw := gzip.NewWriter(&data)
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.data)), Typeflag: tar.TypeReg, Uid: 1000}
		if e.target != "" {
			header.Typeflag, header.Linkname = tar.TypeSymlink, e.target
		}
		if e.kind != 0 {
			header.Typeflag = e.kind
		}
		if err := tw.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "python.tar.gz")
	if err := os.WriteFile(file, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func unpack(t testing.TB, entries []entry) (root string, err error) {
	root = t.TempDir()
	return root, Unpack(Options{Archive: pack(t, entries), Root: root, Prefix: "/opt/python", Python: "3.12"})
}

func TestUnpack(t *testing.T) {
	root, err := unpack(t, python())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.ModTime().Equal(tree.ModTime()) {
			t.Errorf("%s has the time %s", name, info.ModTime())
		}
		if !d.IsDir() {
			got = append(got, info.Mode().String()+" "+strings.TrimPrefix(name, root))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Lrwxrwxrwx /opt/python/bin/python3",
		"-rwxrwxr-x /opt/python/bin/python3.12",
		"-rw-rw-r-- /opt/python/lib/python3.12/EXTERNALLY-MANAGED",
		"-rw-rw-r-- /opt/python/lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py",
		"-rw-rw-r-- /opt/python/lib/python3.12/os.py",
	}
	if !slices.Equal(got, want) {
		t.Errorf("unpacked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPatchSysconfig(t *testing.T) {
	const want = `# system configuration generated and used by the sysconfig module
build_time_vars = {'PYTHON_BUILD_STANDALONE': 1,
 'AR': 'ar',
 'BINDIR': '/opt/python/bin',
 'CC': 'cc -pthread',
 'CXX': 'c++ -pthread',
 'CONFIG_ARGS': "'--prefix=/opt/python' 'CC=clang' "
                "'--libdir=/opt/python/lib:/opt/python'",
 'LDSHARED': 'cc -pthread -shared '
             '-L/tools/deps/lib',
 'NOTE': '/installation of clang',
 'VERSION': '3.12'}
`
	if got := string(patchSysconfig([]byte(sysconfigData), "/opt/python")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestUnpackRefuses: nothing of a hostile archive reaches a place outside the
// prefix.
func TestUnpackRefuses(t *testing.T) {
	for _, tc := range []struct {
		entry entry
		want  string
	}{
		{entry{name: "etc/passwd"}, `"etc/passwd": does not lie in python/`},
		{entry{name: "python/../../etc/passwd"}, `is no clean path within python/`},
		{entry{name: "/python/bin/x"}, `does not lie in python/`},
		{entry{name: "python//etc/passwd"}, `is no clean path within python/`},
		{entry{name: "python/bin/a\nb"}, `has a character that no file of Python has`},
		{entry{name: "python/bin/up", target: "../../../etc"}, `is a link to "../../../etc", out of python/`},
		{entry{name: "python/bin/abs", target: "/etc"}, `is a link to "/etc", out of python/`},
		{entry{name: "python/bin/hard", target: "python/bin/python3.12", kind: tar.TypeLink}, `is neither file, directory nor symbolic link`},
		{entry{name: "python/bin/pipe", kind: tar.TypeFifo}, `is neither file, directory nor symbolic link`},
		{entry{name: "python/bin/python3.12", data: "again"}, `is there twice`},
		{entry{name: "python/bin/python3/x"}, `bin/python3`}, // a link is no directory
	} {
		if _, err := unpack(t, append(python(), tc.entry)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %s", tc.entry, err, tc.want)
		}
	}
}

func TestUnpackOther(t *testing.T) {
	_, err := unpack(t, python()[1:])
	if want := "is no archive of Python 3.12: it has no python/bin/python3.12"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	text := filepath.Join(t.TempDir(), "python.tar.gz")
	if err := os.WriteFile(text, []byte("<html>not found</html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = Unpack(Options{Archive: text, Root: t.TempDir(), Prefix: "/opt/python", Python: "3.12"})
	if err == nil || !strings.HasPrefix(err.Error(), "python.tar.gz is no gzip archive: ") {
		t.Errorf("%v", err)
	}
}

// FuzzUnpack: whatever the bytes are, only the prefix is written to.
func FuzzUnpack(f *testing.F) {
	data, err := os.ReadFile(pack(f, python()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		file, root := filepath.Join(dir, "a.tar.gz"), filepath.Join(dir, "root")
		if err := errors.Join(os.WriteFile(file, data, 0o600), os.Mkdir(root, 0o755)); err != nil {
			t.Fatal(err)
		}
		_ = Unpack(Options{Archive: file, Root: root, Prefix: "/opt/python", Python: "3.12"})
		for parent, want := range map[string][]string{dir: {"a.tar.gz", "root"}, root: {"opt"}} {
			entries, err := os.ReadDir(parent)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if !slices.Contains(want, e.Name()) {
					t.Errorf("%s is written", filepath.Join(parent, e.Name()))
				}
			}
		}
	})
}
