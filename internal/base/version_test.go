package base

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// files makes a build context.
func files(nameAndText ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(nameAndText); i += 2 {
		fsys[nameAndText[i]] = &fstest.MapFile{Data: []byte(nameAndText[i+1])}
	}
	return fsys
}

// requires is a project for some versions of Python.
func requires(specifiers string) string {
	return "[project]\nname = \"a\"\nrequires-python = \"" + specifiers + "\"\n"
}

func TestWanted(t *testing.T) {
	for _, tc := range []struct {
		name, spec string
		context    fstest.MapFS
		text, from string
	}{
		{"nothing", "name: a", files(), "3.13", "default"},
		{"the spec first", "python_version: 3.10", files(".python-version", "3.12"), "3.10", ""},
		{"a minor version", "name: a", files(".python-version", "3.12\n"), "3.12", ".python-version:1"},
		{"a release", "name: a", files(".python-version", "# ours\n\n 3.12.4 \n3.11\n"), "3.12.4", ".python-version:3"},
		{"uv's forms", "name: a", files(".python-version", "cpython@3.12\r\n"), "3.12", ".python-version:1"},
		{"free-threaded", "name: a", files(".python-version", "3.13t"), "3.13t", ".python-version:1"},
		{"free-threaded, uv's way", "name: a", files(".python-version", "cpython-3.14+freethreaded"), "3.14t", ".python-version:1"},
		{"an empty file", "name: a", files(".python-version", "\n# 3.12\n"), "3.13", "default"},
		{"beside the lock", "requirements: app/uv.lock", files("app/.python-version", "3.11", ".python-version", "3.12"), "3.11", "app/.python-version:1"},
		{"above the lock", "requirements: app/uv.lock", files(".python-version", "3.12"), "3.12", ".python-version:1"},
		{"file before project", "requirements: uv.lock", files(".python-version", "3.12", "pyproject.toml", requires(">=3.10")), "3.12", ".python-version:1"},
		{"newest that fits", "requirements: uv.lock", files("pyproject.toml", requires(">=3.10,<3.13")), "3.12", "pyproject.toml:3"},
		{"the default where it fits", "requirements: a/uv.lock", files("a/pyproject.toml", requires(">=3.9")), "3.13", "a/pyproject.toml:3"},
		{"newest known", "requirements: uv.lock", files("pyproject.toml", requires(">=3.14")), "3.15", "pyproject.toml:3"},
		{"one release", "requirements: uv.lock", files("pyproject.toml", requires("==3.12.4")), "3.12.4", "pyproject.toml:3"},
		{"a series", "requirements: uv.lock", files("pyproject.toml", requires("==3.11.*")), "3.11", "pyproject.toml:3"},
		{"a project that does not say", "requirements: uv.lock", files("pyproject.toml", "[tool.uv]\n"), "3.13", "default"},
		{"a project without lock", "name: a", files("pyproject.toml", requires("==3.11.*")), "3.13", "default"},
	} {
		got, err := Wanted(parsed(t, tc.spec), tc.context)
		if err != nil || got.Text != tc.text || got.From != tc.from {
			t.Errorf("%s: %q from %q, %v; want %q from %q", tc.name, got.Text, got.From, err, tc.text, tc.from)
		}
	}
}

func TestWantedRefuses(t *testing.T) {
	for _, tc := range []struct {
		context fstest.MapFS
		want    string
	}{
		{files(".python-version", "# fast\npypy@3.10\n"), ".python-version:2: .python-version asks for \"pypy@3.10\", which is no version of CPython"},
		{files(".python-version", "3\n"), ".python-version:1: .python-version asks for \"3\""},
		{files(".python-version", ">=3.10\n"), ".python-version:1: "},
		{files(".python-version", "system\n"), ".python-version:1: "},
		{files("pyproject.toml", requires("<3.8")), "pyproject.toml:3: no known version of Python fits requires-python \"<3.8\""},
		{files("pyproject.toml", "[project\n"), "pyproject.toml:1: no valid TOML"},
	} {
		if got, err := Wanted(parsed(t, "requirements: uv.lock"), tc.context); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %+v, %v; want %s", tc.context, got, err, tc.want)
		}
	}
}

// FuzzVersionFile: what is taken for a version is one that a spec may have.
func FuzzVersionFile(f *testing.F) {
	f.Add("3.12\n")
	f.Add("# ours\ncpython@3.13t")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := fromVersionFile(files(".python-version", text), ".python-version")
		if err != nil || v.Text == "" {
			return
		}
		_, _, err = imagespec.Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte("python_version: " + v.Text)})
		if err != nil {
			t.Errorf("%q is read as %q: %v", text, v.Text, err)
		}
	})
}

func TestCUDARefuses(t *testing.T) {
	for _, tc := range []struct{ spec, want string }{
		{"cudnn: 9", "imagespec.yaml:1: cudnn is 9, but the spec has no cuda\nadd cuda, such as cuda: 13.4.2"},
		{"cuda: 12.7", "imagespec.yaml:1: there is no known image of CUDA 12.7\ntake 12.9.2, 12.9.1, 12.8.1 or 12.6.3, or name a base_image"},
		{"cuda: 12.4.9", "imagespec.yaml:1: there is no known image of CUDA 12.4.9\ntake 12.4.1, or name a base_image"},
		{"cuda: 99", "imagespec.yaml:1: there is no known image of CUDA 99\ntake 13.4.2, 13.3.1, 13.2.1 or 13.1.2, or name a base_image"},
		{"cuda: 12.4.1\ncudnn: 8", "imagespec.yaml:2: there is no known image of CUDA 12.4.1 with cuDNN 8\nwith CUDA 12.4.1 there is cuDNN 9.1.0.70; take that, or name a base_image"},
	} {
		if got, err := of(t, tc.spec); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %s, %v; want %s", tc.spec, got.Ref, err, tc.want)
		}
	}
}

func TestCheckCUDA(t *testing.T) {
	env := []string{"CUDA_VERSION=12.4.1", "NV_CUDNN_VERSION=9.1.0.70-1"}
	for _, tc := range []struct {
		spec    string
		env     []string
		err     string
		warning string
	}{
		{"cuda: 12.4\ncudnn: 9\nbase_image: a", env, "", ""},
		{"cuda: 12.40\nbase_image: a", env, "imagespec.yaml:1: cuda is 12.40, but the base image a has CUDA 12.4.1", ""},
		{"cuda: 12.4\ncudnn: 8.9\nbase_image: a", env, "imagespec.yaml:2: cudnn is 8.9, but the base image a has cuDNN 9.1.0.70", ""},
		{"cuda: 12.4\nbase_image: a", nil, "", "CudaUnknown: whether the base image a has CUDA 12.4 is not known"},
		{"cuda: 12.4", nil, "", ""},
	} {
		warnings, err := CheckCUDA(parsed(t, tc.spec), "a", tc.env)
		if (err == nil) != (tc.err == "") || err != nil && !strings.HasPrefix(err.Error(), tc.err) {
			t.Errorf("%s: %v, want %s", tc.spec, err, tc.err)
		}
		if len(warnings) != min(1, len(tc.warning)) || len(warnings) > 0 && !strings.HasPrefix(warnings[0].String(), tc.warning) {
			t.Errorf("%s: warnings %v, want %s", tc.spec, warnings, tc.warning)
		}
	}
}

// TestCUDATable: every image says what its tag says.
func TestCUDATable(t *testing.T) {
	for _, image := range cudaImages() {
		facts := Known("nvidia/cuda:" + image.Tag)
		if !strings.HasPrefix(image.Tag, image.CUDA+"-") || "glibc-"+image.Glibc != facts.Libc.String() && image.Ubuntu != "18.04" {
			t.Errorf("%+v has %s", image, facts.Libc)
		}
	}
}

func TestInterpreter(t *testing.T) {
	named := plan.Base{Ref: "debian:bookworm-slim"}
	python, archive, err := Interpreter(named, Facts{NoPython: true, Libc: glibc236}, Version{Text: "3.12", From: "default"}, "arm64")
	if err != nil {
		t.Fatal(err)
	}
	if want := (plan.Python{Version: "3.12.16", Home: "/opt/python/bin", From: "default"}); python != want {
		t.Errorf("%+v, want %+v", python, want)
	}
	if !strings.Contains(archive.URL, "aarch64-unknown-linux-gnu") || archive.Prefix != "/opt/python" {
		t.Errorf("archive %+v", archive)
	}
	for _, tc := range []struct{ version, arch, libc, want string }{
		{"3.12.4", "amd64", "glibc", "there is no standalone Python 3.12.4 for amd64 and glibc\ntake Python 3.12.16, or a base image with Python"},
		{"3.13t", "amd64", "glibc", "has no free-threaded Python"},
		{"3.12", "s390x", "musl", "there is no standalone Python 3.12 for s390x and musl\ntake a base image with Python, such as"},
	} {
		_, _, err := Interpreter(named, Facts{Libc: wheel.Libc{Family: tc.libc}}, Version{Text: tc.version}, tc.arch)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s for %s: %v, want %s", tc.version, tc.arch, err, tc.want)
		}
	}
}

func TestExecutable(t *testing.T) {
	root := fstest.MapFS{
		"usr/bin/python3":            file("3.2.0", "3.11.2"),
		"usr/bin/python3.11":         file("3.2.0", "3.11.2"),
		"usr/lib/python3.11/os.py":   file(),
		"usr/lib/python3/dist":       file(),
		"opt/conda/bin/python":       file("3.12.9"),
		"opt/conda/lib/python3.1/x":  file(),
		"opt/conda/lib/python3.12/x": file(),
		"env/bin/python":             file("3.11.2"),
		"env/pyvenv.cfg":             &fstest.MapFile{Data: []byte("home = /usr/bin\nversion = 3.11.2\n")},
		"bin/tools/python3":          file("#!/bin/sh"),
	}
	named := plan.Base{Ref: "debian:bookworm-slim"}
	for exec, want := range map[string]string{
		"/usr/bin/python3": "3.11.2", "/usr/bin/python3.11": "3.11.2", "/opt/conda/bin/python": "3.12.9",
	} {
		python, err := Executable(root, named, imagespec.Text{Value: exec})
		if err != nil || python.Version != want || python.Executable != exec || !python.SystemSite {
			t.Errorf("%s: %+v, %v; want %s", exec, python, err, want)
		}
	}
	for exec, want := range map[string]string{
		"/usr/bin/python3.12": "is not in the base image debian:bookworm-slim\nthere is /usr/bin/python3 or /usr/bin/python3.11",
		"/usr/bin":            "is not in the base image",
		"/env/bin/python":     "is in a virtual environment of the base image debian:bookworm-slim, on which no other one can stand\nname the interpreter that it was made of, in /usr/bin",
		"/bin/tools/python3":  "is no interpreter of CPython 3 that has its library in /bin/lib",
	} {
		if python, err := Executable(root, named, imagespec.Text{Value: exec}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %s", exec, python, err, want)
		}
	}
}
