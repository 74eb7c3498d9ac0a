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
	"github.com/imagespec/imagespec/lockparse/internal/offline"
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

// exportUnchecked is the reason where uv sync refuses and uv export does not.
const exportUnchecked = "uv export checks neither Python versions nor platforms nor files; we refuse what uv sync refuses"

// buildTags is the reason where the tags of two wheels are equal.
const buildTags = "packaging.pylock does not look at build tags; we take the higher one for every format"

// plainLinux is the reason where a wheel says linux_x86_64, which no public
// index takes.
const plainLinux = "packaging puts linux_x86_64 before manylinux, uv after it; we follow uv for every format"

func disagreements() []disagreement {
	return []disagreement{
		{
			"poetry-*", "poetry_install", "missing [legacy==0.1.0], too many []",
			"poetry --only installs the project too; OnlyGroups means the groups alone, as in uv",
		},
		{
			"poetry-by-1.1", "poetry_install", "Extra [web-app] is not specified",
			"poetry 1.1 knows the extra only as Web_App; names are normalised since",
		},
		{
			"poetry-sources", "poetry_install", "the tool takes build_or_tag-1.0-7-py3-none-any.whl",
			"poetry looks at build tags before tags; we take the best tag first for every format",
		},
		{"poetry-sources", "poetry_install", "the tool takes plain_linux-1.0-py3-none-linux_x86_64.whl", plainLinux},
		{
			"poetry-sources", "poetry_install", "the tool takes abi_steps-1.0-py3-none-any.whl, not abi_steps-1.0-py2.py3-none-any.whl",
			"both fit equally well; poetry takes what the index lists first, and the lock lists files by name",
		},
		{
			"pdm-*", "pdm_sync", `the project has no extra "nope"`,
			"pdm warns of an unknown group and goes on; we refuse it with the nearest name",
		},
		{
			"pipenv-markers", "pipenv_requirements", "pywin32 is locked as",
			"Pipenv dropped the marker of pywin32: pip finds no file of it for Linux, we say that it is not locked",
		},
		{
			"pipenv-markers", "pipenv_requirements", "does not satisfy requires-python",
			"pip does not know the Pipfile's python_version; the tool's answer is about pywin32 or cffi",
		},
		{"uv-*", "uv_export_markers", "has no file that can be used", exportUnchecked},
		{"uv-*", "uv_export_markers", "does not satisfy requires-python", exportUnchecked},
		{"uv-environments", "uv_export_markers", "none of its supported-markers holds", exportUnchecked},
		{
			"requirements-by-hand", "uv_pip_install", "Unexpected '-'",
			"pip takes abbreviated options, uv does not; pip is the reference",
		},
		{"uv-compile-*", "*_install", "the tool says error: No solution found", pythonOfFiles},
		{
			"pip-compile", "*_install", "exceptiongroup",
			"what a file compiled for one Python lacks on another is only known from the packages' metadata",
		},
		{
			"uv-export-pylock", "packaging_select", "the tool takes markupsafe-2.1.5",
			"uv writes file names normalised beside a URL with the published one, MarkupSafe-2.1.5, which we keep",
		},
		{
			"uv-export-pylock*", "uv_pip_install", "Python 3.9.2 does not satisfy requires-python",
			"uv pip does not look at the lock's requires-python",
		},
		{"uv-export-pylock-wheels", "packaging_select", "the tool takes build_tag-1.0-1-py3-none-any.whl, not build_tag-1.0-2b-py3-none-any.whl", buildTags},
		{"uv-export-pylock-wheels", "pip_install", "the tool takes build_tag-1.0-1-py3-none-any.whl, not build_tag-1.0-2b-py3-none-any.whl", buildTags},
		{"uv-export-pylock-wheels", "pip_install", "the tool takes plain_linux-1.0-py3-none-linux_x86_64.whl", plainLinux},
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
	var ran, answers, files, met int
	for _, expected := range folders {
		folder := filepath.Dir(expected)
		name := filepath.Base(folder)
		t.Run(name, func(t *testing.T) {
			ran++
			project := readOracle(t, expected)
			l, err := lockparse.Read(os.DirFS(folder), project.Lock, noVariables)
			for i, c := range project.Cases {
				answers += len(c.Targets)
				targets := map[string][]string{} // by difference
				for _, target := range c.Targets {
					files += len(c.Files[target])
					differences := c.differences(l, err, target)
					if len(differences) == 0 {
						met++
					}
					for _, d := range differences {
						targets[d] = append(targets[d], target)
					}
				}
				for difference, at := range targets {
					if k := meant(known, name, c.Oracle, difference); k >= 0 {
						used[k] += len(at)
						continue
					}
					t.Errorf("case %d of %s, %d targets, first %s: %s", i, c.Oracle, len(at), at[0], difference)
				}
			}
		})
	}
	for k, d := range known {
		t.Logf("%d answers of %s for %s differ: %s", used[k], d.oracle, d.project, d.reason)
		if used[k] == 0 && ran == len(folders) {
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

// differences says how our answer for a target differs from the tool's.
// readErr is what reading the lock gave; a tool does that with every answer.
func (c oracleCase) differences(l *lock.Lock, readErr error, target string) []string {
	selection, err := (*lock.Selection)(nil), readErr
	if err == nil {
		selection, err = selectFor(l, target, c.Request.request())
	}
	switch {
	case c.Error != "" && err == nil:
		return []string{fmt.Sprintf("selected %s, the tool says %s", selectedNames(selection), c.Error)}
	case c.Error != "":
		if reason, ok := oracleReasons()[c.Kind]; ok && !errors.Is(err, reason) {
			return []string{fmt.Sprintf("the error is %v, the tool's a %s: %s", err, c.Kind, c.Error)}
		}
		return nil
	case err != nil:
		return []string{fmt.Sprintf("%v, the tool selects %s", err, c.Packages)}
	}
	return append(differentPackages(selection, c.Packages), differentFiles(selection, c.Files[target])...)
}

// selectFor selects for a target as expected.json names it.
func selectFor(l *lock.Lock, target string, r lock.Request) (*lock.Selection, error) {
	t, err := oracleTarget(target)
	if err != nil {
		return nil, err
	}
	known := *l
	known.Resolver = lookedUp{l.Resolver}
	return lock.Select(&known, t, r, offline.Index{})
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
func differentPackages(s *lock.Selection, want []string) []string {
	same := func(a, b string) bool {
		nameA, versionA, _ := strings.Cut(a, "==")
		nameB, versionB, _ := strings.Cut(b, "==")
		return nameA == nameB && (versionA == versionB || versionA == "" || versionB == "")
	}
	got := selectedNames(s)
	missing := without(want, got, same)
	extra := without(got, want, same)
	if len(missing)+len(extra) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("missing %s, too many %s", missing, extra)}
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
func differentFiles(s *lock.Selection, want []string) (differences []string) {
	for _, p := range s.Packages {
		for _, file := range want {
			// A tree or a repository has no file; its tool makes a wheel of it.
			if p.File.Name != "" && p.File.Name != anyFile && p.File.Name != file && ofProject(file, p.Package.Name) {
				differences = append(differences, fmt.Sprintf("the tool takes %s, not %s", file, p.File.Name))
			}
		}
	}
	return differences
}

// ofProject says whether the name of a wheel or source distribution starts
// with that of a project.
func ofProject(file, project string) bool {
	name, _, _ := strings.Cut(file, "-")
	if strings.HasSuffix(file, ".tar.gz") {
		name = file[:strings.LastIndex(file, "-")]
	}
	return pep508.NormalizeName(name) == project
}
