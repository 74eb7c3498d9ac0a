package index_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/index"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// projects are real ones of all kinds: pure ones, extension modules with and
// without the stable ABI, old releases with many files.
const projects = `aiohttp attrs bcrypt<4 black brotli certifi cffi charset-normalizer click coverage cryptography cython<3
distro frozenlist greenlet grpcio-status httptools idna isort jinja2 kiwisolver lxml markupsafe<3 msgpack multidict
mypy-extensions orjson packaging peewee pillow propcache protobuf psutil<6 pycparser pydantic-core pyyaml regex requests rpds-py
ruamel.yaml ruamel.yaml.clib simplejson six sqlalchemy<2 tomli tornado typing-extensions ujson urllib3<2 uvloop watchdog wrapt yarl zstandard`

// TestLiveAgainstPip compares which files pip installs of a hashed
// requirements file with which we choose: with all hashes, and without those
// of the best files, where the next best have to be taken.
func TestLiveAgainstPip(t *testing.T) {
	if os.Getenv("IMAGESPEC_LIVE") == "" {
		t.Skip("IMAGESPEC_LIVE is not set: it asks PyPI")
	}
	dir := t.TempDir()
	write(t, dir, "requirements.in", strings.Join(strings.Fields(projects), "\n")+"\n")
	command(t, dir, "uv", "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "--python-version", "3.11", "--generate-hashes", "requirements.in", "-o", "all.txt")
	target, web := interpreter(t, dir), &cachedWeb{pages: map[string][]byte{}}
	all, err := ours(dir, "all.txt", target, web)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "all hashes", all, pip(t, dir, "all.txt"), 50)

	var text strings.Builder
	changed := 0
	for _, block := range blocks(t, dir, "all.txt") {
		less := block
		for _, f := range all {
			less = strings.ReplaceAll(less, " \\\n    --hash=sha256:"+f.Hashes[0].Hex, "")
		}
		write(t, dir, "one.txt", less)
		if _, err := ours(dir, "one.txt", target, web); err == nil {
			block = less
			changed++
		}
		text.WriteString(block)
	}
	write(t, dir, "some.txt", text.String())
	some, err := ours(dir, "some.txt", target, web)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d projects have a second best file", changed)
	compare(t, "without the best", some, pip(t, dir, "some.txt"), 50)
}

func compare(t *testing.T, name string, got map[string]lock.File, want map[string]string, least int) {
	t.Helper()
	same := 0
	for project, file := range want {
		if got[project].Name != file {
			t.Errorf("%s: %s is %s, for pip %s", name, project, got[project].Name, file)
			continue
		}
		same++
	}
	if len(got) != len(want) || len(want) < least {
		t.Errorf("%s: %d files, for pip %d", name, len(got), len(want))
	}
	t.Logf("%s: %d of %d files are pip's", name, same, len(want))
}

// blocks gives the requirements of a file, each with its hashes.
func blocks(t *testing.T, dir, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, line := range strings.SplitAfter(string(data), "\n") {
		if line != "" && line[0] != ' ' {
			list = append(list, "")
		}
		if len(list) > 0 {
			list[len(list)-1] += line
		}
	}
	return list
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func command(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out
}

// pip gives the file that pip would install of each project.
func pip(t *testing.T, dir, name string) map[string]string {
	t.Helper()
	var report struct {
		Install []struct {
			Download struct{ URL string } `json:"download_info"`
			Metadata struct{ Name string }
		}
	}
	data := command(t, dir, "uvx", "--quiet", "--python", "3.11", "pip==26.0", "install", "--quiet", "--dry-run", "--ignore-installed",
		"--no-deps", "--only-binary", ":all:", "--require-hashes", "--report", "-", "-r", name)
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, install := range report.Install {
		file := lock.FileName(install.Download.URL)
		w, err := wheel.ParseFilename(file)
		if err != nil {
			t.Fatal(err)
		}
		files[w.Name] = file
	}
	return files
}

// interpreter gives the target that pip runs on.
func interpreter(t *testing.T, dir string) lock.Target {
	t.Helper()
	out := command(t, dir, "uvx", "--quiet", "--python", "3.11", "--from", "pip==26.0", "python", "-c",
		"import platform; print(platform.python_version(), platform.libc_ver()[1])")
	var python string
	libc := wheel.Libc{Family: "glibc"}
	if _, err := fmt.Sscanf(string(out), "%s %d.%d", &python, &libc.Major, &libc.Minor); err != nil {
		t.Fatal(err)
	}
	target, err := lock.LinuxTarget("amd64", "", python, false, libc)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// ours gives the files that we choose, by project.
func ours(dir, name string, target lock.Target, web *cachedWeb) (map[string]lock.File, error) {
	l, err := lockparse.Read(os.DirFS(dir), name, nil)
	if err != nil {
		return nil, err
	}
	s, err := lock.Select(l, target, lock.Request{NoBuild: lock.Policy{All: true}}, index.Pages{Fetch: web.get})
	if err != nil {
		return nil, err
	}
	files := map[string]lock.File{}
	for _, p := range s.Packages {
		files[p.Package.Name] = p.File
	}
	return files, nil
}

// cachedWeb fetches each page of PyPI once.
type cachedWeb struct {
	mu    sync.Mutex
	pages map[string][]byte
}

func (w *cachedWeb) get(url string) ([]byte, error) {
	w.mu.Lock()
	page, ok := w.pages[url]
	w.mu.Unlock()
	if ok {
		return page, nil
	}
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", index.Accept)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, index.StatusError(res.StatusCode)
	}
	page, err = io.ReadAll(res.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[url] = page
	return page, err
}
