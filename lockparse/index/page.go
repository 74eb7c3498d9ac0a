// Package index reads what indexes of Python packages say of the files of a
// project: the Simple API as JSON (PEP 691, PEP 700) and as HTML (PEP 503,
// PEP 592), which is also the form of pages of links. Pages answers the
// questions of a selection from such pages, Folders from folders of files.
//
// Nothing here opens a connection: how a page is fetched is the caller's
// business. What a file may be used for is decided in package lock, by its
// digest; so files stay that are yanked or require another Python.
package index

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/lock"
)

// Accept is what a client sends to get pages that Parse reads, JSON first.
const Accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

// MaxBytes is the largest page that is worth reading. The largest of PyPI
// have some 10 MB.
const MaxBytes = 64 << 20

// version is the major version of the Simple API that is known (PEP 629).
const version = "1"

// Parse reads a page in either form, which its first character tells. Links
// are relative to location, the URL that it was asked for with. Entries that
// name no file or a file that cannot be fetched are left out.
func Parse(location string, data []byte) ([]lock.File, error) {
	base, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("the URL %q: %w", location, err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("the page has more than %d bytes", MaxBytes)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return parseJSON(base, data)
	}
	return parseHTML(base, data)
}

// checkVersion refuses a page of a version whose meaning is not known.
func checkVersion(text string) error {
	if major, _, _ := strings.Cut(text, "."); text != "" && major != version {
		return fmt.Errorf("the page has version %q of the Simple API, only %s is known", text, version)
	}
	return nil
}

// newFile makes the file that a link leads to, and says whether it can be
// fetched. A fragment may have a digest, as in "#sha256=…&egg=name".
func newFile(base *url.URL, href string) (lock.File, bool) {
	target, err := base.Parse(strings.TrimSpace(href))
	if err != nil || target.Scheme != "https" && target.Scheme != "http" || target.Host == "" {
		return lock.File{}, false
	}
	var hashes []lock.Hash
	for _, part := range strings.Split(target.Fragment, "&") {
		if algorithm, digest, ok := strings.Cut(part, "="); ok {
			hashes = addHash(hashes, algorithm, digest)
		}
	}
	target.Fragment, target.RawFragment, target.User = "", "", nil
	f := lock.File{URL: target.String(), Hashes: hashes}
	f.Name = lock.FileName(f.URL)
	return f, f.Name != ""
}

// addHash adds a digest of an algorithm that is known, and passes over all
// else: fragments have other keys too.
func addHash(hashes []lock.Hash, algorithm, digest string) []lock.Hash {
	known := []string{"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b"}
	if !slices.Contains(known, strings.ToLower(algorithm)) {
		return hashes
	}
	h, err := lock.NewHash(algorithm, digest)
	if err != nil {
		return hashes
	}
	return append(hashes, h)
}
