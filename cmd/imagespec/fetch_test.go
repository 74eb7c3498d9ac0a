package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/index"
)

func TestFetch(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		switch r.URL.Path {
		case "/ok/":
			fmt.Fprint(w, r.Header.Get("Accept"))
		case "/flaky/":
			if n < 3 {
				http.Error(w, "later", http.StatusServiceUnavailable)
			}
		case "/busy/":
			http.Error(w, "slow down", http.StatusTooManyRequests)
		case "/moved/":
			http.Redirect(w, r, "/ok/", http.StatusMovedPermanently)
		case "/cut/":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "short")
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	for _, test := range []struct {
		path   string
		asked  int32
		text   string
		status int
	}{
		{"/ok/", 1, index.Accept, 0},
		{"/moved/", 2, index.Accept, 0},
		{"/flaky/", 3, "", 0},
		{"/busy/", 3, "", 429},
		{"/nowhere/", 1, "", 404},
		{"/cut/", 3, "", -1},
	} {
		asked.Store(0)
		data, err := fetcher{client: server.Client()}.page(server.URL + test.path)
		var status index.StatusError
		errors.As(err, &status)
		if string(data) != test.text || int(status) != max(test.status, 0) || (err == nil) != (test.status == 0) || asked.Load() != test.asked {
			t.Errorf("%s: %q, %v, asked %d times; want %+v", test.path, data, err, asked.Load(), test)
		}
	}
	if _, err := newFetcher().page("http://\x7f/"); err == nil {
		t.Error("a URL that is none is fetched")
	}
}

// TestPlanFromIndex plans a hashed requirements file with an index of its own.
func TestPlanFromIndex(t *testing.T) {
	digest := strings.Repeat("1a", 32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/simple/idna/" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"files":[{"filename":"idna-3.10-py3-none-any.whl","url":"/f/idna-3.10-py3-none-any.whl","hashes":{"sha256":%q},"size":9}]}`, digest)
	}))
	defer server.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"imagespec.yaml":   "base_image: python:3.12-slim-bookworm\nrequirements: requirements.txt\npip_index: " + server.URL + "/simple\n",
		"requirements.txt": "idna==3.10 --hash=sha256:" + digest + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr strings.Builder
	if err := run([]string{"plan", "--platform", "linux/amd64", dir}, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	var p plan.Plan
	if err := json.Unmarshal([]byte(stdout.String()), &p); err != nil {
		t.Fatal(err)
	}
	want := plan.Package{
		Name: "idna", Version: "3.10", Kind: "wheel", File: "idna-3.10-py3-none-any.whl",
		URL: server.URL + "/f/idna-3.10-py3-none-any.whl", SHA256: digest, Size: 9, Group: p.Packages[0].Group,
	}
	if p.Format != "requirements.txt" || len(p.Packages) != 1 || p.Packages[0] != want {
		t.Errorf("plan %s", stdout.String())
	}
}
