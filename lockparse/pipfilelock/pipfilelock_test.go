package pipfilelock_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pipfilelock"
)

// one is a hash that is nobody's.
const one = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

// parse parses a lock of which only the given members are of interest, with a
// Pipfile unless that is empty.
func parse(text, pipfile string, env map[string]string) (*lock.Lock, error) {
	open := func(name string) (*diag.Source, error) {
		if name != "Pipfile" || pipfile == "" {
			return nil, fs.ErrNotExist
		}
		return &diag.Source{Name: "app/Pipfile", Data: []byte(pipfile)}, nil
	}
	src := &diag.Source{Name: "app/Pipfile.lock", Data: []byte(strings.ReplaceAll(text, "@1", one))}
	return pipfilelock.Parse(src, open, func(name string) string { return env[name] })
}

// resolve gives the packages that a target gets, with what tells them apart.
func resolve(t testing.TB, text string, request lock.Request) (string, error) {
	l, err := parse(text, "", map[string]string{"HOST": "index.example"})
	if err != nil {
		return "", err
	}
	picks, err := l.Resolver.Resolve(locktest.Bookworm(t, "3.12.4").Env, request)
	var list []string
	for _, pick := range picks {
		list = append(list, describe(pick.Package))
	}
	return strings.Join(list, "\n"), err
}

func describe(p *lock.Package) string {
	words := []string{p.Name, p.Version, p.Allowed.String(), string(p.Source.Origin), p.Source.URL + p.Source.Path, p.Source.Commit, p.Source.Subdirectory}
	hashes := p.Hashes
	for _, f := range p.Wheels {
		words = append(words, "wheel "+f.Name)
		hashes = append(hashes, f.Hashes...)
	}
	if p.Sdist != nil {
		words = append(words, "sdist "+p.Sdist.Name)
		hashes = append(hashes, p.Sdist.Hashes...)
	}
	if p.Source.Editable {
		words = append(words, "editable")
	}
	if p.NoBinary {
		words = append(words, "no-binary")
	}
	for _, h := range hashes {
		words = append(words, h.Algorithm+":"+h.Hex[:2])
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// categories is a lock with three of them.
const categories = `{
    "_meta": {"pipfile-spec": 6, "requires": {"python_version": "3.12"}, "sources": [
        {"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true},
        {"name": "ours", "url": "https://$USER:${PASSWORD}@${HOST}/simple", "verify_ssl": true}]},
    "develop": {
        "shared": {"hashes": ["@1"], "version": "==1.0", "markers": "('dev' in dependency_groups) and (python_version >= '3.9')"},
        "pytest": {"hashes": ["@1"], "version": "==8.0", "index": "pypi", "markers": "'dev' in dependency_groups"},
        "old": {"hashes": ["@1"], "version": "==8.0", "markers": "'dev' in dependency_groups and python_version < '3'"}
    },
    "default": {
        "shared": {"hashes": ["@1"], "version": "==1.0"},
        "Own_Package": {"hashes": ["@1"], "version": "==2.0", "index": "ours", "extras": ["x"]},
        "win": {"hashes": ["@1"], "version": "==1", "sys_platform": "== 'win32'"},
        "tomli": {"markers": "python_version < '3.11'", "version": "*"}
    },
    "docs": {"sphinx": {"hashes": ["@1"], "version": "==7.0"}}
}`

func TestCategories(t *testing.T) {
	const (
		main = "shared 1.0 registry sha256:11\nown-package 2.0 registry https://index.example/simple sha256:11"
		dev  = "pytest 8.0 registry sha256:11"
		docs = "sphinx 7.0 registry sha256:11"
	)
	for _, test := range []struct {
		name    string
		request lock.Request
		want    string
	}{
		{"default", lock.Request{DefaultGroups: true}, main},
		{"dev", lock.Request{Groups: []string{"dev"}}, main + "\n" + dev},
		{"as in the Pipfile", lock.Request{Groups: []string{"dev-packages", "packages", "Docs"}}, main + "\n" + dev + "\n" + docs},
		{"only docs", lock.Request{Groups: []string{"docs"}, OnlyGroups: true}, docs},
		{"all", lock.Request{AllGroups: true, AllExtras: true}, main + "\n" + dev + "\n" + docs},
		{"all but dev", lock.Request{AllGroups: true, NoGroups: []string{"dev"}}, main + "\n" + docs},
		{"one left out", lock.Request{NoInstall: []string{"Shared"}}, "own-package 2.0 registry https://index.example/simple sha256:11"},
	} {
		if got, err := resolve(t, categories, test.request); err != nil || got != test.want {
			t.Errorf("%s: got\n%s%v\nwant\n%s", test.name, got, err, test.want)
		}
	}
}

func TestEntries(t *testing.T) {
	const commit = "93f5930e668c0d1ddf4597e38dd0dea4e2665e7a"
	for _, test := range []struct{ entry, want string }{
		{`{"version": "==1.0.0-RC1", "hashes": ["@1"]}`, "a 1.0.0rc1 registry sha256:11"},
		{`{"version": ">=1", "hashes": ["@1"]}`, "a >=1 registry sha256:11"},
		{`{"version": "==1", "hashes": ["@1"], "no_binary": true}`, "a 1 registry no-binary sha256:11"},
		{`{"version": "==1", "hashes": ["@1"], "index": null, "markers": ""}`, "a 1 registry sha256:11"},
		{`{"git": "https://u:p@example.com/a.git", "ref": "` + commit + `", "subdirectory": "x"}`, "a git https://example.com/a.git " + commit + " x"},
		{`{"git": "git+https://example.com/a.git@` + commit + `#egg=a&subdirectory=y", "ref": null, "editable": true}`, "a git https://example.com/a.git " + commit + " y"},
		{`{"git": "git@example.com:o/a.git", "ref": "` + commit + `"}`, "a git ssh://git@example.com/o/a.git " + commit},
		{`{"git": "ssh://git@example.com:22/o/a.git@main", "ref": "` + commit + `"}`, "a git ssh://git@example.com:22/o/a.git " + commit},
		{`{"path": "./a", "editable": true}`, "a directory a editable"},
		{`{"path": "."}`, "a directory ."},
		{`{"path": "../a"}`, "a directory ../a"},
		{`{"path": "./dist/a-1.0-py3-none-any.whl", "hashes": ["@1"]}`, "a 1.0 archive dist/a-1.0-py3-none-any.whl wheel a-1.0-py3-none-any.whl sha256:11"},
		{`{"file": "dist/a-1.0.tar.gz"}`, "a 1.0 archive dist/a-1.0.tar.gz sdist a-1.0.tar.gz"},
		{
			`{"file": "https://example.com/a-1.0%2Bcpu-py3-none-any.whl", "hashes": ["@1"]}`,
			"a 1.0+cpu archive https://example.com/a-1.0%2Bcpu-py3-none-any.whl wheel a-1.0+cpu-py3-none-any.whl sha256:11",
		},
		{`{"file": "https://example.com/main.zip#sha256=` + one[7:] + `"}`, "a archive https://example.com/main.zip sdist main.zip sha256:11"},
		{`{"version": "*", "markers": "sys_platform == 'win32'"}`, ""},
		{`{"version": "*", "os_name": "== 'nt'"}`, ""},
		{`{"path": "/opt/../a", "markers": "sys_platform == 'win32'"}`, "!malformed lock"},
		{`"*"`, "!not locked"},
		{`{"version": "*"}`, "!not locked"},
		{`{"version": "==1"}`, "!not locked"},
		{`{"file": "https://example.com/a-1.0.tar.gz"}`, "!not locked"},
		{`{"git": "https://example.com/a.git", "ref": "main"}`, "!not locked"},
		{`{"hg": "https://example.com/a", "ref": "` + commit + `"}`, "!not locked"},
	} {
		got, err := resolve(t, `{"default": {"a": `+test.entry+`}}`, lock.Request{})
		var reason lock.Reason
		if errors.As(err, &reason) {
			got = "!" + string(reason)
		} else if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.entry, got, test.want)
		}
	}
}

func TestProjectLeftOut(t *testing.T) {
	const text = `{"default": {"own": {"path": ".", "editable": true}, "lib": {"path": "lib"}}}`
	got, err := resolve(t, text, lock.Request{NoInstallProject: true})
	if want := "lib directory lib"; got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestSelect(t *testing.T) {
	l, err := parse(categories, "", map[string]string{"HOST": "h"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Select(l, locktest.Bookworm(t, "3.11.9"), lock.Request{}, offline.Index{}); !errors.Is(err, lock.WrongPython) {
		t.Errorf("Python 3.11: %v", err)
	}
	// Two versions in two categories.
	l, err = parse(`{"default": {"a": {"version": "==1", "hashes": ["@1"]}}, "develop": {"a": {"version": "==2", "hashes": ["@1"]}}}`, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Select(l, locktest.Bookworm(t, "3.11.9"), lock.Request{Groups: []string{"dev"}}, offline.Index{}); !errors.Is(err, lock.Ambiguous) {
		t.Errorf("two versions: %v", err)
	}
	l, err = parse(`{"default": {"a": {"file": "https://example.com/a-1-py3-none-any.whl", "hashes": ["@1"]}}}`, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := lock.Select(l, locktest.Bookworm(t, "3.11.9"), lock.Request{}, offline.Index{})
	if err != nil || s.Packages[0].File.URL != "https://example.com/a-1-py3-none-any.whl" {
		t.Errorf("by URL: %+v, %v", s, err)
	}
}

func TestRequires(t *testing.T) {
	for _, test := range []struct{ requires, want string }{
		{`{}`, ""},
		{`{"python_version": "3.11"}`, "==3.11.*"},
		{`{"python_version": "3"}`, "==3.*"},
		{`{"python_version": "*"}`, ""},
		{`{"python_full_version": "3.11.4", "python_version": "3.11"}`, "==3.11.4"},
		{`{"python_version": ">=3.9"}`, ">=3.9"},
	} {
		l, err := parse(`{"_meta": {"requires": `+test.requires+`}}`, "", nil)
		if err != nil || l.RequiresPython.String() != test.want {
			t.Errorf("%s: %v, %v", test.requires, l, err)
		}
	}
}

// TestMistakes compares the errors, with excerpts, to a golden file.
func TestMistakes(t *testing.T) {
	var b strings.Builder
	for _, test := range []struct {
		name, text, pipfile string
		request             lock.Request
		reason              lock.Reason
	}{
		{"empty", "", "", lock.Request{}, lock.Malformed},
		{"cut", "{\n  \"default\": {\n", "", lock.Request{}, lock.Malformed},
		{"no JSON", "{\n  default: {}\n}", "", lock.Request{}, lock.Malformed},
		{"two values", "{}\n{}", "", lock.Request{}, lock.Malformed},
		{"no object", "[]", "", lock.Request{}, lock.Malformed},
		{"twice", "{\"default\": {\n\"a\": {\"version\": \"==1\"},\n\"a\": {\"version\": \"==2\"}}}", "", lock.Request{}, lock.Malformed},
		{"newer format", "{\"_meta\": {\"pipfile-spec\": 7}}", "", lock.Request{}, lock.UnsupportedVersion},
		{"wrong types", "{\"default\": [],\n\"develop\": {\"a\": 1,\n\"b\": {\"hashes\": {},\n\"version\": 1, \"markers\": []},\n\"c\": {\"path\": \"c\", \"editable\": \"yes\"}}}", "", lock.Request{}, lock.Malformed},
		{"bad values", "{\"_meta\": {\"requires\": {\"python_version\": \"three\"},\n\"sources\": [{\"name\": \"pypi\", \"url\": \"https://$HOST/simple\"}]},\n\"default\": {\"a b\": {},\n\"a\": {\"version\": \"1\", \"hashes\": [\"sha256:12\"],\n\"markers\": \"python_versio > '3'\", \"index\": \"pipy\"}}}", "", lock.Request{}, lock.Malformed},
		{"other wheel", "{\"default\": {\"a\": {\"file\": \"https://example.com/b-1-py3-none-any.whl\", \"hashes\": [\"@1\"]}}}", "", lock.Request{}, lock.Malformed},
		{"outside", "{\"default\": {\"a\": {\"path\": \"../../a\"},\n\"b\": {\"file\": \"file:///opt/b\"}}}", "", lock.Request{}, lock.Malformed},
		{"star", "{\"default\": {\n\"colorama\": {\n\"version\": \"*\"\n}}}", "", lock.Request{}, lock.NotLocked},
		{"no hash", "{\"default\": {\n\"a\": {\n\"version\": \"==1\"\n}}}", "", lock.Request{}, lock.NotLocked},
		{"branch", "{\"default\": {\n\"a\": {\"git\": \"https://example.com/a.git\", \"ref\": \"main\"}}}", "", lock.Request{}, lock.NotLocked},
		{"undefined marker", "{\"default\": {\n\"a\": {\"version\": \"==1\", \"hashes\": [\"@1\"], \"markers\": \"os_name ~= '1'\"}}}", "", lock.Request{}, lock.Malformed},
		{"unknown group", categories, "", lock.Request{Groups: []string{"doc"}}, lock.UnknownGroup},
		{"extra", categories, "", lock.Request{Extras: []string{"x"}}, lock.UnknownExtra},
		{"project", categories, "", lock.Request{Package: "x"}, lock.UnknownPackage},
		{"bad Pipfile", "{}", "[packages]\na = \n", lock.Request{}, lock.Malformed},
	} {
		var err error
		l, err := parse(test.text, test.pipfile, map[string]string{})
		if test.text == categories {
			l, err = parse(test.text, test.pipfile, map[string]string{"HOST": "h"})
		}
		if err == nil {
			_, err = l.Resolver.Resolve(locktest.Bookworm(t, "3.12.4").Env, test.request)
		}
		if !errors.Is(err, test.reason) {
			t.Errorf("%s: %v is not %q", test.name, err, test.reason)
		}
		if err != nil {
			fmt.Fprintf(&b, "## %s\n%s\n\n", test.name, diag.Format(err))
		}
	}
	golden.Check(t, "testdata/mistakes.txt", b.String())
}

// freshPipfile and its lock were written by Pipenv 2026.10.3.
const freshPipfile = `[[source]]
url = "https://pypi.org/simple"
verify_ssl = true
name = "pypi"

[packages]
Flask = {version = "==3.0.3", extras = ["async"]}
colorama = {version = "*", sys_platform = "== 'win32'"}
tomli = {version = "*", markers = "python_version < '3.11'"}
six = {file = "https://files.pythonhosted.org/packages/b7/ce/149a00dd41f10bc29e5921b496af8b574d8413afcd5e30dfa0ed46c2cc5e/six-1.17.0-py2.py3-none-any.whl"}
mylib = {path = "./mylib", editable = true}

[dev-packages]
pytest = "<8"

[docs]
mkdocs = "*"

[requires]
python_version = "3.11"
`

const freshLock = `{
    "_meta": {
        "hash": {
            "sha256": "505b7ac436db25622513fe65dfb3501359c6270fce40de1fb7bb1bf39974f1ec"
        },
        "pipfile-spec": 6
    },
    "default": {"flask": {"version": "==3.0.3"}, "six": {"version": "==1.17.0"}, "colorama": {}, "tomli": {}, "mylib": {}},
    "develop": {"pytest": {"version": "==7.4.4"}},
    "docs": {"mkdocs": {"version": "==1.6"}}
}`

func TestFresh(t *testing.T) {
	const unknown = "app/Pipfile.lock does not fit app/Pipfile: the packages, sources or requirements of the Pipfile have changed"
	for _, test := range []struct{ name, old, changed, want string }{
		{"fresh", "", "", ""},
		{"names are normalised", "Flask", "flask", ""},
		{"order and comments", "[docs]", "# the manual\n[docs]", ""},
		{"scripts", "[docs]", "[scripts]\nx = 'y'\n[docs]", ""},
		{"version", `"==3.0.3"`, `"==3.1"`, "app/Pipfile.lock does not fit app/Pipfile: it has flask 3.0.3, not Flask==3.1"},
		{
			"more", "[docs]", "attrs = '*'\n[docs]\nb = '*'\nc = '*'\nd = '*'",
			`app/Pipfile.lock does not fit app/Pipfile: it has nothing for "attrs", it has nothing for "b", it has nothing for "c", …`,
		},
		{"less", "mylib = {path", "# mylib = {path", unknown},
		{"source", "https://pypi.org/simple", "https://index.example/simple", unknown},
		{"Python", `"3.11"`, `"3.12"`, unknown},
		{"another extra", `["async"]`, `["async", "größe"]`, unknown},
	} {
		l, err := parse(freshLock, strings.Replace(freshPipfile, test.old, test.changed, 1), nil)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := ""
		for _, w := range l.Warnings {
			if w.Rule != lock.StaleLock || w.At.Line != 4 {
				t.Errorf("%s: warning %+v", test.name, w)
			}
			got += w.Msg
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	l, err := parse(`{"_meta": {"sources": [
{"name": "a", "url": "https://user:secret@a.example/simple", "verify_ssl": false}]},
"default": {"b": {"git": "https://token@b.example/b.git", "ref": "93f5930e668c0d1ddf4597e38dd0dea4e2665e7a"},
"c": {"path": ".", "pip_args": ["--config-settings=a=b"]}}}`, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range l.Warnings {
		got = append(got, fmt.Sprintf("%d %s", w.At.Line, w.Rule))
		if strings.Contains(w.Msg, "secret") {
			t.Error(w.Msg)
		}
	}
	if want := "2 LockCredentials, 2 PipfileVerifySSL, 3 LockCredentials, 4 PipfilePipArgs"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

// TestVectors reads real locks, which all fit their Pipfiles, and compares
// what is selected with the names and versions as they stand there.
func TestVectors(t *testing.T) {
	for _, test := range []struct {
		name          string
		all, selected int // packages in the lock, those for all groups on Python 3.11
	}{
		{"example", 10, 10},
		{"pipenv-self", 110, 101},
	} {
		dir := filepath.Join(vectors.Dir(t), "pipenv", test.name)
		read := func(name string) (*diag.Source, error) {
			data, err := os.ReadFile(filepath.Join(dir, name))
			return &diag.Source{Name: name, Data: data}, err
		}
		src, err := read("Pipfile.lock")
		if err != nil {
			t.Fatal(err)
		}
		l, err := pipfilelock.Parse(src, read, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range l.Warnings {
			t.Errorf("%s: %s", test.name, w.Msg)
		}
		picks, err := l.Resolver.Resolve(locktest.Bookworm(t, "3.11.9").Env, lock.Request{AllGroups: true})
		if err != nil || len(l.Packages) != test.all || len(picks) != test.selected {
			t.Errorf("%s: %d packages, %d selected, %v", test.name, len(l.Packages), len(picks), err)
		}
	}
}

func TestHostile(t *testing.T) {
	for name, text := range map[string]string{
		"deep":   strings.Repeat(`{"a":`, 1<<20),
		"lists":  strings.Repeat(`[`, 1<<20),
		"values": `{"default": {"a": {"hashes": [` + strings.Repeat("0,", 2_000_000) + `0]}}}`,
		"groups": `{"default": {"a": {"markers": "` + strings.Repeat("dependency_groups in ", 100_000) + `"}}}`,
	} {
		if _, err := parse(text, "", nil); !errors.Is(err, lock.Malformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(categories, freshPipfile)
	f.Add(freshLock, "")
	f.Add(`{"default": {"a": {"git": "git@h:a@b#subdirectory=c", "ref": "x"}, "b": {"file": "https://u:p@h/b-1-py3-none-any.whl"}, "c": "*"}}`, "[packages]\na = 1.5")
	f.Add(`{"_meta": {"sources": [{"url": "https://${X}$Y/", "name": "n"}], "requires": {"python_full_version": "3.1"}}, "default": {"a": {"markers": "'x' in dependency_groups or os_name == 'nt'", "index": "n"}}}`, "[[source]]")
	target := locktest.Bookworm(f, "3.11.9")
	f.Fuzz(func(t *testing.T, text, pipfile string) {
		l, err := parse(text, pipfile, map[string]string{"HOST": "h"})
		if err == nil {
			_, err = l.Resolver.Resolve(target.Env, lock.Request{AllGroups: true})
		}
		var reason lock.Reason
		if err != nil && (!errors.As(err, &reason) || len(diag.All(err)) == 0) {
			t.Errorf("an error without reason or place: %v", err)
		}
		_ = diag.Format(err)
	})
}
