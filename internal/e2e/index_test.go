package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imagespec/imagespec/internal/testengine"
)

// TestFormats builds and runs a project of each lock format, with the files
// of PyPI. What the image has is what the plan says.
func TestFormats(t *testing.T) {
	engine := testengine.Start(t)
	for _, name := range []string{"poetry", "poetry-1.1", "pdm", "pdm-static", "pipenv", "hashed", "pylock"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := example(t, engine, name)
			p.build(t)
			planned := p.planned(t)
			if got, want := p.installed(t), planned.versions(); !slices.Equal(got, want) || len(got) != 5 {
				t.Errorf("installed %q, planned %q", got, want)
			}
			for _, pkg := range planned.Packages {
				if len(pkg.SHA256) != 64 || !strings.HasPrefix(pkg.URL, "https://files.pythonhosted.org/") || !strings.HasSuffix(pkg.URL, "/"+pkg.File) {
					t.Errorf("planned %+v", pkg)
				}
			}
			if got := p.run(t, "python", "-c", checkImports); !strings.HasSuffix(strings.TrimSpace(got), "imports") {
				t.Errorf("what cannot be imported:\n%s", got)
			}
		})
	}
}

// indexed is a project with a hashed requirements file, and the index that has
// its one wheel.
type indexed struct {
	project
	server *testengine.FileServer
	dir    string // what the server has
	wheel  string // file name
	digest string // of the wheel
}

// newIndexed makes the project and the index. The wheel is one that no engine
// has seen before.
func newIndexed(t *testing.T) indexed {
	t.Helper()
	i := indexed{dir: t.TempDir(), wheel: "greeting-1.0-py3-none-any.whl"}
	content := newWheel(t, filepath.Join("..", "..", "testdata", "projects", "direct", "wheels", i.wheel))
	i.server = testengine.ServeFiles(t, i.dir)
	i.digest = fmt.Sprintf("%x", sha256.Sum256(content))
	i.serve(t, "files/"+i.wheel, string(content))
	i.serve(t, "simple/greeting/index.html", fmt.Sprintf("<a href=\"../../files/%s#sha256=%s\">%[1]s</a>", i.wheel, i.digest))
	i.project = written(t, testengine.Start(t), fmt.Sprintf(`
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
requirements: requirements.txt
pip_index: %s/simple
-- requirements.txt --
greeting==1.0 --hash=sha256:%s
`, i.server.URL, i.digest))
	return i
}

// newWheel gives a wheel as other bytes: with a comment that nobody reads.
func newWheel(t *testing.T, path string) []byte {
	t.Helper()
	old, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	var made bytes.Buffer
	w := zip.NewWriter(&made)
	for _, file := range old.File {
		if err := w.Copy(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.SetComment(t.Name() + time.Now().String()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return made.Bytes()
}

// serve puts a file on the server.
func (i indexed) serve(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(i.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reads is how often the index was asked about the project.
func (i indexed) reads() int {
	return i.server.Count("GET /simple/greeting/") + i.server.Count("HEAD /simple/greeting/")
}

// TestIndexIsRemembered: the mirror is asked once, until the lock changes.
func TestIndexIsRemembered(t *testing.T) {
	i := newIndexed(t)
	i.build(t)
	if got := i.run(t, "python", "-c", "import greeting; print(greeting.HELLO)"); got != "hello from a wheel in the build context\n" {
		t.Errorf("the image prints %q", got)
	}
	if i.reads() != 1 || i.server.Count("GET /files/"+i.wheel) != 1 {
		t.Errorf("the index was asked %d times", i.reads())
	}
	start := time.Now()
	i.build(t)
	t.Logf("rebuilt in %v", time.Since(start).Round(time.Millisecond))
	i.edit(t, "requirements.txt", func(text string) string { return "# a comment\n" + text })
	if steps := ran(i.solve(t)); len(steps) != 0 {
		t.Errorf("a comment has run %q", steps)
	}
	if i.reads() != 1 || i.server.Count("GET /files/"+i.wheel) != 1 {
		t.Errorf("the index was asked %d times by unchanged builds", i.reads())
	}
	i.build(t, "--no-cache-filter", "index")
	if i.reads() < 2 {
		t.Error("the index was not asked anew")
	}
	before := i.reads()
	i.edit(t, "requirements.txt", func(text string) string {
		return strings.TrimSpace(text) + " --hash=sha256:" + strings.Repeat("0", 64) + "\n"
	})
	i.build(t)
	if i.reads() == before {
		t.Error("another hash did not ask the index")
	}
}

// TestExtraIndex: the first index does not know the project.
func TestExtraIndex(t *testing.T) {
	i := newIndexed(t)
	empty := testengine.ServeFiles(t, t.TempDir())
	i.replace(t, "imagespec.yaml", "pip_index: ", "pip_index: "+empty.URL+"/simple\npip_extra_index_url:\n- ")
	i.build(t)
	if got, want := i.installed(t), []string{"greeting 1.0"}; !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	if i.reads() != 1 || empty.Count("GET /simple/greeting/") != 1 {
		t.Errorf("the indexes were asked %d and %d times", empty.Count("GET /simple/greeting/"), i.reads())
	}
}

// TestMovedFile: where a file was remembered to be there is none any more.
func TestMovedFile(t *testing.T) {
	i := newIndexed(t)
	i.planned(t) // remembers, and fetches no wheel
	if err := os.Rename(filepath.Join(i.dir, "files"), filepath.Join(i.dir, "moved")); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(i.dir, "simple", "greeting", "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	i.serve(t, "simple/greeting/index.html", strings.Replace(string(page), "/files/", "/moved/", 1))
	i.build(t)
	if got, want := i.installed(t), []string{"greeting 1.0"}; !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	if i.server.Count("GET /files/"+i.wheel) == 0 || i.server.Count("GET /moved/"+i.wheel) != 1 {
		t.Error("the file was not looked for in both places")
	}
}

// TestPrivateIndex: the engine logs in with the secret of the host.
func TestPrivateIndex(t *testing.T) {
	i := newIndexed(t)
	files := http.FileServer(http.Dir(i.dir))
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bob" || password != "s3cret" {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer private.Close()
	withPassword := strings.Replace(private.URL, "://", "://bob:s3cret@", 1)
	i.edit(t, "imagespec.yaml", func(text string) string { return strings.Replace(text, i.server.URL, withPassword, 1) })
	built, err := i.tryBuild(t)
	if err == nil || !strings.Contains(built.Output, "401 Unauthorized") || !strings.Contains(built.Output, "IndexCredentials") || strings.Contains(built.Output, "s3cret") {
		t.Errorf("without a secret: %v\n%s", err, built.Output)
	}
	t.Setenv("LOGIN", "Basic "+base64.StdEncoding.EncodeToString([]byte("bob:s3cret")))
	i.build(t, "--secret", "id=HTTP_AUTH_HEADER_127.0.0.1,env=LOGIN")
	if got, want := i.installed(t), []string{"greeting 1.0"}; !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
}

// TestFindLinks: a folder of wheels in the build context, beside no index.
func TestFindLinks(t *testing.T) {
	i := newIndexed(t)
	i.replace(t, "imagespec.yaml", "pip_index", "# pip_index")
	if err := os.MkdirAll(filepath.Join(i.project.dir, "wheels"), 0o755); err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(filepath.Join(i.dir, "files", i.wheel))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	data, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(i.project.dir, "wheels", i.wheel), data, 0o644); err != nil {
		t.Fatal(err)
	}
	i.edit(t, "requirements.txt", func(text string) string { return "--no-index\n--find-links wheels\n" + text })
	i.build(t)
	if got, want := i.installed(t), []string{"greeting 1.0"}; !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	if i.reads() != 0 {
		t.Error("an index was asked")
	}
}
