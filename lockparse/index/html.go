package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"github.com/imagespec/imagespec/lockparse/lock"
)

// maxTag limits one tag of a page; metadata in attributes is a few kB.
const maxTag = 1 << 20

// parseHTML reads the links of a page. Only tags count, as for pip: what is
// around them is for people. The first <base> says what links are relative to.
func parseHTML(base *url.URL, data []byte) ([]lock.File, error) {
	var files []lock.File
	tokens := html.NewTokenizer(bytes.NewReader(data))
	tokens.SetMaxBuf(maxTag)
	based := false
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("the page is no valid HTML: %w", err)
			}
			return files, nil
		case html.StartTagToken, html.SelfClosingTagToken:
		default:
			continue
		}
		tag := tokens.Token()
		switch tag.Data {
		case "base":
			if href, ok := attribute(tag, "href"); ok && !based {
				based = true
				if next, err := base.Parse(strings.TrimSpace(href)); err == nil {
					base = next
				}
			}
		case "meta":
			if name, _ := attribute(tag, "name"); name == "pypi:repository-version" {
				content, _ := attribute(tag, "content")
				if err := checkVersion(content); err != nil {
					return nil, err
				}
			}
		case "a":
			if href, ok := attribute(tag, "href"); ok {
				if f, ok := newFile(base, href); ok {
					files = append(files, f)
				}
			}
		}
	}
}

// attribute gives the value of an attribute, with its entities decoded.
func attribute(tag html.Token, name string) (string, bool) {
	for _, a := range tag.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}
