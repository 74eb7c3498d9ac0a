package e2e

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imagespec/imagespec/internal/testengine"
)

// private is a project whose one package is in an index that wants a login for
// its pages and its files.
type private struct {
	project
	server *httptest.Server
	asked  *atomic.Int64 // requests, those that were refused too
}

// The password and the token of the index. No build may let them out.
const (
	password = "hunter2-pässword"
	token    = "t0ken-0f-the-index"
	guess    = "a-wr0ng-guess" // at both
)

// newPrivate makes the project of a txtar archive, and its index: INDEX is where
// that is, DIGEST is that of the wheel, which no engine has seen before.
func newPrivate(t *testing.T, archive string) private {
	t.Helper()
	i := newIndexed(t)
	p := private{asked: new(atomic.Int64)}
	files := http.FileServer(http.Dir(i.dir))
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		user, given, _ := r.BasicAuth()
		if (user != "bob" || given != password) && r.Header.Get("Authorization") != "Bearer "+token {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	p.project = written(t, testengine.Start(t), strings.NewReplacer("INDEX", p.server.URL, "DIGEST", i.digest).Replace(archive))
	return p
}

// Projects of one package of an index: as a requirement, with a lock that has
// hashes alone, and with one that has URLs.
const (
	unlocked = privateSpec + `packages: [greeting]
pip_index: INDEX/simple
`
	hashed = privateSpec + `requirements: requirements.txt
pip_index: INDEX/simple
-- requirements.txt --
greeting==1.0 --hash=sha256:DIGEST
`
	locked = privateSpec + `requirements: uv.lock
-- pyproject.toml --
[project]
name = "app"
version = "1"
requires-python = ">=3.11"
dependencies = ["greeting"]
-- uv.lock --
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "greeting" }]

[package.metadata]
requires-dist = [{ name = "greeting" }]

[[package]]
name = "greeting"
version = "1.0"
source = { registry = "INDEX/simple" }
wheels = [{ url = "INDEX/files/greeting-1.0-py3-none-any.whl", hash = "sha256:DIGEST" }]
`
	privateSpec = `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
builder_options: {user: root, flytekit: false, pip: false}
`
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// secretFile writes a secret and gives the argument of the build that passes it
// on.
func secretFile(t *testing.T, id, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "--secret=id=" + id + ",src=" + file
}

// TestLogins builds from an index that wants a login, with each way to give it:
// the right one installs, and is nowhere to be found afterwards; a wrong one and
// none at all give an error that names host and secret. With netrc the server
// has to refuse nothing to get it.
func TestLogins(t *testing.T) {
	netrc := func(password string) string {
		return fmt.Sprintf("machine 127.0.0.1 login bob password %s\n", password)
	}
	const header, bearer = "HTTP_AUTH_HEADER_127.0.0.1", "HTTP_AUTH_TOKEN_127.0.0.1"
	const mounts = unlocked + "pip_secret_mounts: [[~/.netrc, /root/.netrc]]\n"
	for _, tc := range []struct {
		name, project, id, right, wrong, says string
	}{
		{"header", unlocked, header, basic("bob", password), basic("bob", guess), header},
		{"token", unlocked, bearer, token, guess, bearer},
		{"netrc", unlocked, "netrc", netrc(password), netrc(guess), "netrc"},
		{"pip_secret_mounts", mounts, "secret_0", netrc(password), netrc(guess), "secret_0"},
		{"header with a lock", locked, header, basic("bob", password), basic("bob", guess), header},
		{"token with a lock", locked, bearer, token, guess, bearer},
		{"netrc with a lock", locked, "netrc", netrc(password), netrc(guess), "netrc"},
		{"netrc with hashes", hashed, "netrc", netrc(password), netrc(guess), "netrc"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPrivate(t, tc.project)
			for how, args := range map[string][]string{
				"a wrong secret": {secretFile(t, tc.id, tc.wrong)},
				"no secret":      nil,
			} {
				built, err := p.tryBuild(t, args...)
				if err == nil || !strings.Contains(built.Output, tc.says) || !strings.Contains(built.Output, "127.0.0.1") && how != "no secret" {
					t.Fatalf("%s: %v\n%s", how, err, built.Output)
				}
				if leaks := p.engine.Leaks(t, built, "", tc.wrong, guess); len(leaks) > 0 {
					t.Errorf("%s leaks: %q", how, leaks)
				}
			}
			right := secretFile(t, tc.id, tc.right)
			built := p.build(t, right, "--provenance=mode=max", p.engine.SBOMArg(t))
			if got, want := p.installed(t), []string{"greeting 1.0"}; !slices.Equal(got, want) {
				t.Errorf("installed %q, want %q", got, want)
			}
			if leaks := p.engine.Leaks(t, built, p.image, password, token, tc.right); len(leaks) > 0 {
				t.Errorf("leaks: %q", leaks)
			}
			asked := p.asked.Load()
			p.unchanged(t, right)
			if p.asked.Load() != asked {
				t.Error("the index was asked in an unchanged build")
			}
		})
	}
}

// TestAnotherLogin: a file that a step has fetched is the file that BuildKit
// itself has fetched before. Nothing is installed again, and the image is the same.
func TestAnotherLogin(t *testing.T) {
	p := newPrivate(t, locked)
	by := p.build(t, secretFile(t, "HTTP_AUTH_HEADER_127.0.0.1", basic("bob", password))).Digest()
	netrc := secretFile(t, "netrc", "machine 127.0.0.1 login bob password "+password)
	p.unchanged(t, netrc)
	if got := p.build(t, netrc).Digest(); got != by {
		t.Errorf("the image is %s with a netrc, %s with a header", got, by)
	}
}

// TestLeaks: the search finds what is there, of a build that failed in what the
// engine keeps of it.
func TestLeaks(t *testing.T) {
	p := written(t, testengine.Start(t), `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
builder_options: {user: root, pip: false}
env: {PASSWORD: in-the-env}
commands: ["echo in-the-layer > /file", "touch /$(printf 'in-the-%s' sbom)", "echo b3BlbiBzZXNhbWU6aW4tdGhlLWxvZw==; LAST"]
`)
	image := p.image
	find := func(built *testengine.Built, secrets ...string) {
		t.Helper()
		built.Output = "" // and all the same
		for _, secret := range secrets {
			if leaks := p.engine.Leaks(t, built, image, secret); len(leaks) == 0 {
				t.Errorf("%s is not found", secret)
			}
		}
		if leaks := p.engine.Leaks(t, built, image, "in-nothing-at-all"); len(leaks) > 0 {
			t.Errorf("found: %q", leaks)
		}
	}
	p.replace(t, "imagespec.yaml", "LAST", "true "+time.Now().String())
	built := p.build(t, "--provenance=mode=max", p.engine.SBOMArg(t))
	find(built, "in-the-env", "in-the-layer", "in-the-log")
	leaks := p.engine.Leaks(t, built, image, "in-the-sbom")
	if !slices.ContainsFunc(leaks, func(leak string) bool { return strings.HasPrefix(leak, "application/vnd.in-toto+json ") }) {
		t.Errorf("in-the-sbom is found in %q alone", leaks)
	}

	image = ""
	p.replace(t, "imagespec.yaml", "; true", "; false in-the-error")
	failed, err := p.tryBuild(t)
	if err == nil {
		t.Fatalf("it builds:\n%s", failed.Output)
	}
	find(failed, "in-the-log", "in-the-error")
}

// TestRewrites fetches index and files from elsewhere, with the keys of where
// they are: what has been built before stays cached.
func TestRewrites(t *testing.T) {
	i := newIndexed(t)
	i.edit(t, "imagespec.yaml", func(text string) string {
		text = strings.Replace(text, i.server.URL, "https://nowhere.invalid", 1)
		return strings.Replace(text, "requirements: requirements.txt", fmt.Sprintf(
			"packages: [greeting]\nbuilder_options: {user: root, flytekit: false, pip: false, url_rewrites: {'https://nowhere.invalid/': '%s/'}}", i.server.URL), 1)
	})
	i.build(t)
	if got, want := i.installed(t), []string{"greeting 1.0"}; !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
}

// TestRewrittenBuild fetches a commit and what it is built with from elsewhere.
// The image says that the commit is from where the lock has it.
func TestRewrittenBuild(t *testing.T) {
	i, mirror := newIndexed(t), serveGit(t, "t0ken")
	// A commit that no engine has seen: what it has it need not fetch.
	commit := mirror.add(t, "tool", greetedProject("")+"-- README --\n"+time.Now().String()+"\n")
	p := written(t, i.engine, strings.NewReplacer("INDEX", i.server.URL, "MIRROR", mirror.URL, "COMMIT", commit).Replace(`
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
requirements: uv.lock
pip_index: https://index.invalid/simple
builder_options:
  user: root
  pip: false
  build_apt_packages: []
  url_rewrites: {'https://index.invalid/': 'INDEX/', 'https://git.invalid/': 'MIRROR/'}
-- uv.lock --
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "tool" }]

[[package]]
name = "tool"
version = "2"
source = { git = "https://git.invalid/tool?tag=v1.0#COMMIT" }
`))
	built, err := p.tryBuild(t)
	if err == nil || !strings.Contains(built.Output, mirror.URL+"/tool: it needs a login\ngive the build a token as a secret: --secret id=GIT_AUTH_TOKEN."+mirror.host()) {
		t.Errorf("without a token: %v\n%s", err, built.Output)
	}
	p.build(t, secretFile(t, "GIT_AUTH_TOKEN."+mirror.host(), "t0ken"))
	if got, want := p.installed(t), []string{"tool 2"}; !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	if i.reads() == 0 {
		t.Error("the mirror of the index was not asked")
	}
	want := fmt.Sprintf(`{"url":"https://git.invalid/tool","vcs_info":{"vcs":"git","commit_id":"%s","requested_revision":"v1.0"}}`, commit)
	if got := p.run(t, "cat", "/opt/venv/lib/python3.11/site-packages/tool-2.dist-info/direct_url.json"); got != want {
		t.Errorf("direct_url.json %s, want %s", got, want)
	}
}

// TestOutlineSecrets lists what a build needs and may use.
func TestOutlineSecrets(t *testing.T) {
	p := newPrivate(t, unlocked+"pip_secret_mounts: [[~/.netrc, /root/.netrc]]\n")
	built, err := p.engine.Build(t, p.dir, secretFile(t, "secret_0", "machine 127.0.0.1 login bob password "+password),
		"-f", filepath.Join(p.dir, "imagespec.yaml"), "--call=outline,format=json")
	for _, want := range []string{`"secret_0"`, `"HTTP_AUTH_HEADER_127.0.0.1"`, `"HTTP_AUTH_TOKEN_127.0.0.1"`, `"ca-certificates"`, `"netrc"`} {
		if err != nil || !strings.Contains(built.Output, want) {
			t.Errorf("%v, no %s in\n%s", err, want, built.Output)
		}
	}
}

// greetedProject is a project that is built with the package of newIndexed.
func greetedProject(dir string) string {
	return strings.ReplaceAll(`
-- DIRpyproject.toml --
[build-system]
requires = ["greeting"]
build-backend = "backend"
backend-path = ["."]
[project]
name = "tool"
version = "2"
-- DIRbackend.py --
import greeting, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "tool-2-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + name, "w") as z:
        z.writestr("tool.py", "built = True")
        z.writestr("tool-2.dist-info/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 2\n")
        z.writestr("tool-2.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("tool-2.dist-info/RECORD", "")
    return name
`, "DIR", dir)
}

// TestBuildLogins builds a package whose build requirement is in an index that
// wants a login. The login is nowhere to be found, nor is it if the build fails
// in the step that has it, and shows its environment.
func TestBuildLogins(t *testing.T) {
	const mounts = "pip_secret_mounts: [[~/.netrc, /root/.netrc]]\n"
	netrc := "machine 127.0.0.1 login bob password " + password
	for _, tc := range []struct{ name, lines, id, secret, says string }{
		{"header", "", "HTTP_AUTH_HEADER_127.0.0.1", basic("bob", password), "the secret HTTP_AUTH_HEADER_127.0.0.1"},
		{"token", "", "HTTP_AUTH_TOKEN_127.0.0.1", token, "or HTTP_AUTH_TOKEN_127.0.0.1"},
		{"netrc", "", "netrc", netrc, "the secret netrc"},
		{"pip_secret_mounts", mounts, "secret_0", netrc, "the secret secret_0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPrivate(t, `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
requirements: uv.lock
pip_index: INDEX/simple
builder_options: {user: root, pip: false, build_apt_packages: []}
`+tc.lines+toolLock+greetedProject("tool/")+"-- tool/README --\n"+time.Now().String()+"\n") // that no engine has seen
			if built, err := p.tryBuild(t); err == nil || !strings.Contains(built.Output, tc.says) {
				t.Errorf("without a login: %v\n%s", err, built.Output)
			}
			built := p.build(t, secretFile(t, tc.id, tc.secret), "--provenance=mode=max",
				p.engine.SBOMArg(t), "--build-arg=BUILDKIT_SBOM_SCAN_STAGE=true") // scanned is what had the secret, too
			if got, want := p.installed(t), []string{"tool 2"}; !slices.Equal(got, want) {
				t.Errorf("installed %q, want %q", got, want)
			}
			if boms := p.engine.Image(t, p.image, "").SBOMs(t); len(boms) != 2 || !slices.Contains(boms[1].Versions(), "greeting 1.0") {
				t.Errorf("no greeting in what tool was built in: %d SBOMs", len(boms))
			}
			if leaks := p.engine.Leaks(t, built, p.image, password, token, tc.secret); len(leaks) > 0 {
				t.Errorf("leaks: %q", leaks)
			}
			p.edit(t, "tool/backend.py", func(text string) string {
				return text + "import os\ndef get_requires_for_build_wheel(settings=None):\n    raise Exception(os.environ)\n"
			})
			built, err := p.tryBuild(t, secretFile(t, tc.id, tc.secret))
			if err == nil || !strings.Contains(built.Output, "environ(") {
				t.Fatalf("%v\n%s", err, built.Output)
			}
			if leaks := p.engine.Leaks(t, built, "", password, token, tc.secret); len(leaks) > 0 {
				t.Errorf("a failed build leaks: %q", leaks)
			}
		})
	}
}

// toolLock is a lock with greetedProject in the folder tool.
const toolLock = `
-- pyproject.toml --
[project]
name = "app"
version = "1"
requires-python = ">=3.11"
dependencies = ["tool"]
[tool.uv.sources]
tool = { path = "tool" }
-- uv.lock --
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "tool" }]

[package.metadata]
requires-dist = [{ name = "tool", directory = "tool" }]

[[package]]
name = "tool"
version = "2"
source = { directory = "tool" }
`

// TestAuthorities: a command trusts the authorities of the build secret beside
// those of the image; they are in no layer, and in no key.
func TestAuthorities(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "trusted") }))
	t.Cleanup(server.Close)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	p := written(t, testengine.Start(t), strings.ReplaceAll(`
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
commands:
  - python -c "import urllib.request as u; print(u.urlopen('SERVER').read())" > /answer
`, "SERVER", server.URL))
	if built, err := p.tryBuild(t); err == nil || !strings.Contains(built.Output, "CERTIFICATE_VERIFY_FAILED") {
		t.Errorf("without the secret: %v\n%s", err, built.Output)
	}
	built := p.build(t, secretFile(t, "ca-certificates", authority), "--provenance=mode=max")
	if got := p.run(t, "cat", "/answer"); got != "b'trusted'\n" {
		t.Errorf("the server's answer is %q", got)
	}
	line := strings.Split(authority, "\n")[3]
	if leaks := p.engine.Leaks(t, built, p.image, line); len(leaks) > 0 {
		t.Errorf("leaks: %q", leaks)
	}
	for name, result := range p.build(t).Steps() { // without the secret
		if strings.HasPrefix(name, "[command") && result != "CACHED" {
			t.Errorf("%s is %s, though only a secret has changed", name, result)
		}
	}
}
