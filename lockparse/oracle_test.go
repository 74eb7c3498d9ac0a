package lockparse_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// oracleDir holds projects locked by the tools themselves, each with what the
// tool would install. Its make.py says how they are made.
var oracleDir = filepath.Join("..", "testdata", "locks")

// oracleProject is an expected.json.
type oracleProject struct {
	About string
	Lock  string
	Cases []oracleCase
}

// oracleCase is one answer that a tool gave for several targets: packages as
// name==version, or an error. The files are those that it then fetched, by
// target; they may leave some packages out.
type oracleCase struct {
	Oracle   string
	Request  oracleRequest
	Targets  []string
	Packages []string
	Files    map[string][]string
	Kind     string
	Error    string
}

// oracleRequest is a lock.Request as the tools' options say it: without a
// word, default groups are in.
type oracleRequest struct {
	Extras             []string `json:"extras"`
	Groups             []string `json:"groups"`
	AllExtras          bool     `json:"all_extras"`
	AllGroups          bool     `json:"all_groups"`
	DefaultGroups      *bool    `json:"default_groups"`
	NoGroups           []string `json:"no_groups"`
	OnlyGroups         bool     `json:"only_groups"`
	Package            string   `json:"package"`
	AllPackages        bool     `json:"all_packages"`
	NoInstallProject   bool     `json:"no_install_project"`
	NoInstallWorkspace bool     `json:"no_install_workspace"`
	NoInstallLocal     bool     `json:"no_install_local"`
	NoInstall          []string `json:"no_install"`
}

func (r oracleRequest) request() lock.Request {
	return lock.Request{
		Extras: r.Extras, Groups: r.Groups, AllExtras: r.AllExtras, AllGroups: r.AllGroups,
		DefaultGroups: !r.OnlyGroups && (r.DefaultGroups == nil || *r.DefaultGroups),
		NoGroups:      r.NoGroups, OnlyGroups: r.OnlyGroups, Package: r.Package, AllPackages: r.AllPackages,
		NoInstallProject: r.NoInstallProject, NoInstallWorkspace: r.NoInstallWorkspace,
		NoInstallLocal: r.NoInstallLocal, NoInstall: r.NoInstall,
	}
}

// disagreement is a difference that is meant: the tools differ among
// themselves, or we refuse what one of them lets pass.
type disagreement struct {
	project, oracle string // patterns, as in path.Match
	part            string // of the difference's text
	reason          string
}

// pythonOfFiles is the reason where a file without markers is used with a
// Python that it was not compiled for.
const pythonOfFiles = "only the index tells which Python the files require, and the look-up comes after the selection"

func disagreements() []disagreement {
	return []disagreement{
		{"poetry-*", "poetry_install", "missing [legacy==0.1.0], too many []",
			"poetry --only installs the project too; OnlyGroups means the groups alone, as in uv"},
		{"requirements-by-hand", "uv_pip_install", "Unexpected '-'",
			"pip takes abbreviated options, uv does not; pip is the reference"},
		{"uv-compile-*", "*_install", "the tool says error: No solution found", pythonOfFiles},
		{"uv-compile-one", "pip_install", "versions that require a different python", pythonOfFiles},
	}
}

// meant finds a difference in the table, or gives -1.
func meant(known []disagreement, project, oracle, difference string) int {
	return slices.IndexFunc(known, func(d disagreement) bool {
		return matches(d.project, project) && matches(d.oracle, oracle) && strings.Contains(difference, d.part)
	})
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// TestOracle compares what is selected from each lock with what the tool that
// wrote it would install.
func TestOracle(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(oracleDir, "*", "expected.json"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no projects in %s: %v", oracleDir, err)
	}
	known := disagreements()
	used := make([]int, len(known))
	var answers, files, met int
	for _, expected := range folders {
		folder := filepath.Dir(expected)
		name := filepath.Base(folder)
		t.Run(name, func(t *testing.T) {
			project := readOracle(t, expected)
			l, err := lockparse.Read(os.DirFS(folder), project.Lock, noVariables)
			if errors.Is(err, lock.UnsupportedFormat) {
				t.Skip(err)
			}
			for i, c := range project.Cases {
				answers += len(c.Targets)
				differing := map[string][]string{} // difference -> targets
				for _, target := range c.Targets {
					files += len(c.Files[target])
					if difference := c.differs(l, err, target); difference == "" {
						met++
					} else {
						differing[difference] = append(differing[difference], target)
					}
				}
				for difference, targets := range differing {
					if k := meant(known, name, c.Oracle, difference); k >= 0 {
						used[k] += len(targets)
						continue
					}
					t.Errorf("case %d of %s, %d targets, first %s: %s", i, c.Oracle, len(targets), targets[0], difference)
				}
			}
		})
	}
	for k, d := range known {
		t.Logf("%d answers of %s for %s differ: %s", used[k], d.oracle, d.project, d.reason)
		if used[k] == 0 {
			t.Errorf("no answer of %s for %s differs any more in %q", d.oracle, d.project, d.part)
		}
	}
	t.Logf("%d projects, %d answers of tools, %d met, %d files named", len(folders), answers, met, files)
}

// noVariables gives no value to any ${VARIABLE} of a lock.
func noVariables(string) string { return "" }

func readOracle(t *testing.T, file string) (p oracleProject) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return p
}

// differs says how our answer for a target differs from the tool's. readErr
// is what reading the lock gave; a tool does that with every answer.
func (c oracleCase) differs(l *lock.Lock, readErr error, target string) string {
	selection, err := (*lock.Selection)(nil), readErr
	if err == nil {
		var t lock.Target
		if t, err = oracleTarget(target); err == nil {
			known := *l
			known.Resolver = lookedUp{l.Resolver}
			selection, err = lock.Select(&known, t, c.Request.request())
		}
	}
	switch {
	case c.Error != "" && err == nil:
		return fmt.Sprintf("selected %s, the tool says %s", selectedNames(selection), c.Error)
	case c.Error != "":
		if reason, ok := oracleReasons()[c.Kind]; ok && !errors.Is(err, reason) {
			return fmt.Sprintf("the error is %v, the tool's a %s: %s", err, c.Kind, c.Error)
		}
		return ""
	case err != nil:
		return fmt.Sprintf("%v, the tool selects %s", err, c.Packages)
	}
	if d := differentPackages(selection, c.Packages); d != "" {
		return d
	}
	return differentFiles(selection, c.Files[target])
}

// anyFile is the name of the file that lookedUp gives: it fits every target.
const anyFile = "any-0-py3-none-any.whl"

// lookedUp is a Resolver that gives a file to the packages of which the lock
// names none. Which files an index has for their hashes is not the matter of
// this test.
type lookedUp struct{ lock.Resolver }

func (r lookedUp) Resolve(env pep508.Env, request lock.Request) ([]lock.Pick, error) {
	picks, err := r.Resolver.Resolve(env, request)
	picks = slices.Clone(picks)
	for i, pick := range picks {
		if p := *pick.Package; len(p.Hashes) > 0 && len(p.Wheels) == 0 && p.Sdist == nil {
			p.Wheels = []lock.File{{Name: anyFile, Hashes: p.Hashes}}
			picks[i].Package = &p
		}
	}
	return picks, err
}

// oracleReasons are the reasons for the kinds of errors that make.py tells
// apart; for others any error will do.
func oracleReasons() map[string]lock.Reason {
	return map[string]lock.Reason{
		"malformed":            lock.Malformed,
		"requires-python":      lock.WrongPython,
		"conflict":             lock.Conflict,
		"unknown-extra":        lock.UnknownExtra,
		"unknown-group":        lock.UnknownGroup,
		"unknown-package":      lock.UnknownPackage,
		"unsupported-platform": lock.UnsupportedPlatform,
		"no-artifact":          lock.NoArtifact,
		"ambiguous":            lock.Ambiguous,
	}
}

// oracleTarget makes a target of "3.12.1 x86_64 glibc-2.36".
func oracleTarget(s string) (lock.Target, error) {
	var python, machine, libc string
	if _, err := fmt.Sscan(s, &python, &machine, &libc); err != nil {
		return lock.Target{}, err
	}
	var l wheel.Libc
	if _, err := fmt.Sscanf(strings.ReplaceAll(libc, "-", " "), "%s %d.%d", &l.Family, &l.Major, &l.Minor); err != nil {
		return lock.Target{}, err
	}
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]
	return lock.LinuxTarget(arch, "", python, false, l)
}

// differentPackages compares names and versions. Only the names are compared
// where the lock or the tool does not tell the version.
func differentPackages(s *lock.Selection, want []string) string {
	same := func(a, b string) bool {
		nameA, versionA, _ := strings.Cut(a, "==")
		nameB, versionB, _ := strings.Cut(b, "==")
		return nameA == nameB && (versionA == versionB || versionA == "" || versionB == "")
	}
	got := selectedNames(s)
	missing := without(want, got, same)
	extra := without(got, want, same)
	if len(missing)+len(extra) == 0 {
		return ""
	}
	return fmt.Sprintf("missing %s, too many %s", missing, extra)
}

// without gives those of a that no one of b is the same as.
func without(a, b []string, same func(a, b string) bool) (rest []string) {
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y string) bool { return same(x, y) }) {
			rest = append(rest, x)
		}
	}
	return rest
}

func selectedNames(s *lock.Selection) []string {
	var names []string
	for _, p := range s.Packages {
		name := p.Package.Name
		if p.Package.Version != "" {
			name += "==" + p.Package.Version
		}
		names = append(names, name)
	}
	return names
}

// differentFiles looks for the files that the tool fetched among those that
// were selected.
func differentFiles(s *lock.Selection, want []string) string {
	var got []string
	for _, p := range s.Packages {
		if p.File.Name == anyFile {
			return "" // such a format names no files
		}
		if p.File.Name != "" {
			got = append(got, p.File.Name)
		}
	}
	missing := without(want, got, func(a, b string) bool { return a == b })
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("files %s not among %s", missing, got)
}
