package frontend

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec/internal/resolver"
)

// resolveStep gives the step that talks to an index that a definition ends
// with, nil for others.
func resolveStep(def *pb.Definition) *pb.ExecOp {
	if len(def.Def) < 2 {
		return nil
	}
	var op pb.Op
	if op.UnmarshalVT(def.Def[len(def.Def)-2]) != nil || op.GetExec() == nil || op.GetExec().Meta.Args[0] != "/bin/imagespec-resolve" {
		return nil
	}
	return op.GetExec()
}

// resolve runs such a step.
func (e *engine) resolve(def *pb.Definition) (*client.Result, error) {
	run := e.resolver
	if resolveStep(def).Meta.Args[1] == "known" {
		run = e.known
	}
	files, err := run(resolveStep(def))
	if err != nil {
		return nil, err
	}
	res := client.NewResult()
	res.SetRef(tree(files))
	return res, nil
}

// known looks for hosts in the netrc.
func (e *engine) known(step *pb.ExecOp) (map[string]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	hosts := step.Meta.Args[3:]
	e.looked = append(e.looked, strings.Join(hosts, " "))
	hosts = slices.DeleteFunc(slices.Clone(hosts), func(host string) bool { return !slices.Contains(e.netrc, host) })
	return map[string]string{resolver.KnownFile: strings.Join(hosts, "\n")}, nil
}

// idnaLock is an answer of uv.
var idnaLock = fmt.Sprintf(`lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "idna"
version = "3.10"
wheels = [{ url = "https://files.example/idna-3.10-py3-none-any.whl", size = 9, hashes = { sha256 = %q } }]
`, idnaDigest)

// unlockedProject is an engine with packages, and what its resolver answers by
// the command line.
func unlockedProject(spec string, answers map[string]string) (*engine, *[]*pb.ExecOp) {
	e := newEngine(map[string]string{"imagespec.yaml": "base_image: python:3.12-slim-bookworm\n" + spec})
	var steps []*pb.ExecOp
	e.resolver = func(step *pb.ExecOp) (map[string]string, error) {
		steps = append(steps, step)
		command := step.Meta.Args[1]
		switch {
		case slices.Contains(step.Meta.Args, "--report"):
			command = "report"
		case slices.ContainsFunc(step.Meta.Env, func(v string) bool { return strings.HasPrefix(v, "IMAGESPEC_PYTHON=") }):
			command = "python"
		}
		name, text, ok := strings.Cut(answers[command], "\n")
		if !ok {
			return nil, errors.New(answers[command])
		}
		return map[string]string{name: text}, nil
	}
	return e, &steps
}

const (
	exited = `process "/bin/imagespec-resolve lock /request/request.json /answer" did not complete successfully: exit code: 1`
	asked  = "packages: [idna]\nbuilder_options: {flytekit: false, pip: false, compile_bytecode: false}\n"
)

func TestResolve(t *testing.T) {
	e, steps := unlockedProject(asked, map[string]string{"lock": "pylock.toml\n" + idnaLock})
	if got, want := e.wheels(t), []string{"https://files.example/idna-3.10-py3-none-any.whl"}; !slices.Equal(got, want) {
		t.Errorf("wheels %q, want %q", got, want)
	}
	if len(*steps) != 1 || (*steps)[0].Mounts[0].Input != -1 || (*steps)[0].Network == pb.NetMode_NONE {
		t.Errorf("steps %v", *steps)
	}
	if !strings.HasPrefix(strings.Join(e.warnings, "\n"), "NotLocked: ") {
		t.Errorf("warnings %q", e.warnings)
	}
}

// TestResolveWithPython: only what has to be built is resolved on the base.
func TestResolveWithPython(t *testing.T) {
	e, steps := unlockedProject(asked, map[string]string{"lock": "needs-python\n", "python": "pylock.toml\n" + idnaLock})
	e.wheels(t)
	if len(*steps) != 2 || !slices.Contains((*steps)[1].Meta.Env, "IMAGESPEC_PYTHON=/usr/local/bin/python3.12") || (*steps)[1].Mounts[0].Input == -1 {
		t.Errorf("steps %v", *steps)
	}
}

func TestResolveFails(t *testing.T) {
	for _, tc := range []struct {
		name, spec string
		answers    map[string]string
		want       []string
		steps      int
	}{
		{
			"no solution", asked,
			map[string]string{"lock": exited, "report": "failure\nerror: No solution\n  cause: idna is not there\n"},
			[]string{"imagespec.yaml:2: the requirements cannot be resolved for Python 3.12.4", "idna is not there"},
			2,
		},
		{"no report either", asked, map[string]string{"lock": exited, "report": "context canceled"}, []string{"imagespec.yaml:2", "exit code: 1"}, 2},
		{"only the first time", asked, map[string]string{"lock": exited, "report": "pylock.toml\n" + idnaLock}, []string{"has failed once, and then not"}, 2},
		{
			"a login is wanted", asked + "pip_index: https://own.example/simple\n",
			map[string]string{"lock": exited, "report": "failure\nhint: An index URL (https://own.example/simple) could not be queried (401 Unauthorized)\n"},
			[]string{"HTTP_AUTH_HEADER_own.example"},
			2,
		},
		{
			"a secret is missing", asked + "pip_secret_mounts: [[~/.netrc, /root/.netrc]]\n",
			map[string]string{"lock": "failed to solve: secret secret_0: not found"},
			[]string{"imagespec.yaml:4: pip_secret_mounts needs ~/.netrc", "--secret id=secret_0,src=~/.netrc"},
			1,
		},
		{"nonsense", asked, map[string]string{"lock": "pylock.toml\nlock-version = 1\n"}, []string{"the answer of uv"}, 1},
	} {
		e, steps := unlockedProject(tc.spec, tc.answers)
		_, err := e.build(t)
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", tc.name, err, want)
			}
		}
		if len(*steps) != tc.steps {
			t.Errorf("%s: %d steps, want %d", tc.name, len(*steps), tc.steps)
		}
	}
}

// TestPrivateSteps: what talks to an index has the secrets, and BuildKit's own
// sources only have what is PyPI's.
func TestPrivateSteps(t *testing.T) {
	e, steps := unlockedProject(asked+"pip_index: https://own.example/simple\npip_secret_mounts: [[~/.netrc, /root/.netrc]]\n",
		map[string]string{"lock": "pylock.toml\n" + idnaLock})
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	if got := sources(t, e.solved[0].Definition, "https://"); len(got) != 0 {
		t.Errorf("sources %q", got)
	}
	want := []string{"HTTP_AUTH_HEADER_own.example", "HTTP_AUTH_TOKEN_own.example", "ca-certificates", "netrc", "secret_0"}
	if got := secretIDs((*steps)[0]); !slices.Equal(got, want) {
		t.Errorf("secrets of the resolver %q, want %q", got, want)
	}
	if got, want := fetched(t, e, "secret_0"), []string{"https://files.example/idna-3.10-py3-none-any.whl"}; !slices.Equal(got, want) {
		t.Errorf("fetched %q, want %q", got, want)
	}
	if len(e.looked) != 0 {
		t.Errorf("looked for %q in the netrc, though all is private", e.looked)
	}
}

// fetched gives the URLs of the image that steps with a secret fetch.
func fetched(t *testing.T, e *engine, secret string) []string {
	t.Helper()
	var urls []string
	for _, op := range execs(t, e.solved[len(e.solved)-1].Definition) {
		args := op.GetExec().Meta.Args
		if args[0] == "/bin/imagespec-resolve" && slices.Contains(secretIDs(op.GetExec()), secret) {
			urls = append(urls, args[len(args)-2])
		}
	}
	slices.Sort(urls)
	return urls
}

func secretIDs(step *pb.ExecOp) []string {
	var ids []string
	for _, m := range step.Mounts {
		if m.SecretOpt != nil {
			ids = append(ids, m.SecretOpt.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// TestLockRequest prints the lock of every platform.
func TestLockRequest(t *testing.T) {
	e, steps := unlockedProject(asked+"platform: [linux/amd64, linux/arm64]\n", map[string]string{"lock": "pylock.toml\n" + idnaLock})
	e.anyArch = true
	e.opts["requestid"] = "frontend.imagespec.lock"
	res, err := e.build(t)
	if err != nil {
		t.Fatal(err)
	}
	text := string(res.Metadata["result.txt"])
	for _, want := range []string{"platform_machine == 'x86_64'", "platform_machine == 'aarch64'", "idna-3.10-py3-none-any.whl", `requires-python = "==3.12.*"`} {
		if !strings.Contains(text, want) || len(*steps) != 2 {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
