package poetrylock_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/internal/offline"
	"github.com/imagespec/imagespec/lockparse/lock"
)

func sha256(digit string) []lock.Hash {
	return []lock.Hash{{Algorithm: "sha256", Hex: strings.Repeat(digit, 64)}}
}

// TestFiles has every way in which locks have named files and digests.
func TestFiles(t *testing.T) {
	zeros := strings.Repeat("0", 64)
	both := `[{file = "zope.interface-5.0-py3-none-any.whl", hash = "sha256:` + zeros + `"}, {file = "zope.interface-5.0.tar.gz", hash = "sha256:` + zeros + `"}]`
	head := "[[package]]\nname = \"zope.interface\"\nversion = \"5.0\"\ngroups = [\"main\"]\n"
	tests := []struct{ name, lock string }{
		{"with the package", head + "files = " + both + "\n" + metadata("2.1")},
		{"tables of the package", head + "[[package.files]]\nfile = \"zope.interface-5.0-py3-none-any.whl\"\nhash = \"sha256:" + zeros +
			"\"\n[[package.files]]\nfile = \"zope.interface-5.0.tar.gz\"\nhash = \"sha256:" + zeros + "\"\n" + metadata("2.0")},
		{"for all packages", head + metadata("1.1") + "[metadata.files]\n\"zope.interface\" = " + both + "\n"},
		{"for all packages, normalised", head + metadata("1.1") + "[metadata.files]\nzope-interface = " + both + "\n"},
	}
	for _, test := range tests {
		p := mustRead(t, test.lock, "").Packages[0]
		if len(p.Wheels) != 1 || p.Wheels[0].Name != "zope.interface-5.0-py3-none-any.whl" || !reflect.DeepEqual(p.Wheels[0].Hashes, sha256("0")) ||
			p.Wheels[0].URL != "" || p.Sdist == nil || p.Sdist.Name != "zope.interface-5.0.tar.gz" || p.Source != (lock.Source{Origin: lock.Registry}) {
			t.Errorf("%s: %+v", test.name, p)
		}
	}
	old := head + metadata("1.0") + "[metadata.hashes]\n\"zope.interface\" = [\"" + zeros + "\", \"md5:" + zeros[:32] + "\"]\n"
	p := mustRead(t, old, "").Packages[0]
	want := append(sha256("0"), lock.Hash{Algorithm: "md5", Hex: zeros[:32]})
	if !reflect.DeepEqual(p.Hashes, want) || p.Wheels != nil || p.Sdist != nil {
		t.Errorf("digests alone: %+v", p)
	}
}

// Locks before 2.0 mix the files of all versions of a name.
func TestFilesOfSeveralVersions(t *testing.T) {
	l := mustRead(t, pkg("numpy", "1.26.4")+pkg("numpy", "2.1.0")+metadata("1.1")+`[metadata.files]
numpy = [
    {file = "numpy-1.26.4-cp312-cp312-manylinux_2_17_x86_64.whl", hash = "sha256:`+strings.Repeat("1", 64)+`"},
    {file = "numpy-1.26.4.tar.gz"},
    {file = "numpy-2.1-cp312-cp312-manylinux_2_17_x86_64.whl", hash = "sha256:`+strings.Repeat("2", 64)+`"},
    {file = "numpy-2.1.0.win32.exe"},
]
`, "")
	for i, want := range []string{"numpy-1.26.4-cp312-cp312-manylinux_2_17_x86_64.whl", "numpy-2.1-cp312-cp312-manylinux_2_17_x86_64.whl"} {
		p := l.Packages[i]
		if len(p.Wheels) != 1 || p.Wheels[0].Name != want || (p.Sdist != nil) != (i == 0) {
			t.Errorf("%s: %+v", p, p)
		}
	}
}

// Of the files of a release only those count that a tool installs, and the
// best form of the source distribution.
func TestOldFiles(t *testing.T) {
	l := mustRead(t, pkg("a", "1.0", `files = [
    {file = "a-1.0.tar.bz2"},
    {file = "a-1.0.zip"},
    {file = "a-1.0.tar.gz"},
    {file = "a-1.0.win32-py2.7.exe"},
    {file = "a-1.0-py2.7.egg"},
    {file = "a-1.0-SNAPSHOT-py3-none-any-x.whl"},
    {file = "a-1.0.0-py3-none-any.whl"},
]`)+metadata("2.1"), "")
	s, err := lock.Select(l, locktest.Bookworm(t, "3.12.4"), lock.Request{}, offline.Index{})
	if err != nil || s.Packages[0].File.Name != "a-1.0.0-py3-none-any.whl" {
		t.Errorf("%+v, %v", s, err)
	}
	if sdist := l.Packages[0].Sdist; sdist == nil || sdist.Name != "a-1.0.tar.gz" {
		t.Errorf("source distribution %+v", sdist)
	}
}

func TestSources(t *testing.T) {
	commit := strings.Repeat("0a", 20)
	source := func(lines ...string) string { return "[package.source]\n" + strings.Join(lines, "\n") }
	tests := []struct {
		name, text string
		want       lock.Source
		kind       lock.Kind
		file       lock.File
	}{
		{
			"index", `files = [{file = "a-1-py3-none-any.whl"}]` + "\n" + source(`type = "legacy"`, `url = "https://host/simple"`, `reference = "own"`),
			lock.Source{Origin: lock.Registry, URL: "https://host/simple"},
			lock.KindWheel,
			lock.File{Name: "a-1-py3-none-any.whl", URL: offline.URL + "a-1-py3-none-any.whl", Line: 6},
		},
		{
			"git", "files = []\n" + source(`type = "git"`, `url = "https://host/a.git"`, `reference = "main"`, `resolved_reference = "`+commit+`"`, `subdirectory = "py"`),
			lock.Source{Origin: lock.Git, URL: "https://host/a.git", Commit: commit, Ref: "main", Subdirectory: "py"},
			lock.KindGit,
			lock.File{},
		},
		{
			"git of 1.0", source(`type = "git"`, `url = "https://host/a.git"`, `reference = "`+commit+`"`),
			lock.Source{Origin: lock.Git, URL: "https://host/a.git", Commit: commit},
			lock.KindGit,
			lock.File{},
		},
		{
			"git by SSH", "files = []\n" + source(`type = "git"`, `url = "git@host:team/a.git"`, `reference = "HEAD"`, `resolved_reference = "`+commit+`"`),
			lock.Source{Origin: lock.Git, URL: "git@host:team/a.git", Commit: commit, Ref: "HEAD"},
			lock.KindGit,
			lock.File{},
		},
		{
			"directory", "files = []\ndevelop = true\n" + source(`type = "directory"`, `url = "../libs/a/"`),
			lock.Source{Origin: lock.Directory, Path: "../libs/a", Editable: true},
			lock.KindDirectory,
			lock.File{},
		},
		{
			"file", `files = [{file = "a-1-py3-none-any.whl", hash = "sha256:` + strings.Repeat("0", 64) + `"}]` + "\n" + source(`type = "file"`, `url = "dist/a-1-py3-none-any.whl"`),
			lock.Source{Origin: lock.Archive, Path: "dist/a-1-py3-none-any.whl"},
			lock.KindWheel,
			lock.File{Name: "a-1-py3-none-any.whl", Path: "dist/a-1-py3-none-any.whl", Hashes: sha256("0"), Line: 2},
		},
		{
			"URL", `files = [{file = "a-1+cpu-py3-none-any.whl", hash = "sha256:` + strings.Repeat("0", 64) + `"}]` + "\n" +
				source(`type = "url"`, `url = "https://host/a-1%2Bcpu-py3-none-any.whl"`),
			lock.Source{Origin: lock.Archive, URL: "https://host/a-1%2Bcpu-py3-none-any.whl"},
			lock.KindWheel,
			lock.File{Name: "a-1+cpu-py3-none-any.whl", URL: "https://host/a-1%2Bcpu-py3-none-any.whl", Hashes: sha256("0"), Line: 2},
		},
		{
			"URL of a source distribution", "files = []\n" + source(`type = "url"`, `url = "https://host/a-1.zip"`, `subdirectory = "py"`),
			lock.Source{Origin: lock.Archive, URL: "https://host/a-1.zip", Subdirectory: "py"},
			lock.KindArchive,
			lock.File{Name: "a-1.zip", URL: "https://host/a-1.zip", Line: 2},
		},
	}
	for _, test := range tests {
		l := mustRead(t, pkg("a", "1", test.text)+metadata("2.1"), "")
		s, err := lock.Select(l, locktest.Bookworm(t, "3.12.4"), lock.Request{}, offline.Index{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := s.Packages[0]
		if got.Package.Source != test.want || got.Kind != test.kind || !reflect.DeepEqual(got.File, test.file) {
			t.Errorf("%s: %s %+v %+v\nwant %s %+v %+v", test.name, got.Kind, got.Package.Source, got.File, test.kind, test.want, test.file)
		}
	}
}
