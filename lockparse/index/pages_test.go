package index_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/index"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// web is a set of pages by URL; what is not there is 404, an error is given.
type web struct {
	pages map[string]string
	errs  map[string]error
	mu    sync.Mutex
	asked []string
}

func (w *web) fetch(url string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, url)
	if err := w.errs[url]; err != nil {
		return nil, err
	}
	page, ok := w.pages[url]
	if !ok {
		return nil, index.StatusError(404)
	}
	return []byte(page), nil
}

func hashed(name, version, digit string, urls ...string) lock.Query {
	q := lock.Query{Name: name, Version: version, Hashes: []lock.Hash{sha256(digit)}}
	for _, url := range urls {
		q.Pages = append(q.Pages, lock.Page{URL: url})
	}
	return q
}

// link is a link to a file with a digest of 64 equal digits.
func link(name, digit string) string {
	return fmt.Sprintf("<a href=\"%s#sha256=%s\">%s</a>\n", name, strings.Repeat(digit, 64), name)
}

const (
	first  = "https://one.example/simple/a/"
	second = "https://two.example/simple/a/"
	links  = "https://links.example/page.html"
)

func TestPages(t *testing.T) {
	const whl, sdist = "a-1.0-py3-none-any.whl", "a-1.0.tar.gz"
	tests := []struct {
		name  string
		pages map[string]string
		errs  map[string]error
		query lock.Query
		want  []string // URLs
		err   string
		as    lock.Reason
	}{
		{name: "by hash", pages: map[string]string{first: link(whl, "0") + link(sdist, "a")}, query: hashed("a", "1.0", "a", first), want: []string{first + sdist}},
		{
			name: "second index", pages: map[string]string{second: link(whl, "a")},
			query: hashed("a", "1.0", "a", first, second), want: []string{second + whl},
		},
		{
			name: "the hash decides between indexes", pages: map[string]string{first: link(whl, "0"), second: link(whl, "a")},
			query: hashed("a", "1.0", "a", first, second), want: []string{second + whl},
		},
		{
			name: "in both", pages: map[string]string{first: link(whl, "a"), second: link(whl, "a")},
			query: hashed("a", "1.0", "a", first, second), want: []string{first + whl, second + whl},
		},
		{
			name: "a bucket says forbidden", pages: map[string]string{second: link(whl, "a")}, errs: map[string]error{first: index.StatusError(403)},
			query: hashed("a", "1.0", "a", first, second), want: []string{second + whl},
		},
		{
			name: "page of links", pages: map[string]string{links: link("b-1.0-py3-none-any.whl", "b") + link(whl, "a")},
			query: hashed("a", "1.0", "a", links), want: []string{"https://links.example/" + whl},
		},
		{
			name: "another project's file", pages: map[string]string{first: link("b-1.0-py3-none-any.whl", "a")},
			query: hashed("a", "1.0", "a", first), as: lock.NotInIndex, err: "a 1.0 has no file in the index: " + first,
		},
		{
			name: "another version's file", pages: map[string]string{first: link("a-2.0-py3-none-any.whl", "a")},
			query: hashed("a", "1.0", "a", first), as: lock.NotInIndex, err: "a 1.0 has no file in the index",
		},
		{name: "nowhere", query: hashed("a", "1.0", "a", first, second), as: lock.NotInIndex, err: first + " (404 Not Found), " + second + " (404 Not Found)"},
		{
			name: "other hashes", pages: map[string]string{first: link(whl, "0") + link(sdist, "1")},
			query: hashed("a", "1.0", "a", first), as: lock.OtherHashes, err: "no file of a 1.0 in " + first + " has a hash of the lock",
		},
		{
			name: "no hashes at all", pages: map[string]string{first: `<a href="` + whl + `">`},
			query: hashed("a", "1.0", "a", first), as: lock.OtherHashes, err: "gives no hashes",
		},
		{
			name: "an index that does not answer", pages: map[string]string{second: link(whl, "a")}, errs: map[string]error{first: index.StatusError(502)},
			query: hashed("a", "1.0", "a", first, second), as: lock.IndexUnavailable, err: "a 1.0 cannot be looked up in " + first + ": 502 Bad Gateway",
		},
		{
			name: "no network", errs: map[string]error{first: errors.New("dial tcp: no route")},
			query: hashed("a", "1.0", "a", first), as: lock.IndexUnavailable, err: "no route",
		},
		{
			name: "credentials are missing", errs: map[string]error{"https://own.example:8443/a/": index.StatusError(401)},
			query: hashed("a", "1.0", "a", "https://own.example:8443/a/"), as: lock.IndexUnavailable, err: "HTTP_AUTH_HEADER_own.example",
		},
		{
			name: "not an index", pages: map[string]string{first: `{"meta":{"api-version":"9.0"}}`},
			query: hashed("a", "1.0", "a", first), as: lock.IndexUnavailable, err: `version "9.0"`,
		},
		{name: "--no-index", query: hashed("a", "1.0", "a"), as: lock.NotInIndex, err: "--find-links"},
	}
	for _, test := range tests {
		w := &web{pages: test.pages, errs: test.errs}
		found, err := index.Pages{Fetch: w.fetch}.Find([]lock.Query{test.query})
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %v", test.name, found, err)
		}
		var urls []string
		for _, f := range found[0].Files {
			urls = append(urls, f.URL)
		}
		if !slices.Equal(urls, test.want) {
			t.Errorf("%s: %q, want %q", test.name, urls, test.want)
		}
		err = found[0].Err
		if (err == nil) != (test.err == "") || err != nil && (!strings.Contains(err.Error(), test.err) || !errors.Is(err, test.as)) {
			t.Errorf("%s: error %v, want %s: %s", test.name, err, test.as, test.err)
		}
	}
}

// TestEachPageOnce: what several questions share is fetched once.
func TestEachPageOnce(t *testing.T) {
	w := &web{pages: map[string]string{links: link("a-1.0-py3-none-any.whl", "a") + link("b-2.0-py3-none-any.whl", "b")}}
	var queries []lock.Query
	for i := range 200 {
		queries = append(queries, hashed("a", "1.0", "a", links, fmt.Sprintf("https://one.example/%d/", i%100)))
	}
	queries = append(queries, hashed("b", "2.0", "b", links))
	found, err := index.Pages{Fetch: w.fetch}.Find(queries)
	if err != nil || len(found) != 201 || found[200].Files[0].Name != "b-2.0-py3-none-any.whl" || len(found[0].Files) != 1 {
		t.Fatalf("%d answers, %v", len(found), err)
	}
	slices.Sort(w.asked)
	if all := len(w.asked); all != 101 || len(slices.Compact(w.asked)) != 101 {
		t.Errorf("%d pages were fetched, want each of 101 once", all)
	}
}

func TestFolders(t *testing.T) {
	const content = "a wheel"
	folder := fstest.MapFS{
		"app/dist/a-1.0-py3-none-any.whl": {Data: []byte(content)},
		"app/dist/a-2.0-py3-none-any.whl": {Data: []byte("unreadable and of no concern")},
		"app/dist/notes.txt":              {Data: []byte("notes")},
		"app/dist/sub/a-1.0.tar.gz":       {Data: []byte("not directly in the folder")},
	}
	sum := lock.Hash{Algorithm: "sha256", Hex: "69f51477f05c46bfa5ff0027a1fcde274695311a38adfb85611ffeb93c8b146b"}
	query := func(pages ...lock.Page) lock.Query {
		return lock.Query{Name: "a", Version: "1.0", Hashes: []lock.Hash{sum, sha256("a")}, Pages: pages}
	}
	w := &web{pages: map[string]string{first: link("a-1.0.tar.gz", "a")}}
	f := index.Folders{FS: folder, Dir: "app", Next: index.Pages{Fetch: w.fetch}}
	found, err := f.Find([]lock.Query{
		query(lock.Page{Path: "dist"}),
		query(lock.Page{Path: "nowhere"}, lock.Page{URL: first}),
		query(lock.Page{URL: first}, lock.Page{Path: "dist"}),
		query(lock.Page{Path: "nowhere"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := lock.File{Name: "a-1.0-py3-none-any.whl", Path: "dist/a-1.0-py3-none-any.whl", Size: int64(len(content)), Hashes: []lock.Hash{sum}}
	if got := found[0].Files; len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Errorf("in the folder: %+v, want %+v", got, want)
	}
	if got := found[1].Files; len(got) != 1 || got[0].URL != first+"a-1.0.tar.gz" {
		t.Errorf("in the index: %+v", got)
	}
	if got := found[2].Files; len(got) != 2 {
		t.Errorf("in both: %+v", got)
	}
	if !errors.Is(found[3].Err, lock.NotInIndex) || !strings.Contains(found[3].Err.Error(), "folders") {
		t.Errorf("nowhere: %v", found[3].Err)
	}
	if !slices.Equal(w.asked, []string{first}) {
		t.Errorf("asked for %q", w.asked)
	}

	w.errs = map[string]error{first: index.StatusError(500)}
	found, err = f.Find([]lock.Query{query(lock.Page{URL: first}, lock.Page{Path: "dist"})})
	if err != nil || len(found[0].Files) > 0 || !errors.Is(found[0].Err, lock.IndexUnavailable) {
		t.Errorf("beside an index that does not answer: %+v %v", found, err)
	}
	f.Next = nil
	if _, err := f.Find([]lock.Query{query(lock.Page{URL: first})}); err == nil {
		t.Error("an index is asked that there is not")
	}
	f.FS = unreadable{}
	if _, err := f.Find([]lock.Query{query(lock.Page{Path: "dist"})}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a folder that cannot be read: %v", err)
	}
}

type unreadable struct{}

func (unreadable) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

// TestErrorsHaveNoPlace: the place is set where the lock is known.
func TestErrorsHaveNoPlace(t *testing.T) {
	found, err := index.Pages{Fetch: (&web{}).fetch}.Find([]lock.Query{hashed("a", "1.0", "a", first)})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range diag.All(found[0].Err) {
		if len(e.At) != 1 || e.At[0].Source != nil || e.Hint == "" {
			t.Errorf("error %+v", e)
		}
	}
}
