package e2e

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// gitServer serves repositories over HTTP as a forge does.
type gitServer struct {
	repositories
	URL   string // of the folder with the repositories
	token string // without which nothing is served; empty: public
}

// repositories is a folder of repositories.
type repositories string

// serveGit starts a server, with a token a private one.
func serveGit(t *testing.T, token string) *gitServer {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	s := &gitServer{repositories: repositories(t.TempDir()), token: token}
	backend := &cgi.Handler{
		Path: git, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + string(s.repositories), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != s.token {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// host is the server's name in the ids of secrets.
func (s *gitServer) host() string { return strings.TrimPrefix(s.URL, "http://") }

// add makes a repository of the files in a txtar archive, with one commit that
// is tagged v1.0, and gives the commit's id.
func (r repositories) add(t *testing.T, name, archive string) string {
	t.Helper()
	dir := filepath.Join(string(r), name)
	writeFiles(t, dir, archive)
	r.git(t, name, "init", "--quiet", "--initial-branch=main")
	r.git(t, name, "add", ".")
	r.git(t, name, "commit", "--quiet", "--message=first")
	r.git(t, name, "tag", "v1.0")
	return r.git(t, name, "rev-parse", "HEAD")
}

// change makes another commit, with another content of a file.
func (r repositories) change(t *testing.T, name, file, content string) string {
	t.Helper()
	writeFiles(t, filepath.Join(string(r), name), "-- "+file+" --\n"+content)
	r.git(t, name, "commit", "--quiet", "--all", "--message=change")
	return r.git(t, name, "rev-parse", "HEAD")
}

// git runs git in a repository, and gives what it prints.
func (r repositories) git(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", filepath.Join(string(r), name)}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2024-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE=2024-01-01T00:00:00Z")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, output)
	}
	return strings.TrimSpace(string(output))
}

// writeFiles writes the files of a txtar archive.
func writeFiles(t *testing.T, dir, archive string) {
	t.Helper()
	for _, file := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
