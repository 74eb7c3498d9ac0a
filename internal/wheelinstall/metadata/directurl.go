package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// directURL is direct_url.json for an archive (PEP 610). The order of the
// fields is that of uv's.
type directURL struct {
	URL         string      `json:"url"`
	ArchiveInfo archiveInfo `json:"archive_info"`
}

type archiveInfo struct {
	Hashes map[string]string `json:"hashes,omitempty"`
}

// DirectURL gives the text of direct_url.json for a wheel that was named by
// its URL. User and password are taken out, as PEP 610 asks, and so is the
// fragment, which carries a hash for the installer. sha256 is the wheel's digest
// in hex; it may be empty.
func DirectURL(raw, sha256 string) ([]byte, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// Its own text has the whole URL, with the password.
		var parse *url.Error
		errors.As(err, &parse)
		return nil, fmt.Errorf("direct URL: %w", parse.Err)
	}
	if u.Scheme == "" {
		return nil, fmt.Errorf("direct URL %q has no scheme", u.Redacted())
	}
	u.User = nil
	u.Fragment, u.RawFragment = "", ""
	info := directURL{URL: u.String()}
	if sha256 != "" {
		info.ArchiveInfo.Hashes = map[string]string{"sha256": strings.ToLower(sha256)}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a URL keeps its "&"
	if err := e.Encode(info); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
