package flytekit

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/flytekit/content"
)

func read(t *testing.T, yaml string) *Spec {
	t.Helper()
	s, err := Read(&diag.Source{Name: "imagespec.yaml", Data: []byte(yaml)})
	if err != nil {
		t.Fatalf("%v in\n%s", err, yaml)
	}
	return s
}

// TestPrinted shows what Python prints of a spec, which the id is the digest
// of.
func TestPrinted(t *testing.T) {
	for yaml, want := range map[string]string{
		"name: Demo":                              `{'name': 'demo', 'platform': 'linux/amd64'}`,
		"python_version: 3.10":                    `{'name': 'flytekit', 'python_version': 3.1, 'platform': 'linux/amd64'}`,
		"python_version: '3.10'":                  `{'name': 'flytekit', 'python_version': '3.10', 'platform': 'linux/amd64'}`,
		"env: {B: on, A: it's}":                   `{'name': 'flytekit', 'env': {'B': True, 'A': "it's"}, 'platform': 'linux/amd64'}`,
		"cuda: 12:30":                             `{'name': 'flytekit', 'cuda': 750, 'platform': 'linux/amd64'}`,
		"cudnn: 2001-12-14 21:59:00":              `{'name': 'flytekit', 'cudnn': datetime.datetime(2001, 12, 14, 21, 59), 'platform': 'linux/amd64'}`,
		"cudnn: 1.0e+16":                          `{'name': 'flytekit', 'cudnn': 1e+16, 'platform': 'linux/amd64'}`,
		"packages: ~\nentrypoint: []\nbuilder: x": `{'name': 'flytekit', 'platform': 'linux/amd64', 'entrypoint': []}`,
		"source_root: src": `{'name': 'flytekit', 'source_root': 'src', 'platform': 'linux/amd64', ` +
			`'source_copy_mode': <CopyFileDetection.LOADED_MODULES: 1>}`,
		"base_image: {name: Base, platform: p}": `{'name': 'flytekit', 'base_image': {'name': 'base', 'platform': 'p'}, 'platform': 'linux/amd64'}`,
	} {
		if got := read(t, yaml).dict().repr(); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", yaml, got, want)
		}
	}
}

// TestRefused wants a place and a way out for what has no identity.
func TestRefused(t *testing.T) {
	for _, test := range []struct{ yaml, want string }{
		{"name: x\nversion: 1", "imagespec.yaml:2: flytekit's ImageSpec has no field 'version'\nknown: "},
		{"package: []", `did you mean "packages"?`},
		{"name: 3.10", "imagespec.yaml:1: name must be a string in flytekit\nput it in quotes"},
		{"packages:\n- numpy\n- 3", "imagespec.yaml:2: packages must be a list of strings in flytekit"},
		{"env:\n  A: !!set {a, b}", "imagespec.yaml:2: a set has another order in each Python process"},
		{"cuda: [6:, x]", `imagespec.yaml:1: "6:" without quotes is read in different ways` + "\nput it in quotes"},
		{"cuda: a\tb", "without quotes is read in different ways"},
		{"cuda: ! 'yes'", `the tag "!" is read in different ways`},
		{"env: &e {A: *e}", "deep in each other"},
		{"env:\n  A: 2021-02-29", `imagespec.yaml:2: flytekit cannot read the value: "2021-02-29" is no day of the calendar`},
		{"registry: ghcr.io/", "imagespec.yaml:1: registry 'ghcr.io/' is not the name of a registry"},
		{"copy: [../x]", "copy '../x' is outside of the build context"},
		{"requirements: uv.lock", "requirements uv.lock cannot be read for flytekit's tag"},
		{"source_root: src\nsource_copy_mode: all", "source_root src cannot be read"},
		{"tag_format: '{hash}'", `tag_format '{hash}': {hash} is unknown; known: "spec_hash"`},
		{"tag_format: 'v{spec_hash'", `a "{" has no "}" of its own`},
		{"source_copy_mode: all", "source_copy_mode needs a source_root"},
		{"base_image: {requirements: x.txt}", "requirements x.txt cannot be read"},
	} {
		got := identify(fstest.MapFS{}, test.yaml)
		if !strings.Contains(got.Error, test.want) {
			t.Errorf("%s\ngot  %s\nwant %s", test.yaml, got.Error, test.want)
		}
	}
}

// TestNeeds says which files a tag depends on, before any is read.
func TestNeeds(t *testing.T) {
	got, err := read(t, "requirements: uv.lock\ncopy: [a, ./b]\nsource_root: src\nsource_copy_mode: 2\nbase_image: {requirements: r.txt, source_root: lib}").Needs()
	want := content.Needs{Requirements: "uv.lock", Copy: []string{"a", "./b"}, Source: "src", Base: &content.Needs{Requirements: "r.txt"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// TestContentIsInTag: the tag follows what is in the files, the id their names.
func TestContentIsInTag(t *testing.T) {
	s := read(t, "requirements: r.txt\ncopy: [data]\nsource_root: src\nsource_copy_mode: all")
	tag := func(change string) string {
		context := fstest.MapFS{"r.txt": {}, "data/a": {}, "src/a.py": {}, "src/a.pyc": {}, "src/.git/HEAD": {}, "other": {}}
		if change != "" {
			context[change] = &fstest.MapFile{Data: []byte("changed")}
		}
		d, err := s.Digests(context)
		if err != nil {
			t.Fatal(err)
		}
		tag, err := s.Tag(d)
		if err != nil {
			t.Fatal(err)
		}
		return tag
	}
	for file, counts := range map[string]bool{
		"r.txt": true, "data/a": true, "data/new/b": true, "src/a.py": true, "src/b": true,
		"src/a.pyc": false, "src/.git/HEAD": false, "other": false,
	} {
		if changed := tag(file) != tag(""); changed != counts {
			t.Errorf("a change of %s changes the tag: %t", file, changed)
		}
	}
}

// TestWarnings says where the tag is not what it seems.
func TestWarnings(t *testing.T) {
	for yaml, want := range map[string]string{
		"copy: [src]": "",
		"source_root: src\nsource_copy_mode: all":       "",
		"source_root: src":                              "SourceNotInTag",
		"name: x\nsource_root: .\nsource_copy_mode: 2":  "GitIgnored",
		"base_image: {source_root: src}":                "SourceNotInTag",
		"source_root: src/..\nsource_copy_mode: all":    "",
		"source_root: '././'\nsource_copy_mode: 'auto'": "GitIgnored",
	} {
		var got []string
		for _, w := range read(t, yaml).Warnings() {
			got = append(got, w.Rule)
			if w.At.Line == 0 {
				t.Errorf("%s has no place", w)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", yaml, got, want)
		}
	}
}

// unreadable is a context whose files cannot be read.
type unreadable struct{ fs.FS }

var errUnreadable = errors.New("no connection")

func (unreadable) Open(string) (fs.File, error) { return nil, errUnreadable }

// TestUnreadable keeps what is wrong with the context for the caller.
func TestUnreadable(t *testing.T) {
	for _, yaml := range []string{"requirements: a", "copy: [a]", "source_root: a\nsource_copy_mode: all"} {
		if _, err := read(t, yaml).Digests(unreadable{}); !errors.Is(err, errUnreadable) {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}
