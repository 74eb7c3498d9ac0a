package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/flytekit"
	"github.com/imagespec/imagespec/internal/testengine"
)

// TestFlyte runs a workflow with a dataframe in the image that its spec makes:
// at the command line, as Flyte's containers are started, and with code and
// packages that come at run time. All is done as the image's user, flytekit.
func TestFlyte(t *testing.T) {
	p := example(t, testengine.Start(t), "flyte")
	// Where flytekit finds packages without a network. It is in no layer of packages.
	const wheel = "greeting-1.0-py3-none-any.whl"
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "projects", "direct", "wheels", wheel))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, wheel), content, 0o600); err != nil {
		t.Fatal(err)
	}
	p.replace(t, "imagespec.yaml", "source_root:", "copy: ["+wheel+"]\nsource_root:")
	p.build(t)

	for _, test := range []struct {
		name    string
		command []string
		want    string // the last line that is printed
	}{
		{"run", []string{"pyflyte", "run", "workflow.py", "wf", "--rows", "5"}, "Running Execution on local.\n30"},
		{"a dataframe as output", execute(t, "make_frame", `{"rows": 3}`), `True {"n": [0, 1, 2], "square": [0, 1, 4]}`},
		{"a dataframe as input", execute(t, "total", `{"frame": {"square": [1, 4, 9]}}`), "14"},
		{"fast registration", append([]string{"bash", "-euc", newCode, "bash"},
			execute(t, "answer", `{"of": 6}`, "pyflyte-fast-execute", "--additional-distribution", "/tmp/fast.tar.gz", "--dest-dir", "/root", "--")...), "42"},
		{"runtime_packages", append([]string{"env", "_F_RUNTIME_PACKAGES=/root/" + wheel, "PIP_NO_INDEX=1", "bash", "-euc", newCode, "bash"},
			execute(t, "greeting", `{}`, "pyflyte-fast-execute", "--additional-distribution", "/tmp/fast.tar.gz", "--dest-dir", "/root", "--")...), "hello from a wheel in the build context"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := p.run(t, test.command...)
			if i := strings.LastIndex(got, test.want); i < 0 || strings.TrimSpace(got[i:]) != test.want {
				t.Errorf("it prints %q, want %q", got, test.want)
			}
		})
	}
	t.Run("one environment", func(t *testing.T) { oneEnvironment(t, p, wheel) })
}

// execute is the command that runs a task, through another command if there is one.
func execute(t *testing.T, task, inputs string, through ...string) []string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "execute.py"))
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"python", "-c", string(script), task, inputs}, through...)
}

// newCode packs another workflow.py, as pyflyte does for fast registration, and
// goes on with the arguments.
const newCode = `
cat >/tmp/workflow.py <<'END'
from flytekit import task

@task
def answer(of: int) -> int:
    return of * 7

@task
def greeting() -> str:
    import greeting
    return greeting.HELLO
END
tar -C /tmp -czf /tmp/fast.tar.gz workflow.py
exec "$@"
`

// oneEnvironment wants that pip and python are of the environment, and that
// the user of the image can change it and the working directory.
func oneEnvironment(t *testing.T, p project, wheel string) {
	const script = `
whoami; pwd; echo $HOME
command -v python pip pyflyte-execute
pip -V; python -m pip -V
pip install --quiet --no-index /root/$0
python -c 'import greeting; print(greeting.__file__)'
pip list --format=freeze | grep greeting
pip uninstall --quiet --yes greeting rich
pip list --format=freeze | grep -E '^(greeting|rich)=' || echo gone
touch /root/new $HOME/new && mkdir /root/dir && rm /root/workflow.py && echo written
`
	text, err := os.ReadFile(filepath.Join(p.dir, "imagespec.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := flytekit.Read(&diag.Source{Name: "imagespec.yaml", Data: text})
	if err != nil {
		t.Fatal(err)
	}
	const site = "/opt/venv/lib/python3.11/site-packages/"
	pip := "pip 26.3 from " + site + "pip (python 3.11)\n"
	want := "flytekit\n/root\n/home/flytekit\n" +
		"/opt/venv/bin/python\n/opt/venv/bin/pip\n/opt/venv/bin/pyflyte-execute\n" + pip + pip +
		site + "greeting/__init__.py\ngreeting==1.0\ngone\nwritten\n"
	if got := p.run(t, "bash", "-euc", script, wheel); got != want {
		t.Errorf("it prints\n%s\nwant\n%s", got, want)
	}
	if got := strings.TrimSpace(p.run(t, "printenv", "_F_IMG_ID")); got != spec.ID() {
		t.Errorf("_F_IMG_ID is %q, flytekit has %q", got, spec.ID())
	}
}
