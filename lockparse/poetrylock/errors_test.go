package poetrylock_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/poetrylock"
)

// pkg makes a package of PyPI, for the group main.
func pkg(name, version string, lines ...string) string {
	return "[[package]]\nname = \"" + name + "\"\nversion = \"" + version + "\"\npython-versions = \">=3.8\"\ngroups = [\"main\"]\n" +
		strings.Join(lines, "\n") + "\n\n"
}

// metadata ends a lock.
func metadata(version string) string {
	return "[metadata]\nlock-version = \"" + version + "\"\npython-versions = \">=3.9\"\ncontent-hash = \"0\"\n"
}

// poetryProject begins a pyproject.toml.
const poetryProject = "[tool.poetry]\nname = \"app\"\nversion = \"1.0\"\n\n[tool.poetry.dependencies]\npython = \">=3.9\"\n"

// TestMessages shows every mistake in a lock, a pyproject.toml or a request
// as a terminal shows it.
func TestMessages(t *testing.T) {
	wheelFile := func(name string) string {
		return `files = [{file = "` + name + `", hash = "sha256:` + strings.Repeat("0", 64) + `"}]`
	}
	source := func(lines ...string) string { return "files = []\n[package.source]\n" + strings.Join(lines, "\n") }
	many := strings.Repeat(pkg("numpy", "1.0", "files = []"), 101)
	numpy := pkg("numpy", "1.26.4", "files = []")
	tests := []struct {
		name, lock, project string
		request             lock.Request
		reason              lock.Reason
	}{
		{"not TOML", "<<<<<<< HEAD\n", "", lock.Request{}, lock.Malformed},
		{"no metadata", pkg("a", "1"), "", lock.Request{}, lock.Malformed},
		{"no lock-version", "[metadata]\ncontent-hash = \"0\"\n", "", lock.Request{}, lock.UnsupportedVersion},
		{"future version", metadata("3.0"), "", lock.Request{}, lock.UnsupportedVersion},
		{"no version", metadata("two"), "", lock.Request{}, lock.Malformed},
		{"bad python-versions", strings.Replace(metadata("2.1"), ">=3.9", "^3.x", 1), "", lock.Request{}, lock.Malformed},
		{"bad names", pkg("a b", "1.0.x", "files = []") + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"no groups", "[[package]]\nname = \"a\"\nversion = \"1\"\nfiles = []\n" + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"bad marker", pkg("a", "1", `markers = "python_version = '3.9'"`) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"bad constraint", pkg("a", "1", "files = []", "[package.dependencies]", `b = ">=1.x"`) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"bad platform", pkg("a", "1", "files = []", "[package.dependencies]", `b = {version = "*", platform = "'linux"}`) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"bad dependency", pkg("a", "1", "files = []", "[package.dependencies]", `"b c" = "*"`, "d = 1") + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"other project's wheel", pkg("requests", "2.0", wheelFile("requestz-2.0-py3-none-any.whl")) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"other version's wheel", pkg("requests", "2.0", wheelFile("requests-2.1-py3-none-any.whl")) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"path for a file", pkg("requests", "2.0", wheelFile("../requests-2.0-py3-none-any.whl")) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"bad hash", pkg("a", "1", `files = [{file = "a-1.tar.gz", hash = "sha256:abc"}]`) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"unknown source", pkg("a", "1", source(`type = "hg"`, `url = "https://host/a"`)) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"no URL", pkg("a", "1", source(`type = "legacy"`)) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"abbreviated commit", pkg("a", "1", source(`type = "git"`, `url = "https://u:p@host/a"`, `reference = "main"`, `resolved_reference = "0123abc"`)) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"URL of a folder", pkg("a", "1", source(`type = "url"`, `url = "https://host/a/"`)) + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"hundred versions", many + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"wrong Python", strings.Replace(metadata("2.1"), ">=3.9", "~2.7 || >=3.13", 1), "", lock.Request{}, lock.WrongPython},
		{"unknown extra", "[extras]\ncpu = [\"numpy\"]\n\n" + metadata("2.1"), "", lock.Request{Extras: []string{"cpi"}}, lock.UnknownExtra},
		{"unknown group", numpy + metadata("2.1"), poetryProject + "\n[tool.poetry.group.docs]\n", lock.Request{Groups: []string{"doc"}}, lock.UnknownGroup},
		{"unknown group of the lock", numpy + metadata("2.1"), "", lock.Request{NoGroups: []string{"docs"}}, lock.UnknownGroup},
		{"unknown defaults", numpy + metadata("2.1"), "", lock.Request{DefaultGroups: true}, lock.UnknownGroup},
		{"unknown package", numpy + metadata("2.1"), poetryProject, lock.Request{Package: "worker"}, lock.UnknownPackage},
		{"undefined marker", pkg("a", "1", `markers = "os_name ~= 'posix'"`, "files = []") + metadata("2.1"), "", lock.Request{}, lock.Malformed},
		{"two versions", numpy + pkg("numpy", "2.1.0", "files = []") + metadata("2.1"), "", lock.Request{}, lock.Ambiguous},
		{"no file", numpy + metadata("2.1"), "", lock.Request{}, lock.NoArtifact},
		{"nameless project", numpy + metadata("2.1"), "[tool.poetry.dependencies]\nnumpy = \"*\"\n", lock.Request{}, lock.Malformed},
		{"old lock without project", numpy + metadata("2.0"), "", lock.Request{}, lock.Malformed},
		{"not locked", numpy + metadata("2.0"), poetryProject + "pandas = \"^2\"\n", lock.Request{}, lock.Malformed},
		{"no version fits", numpy + pkg("numpy", "1.24.4", "files = []") + metadata("2.0"), poetryProject + "numpy = \"^2\"\n", lock.Request{}, lock.Malformed},
		{
			"no version fits two", numpy + pkg("pandas", "2.0", "files = []", "[package.dependencies]", `numpy = ">=2"`) + metadata("2.0"),
			poetryProject + "numpy = \"^1\"\npandas = \"*\"\n",
			lock.Request{},
			lock.Malformed,
		},
		{"bad requirement", numpy + metadata("2.0"), "[project]\nname = \"app\"\ndependencies = [\n    \"numpy >= \",\n]\n", lock.Request{}, lock.Malformed},
		{"unknown include", numpy + metadata("2.0"), poetryProject + "\n[tool.poetry.group.docs]\ninclude-groups = [\"tets\"]\n", lock.Request{Groups: []string{"docs"}}, lock.Malformed},
	}
	var text strings.Builder
	for _, test := range tests {
		l, err := read(test.lock, test.project)
		if err == nil {
			_, err = lock.Select(l, locktest.Bookworm(t, "3.12.4"), test.request, offline.Index{})
		}
		if !errors.Is(err, test.reason) {
			t.Errorf("%s: %v is no %s", test.name, err, test.reason)
			continue
		}
		if len(diag.All(err)) == 0 {
			t.Errorf("%s: %v has no place", test.name, err)
		}
		text.WriteString("== " + test.name + "\n" + diag.Format(err) + "\n\n")
	}
	golden.Check(t, "testdata/messages.txt", text.String())
}

// TestWarnings shows what a reader of a lock should know.
func TestWarnings(t *testing.T) {
	secret := pkg("a", "1", "files = []", "[package.source]", `type = "legacy"`, `url = "https://me:secret@host/simple"`, `reference = "own"`)
	tests := []struct{ name, lock, project string }{
		{"newer version", metadata("2.9"), ""},
		{"credentials", secret + metadata("2.1"), ""},
		{"stale", metadata("2.1"), poetryProject + "numpy = \"^2\"\n"},
		{"stale Python", metadata("2.1"), strings.Replace(poetryProject, ">=3.9", "^3.11", 1)},
		{"stale in a way that does not show", metadata("2.1"), poetryProject},
		{"stale in many ways", metadata("2.1"), poetryProject + "a = \"1\"\nb = \"2\"\nc = \"*\"\nd = \"3\"\n"},
		{"stale with requirements that are wrong", metadata("2.1"), poetryProject + "a = \"one\"\n"},
	}
	var text strings.Builder
	for _, test := range tests {
		for _, w := range mustRead(t, test.lock, test.project).Warnings {
			if strings.Contains(w.Msg+w.Hint, "secret@") {
				t.Error("a message shows credentials")
			}
			text.WriteString("== " + test.name + "\n" + diag.Excerpt(w.At) + w.Rule + ": " + w.Msg + "\n" + w.Hint + "\n\n")
		}
	}
	golden.Check(t, "testdata/warnings.txt", text.String())
}

// Errors of the build context are given as they are.
func TestOpenError(t *testing.T) {
	denied := errors.New("denied")
	_, err := poetrylock.Parse(&diag.Source{Name: "poetry.lock", Data: []byte(metadata("2.1"))},
		func(string) (*diag.Source, error) { return nil, denied })
	if !errors.Is(err, denied) {
		t.Errorf("error %v", err)
	}
	if _, err := read(metadata("2.1"), "[tool.poetry]\nname = 1\n"); err == nil || !strings.HasPrefix(err.Error(), "pyproject.toml:2: ") {
		t.Errorf("error %v", err)
	}
}
