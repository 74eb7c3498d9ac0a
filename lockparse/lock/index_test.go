package lock_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
)

// shelf is an Index with one list of files for all questions.
type shelf struct {
	files []lock.File
	err   error
	asked []lock.Query
}

func (s *shelf) Find(queries []lock.Query) ([]lock.Found, error) {
	s.asked = append(s.asked, queries...)
	found := make([]lock.Found, len(queries))
	for i, q := range queries {
		if found[i].Files = q.Match(s.files); len(found[i].Files) == 0 {
			found[i].Err = lock.NotInIndex.Errorf(diag.Range{}, "%s is not there", q)
		}
	}
	return found, s.err
}

func sha256(digit string) lock.Hash {
	return lock.Hash{Algorithm: "sha256", Hex: strings.Repeat(digit, 64)}
}

// at is a file of an index, with a digest of 64 equal digits or none.
func at(name, digit string) lock.File {
	f := lock.File{Name: name, URL: "https://files.example/" + name, Size: 7}
	if digit != "" {
		f.Hashes = []lock.Hash{sha256(digit)}
	}
	return f
}

// named is a package of which the lock has names and digests, as pairs.
func named(name, version string, files ...string) *lock.Package {
	p := &lock.Package{Name: name, Version: version, Source: lock.Source{Origin: lock.Registry}}
	for i := 0; i < len(files); i += 2 {
		f := lock.File{Name: files[i], Hashes: []lock.Hash{sha256(files[i+1])}, Line: 3 + i}
		if strings.HasSuffix(f.Name, ".whl") {
			p.Wheels = append(p.Wheels, f)
		} else {
			p.Sdist = &f
		}
	}
	return p
}

// hashed is a package of which the lock has digests alone.
func hashed(version, allowed string, digits ...string) *lock.Package {
	p := &lock.Package{Name: "a", Version: version, Source: lock.Source{Origin: lock.Registry}}
	p.Allowed, _ = pep440.ParseSpecifiers(allowed)
	for _, d := range digits {
		p.Hashes = append(p.Hashes, sha256(d))
	}
	return p
}

func TestComplete(t *testing.T) {
	const (
		pure   = "a-1.0-py3-none-any.whl"
		native = "a-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
		arm    = "a-1.0-cp312-cp312-manylinux_2_17_aarch64.whl"
		sdist  = "a-1.0.tar.gz"
		zip    = "a-1.0.zip"
		local  = "a-1.0+cpu-py3-none-any.whl"
		newer  = "a-1.5-py3-none-any.whl"
		armNew = "a-1.5-cp312-cp312-manylinux_2_17_aarch64.whl"
	)
	everything := []lock.File{at(sdist, "5"), at(pure, "1"), at(native, "2"), at(arm, "3"), at(zip, "6"), at(local, "4"), at(newer, "7"), at(armNew, "8")}
	tests := []struct {
		name    string
		pkg     *lock.Package
		index   []lock.File
		want    string // file
		version string
	}{
		{"best tag of the names", named("a", "1.0", pure, "1", native, "2", sdist, "5"), everything, native, "1.0"},
		{"partial hashes come before tags", hashed("1.0", "", "5"), everything, sdist, "1.0"},
		{"partial hashes of wheels", hashed("1.0", "", "1", "3"), everything, pure, "1.0"},
		{"hashes alone", hashed("1.0", "", "1", "2", "3", "5"), everything, native, "1.0"},
		{"an index that lacks the best file", named("a", "1.0", pure, "1", native, "2"), []lock.File{at(pure, "1")}, pure, "1.0"},
		{"an index without hashes", named("a", "1.0", pure, "1", native, "2"), []lock.File{at(pure, ""), at(native, "")}, native, "1.0"},
		{"another content under the name", named("a", "1.0", pure, "1", native, "2"), []lock.File{at(pure, "1"), at(native, "0")}, pure, "1.0"},
		{"the content under another name", named("A", "1.0", "A-1.0-py3-none-any.whl", "1"), []lock.File{at(pure, "1")}, "A-1.0-py3-none-any.whl", "1.0"},
		{"the first index that has it", named("a", "1.0", pure, "1"), []lock.File{at(pure, "0"), at(pure, "1")}, pure, "1.0"},
		{"a local version is admitted", hashed("1.0", "", "4"), everything, local, "1.0+cpu"},
		{"and is the higher one", hashed("1.0", "", "1", "4"), everything, local, "1.0+cpu"},
		{"a locked local version is itself", hashed("1.0+cpu", "", "1", "4"), everything, local, "1.0+cpu"},
		{"the highest version allowed", hashed("", ">=1", "1", "7"), everything, newer, "1.5"},
		{"of which a file fits", hashed("", ">=1", "1", "8"), everything, pure, "1.0"},
		{"the specifier excludes", hashed("", "<1.2", "1", "7"), everything, pure, "1.0"},
		{"any version", hashed("", "", "1", "7"), everything, newer, "1.5"},
		{"tar before zip", hashed("1.0", "", "5", "6"), everything, sdist, "1.0"},
		{"source where no wheel fits", named("a", "1.0", arm, "3", sdist, "5"), everything, sdist, "1.0"},
	}
	for _, test := range tests {
		s, err := lock.Select(newLock(test.pkg), bookworm(t), lock.Request{}, &shelf{files: test.index})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := s.Packages[0]
		if got.File.Name != test.want || got.Package.Version != test.version || got.File.Size != 7 || got.By != got.Package {
			t.Errorf("%s: %s of %s, want %s of %s", test.name, got.File.Name, got.Package, test.want, test.version)
		}
		if !strings.HasPrefix(got.File.URL, "https://files.example/") || len(got.File.Hashes) == 0 {
			t.Errorf("%s: %+v", test.name, got.File)
		}
	}
}

// TestOnlyTheLocksDigests: what the index says of a named file is not believed.
func TestOnlyTheLocksDigests(t *testing.T) {
	p := named("a", "1.0", "a-1.0-py3-none-any.whl", "1")
	p.Wheels[0].Hashes = []lock.Hash{{Algorithm: "md5", Hex: strings.Repeat("d", 32)}}
	f := at("a-1.0-py3-none-any.whl", "9")
	f.Hashes = append(f.Hashes, p.Wheels[0].Hashes...)
	s, err := lock.Select(newLock(p), bookworm(t), lock.Request{}, &shelf{files: []lock.File{f}})
	if err != nil || !slices.Equal(s.Packages[0].File.Hashes, p.Wheels[0].Hashes) {
		t.Errorf("%+v, %v", s, err)
	}
	if p.Wheels[0].URL != "" {
		t.Error("the lock was changed")
	}
}

// TestQuestions: what is asked, and where.
func TestQuestions(t *testing.T) {
	own := hashed("1.0", "", "2", "1")
	own.Name, own.Source.URL = "own", "https://own.example/simple/"
	complete := registry("complete", "1.0", "complete-1.0-py3-none-any.whl")
	complete.Wheels[0].URL = "https://files.example/x"
	l := newLock(
		named("a", "1.0", "a-1.0-py3-none-any.whl", "1", "a-1.0-cp39-cp39-win32.whl", "2", "a-1.0.tar.gz", "3"),
		own, complete,
		&lock.Package{Name: "tree", Source: lock.Source{Origin: lock.Directory, Path: "tree"}},
		&lock.Package{Name: "nothing", Version: "1", NoBinary: true, Source: lock.Source{Origin: lock.Registry}, Wheels: []lock.File{at("nothing-1-py3-none-any.whl", "0")}, Sdist: &lock.File{Name: "nothing-1.zip", Path: "nothing-1.zip"}},
	)
	l.Indexes = &lock.Indexes{URLs: []string{"", "https://extra.example/simple/"}, Links: []lock.Source{{Path: "dist"}, {URL: "https://links.example/"}}}
	s := &shelf{files: []lock.File{at("a-1.0-py3-none-any.whl", "1"), at("own-1.0-py3-none-any.whl", "1")}}
	if _, err := lock.Select(l, bookworm(t), lock.Request{}, s); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(s.asked)
	if err != nil {
		t.Fatal(err)
	}
	var got []lock.Query
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "a" || got[1].Name != "own" {
		t.Fatalf("asked for %s", data)
	}
	var files []string
	for _, f := range got[0].Files {
		files = append(files, f.Name)
		if f.Line != 0 {
			t.Error("the line of the lock is part of the question")
		}
	}
	if want := []string{"a-1.0-py3-none-any.whl", "a-1.0.tar.gz"}; !slices.Equal(files, want) {
		t.Errorf("files %q, want %q", files, want)
	}
	pages := []lock.Page{{URL: "https://pypi.org/simple/a/"}, {URL: "https://extra.example/simple/a/"}, {Path: "dist"}, {URL: "https://links.example/"}}
	if !slices.Equal(got[0].Pages, pages) {
		t.Errorf("pages %v, want %v", got[0].Pages, pages)
	}
	if !slices.Equal(got[1].Pages, []lock.Page{{URL: "https://own.example/simple/own/"}}) || !slices.Equal(got[1].Hashes, []lock.Hash{sha256("1"), sha256("2")}) {
		t.Errorf("own: %+v", got[1])
	}
	if got[0].Target != "cp312-cp312-manylinux_2_36_x86_64" {
		t.Errorf("target %q", got[0].Target)
	}
}

func TestIndexErrors(t *testing.T) {
	p := named("a", "1.0", "a-1.0-py3-none-any.whl", "1")
	tests := []struct {
		name  string
		index lock.Index
		as    lock.Reason
		want  string
	}{
		{"none given", nil, lock.IndexUnavailable, "uv.lock:3: a 1.0 has no URL in the lock, so an index is needed"},
		{"not there", &shelf{}, lock.NotInIndex, "uv.lock:3: a 1.0 is not there"},
		{"broken", &shelf{err: errors.New("no network")}, lock.IndexUnavailable, "uv.lock:3: looking up a 1.0: no network"},
		{"a liar", liar{at("a-1.0-py3-none-any.whl", "0")}, lock.NotInIndex, "uv.lock:3: a 1.0 is in none of the indexes"},
	}
	for _, test := range tests {
		_, err := lock.Select(newLock(p), bookworm(t), lock.Request{}, test.index)
		if err == nil || !errors.Is(err, test.as) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	if _, err := lock.Select(newLock(registry("b", "1.0")), bookworm(t), lock.Request{}, nil); !errors.Is(err, lock.NoArtifact) {
		t.Errorf("without files and hashes: %v", err)
	}
}

// liar is an Index that gives what was not asked for.
type liar []lock.File

func (l liar) Find(queries []lock.Query) ([]lock.Found, error) {
	return []lock.Found{{Files: l}}, nil
}
