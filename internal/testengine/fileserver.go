package testengine

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// FileServer serves a folder on loopback, which the engine and its RUN steps
// reach, and counts what is asked for. It listens with the kernel's full
// backlog: BuildKit opens hundreds of connections at once.
type FileServer struct {
	URL string // without a trailing slash

	mu     sync.Mutex
	counts map[string]int
}

// ServeFiles serves a folder until the test ends.
func ServeFiles(t testing.TB, dir string) *FileServer {
	t.Helper()
	server := &FileServer{counts: map[string]int{}}
	files := http.FileServer(http.Dir(dir))
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server.mu.Lock()
		server.counts[r.Method+" "+r.URL.Path]++
		server.mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(backend.Close)
	server.URL = backend.URL
	return server
}

// Count is how often something was asked for, as in "GET /a.whl".
func (s *FileServer) Count(request string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[request]
}
