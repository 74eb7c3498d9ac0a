package pylock_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// These tests ask packaging.pylock, the reference, of the python3 on PATH, and
// are skipped where that is older than the reference.

// question is what testdata/oracle.py answers.
type question struct {
	Name        string            `json:"-"`
	Lock        string            `json:"lock"`
	Target      string            `json:"-"`
	Environment map[string]string `json:"environment"`
	Tags        []string          `json:"tags"`
	Extras      []string          `json:"extras"`
	Groups      []string          `json:"groups"`
}

type answer struct {
	Version  string
	Packages []string
	Error    string
}

// ask gives the answers to questions, in their order.
func ask(t *testing.T, questions []question) []answer {
	t.Helper()
	check := exec.Command("python3", "-c", "import tomllib, packaging.pylock; packaging.pylock.Pylock.select")
	if err := check.Run(); err != nil {
		t.Skip("the python3 on PATH has no packaging.pylock that selects")
	}
	var input bytes.Buffer
	encoder := json.NewEncoder(&input)
	for i := range questions {
		q := &questions[i]
		target := target(t, q.Target)
		env := target.Env
		q.Tags = target.Tags.List()
		q.Environment = map[string]string{
			"python_version": env.PythonVersion, "python_full_version": env.PythonFullVersion,
			"implementation_name": env.ImplementationName, "implementation_version": env.ImplementationVersion,
			"os_name": env.OSName, "sys_platform": env.SysPlatform, "platform_system": env.PlatformSystem,
			"platform_machine": env.PlatformMachine, "platform_python_implementation": env.PlatformPythonImplementation,
			"platform_release": env.PlatformRelease, "platform_version": env.PlatformVersion,
		}
		if err := encoder.Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	oracle := exec.Command("python3", filepath.Join("testdata", "oracle.py"))
	oracle.Stdin, oracle.Stderr = &input, os.Stderr
	output, err := oracle.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := make([]answer, len(questions))
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Buffer(nil, 16<<20)
	for i := range answers {
		if !lines.Scan() {
			t.Fatalf("%d answers to %d questions", i, len(questions))
		}
		if err := json.Unmarshal(lines.Bytes(), &answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("compared with packaging %s", answers[0].Version)
	return answers
}

// stricter are the mistakes that packaging lets pass, and why we do not.
func stricter() map[string]string {
	return map[string]string{
		"pipenv":                     "the names of its files are made up",
		"bad hashes":                 "no download could have that digest",
		"negative size":              "no file has that size",
		"another project's archive":  "a lock names a package to get another one",
		"branch as commit":           "what is fetched could change",
		"Mercurial":                  "BuildKit fetches only Git",
		"repository on disk":         "BuildKit fetches only from servers",
		"member":                     "not a question to packaging",
		"groups alone":               "not a question to packaging",
		"unknown group to leave out": "not a question to packaging",
	}
}

// TestLiveMistakes compares what is refused.
func TestLiveMistakes(t *testing.T) {
	var questions []question
	for _, m := range mistakes() {
		q := question{Name: m.name, Lock: m.lock, Target: "cp312-linux-x86_64", Extras: m.request.Extras, Groups: m.request.Groups}
		questions = append(questions, q)
	}
	for i, a := range ask(t, questions) {
		name := questions[i].Name
		_, passes := stricter()[name]
		if refused := a.Error != ""; refused == passes {
			t.Errorf("%s: packaging says %q", name, cmp.Or(a.Error, strings.Join(a.Packages, ", ")))
		}
	}
}

// TestLiveSelect compares selections from all locks of the vectors and of
// these tests, for every target and for more extras and groups than the
// vectors ask for.
func TestLiveSelect(t *testing.T) {
	questions := liveQuestions(t)
	locks := make(map[string]*lock.Lock)
	for i, a := range ask(t, questions) {
		q := questions[i]
		if _, ok := locks[q.Name]; !ok {
			locks[q.Name], _ = parse(q.Lock) // nil where it is refused
		}
		got, err := q.answer(t, locks[q.Name])
		if (a.Error != "") != (err != nil) {
			t.Errorf("%s for %s with %v, %v: packaging says %q, we %v", q.Name, q.Target, q.Extras, q.Groups, a.Error, err)
			continue
		}
		for i, row := range a.Packages {
			fields := strings.Fields(row)
			a.Packages[i] = strings.Join([]string{fields[0], fields[1], spelled(fields[2])}, " ")
		}
		slices.Sort(a.Packages)
		if !slices.Equal(got, a.Packages) {
			t.Errorf("%s for %s with %v, %v: selected\n%s\npackaging\n%s", q.Name, q.Target, q.Extras, q.Groups,
				strings.Join(got, "\n"), strings.Join(a.Packages, "\n"))
		}
	}
	t.Logf("%d selections", len(questions))
}

// answer is ours, written as packaging's.
func (q question) answer(t *testing.T, l *lock.Lock) ([]string, error) {
	if l == nil {
		return nil, lock.Malformed
	}
	s, err := lock.Select(l, target(t, q.Target), lock.Request{Extras: q.Extras, Groups: q.Groups, DefaultGroups: q.Groups == nil}, nil)
	if err != nil {
		return nil, err
	}
	var rows []string
	for _, p := range s.Packages {
		from := spelled(p.File.Name)
		if source := p.Package.Source; source.Origin != lock.Registry {
			from = cmp.Or(source.Path, source.URL)
		}
		rows = append(rows, strings.Join([]string{p.Package.Name, cmp.Or(p.Package.Version, "-"), from}, " "))
	}
	slices.Sort(rows)
	return rows, nil
}

func liveQuestions(t *testing.T) []question {
	locks := map[string]string{"trainer": trainer()}
	dir := filepath.Join(vectors.Dir(t), "pylock")
	for _, pattern := range []string{"*.toml", "*/*.toml"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			locks[filepath.Base(name)] = string(data)
		}
	}
	var questions []question
	for name, text := range locks {
		for _, target := range []string{
			"cp39-linux-x86_64", "cp310-linux-x86_64", "cp311-linux-x86_64", "cp312-linux-x86_64", "cp313-linux-x86_64",
			"cp314-linux-x86_64", "cp312-linux-aarch64", "cp313-linux-aarch64", "cp312-linux-x86_64-musl1.2", "cp314-linux-aarch64-musl1.2",
		} {
			questions = append(questions,
				question{Name: name, Lock: text, Target: target},
				question{Name: name, Lock: text, Target: target, Extras: []string{"tests"}},
				question{Name: name, Lock: text, Target: target, Extras: []string{"CPU"}, Groups: []string{"dev"}},
				question{Name: name, Lock: text, Target: target, Extras: []string{"cuda", "security"}, Groups: []string{"default", "docs"}},
				question{Name: name, Lock: text, Target: target, Groups: []string{"default"}},
				question{Name: name, Lock: text, Target: target, Groups: []string{}},
			)
		}
	}
	return questions
}
