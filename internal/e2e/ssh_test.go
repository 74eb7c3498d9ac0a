package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/subrequests/outline"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/imagespec/imagespec/internal/testengine"
)

// closed is a project whose one package is in a repository that wants an ssh key.
// Its commit is one that no engine has seen: what it has it need not fetch.
func closed(t *testing.T, server *sshServer) project {
	t.Helper()
	server.add(t, "closed", setuptoolsProject("", "closed", "2.0")+"-- README --\n"+time.Now().String()+"\n")
	p := written(t, testengine.Start(t), strings.ReplaceAll(`
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
requirements: uv.lock
builder_options: {user: root, pip: false}
-- pyproject.toml --
[project]
name = "app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["closed"]

[tool.uv.sources]
closed = { git = "URL/closed.git", rev = "v1.0" }
`, "URL", server.URL))
	t.Setenv("GIT_SSH_COMMAND", "ssh -F /dev/null -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i "+server.key)
	return p
}

// TestSSH builds a package of a repository that wants an ssh key, which is in a
// file or an agent. What is installed is what uv installs, and where the key is
// wrong or missing the error says so.
func TestSSH(t *testing.T) {
	uv, _ := tools(t)
	for _, tc := range []struct{ name, lock, key string }{
		{"a key in a file", "uv.lock", "default=FILE"},
		{"a key in an agent", "pylock.toml", "default"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := serveSSH(t)
			_, stranger := newKey(t)
			p := closed(t, server)
			p.uv(t, uv, "lock")
			p.uv(t, uv, "export", "--no-emit-project", "--format=pylock.toml", "--output-file=pylock.toml")
			p.replace(t, "imagespec.yaml", "uv.lock", tc.lock)
			t.Setenv("SSH_AUTH_SOCK", serveAgent(t, server.key))

			host := strings.TrimPrefix(server.URL, "ssh://git@")
			for key, says := range map[string]string{
				"":                    host + " wants a key\ngive the build yours: --ssh default",
				"default=" + stranger: host + " lets none of the given keys in\ngive the build the right one: --ssh default=FILE",
				"other=" + server.key: host + " wants a key\ngive the build yours: --ssh default",
			} {
				args := caArgs()
				if key != "" {
					args = append(args, "--ssh="+key)
				}
				if built, err := p.tryBuild(t, args...); err == nil || !strings.Contains(built.Output, "/closed.git: "+says) {
					t.Errorf("with --ssh=%s: %v\n%s", key, err, built.Output)
				}
			}

			built := p.build(t, append(caArgs(), "--ssh="+strings.Replace(tc.key, "FILE", server.key, 1), "--provenance=mode=max")...)
			if got, want := p.installed(t), []string{"closed 2.0"}; !slices.Equal(got, want) {
				t.Errorf("installed %q, want %q", got, want)
			}
			if got := p.run(t, "python", "-c", "import closed; print(closed.HELLO)"); got != "hello from closed\n" {
				t.Errorf("the image prints %q", got)
			}
			p.uv(t, uv, "sync", "--frozen", "--no-install-project")
			const origin = "lib/python3.11/site-packages/closed-2.0.dist-info/direct_url.json"
			want, err := os.ReadFile(filepath.Join(p.dir, ".venv", origin))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.run(t, "cat", "/opt/venv/"+origin); got != string(want) {
				t.Errorf("direct_url.json is %s, uv writes %s", got, want)
			}
			private, err := os.ReadFile(server.key)
			if err != nil {
				t.Fatal(err)
			}
			if leaks := p.engine.Leaks(t, built, p.image, strings.Split(string(private), "\n")[2]); len(leaks) > 0 {
				t.Errorf("leaks: %q", leaks)
			}
		})
	}
}

// TestUnlockedSSH looks up a branch over ssh and resolves what depends on it.
func TestUnlockedSSH(t *testing.T) {
	server := serveSSH(t)
	commit := server.add(t, "tool", helloTool)
	p := written(t, testengine.Start(t), spec("[]", "[]", "packages: ['tool @ git+"+server.URL+"/tool@main']\n"))
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, server.key))
	want := "imagespec.yaml:4: main of " + server.URL + "/tool cannot be fetched: " + strings.TrimPrefix(server.URL, "ssh://git@") + " wants a key\ngive the build yours: --ssh default"
	if built, err := p.tryBuild(t, authorities()...); err == nil || !strings.Contains(built.Output, want) {
		t.Errorf("%v, no %s in\n%s", err, want, built.Output)
	}
	p.networked(t, "--ssh=default")
	if got := p.run(t, "cat", "/opt/venv/lib/python3.11/site-packages/tool-1.0.dist-info/direct_url.json"); !strings.Contains(got, commit) {
		t.Error(got)
	}
	p.run(t, "python", "-c", "import tool, idna")
}

// serveAgent starts an ssh agent that has the key of a file, and gives its
// socket.
func serveAgent(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go func() {
				defer conn.Close()
				agent.ServeAgent(keyring, conn) //nolint:errcheck // ends with the client
			}()
		}
	}()
	return socket
}

// TestOutlineOfRepositories lists what each repository may want.
func TestOutlineOfRepositories(t *testing.T) {
	commit := strings.Repeat("1", 40)
	p := written(t, testengine.Start(t), fmt.Sprintf(`
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
requirements: pylock.toml
-- pylock.toml --
lock-version = "1.0"
created-by = "hand"
[[packages]]
name = "a"
vcs = { type = "git", url = "https://git.example/a", commit-id = %[1]q }
[[packages]]
name = "b"
vcs = { type = "git", url = "ssh://git@ssh.example/b", commit-id = %[1]q }
`, commit))
	built, err := p.engine.Build(t, p.dir, "-f", filepath.Join(p.dir, "imagespec.yaml"), "--call=outline,format=json")
	if err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	var got outline.Outline
	if err := json.NewDecoder(strings.NewReader(built.Output[strings.Index(built.Output, "{"):])).Decode(&got); err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	want := []outline.Secret{{Name: "GIT_AUTH_HEADER.git.example"}, {Name: "GIT_AUTH_TOKEN.git.example"}, {Name: "ca-certificates"}}
	if !slices.Equal(got.Secrets, want) {
		t.Errorf("secrets %+v, want %+v", got.Secrets, want)
	}
	if want := []outline.SSH{{Name: "default", Required: true}}; !slices.Equal(got.SSH, want) {
		t.Errorf("keys %+v, want %+v", got.SSH, want)
	}
}
