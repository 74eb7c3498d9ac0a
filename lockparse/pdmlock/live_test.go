package pdmlock_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// These tests ask PDM, of the python3 on PATH, what "pdm install" would
// install, and are skipped where there is none. Its code runs in whole up to
// the list of packages, for a platform and a Python that it is told.

// question is what testdata/oracle.py answers: a project, a target and the
// options of "pdm install" as PDM parses them.
type question struct {
	Dir      string   `json:"dir"`
	Python   string   `json:"python"`
	Platform string   `json:"platform"`
	Default  bool     `json:"default"`
	Dev      *bool    `json:"dev"`
	Groups   []string `json:"groups"`
	Excluded []string `json:"excluded"`

	request lock.Request
}

type answer struct {
	Version  string
	Packages []string
	Fresh    bool
	Error    string
}

// ask puts a request in terms of PDM.
func ask(dir, python, platform string, r lock.Request) question {
	q := question{Dir: dir, Python: python, Platform: platform, Default: !r.OnlyGroups, request: r}
	q.Groups = slices.Concat(r.Extras, r.Groups)
	if yes := true; r.AllGroups {
		q.Dev = &yes
	}
	if r.AllExtras {
		q.Groups = append(q.Groups, ":all")
	}
	if !r.DefaultGroups && len(r.Groups) == 0 && !r.AllGroups {
		prod := false
		q.Dev = &prod
	}
	q.Excluded = r.NoGroups
	return q
}

// answers gives PDM's answers to questions, in their order.
func answers(t *testing.T, questions []question) []answer {
	t.Helper()
	if err := exec.Command("python3", "-c", "import pdm.cli.filters, pdm.models.markers; pdm.models.markers.EnvSpec.from_spec").Run(); err != nil {
		t.Skip("the python3 on PATH has no PDM that selects for targets")
	}
	var input bytes.Buffer
	encoder := json.NewEncoder(&input)
	for _, q := range questions {
		if err := encoder.Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	oracle := exec.Command("python3", filepath.Join("testdata", "oracle.py"))
	oracle.Stdin, oracle.Stderr = &input, &log
	oracle.Env = append(os.Environ(), "PDM_CHECK_UPDATE=0", "PDM_IGNORE_SAVED_PYTHON=1")
	output, err := oracle.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, log.Bytes())
	}
	list := make([]answer, len(questions))
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Buffer(nil, 16<<20)
	for i := range list {
		if !lines.Scan() {
			t.Fatalf("%d answers to %d questions\n%s", i, len(questions), log.Bytes())
		}
		if err := json.Unmarshal(lines.Bytes(), &list[i]); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("compared with PDM %s", list[0].Version)
	return list
}

// liveProjects are copies of the projects of testdata and of the vectors, in
// which PDM may write.
func liveProjects(t *testing.T) map[string]string {
	t.Helper()
	dirs := make(map[string]string)
	for _, pattern := range []string{"testdata/*", filepath.Join(vectors.Dir(t), "pdm", "*")} {
		names, err := filepath.Glob(filepath.Join(filepath.FromSlash(pattern), "pdm.lock"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			dir := filepath.Dir(name)
			copied := filepath.Join(t.TempDir(), filepath.Base(dir))
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			spellGroups(t, filepath.Join(copied, "pdm.lock"))
			dirs[filepath.Base(dir)] = copied
		}
	}
	return dirs
}

// spellGroups brings the names of groups in a lock into normal form. Old
// releases of PDM wrote them as the project does, and that of today does not
// find them any more; for us all spellings are one.
func spellGroups(t *testing.T, lock string) {
	data, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lock, bytes.ReplaceAll(data, []byte(`"Web_UI"`), []byte(`"web-ui"`)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// liveRequests are those that PDM has options for. Of the names each project
// has some.
func liveRequests() []lock.Request {
	requests := []lock.Request{
		{},
		{DefaultGroups: true},
		{DefaultGroups: true, AllExtras: true},
		{AllExtras: true},
		{OnlyGroups: true, DefaultGroups: true},
		{DefaultGroups: true, AllGroups: true},
	}
	for _, extra := range []string{"web-ui", "Web_UI", "fast", "all", "web", "tests", "security", "keyring", "workflow"} {
		requests = append(requests,
			lock.Request{Extras: []string{extra}},
			lock.Request{Extras: []string{extra}, DefaultGroups: true},
			lock.Request{Groups: []string{extra}, DefaultGroups: true},
			lock.Request{DefaultGroups: true, NoGroups: []string{extra}})
	}
	for _, group := range []string{"test", "lint", "dev", "local", "doc"} {
		requests = append(requests,
			lock.Request{Groups: []string{group}},
			lock.Request{Groups: []string{group}, Extras: []string{"fast"}, DefaultGroups: true},
			lock.Request{Groups: []string{group}, OnlyGroups: true})
	}
	return requests
}

// TestLive compares selections and freshness. All questions take minutes, so
// the environment variable IMAGESPEC_LIVE must ask for them.
func TestLive(t *testing.T) {
	dirs := liveProjects(t)
	var questions []question
	for _, name := range sortedKeys(dirs) {
		for i, target := range [][2]string{
			{"3.12.4", "manylinux_2_40_x86_64"},
			{"3.9.21", "manylinux_2_36_x86_64"},
			{"3.10.4", "manylinux_2_36_x86_64"},
			{"3.13.1", "manylinux_2_36_x86_64"},
			{"3.13.1", "manylinux_2_36_aarch64"},
			{"3.8.10", "manylinux_2_36_x86_64"},
		} {
			for j, r := range liveRequests() {
				if os.Getenv("IMAGESPEC_LIVE") == "" && (i > 1 || j > 2) {
					continue
				}
				questions = append(questions, ask(dirs[name], target[0], target[1], r))
			}
		}
	}
	agreed, refused := 0, 0
	for i, a := range answers(t, questions) {
		q := questions[i]
		if a.Error == "" && ignored(q) {
			continue
		}
		l, err := readDir(q.Dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := resolved(t, l, q)
		name := fmt.Sprintf("%s on %s %s with %+v", filepath.Base(q.Dir), q.Python, q.Platform, q.request)
		switch {
		case err != nil && a.Error != "":
			refused++
		case errors.Is(err, lock.UnknownExtra) && a.Error == "":
			// PDM does not tell the name of a dependency group from that of an
			// extra; we do where we are asked for an extra.
		case len(q.request.NoGroups) > 0 && strings.Contains(a.Error, "Requested groups not in lockfile"):
			// PDM wants all other groups to be locked, even those that nobody
			// asked for; we take those that are.
		case err != nil || a.Error != "":
			t.Errorf("%s: we say %v, PDM %q", name, err, a.Error)
		case !slices.Equal(got, a.Packages):
			t.Errorf("%s: we select\n%s\nPDM\n%s", name, strings.Join(got, ", "), strings.Join(a.Packages, ", "))
		default:
			agreed++
		}
		if stale := staleness(l) != ""; a.Error == "" && stale == a.Fresh && !olderFormat(q.Dir) {
			t.Errorf("%s: fresh is %v for PDM, we say %q", name, a.Fresh, staleness(l))
		}
	}
	t.Logf("%d selections agree, %d are refused by both", agreed, refused)
}

// ignored says whether a question names a group that the project does not
// have: PDM goes on without it, which we refuse.
func ignored(q question) bool {
	data, err := os.ReadFile(filepath.Join(q.Dir, "pyproject.toml"))
	if err != nil {
		return false
	}
	known := func(name string) bool {
		return strings.Contains(strings.ReplaceAll(strings.ToLower(string(data)), "_", "-"), "\n"+strings.ReplaceAll(strings.ToLower(name), "_", "-")+" = [")
	}
	return slices.ContainsFunc(slices.Concat(q.request.Extras, q.request.Groups, q.request.NoGroups), func(name string) bool { return !known(name) })
}

// olderFormat says whether a lock is from a release whose digest PDM of today
// does not know any more: it calls each of them stale.
func olderFormat(dir string) bool {
	name := filepath.Base(dir)
	return strings.HasPrefix(name, "format-4.") && name != "format-4.5.0" || strings.HasPrefix(name, "demo-package")
}
