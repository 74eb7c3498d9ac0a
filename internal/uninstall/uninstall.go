// Package uninstall takes packages out of a virtual environment, by the list of
// files that each has (RECORD, https://packaging.python.org/specifications/recording-installed-packages/),
// as pip does. It is for an image that is built on another one and brings other
// versions: what is laid over the old files would leave some of them behind.
//
// Putting packages there is package wheelinstall's.
package uninstall

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/tree"
	"github.com/imagespec/imagespec/internal/venv"
	"github.com/imagespec/imagespec/internal/wheelinstall/metadata"
)

// Options are what to take from where.
type Options struct {
	venv.Layout
	Root     string   // below which the environment is
	Packages []string // normalised names
}

// Uninstall takes the packages out. One that is not there is an error, and so is
// one that has files outside the environment. The times of directories are what
// they were made with, so that doing it again gives the same layer.
func Uninstall(opt Options) (err error) {
	if err := opt.Check(); err != nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Join(opt.Root, filepath.FromSlash(opt.Prefix)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	e := environment{root: root, site: opt.SitePackages(), touched: map[string]bool{}}
	infos, err := e.infos()
	if err != nil {
		return err
	}
	for _, name := range opt.Packages {
		info, ok := infos[name]
		if !ok {
			return fmt.Errorf("%s is not in %s", name, opt.Prefix)
		}
		if err := e.remove(info); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return e.tidy()
}

// environment is one that packages are taken out of. Paths are relative to its
// prefix.
type environment struct {
	root    *os.Root
	site    string          // site-packages
	touched map[string]bool // directories that have lost something
}

// infos gives the folders with the metadata of packages, by normalised names.
func (e environment) infos() (map[string]string, error) {
	entries, err := fs.ReadDir(e.root.FS(), e.site)
	if err != nil {
		return nil, err
	}
	infos := map[string]string{}
	for _, entry := range entries {
		stem, ok := strings.CutSuffix(entry.Name(), ".dist-info")
		name, _, versioned := strings.Cut(stem, "-")
		if ok && versioned {
			infos[metadata.Normalize(name)] = path.Join(e.site, entry.Name())
		}
	}
	return infos, nil
}

// remove takes one package out.
func (e environment) remove(info string) error {
	record, err := e.root.Open(path.Join(info, "RECORD"))
	if err != nil {
		return err
	}
	defer record.Close()
	rows := csv.NewReader(record)
	rows.FieldsPerRecord = -1
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Join(e.site, row[0])
		if path.IsAbs(row[0]) || !fs.ValidPath(name) {
			return fmt.Errorf("%s is outside the environment", row[0])
		}
		if err := e.removeFile(name); err != nil {
			return err
		}
	}
}

// removeFile removes a file and what was compiled of it.
func (e environment) removeFile(name string) error {
	names := []string{name}
	if stem, ok := strings.CutSuffix(path.Base(name), ".py"); ok {
		cache := path.Join(path.Dir(name), "__pycache__")
		compiled, err := fs.ReadDir(e.root.FS(), cache)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range compiled {
			if of, _, _ := strings.Cut(entry.Name(), "."); of == stem && strings.HasSuffix(entry.Name(), ".pyc") {
				names = append(names, path.Join(cache, entry.Name()))
			}
		}
	}
	for _, name := range names {
		if err := e.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		e.touched[path.Dir(name)] = true
	}
	return nil
}

// tidy removes the directories that are empty now, and sets the times of those
// that are not.
func (e environment) tidy() error {
	dirs := make([]string, 0, len(e.touched))
	for dir := range e.touched {
		dirs = append(dirs, dir)
	}
	for len(dirs) > 0 {
		slices.SortFunc(dirs, func(a, b string) int { return strings.Compare(b, a) }) // what is below comes first
		dir := dirs[0]
		dirs = slices.DeleteFunc(dirs, func(other string) bool { return other == dir })
		left, err := fs.ReadDir(e.root.FS(), dir)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case err == nil && len(left) > 0 || dir == e.site || dir == venv.Scripts:
			if err := e.root.Chtimes(dir, tree.ModTime(), tree.ModTime()); err != nil {
				return err
			}
			continue
		case err == nil:
			if err := e.root.Remove(dir); err != nil {
				return err
			}
		}
		dirs = append(dirs, path.Dir(dir))
	}
	return nil
}
