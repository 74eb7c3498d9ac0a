package frontend

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagespec/imagespec/lockparse/index"
)

// Digests of a project whose lock has nothing else.
var (
	idnaDigest  = strings.Repeat("1", 64)
	richDigest  = strings.Repeat("2", 64)
	otherDigest = strings.Repeat("3", 64)
)

const (
	idnaPage = "https://pypi.org/simple/idna/"
	richPage = "https://pypi.org/simple/rich/"
)

// filePage is a page with one wheel.
func filePage(url, sha256 string) string {
	return fmt.Sprintf(`{"files":[{"filename":%q,"url":%q,"hashes":{"sha256":%q},"size":10}]}`, url[strings.LastIndex(url, "/")+1:], url, sha256)
}

// hashedProject is an engine with a hashed requirements.txt, and PyPI.
func hashedProject() *engine {
	e := newEngine(map[string]string{
		"imagespec.yaml":   "base_image: python:3.12-slim-bookworm\nbuilder_options: {pip: false}\nrequirements: requirements.txt\n",
		"requirements.txt": "idna==3.10 --hash=sha256:" + idnaDigest + "\nrich==14.0 --hash=sha256:" + richDigest + "\n",
	})
	e.pages = map[string]string{
		idnaPage: filePage("https://files.example/idna-3.10-py3-none-any.whl", idnaDigest),
		richPage: filePage("https://files.example/rich-14.0-py3-none-any.whl", richDigest),
	}
	return e
}

// wheels builds, and gives the URLs of the wheels of the image that was built
// last.
func (e *engine) wheels(t *testing.T) []string {
	t.Helper()
	if _, err := e.build(t); err != nil {
		t.Fatal(err)
	}
	found := sources(t, e.solved[len(e.solved)-1].Definition, "https://")
	slices.Sort(found)
	return found
}

func TestIndex(t *testing.T) {
	e := hashedProject()
	want := []string{"https://files.example/idna-3.10-py3-none-any.whl", "https://files.example/rich-14.0-py3-none-any.whl"}
	if got := e.wheels(t); !slices.Equal(got, want) {
		t.Errorf("wheels %q, want %q", got, want)
	}
	slices.Sort(e.read)
	if want := []string{idnaPage + " " + index.Accept, richPage + " " + index.Accept}; !slices.Equal(e.read, want) {
		t.Errorf("read %q, want %q", e.read, want)
	}
	old := hashedProject()
	old.without = []apicaps.CapID{pb.CapSourceHTTPHeader}
	old.pages[idnaPage] = `<a href="https://files.example/idna-3.10-py3-none-any.whl#sha256=` + idnaDigest + `">`
	if got := old.wheels(t); !slices.Equal(got, want) || !slices.Contains(old.read, idnaPage) {
		t.Errorf("without headers: wheels %q, read %q", got, old.read)
	}
}

// TestMemory: what is asked again, and what is not.
func TestMemory(t *testing.T) {
	replace := func(file, old, new string) func(*engine) {
		return func(e *engine) { e.files[file] = strings.Replace(e.files[file], old, new, 1) }
	}
	for _, tc := range []struct {
		name   string
		change func(*engine)
		reads  int
	}{
		{"nothing", func(*engine) {}, 0},
		{"a comment", replace("requirements.txt", "idna", "# a comment\nidna"), 0},
		{"the order", func(e *engine) {
			idna, rich, _ := strings.Cut(strings.TrimSpace(e.files["requirements.txt"]), "\n")
			e.files["requirements.txt"] = rich + "\n" + idna + "\n"
		}, 0},
		{"a hash", replace("requirements.txt", "\nrich", " --hash=sha256:"+otherDigest+"\nrich"), 2},
		{"a package less", replace("requirements.txt", "rich==14.0 --hash=sha256:"+richDigest+"\n", ""), 1},
		{"--no-cache", func(e *engine) { e.opts["no-cache"] = "" }, 2},
		{"--no-cache-filter index", func(e *engine) { e.opts["no-cache"] = "index" }, 2},
		{"--no-cache-filter install", func(e *engine) { e.opts["no-cache"] = "install" }, 0},
		{"another cache namespace", func(e *engine) { e.opts["build-arg:BUILDKIT_CACHE_MOUNT_NS"] = "team" }, 2},
		{"nonsense in the memory", func(e *engine) { e.spoil("{") }, 2},
		{"too little in the memory", func(e *engine) { e.spoil("[]") }, 2},
		{"another file in the memory", func(e *engine) { e.spoil(strings.ReplaceAll(e.onlyAnswer(), idnaDigest, otherDigest)) }, 2},
	} {
		e := hashedProject()
		e.wheels(t)
		e.read = nil
		tc.change(e)
		e.wheels(t)
		if len(e.read) != tc.reads {
			t.Errorf("%s: read %q, want %d pages", tc.name, e.read, tc.reads)
		}
	}
}

// onlyAnswer gives what the memory has.
func (e *engine) onlyAnswer() string {
	for _, answer := range e.memory {
		return answer
	}
	return ""
}

// spoil puts something else into the memory.
func (e *engine) spoil(text string) {
	for key := range e.memory {
		e.memory[key] = text
	}
}

// TestMovedFile: a remembered URL that has no file any more is asked for anew,
// once.
func TestMovedFile(t *testing.T) {
	e := hashedProject()
	e.wheels(t)
	e.read, e.fetchStatus, e.goneHost = nil, "404 Not Found", "files.example/idna"
	if _, err := e.build(t); err == nil || !strings.Contains(err.Error(), "idna 3.10 cannot be fetched") || len(e.read) != 2 {
		t.Errorf("gone: %v, read %q", err, e.read)
	}
	e.pages[idnaPage] = filePage("https://new.example/idna-3.10-py3-none-any.whl", idnaDigest)
	e.read = nil
	if got := e.wheels(t); !slices.Contains(got, "https://new.example/idna-3.10-py3-none-any.whl") || len(e.read) != 2 {
		t.Errorf("moved: %q, read %q", got, e.read)
	}
	if got := moved(t, e.solved[len(e.solved)-1].Definition); !slices.Equal(got, []string{"https://new.example/idna-3.10-py3-none-any.whl"}) {
		t.Errorf("with a key of their own: %q", got)
	}
	e.read = nil
	if e.wheels(t); len(e.read) != 0 {
		t.Errorf("read again: %q", e.read)
	}
}

// moved gives the sources with a mode, which makes another key of the same
// file.
func moved(t *testing.T, def *pb.Definition) []string {
	t.Helper()
	var found []string
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			t.Fatal(err)
		}
		if op.GetSource().GetAttrs()[pb.AttrHTTPPerm] == "0600" {
			found = append(found, op.GetSource().Identifier)
		}
	}
	return found
}

// TestMirrorChangesNoStep: what an index is called, and how it answers, is in
// no step of the image.
func TestMirrorChangesNoStep(t *testing.T) {
	steps := func(e *engine) []string {
		e.wheels(t)
		var all []string
		for _, op := range execs(t, e.solved[0].Definition) {
			for _, input := range op.Inputs {
				input.Digest = "" // of the wheel's source, which has its URL and is keyed by file name and digest
			}
			dt, err := op.MarshalVT()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, digest.FromBytes(dt).String())
		}
		slices.Sort(all)
		return all
	}
	mirror := hashedProject()
	mirror.files["imagespec.yaml"] += "pip_index: https://mirror.example/root/\n"
	mirror.pages = map[string]string{
		"https://mirror.example/root/idna/": `<a href="../f/idna-3.10-py3-none-any.whl#sha256=` + idnaDigest + `">`,
		"https://mirror.example/root/rich/": `<a href="../f/rich-14.0-py3-none-any.whl#sha256=` + richDigest + `">`,
	}
	if before, after := steps(hashedProject()), steps(mirror); !slices.Equal(before, after) || len(before) < 2 {
		t.Errorf("steps %q, of a mirror %q", before, after)
	}
	if len(mirror.read) != 2 || !strings.HasPrefix(mirror.read[0], "https://mirror.example/root/") {
		t.Errorf("read %q", mirror.read)
	}
}

func TestIndexErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*engine)
		want   []string
	}{
		{"404", func(e *engine) { delete(e.pages, idnaPage) }, []string{"requirements.txt:1: idna 3.10 is not in the index: " + idnaPage + " (404 Not Found)"}},
		{"401", func(e *engine) { e.pageStatus = map[string]int{richPage: 401} }, []string{"requirements.txt:2: rich 14.0 cannot be looked up", "401", "HTTP_AUTH_TOKEN_pypi.org"}},
		{"503", func(e *engine) { e.pageStatus = map[string]int{richPage: 503} }, []string{"rich 14.0 cannot be looked up", "503"}},
		{"other hash", func(e *engine) { e.pages[idnaPage] = strings.Replace(e.pages[idnaPage], "1111", "9999", 1) }, []string{"requirements.txt:1: no file of idna 3.10"}},
		{"both", func(e *engine) { e.pages = nil }, []string{"requirements.txt:1: idna", "requirements.txt:2: rich"}},
	} {
		e := hashedProject()
		tc.change(e)
		_, err := e.build(t)
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in\n%v", tc.name, want, err)
			}
		}
		if len(e.memory) > 0 {
			t.Errorf("%s is remembered", tc.name)
		}
	}
}

// TestExtraIndex: every index is asked, and the hash decides.
func TestExtraIndex(t *testing.T) {
	e := hashedProject()
	e.files["imagespec.yaml"] += "pip_extra_index_url: ['https://user:s3cret@extra.example/simple']\n"
	e.pages["https://extra.example/simple/idna/"] = e.pages[idnaPage]
	e.pages[idnaPage] = filePage("https://files.example/idna-3.10-py3-none-any.whl", otherDigest)
	e.pages["https://extra.example/simple/idna/"] = filePage("https://extra.example/idna-3.10-py3-none-any.whl", idnaDigest)
	if got := e.wheels(t); !slices.Contains(got, "https://extra.example/idna-3.10-py3-none-any.whl") {
		t.Errorf("wheels %q", got)
	}
	if !slices.ContainsFunc(e.warnings, func(w string) bool { return strings.HasPrefix(w, "IndexCredentials") && !strings.Contains(w, "s3cret") }) {
		t.Errorf("warnings %q", e.warnings)
	}
	for _, req := range e.solved {
		if strings.Contains(req.Definition.String(), "s3cret") {
			t.Error("the password is in the definition")
		}
	}
}

// TestUnusedIndex: a uv.lock has the URL of every file.
func TestUnusedIndex(t *testing.T) {
	e := newEngine(example())
	e.files["imagespec.yaml"] += "pip_index: https://mirror.example/simple\n"
	e.wheels(t)
	if !slices.ContainsFunc(e.warnings, func(w string) bool { return strings.HasPrefix(w, "IndexUnused: pip_index has no effect: uv.lock") }) {
		t.Errorf("warnings %q", e.warnings)
	}
	if len(e.read)+len(e.memory) > 0 {
		t.Errorf("read %q", e.read)
	}
}

// TestLargePage: a page may be larger than a message of the gateway, which has
// at most 16 MiB.
func TestLargePage(t *testing.T) {
	e := hashedProject()
	e.pages[idnaPage] = strings.Repeat(" ", 20<<20) + e.pages[idnaPage]
	if got := e.wheels(t); len(got) != 2 {
		t.Errorf("wheels %q", got)
	}
	e = hashedProject()
	e.pages[idnaPage] = strings.Repeat(" ", index.MaxBytes+1)
	if _, err := e.build(t); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a page without end: %v", err)
	}
}
