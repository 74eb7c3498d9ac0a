// Package memo keeps answers in a folder that outlives a build: a cache mount
// of the engine. An answer is a file that is named by its question's digest.
// What is lost, or cannot be read, is only asked again.
package memo

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// Most is how many answers a folder keeps. An answer has some 20 kB.
const Most = 500

// validKey is the form of keys, SHA-256 in hexadecimal. Nothing else may
// become the name of a file.
var validKey = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Recall copies the answer of a key to a file, which it does not make if there
// is none.
func Recall(folder, key, to string) error {
	if !validKey.MatchString(key) {
		return fmt.Errorf("%q is no key", key)
	}
	answer := filepath.Join(folder, key)
	data, err := os.ReadFile(answer)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	now := time.Now()
	_ = os.Chtimes(answer, now, now) // to be among the last that are dropped; it may be gone meanwhile
	return os.WriteFile(to, data, 0o644)
}

// Keep stores the answer that a file has, and drops the ones that were longest
// not asked for. Several builds may do it at the same time.
func Keep(folder, key, from string) error {
	if !validKey.MatchString(key) {
		return fmt.Errorf("%q is no key", key)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, "new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(folder, key))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return forget(folder)
}

// forget drops the oldest files of a full folder.
func forget(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) <= Most {
		return err
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil { // else another build has dropped it
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, file := range files[min(Most, len(files)):] {
		if err := os.Remove(filepath.Join(folder, file.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
