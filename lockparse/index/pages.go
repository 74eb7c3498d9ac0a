package index

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// parallel is how many pages are fetched at once. Indexes answer hundreds of
// requests a second; a browser keeps fewer connections.
const parallel = 32

// Pages is a lock.Index that answers from pages, each of which it fetches
// once, many at a time.
type Pages struct {
	// Fetch gives a page. Its error is a StatusError where a server answers
	// with one. It is called from several goroutines.
	Fetch func(url string) ([]byte, error)
}

// StatusError is the status with which a server refuses a page.
type StatusError int

// Error gives the status in digits and words.
func (s StatusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", int(s), http.StatusText(int(s))))
}

// absent says whether the server has answered that there is no such project.
// Buckets that serve as an index say "forbidden" then.
func (s StatusError) absent() bool {
	return s == http.StatusNotFound || s == http.StatusGone || s == http.StatusForbidden
}

// listing is a page that was asked for.
type listing struct {
	files []lock.File
	err   error
}

// Find implements lock.Index. An index without the project is passed over if
// another one has it; one that does not answer is not, since it might have the
// better file.
func (p Pages) Find(queries []lock.Query) ([]lock.Found, error) {
	listings := p.fetch(queries)
	found := make([]lock.Found, len(queries))
	for i, q := range queries {
		found[i] = find(q, listings)
	}
	return found, nil
}

// fetch gets every page of the queries once.
func (p Pages) fetch(queries []lock.Query) map[string]*listing {
	listings := make(map[string]*listing)
	data := make(map[string]*[]byte)
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, q := range queries {
		for _, page := range q.Pages {
			if page.URL == "" || listings[page.URL] != nil {
				continue
			}
			l, body := &listing{}, new([]byte)
			listings[page.URL], data[page.URL] = l, body
			group.Go(func() error {
				*body, l.err = p.Fetch(page.URL)
				return nil // of each page, in the listing
			})
		}
	}
	_ = group.Wait()
	for url, l := range listings {
		if l.err == nil {
			l.files, l.err = Parse(url, *data[url])
		}
	}
	return listings
}

// find answers one query from the pages.
func find(q lock.Query, listings map[string]*listing) lock.Found {
	var all, candidates []lock.File
	var absent, present []string
	for _, page := range q.Pages {
		l := listings[page.URL]
		if l == nil {
			continue // a folder
		}
		var status StatusError
		switch {
		case l.err == nil:
			present = append(present, page.URL)
		case errors.As(l.err, &status) && status.absent():
			absent = append(absent, fmt.Sprintf("%s (%s)", page.URL, status))
		default:
			return lock.Found{Err: unavailable(q, page, l.err)}
		}
		for _, f := range l.files {
			if q.Concerns(f.Name) {
				candidates = append(candidates, f)
			}
		}
		all = append(all, l.files...)
	}
	if files := q.Match(all); len(files) > 0 {
		return lock.Found{Files: files}
	}
	return lock.Found{Err: missing(q, candidates, present, absent)}
}

// unavailable explains a page that cannot be read.
func unavailable(q lock.Query, page lock.Page, err error) *diag.Error {
	e := lock.IndexUnavailable.Errorf(diag.Range{}, "%s cannot be looked up in %s: %w", q, page, err)
	var status StatusError
	if errors.As(err, &status) && (status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired) {
		host := ""
		if u, err := url.Parse(page.URL); err == nil {
			host = u.Hostname()
		}
		return e.WithHint("give the build the secret HTTP_AUTH_TOKEN_%s, HTTP_AUTH_HEADER_%s or netrc, or check the one that it has", host, host)
	}
	return e.WithHint("check that the index can be reached from where the build runs")
}

// missing explains why no page has a file of the lock.
func missing(q lock.Query, candidates []lock.File, present, absent []string) *diag.Error {
	const again = "check which index the project was locked with and name it in pip_index or pip_extra_index_url, or lock again"
	switch {
	case len(q.Pages) == 0:
		return lock.NotInIndex.Errorf(diag.Range{}, "%s is to be looked up in no index", q).
			WithHint("the lock says --no-index; name a folder with the files by --find-links")
	case len(present) == 0:
		return lock.NotInIndex.Errorf(diag.Range{}, "%s is not in the index: %s", q, strings.Join(absent, ", ")).WithHint(again)
	case len(candidates) == 0:
		return lock.NotInIndex.Errorf(diag.Range{}, "%s has no file in the index: %s", q, strings.Join(append(present, absent...), ", ")).WithHint(again)
	}
	for _, f := range candidates {
		if len(f.Hashes) > 0 {
			return lock.OtherHashes.Errorf(diag.Range{}, "no file of %s in %s has a hash of the lock", q, strings.Join(present, ", ")).
				WithHint("the files have changed since they were locked, or come from another index: find out why before locking again")
		}
	}
	return lock.OtherHashes.Errorf(diag.Range{}, "the index %s gives no hashes, and the lock no file names, so nothing tells which file of %s is meant", strings.Join(present, ", "), q).
		WithHint("lock with uv.lock, poetry.lock or pdm.lock, which name the files, or use an index that gives hashes")
}
