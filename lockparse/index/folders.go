package index

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Folders is a lock.Index that looks into the folders of files that a lock
// names, and asks Next about the other pages. Folders are read each time: what
// they have is no answer that could be remembered.
type Folders struct {
	FS   fs.FS // the lock's folder is Dir of it
	Dir  string
	Next lock.Index // nil: there is nothing but folders
}

// Find implements lock.Index.
func (f Folders) Find(queries []lock.Query) ([]lock.Found, error) {
	found := make([]lock.Found, len(queries))
	var rest []lock.Query
	var at []int
	for i, q := range queries {
		var pages []lock.Page
		for _, page := range q.Pages {
			if page.URL != "" {
				pages = append(pages, page)
				continue
			}
			files, err := f.list(q, page.Path)
			if err != nil {
				return nil, err
			}
			found[i].Files = append(found[i].Files, q.Match(files)...)
		}
		if q.Pages = pages; len(pages) == 0 {
			found[i].Err = lock.NotInIndex.Errorf(diag.Range{}, "%s is in none of the folders that the lock names", q)
			continue
		}
		rest, at = append(rest, q), append(at, i)
	}
	if len(rest) == 0 {
		return found, nil
	}
	if f.Next == nil {
		return nil, errors.New("no index is known beside the folders of the lock")
	}
	answers, err := f.Next.Find(rest)
	if err != nil {
		return nil, err
	}
	for i, answer := range answers {
		all := &found[at[i]]
		all.Files, all.Err = append(all.Files, answer.Files...), answer.Err
		if errors.Is(all.Err, lock.IndexUnavailable) {
			all.Files = nil // it might have a better one
		}
	}
	return found, nil
}

// list gives the files of a folder that may be the ones asked for, with their
// digests. A folder that is not there has none, as for pip.
func (f Folders) list(q lock.Query, folder string) ([]lock.File, error) {
	entries, err := fs.ReadDir(f.FS, path.Join(f.Dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []lock.File
	for _, entry := range entries {
		if entry.IsDir() || !q.Concerns(entry.Name()) {
			continue
		}
		file := lock.File{Name: entry.Name(), Path: path.Join(folder, entry.Name())}
		if file.Hashes, file.Size, err = f.digest(file.Path); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func (f Folders) digest(name string) (hashes []lock.Hash, size int64, err error) {
	file, err := f.FS.Open(path.Join(f.Dir, name))
	if err != nil {
		return nil, 0, err
	}
	sum := sha256.New()
	size, err = io.Copy(sum, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	return []lock.Hash{{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}}, size, nil
}
