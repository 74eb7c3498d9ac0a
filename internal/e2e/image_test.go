package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/internal/testengine"
)

// everything is a spec with all that is done to an image beside its packages.
const everything = `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
apt_packages: [tree, hello=2.10-3]
source_root: src
copy: [data, conf/app.ini]
env:
  QUOTED: "a \"b\" $HOME\n'c'"
  Debug: true
commands:
  - echo "$QUOTED" >/root/quoted
  - |
    uv pip install --offline --no-index --dry-run pip
    false | true || echo pipefail >/root/pipefail
  - tree --version
builder_options:
  labels: {team: ml}
-- src/app/main.py --
print("hello from the sources")
-- src/app/__pycache__/main.cpython-311.pyc --
stale
-- src/secret.log --
-- src/keep.log --
-- src/.gitignore --
*.log
!keep.log
-- src/app/.gitignore --
/build/
-- src/app/build/out --
-- data/a.txt --
a
-- data/deep/b.txt --
b
-- conf/app.ini --
[app]
-- conf/other.ini --
`

// TestFields builds all of it, and looks into the running image.
func TestFields(t *testing.T) {
	p := written(t, testengine.Start(t), everything)
	p.build(t)
	for command, want := range map[string]string{
		"hello":              "Hello, world!\n",
		"cat /root/quoted":   "a \"b\" $HOME\n'c'\n",
		"cat /root/pipefail": "pipefail\n",
		"printenv Debug":     "true\n",
		"python app/main.py": "hello from the sources\n",
		"pwd":                "/root\n",
		"whoami":             "flytekit\n",
		"stat -c %U /root app data/a.txt conf/app.ini":                                   "flytekit\nflytekit\nflytekit\nflytekit\n",
		"find . -name *.txt -o -name *.log -o -name *.ini -o -name *.pyc -o -name build": "./conf/app.ini\n./data/a.txt\n./data/deep/b.txt\n./keep.log\n",
		"ls /var/lib/apt/lists": "",
	} {
		got := p.run(t, strings.Fields(command)...)
		if sorted(got) != sorted(want) {
			t.Errorf("%s prints %q, want %q", command, got, want)
		}
	}
	image := p.engine.Image(t, p.image, "")
	if got := image.Config.Config.Labels["team"]; got != "ml" {
		t.Errorf("label team %q", got)
	}
	history := slices.DeleteFunc(image.Config.History, func(h ocispecs.History) bool { return h.EmptyLayer })
	if len(history) != len(image.Layers) {
		t.Errorf("%d entries of history for %d layers", len(history), len(image.Layers))
	}
}

// sorted sorts the lines of a text.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestWhatAChangeRuns: a change of one field runs its own steps, and what
// comes after it in the image, and never unpacks a package again.
func TestWhatAChangeRuns(t *testing.T) {
	engine := emptyEngine(t)
	for name, test := range map[string]struct {
		file, old, new string
		runs           []string // beginnings of the names of steps
	}{
		"nothing":         {"imagespec.yaml", "name", "name", nil},
		"apt_packages":    {"imagespec.yaml", "[tree]", "[tree, hello]", []string{"[apt]", "[user]", "[export]", "[source]", "[command 1/1]"}},
		"a source":        {"src/main.py", "1", "2", []string{"[source]", "[command 1/1]"}},
		"commands":        {"imagespec.yaml", "echo a", "echo b", []string{"[command 1/1]"}},
		"env":             {"imagespec.yaml", "A: a", "A: b", []string{"[command 1/1]"}},
		"labels":          {"imagespec.yaml", "team: ml", "team: data", nil},
		"entrypoint":      {"imagespec.yaml", "[python]", "[python3]", nil},
		"name":            {"imagespec.yaml", "name: a", "name: b", nil},
		"an ignored file": {"src/b.log", "1", "2", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := written(t, engine, `
-- imagespec.yaml --
# syntax=imagespec/frontend
name: a
base_image: python:3.11-slim-bookworm
apt_packages: [tree]
source_root: src
commands: [echo a]
env: {A: a}
entrypoint: [python]
builder_options:
  labels: {team: ml}
-- src/main.py --
1
-- src/.gitignore --
*.log
-- src/b.log --
1
`)
			p.solve(t)
			p.replace(t, test.file, test.old, test.new)
			var ran []string
			for _, step := range p.solve(t).Ran() {
				if strings.HasPrefix(step, "[") && !strings.HasPrefix(step, "[internal]") && !strings.HasPrefix(step, "[base]") {
					ran = append(ran, step[:strings.Index(step, "]")+1])
				}
			}
			slices.Sort(ran)
			slices.Sort(test.runs)
			if !slices.Equal(slices.Compact(ran), test.runs) {
				t.Errorf("it runs %q, want %q", ran, test.runs)
			}
		})
	}
}

// TestImageTwoEngines: also what apt and the sources make is the same
// everywhere, whenever the sources were checked out.
func TestImageTwoEngines(t *testing.T) {
	const spec = `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: python:3.11-slim-bookworm
apt_packages: [tree, libgomp1]
source_root: src
copy: [data]
-- src/main.py --
1
-- data/a/b --
2
`
	first := written(t, testengine.Start(t), spec)
	second := written(t, testengine.Second(t), spec)
	second.image = strings.Replace(second.image, ":latest", ":second", 1)
	if err := os.Chtimes(filepath.Join(second.dir, "src/main.py"), time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	var digests [2][]string
	for i, p := range []project{first, second} {
		p.build(t, "--no-cache-filter=apt")
		for _, layer := range p.engine.Image(t, p.image, "").Layers {
			digests[i] = append(digests[i], layer.Digest.String())
		}
	}
	if !slices.Equal(digests[0], digests[1]) {
		t.Errorf("layers %q on one engine, %q on the other", digests[0], digests[1])
	}
}

// TestBaseWithoutApt: the error names the base's distribution.
func TestBaseWithoutApt(t *testing.T) {
	p := written(t, testengine.Start(t), `
-- imagespec.yaml --
# syntax=imagespec/frontend
base_image: BASE
apt_packages: [git]
-- Dockerfile --
FROM python:3.11-slim-bookworm
RUN rm /usr/bin/apt-get && echo 'PRETTY_NAME="Example Linux 9"' > /usr/lib/os-release
`)
	base := strings.TrimSuffix(p.image, ":latest") + "-base:latest"
	if built, err := p.engine.Build(t, p.dir, "--provenance=false", "--output", "type=image,push=true,name="+base); err != nil {
		t.Fatalf("%v\n%s", err, built.Output)
	}
	p.replace(t, "imagespec.yaml", "BASE", base)
	built, err := p.tryBuild(t)
	if err == nil || !strings.Contains(built.Output, "apt_packages need apt-get, but the base image "+base+" (Example Linux 9) has none") {
		t.Errorf("%v\n%s", err, built.Output)
	}
}
