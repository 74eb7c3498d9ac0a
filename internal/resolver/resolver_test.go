package resolver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/llbgen/resolve"
)

// TestMain makes the test's own program the Python that uv asks.
func TestMain(m *testing.M) {
	if Pretends(os.Args) {
		os.Exit(Answer(os.Args, os.Stdout))
	}
	os.Exit(m.Run())
}

// served is an index with wheels of which there is only the metadata.
func served(t *testing.T) string {
	t.Helper()
	pages := map[string]string{
		"/simple/a/": `<a href="/a-1.0-py3-none-any.whl#sha256=DIGEST11" data-core-metadata="true">a-1.0-py3-none-any.whl</a>` +
			`<a href="/a-2.0-py3-none-any.whl#sha256=DIGEST12" data-core-metadata="true">a-2.0-py3-none-any.whl</a>`,
		"/simple/b/": `<a href="/b-1.0-cp313-cp313t-musllinux_1_2_aarch64.whl#sha256=DIGEST21" data-core-metadata="true">b-1.0-cp313-cp313t-musllinux_1_2_aarch64.whl</a>` +
			`<a href="/b-1.0-cp312-cp312-manylinux_2_36_ppc64le.whl#sha256=DIGEST22" data-core-metadata="true">b-1.0-cp312-cp312-manylinux_2_36_ppc64le.whl</a>`,
		"/a-1.0-py3-none-any.whl.metadata": "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n",
		"/a-2.0-py3-none-any.whl.metadata": "Metadata-Version: 2.1\nName: a\nVersion: 2.0\nRequires-Dist: b\n",
	}
	for _, wheel := range []string{"b-1.0-cp313-cp313t-musllinux_1_2_aarch64.whl", "b-1.0-cp312-cp312-manylinux_2_36_ppc64le.whl"} {
		pages["/"+wheel+".metadata"] = "Metadata-Version: 2.1\nName: b\nVersion: 1.0\n"
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/") {
			w.Header().Set("Content-Type", "text/html")
		}
		fmt.Fprint(w, strings.ReplaceAll(text, "DIGEST", strings.Repeat("0", 62)))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/simple"
}

func runner(t *testing.T) Runner {
	t.Helper()
	uv, err := exec.LookPath("uv")
	if err != nil {
		t.Skip("there is no uv")
	}
	dir := t.TempDir()
	env := []string{"HOME=" + dir, "UV_CACHE_DIR=" + filepath.Join(dir, "cache"), "NO_PROXY=*", "PATH=/nowhere"}
	return Runner{UV: uv, Dir: dir, Env: env, Log: new(bytes.Buffer)}
}

// TestRun resolves for targets that no Python of this machine is, without any.
func TestRun(t *testing.T) {
	for _, tc := range []struct {
		target resolve.Target
		want   string
	}{
		{resolve.Target{Python: "3.13.1", FreeThreaded: true, Machine: "aarch64", Libc: "musl-1.2"}, "b-1.0-cp313-cp313t-musllinux_1_2_aarch64.whl"},
		{resolve.Target{Python: "3.12.4", Machine: "ppc64le", Libc: "glibc-2.36"}, "b-1.0-cp312-cp312-manylinux_2_36_ppc64le.whl"},
	} {
		lock, err := runner(t).Run(context.Background(), &resolve.Request{
			Requirements: []resolve.Line{{Text: "a"}}, Target: tc.target, Index: served(t),
		})
		if err != nil {
			t.Fatal(err)
		}
		if text := string(lock); !strings.Contains(text, "a-2.0-py3") || !strings.Contains(text, tc.want) || strings.Count(text, ".whl\"") != 2 {
			t.Errorf("%+v:\n%s", tc.target, text)
		}
	}
}

// TestOneCache: uv remembers interpreters by their paths, and must not take one
// target for another.
func TestOneCache(t *testing.T) {
	r, index := runner(t), served(t)
	for _, python := range []string{"3.12.4", "3.11.2", "3.12.4"} {
		r.Dir = t.TempDir()
		lock, err := r.Run(context.Background(), &resolve.Request{
			Requirements: []resolve.Line{{Text: `a==1; python_full_version == "` + python + `"`}, {Text: `a==2; python_full_version != "` + python + `"`}},
			Target:       resolve.Target{Python: python, Machine: "x86_64", Libc: "glibc-2.36"}, Index: index,
		})
		if err != nil || !strings.Contains(string(lock), "a-1.0") {
			t.Errorf("%s: %v\n%s", python, err, lock)
		}
	}
}

func TestFailure(t *testing.T) {
	_, err := runner(t).Run(context.Background(), &resolve.Request{
		Requirements: []resolve.Line{{Text: "a>=3"}}, Target: resolve.Target{Python: "3.12.4", Machine: "x86_64", Libc: "glibc-2.36"}, Index: served(t),
	})
	var failure *resolve.Failure
	if !errors.As(err, &failure) || !strings.Contains(failure.Output, "a<=2.0 is available") && !strings.Contains(failure.Output, "a>=3") {
		t.Errorf("%v", err)
	}
	missing := runner(t)
	missing.UV = "/nowhere/uv"
	if _, err := missing.Run(context.Background(), &resolve.Request{Target: resolve.Target{Python: "3.12.4", Machine: "x86_64", Libc: "glibc-2.36"}}); err == nil || errors.As(err, &failure) {
		t.Errorf("without uv: %v", err)
	}
}

// TestAnswer: whatever else the Python is asked to do is noted.
func TestAnswer(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(folderVar, dir)
	if err := os.WriteFile(filepath.Join(dir, factsFile), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if status := Answer([]string{"/x/python", "-c", "from python.get_interpreter_info import main; main()"}, &out); status != 0 || out.String() != "{}\n" {
		t.Errorf("%d, %q", status, out.String())
	}
	if _, err := os.Stat(filepath.Join(dir, neededFile)); err == nil {
		t.Error("a question counts as a build")
	}
	if status := Answer([]string{"/x/python", "-m", "build"}, &out); status == 0 {
		t.Error("a build succeeds")
	}
	if _, err := os.Stat(filepath.Join(dir, neededFile)); err != nil {
		t.Error("a build is not noted")
	}
	if !Pretends([]string{"/venv/bin/python3.12"}) || Pretends([]string{"/bin/imagespec-resolve"}) {
		t.Error("names")
	}
}

// secrets makes a folder of secrets.
func secrets(t *testing.T, files map[string]string) Secrets {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Secrets(dir)
}

func TestEnv(t *testing.T) {
	for _, tc := range []struct {
		files     map[string]string
		env       int    // variables
		store, ca string // in the store of credentials, and the certificates
	}{
		{nil, 0, "", ""},
		{map[string]string{"auth/own.example/header": "Basic Ym9iOnMzY3JldA==\n"}, 1, "username = 'bob'", ""},
		{map[string]string{"auth/own.example/token": "t0ken\n"}, 1, "token = 't0ken'", ""},
		{map[string]string{"auth/other.example/token": "t0ken"}, 0, "", ""},
		{map[string]string{"auth/own.example/header": "Digest x"}, 0, "", ""},
		{map[string]string{"netrc": "machine x"}, 1, "", ""},
		{map[string]string{"ca-certificates": "OWN CERTIFICATE"}, 2, "", "OWN CERTIFICATE"},
	} {
		dir := t.TempDir()
		env, err := secrets(t, tc.files).Env(dir, []string{"https://own.example:8443"})
		if err != nil || len(env) != tc.env {
			t.Errorf("%v: %q, %v", tc.files, env, err)
		}
		store, _ := os.ReadFile(filepath.Join(dir, "credentials.toml"))
		if !strings.Contains(string(store), tc.store) || tc.store != "" && !strings.Contains(string(store), "'https://own.example:8443'") {
			t.Errorf("%v: %s", tc.files, store)
		}
		bundle, _ := os.ReadFile(filepath.Join(dir, "ca-certificates.crt"))
		if !strings.Contains(string(bundle), tc.ca) || tc.ca != "" && strings.Count(string(bundle), "BEGIN CERTIFICATE") < 50 {
			t.Errorf("%v: %d bytes of certificates", tc.files, len(bundle))
		}
	}
}

func TestLogin(t *testing.T) {
	for _, tc := range []struct{ netrc, want string }{
		{"machine own.example login bob password s3cret", "bob:s3cret"},
		{"machine other.example login eve password x\nmachine own.example\n\tlogin bob\n\tpassword s3cret\nmachine third login c password d", "bob:s3cret"},
		{"machine other.example login eve password x default login any password y", "any:y"},
		{"machine own.example login bob account z password s3cret default login any password y", "bob:s3cret"},
		{"machine other.example login eve password x", ""},
		{"machine own.example password only", ":only"},
		{"machine", ""},
		{"", ""},
	} {
		got := ""
		if user := login(tc.netrc, "own.example"); user != nil {
			got = user.String()
		}
		if got != tc.want {
			t.Errorf("%q: %q, want %q", tc.netrc, got, tc.want)
		}
	}
}

// TestKnown: with a default the netrc is for every host.
func TestKnown(t *testing.T) {
	hosts := []string{"files.example", "own.example"}
	for _, tc := range []struct {
		files map[string]string
		want  []string
	}{
		{nil, nil},
		{map[string]string{"netrc": "machine own.example login bob password s3cret"}, []string{"own.example"}},
		{map[string]string{"netrc": "default login bob password s3cret"}, hosts},
		{map[string]string{"auth/own.example/token": "t0ken"}, []string{"own.example"}},
	} {
		got, err := secrets(t, tc.files).Known(hosts)
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%v: %q, %v; want %q", tc.files, got, err, tc.want)
		}
	}
}

// FuzzLogin: a netrc is what a user has, and nothing in it may panic.
func FuzzLogin(f *testing.F) {
	f.Add("machine own.example login bob password s3cret default login x")
	f.Add("macdef init\ncd /\n\nmachine")
	f.Fuzz(func(t *testing.T, netrc string) {
		user := login(netrc, "own.example")
		if user != nil && !strings.Contains(netrc, "own.example") && !strings.Contains(netrc, "default") {
			t.Errorf("%q has %s", netrc, user)
		}
	})
}

func TestFetch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bob" || password != "s3cret" {
			http.Error(w, "log in", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "content"+r.Header.Get("Accept"))
	}))
	defer server.Close()
	home := string(secrets(t, map[string]string{".netrc": "machine 127.0.0.1 login bob password s3cret"}))
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("content")))
	for _, tc := range []struct {
		name, home, sum, accept, err string
		files                        map[string]string
		exit                         int
	}{
		{name: "the netrc at home", home: home, sum: sum},
		{name: "the secret netrc", files: map[string]string{"netrc": "default login bob password s3cret"}, sum: sum},
		{name: "a header", files: map[string]string{"auth/127.0.0.1/header": "Basic Ym9iOnMzY3JldA=="}, accept: "x"},
		{name: "nothing", err: "401 Unauthorized", exit: 101},
		{name: "a token", files: map[string]string{"auth/127.0.0.1/token": "x"}, home: home, err: "401 Unauthorized", exit: 101},
		{name: "another digest", home: home, sum: strings.Repeat("0", 64), err: "not the 0000", exit: 1},
	} {
		file := filepath.Join(t.TempDir(), "file")
		err := secrets(t, tc.files).Fetch(context.Background(), server.URL+"/file", tc.accept, tc.sum, file, tc.home)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) || Exit(err) != tc.exit {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if data, _ := os.ReadFile(file); err != nil || string(data) != "content"+tc.accept {
			t.Errorf("%s: %q, %v", tc.name, data, err)
		}
	}
	if Refused(101) != 401 || Refused(1) != 0 || Exit(nil) != 0 {
		t.Error("exit statuses")
	}
}

// TestNeeds: uv says what it has not got, and so does the runner.
func TestNeeds(t *testing.T) {
	r := runner(t)
	t.Setenv("PATH", "/nowhere")
	target := resolve.Target{Python: "3.12.4", Machine: "x86_64", Libc: "glibc-2.36"}
	for _, tc := range []struct {
		name    string
		request resolve.Request
		want    error
	}{
		{"a repository", resolve.Request{Requirements: []resolve.Line{{Text: "tool @ git+https://example.invalid/tool"}}}, ErrGit},
		{
			"a project that only a build tells about",
			resolve.Request{
				Requirements: []resolve.Line{{Text: "./tool"}}, NoIndex: true,
				Files: map[string]string{"context/tool/pyproject.toml": "[build-system]\nrequires = []\nbackend-path = ['.']\nbuild-backend = 'build'\n"},
			},
			ErrPython,
		},
	} {
		tc.request.Target = target
		r.Dir = t.TempDir()
		if _, err := r.Run(t.Context(), &tc.request); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
}
