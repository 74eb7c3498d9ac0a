package index

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/imagespec/imagespec/lockparse/lock"
)

// project is a page of PEP 691, as far as it is of use.
type project struct {
	Meta struct {
		Version string `json:"api-version"`
	} `json:"meta"`
	Files []struct {
		Name   string            `json:"filename"`
		URL    string            `json:"url"`
		Hashes map[string]string `json:"hashes"`
		Size   int64             `json:"size"`
	} `json:"files"`
}

func parseJSON(base *url.URL, data []byte) ([]lock.File, error) {
	var page project
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, fmt.Errorf("the page is no valid JSON: %w", err)
	}
	if err := checkVersion(page.Meta.Version); err != nil {
		return nil, err
	}
	files := make([]lock.File, 0, len(page.Files))
	for _, entry := range page.Files {
		f, ok := newFile(base, entry.URL)
		if !ok || entry.Name == "" || lock.FileName(entry.Name) != entry.Name {
			continue
		}
		f.Name, f.Size = entry.Name, max(entry.Size, 0)
		for _, algorithm := range slices.Sorted(maps.Keys(entry.Hashes)) {
			f.Hashes = addHash(f.Hashes, algorithm, entry.Hashes[algorithm])
		}
		files = append(files, f)
	}
	return files, nil
}
