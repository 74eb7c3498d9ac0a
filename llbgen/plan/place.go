package plan

import (
	"cmp"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// place puts the packages of an answer, which has the paths that uv has found
// them at, where the request has them from: folders and files of the build
// context, and repositories.
func place(l *lock.Lock, r *resolve.Request) {
	for _, p := range l.Packages {
		p.At = r.Place(p.Name)
		for i := range p.Wheels {
			placeFile(&p.Wheels[i], r)
		}
		if p.Sdist != nil {
			placeFile(p.Sdist, r)
		}
		if p.Source.Path == "" {
			continue
		}
		found := path.Join(r.Dir(), p.Source.Path)
		p.At = cmp.Or(r.Places[found], p.At)
		if p.Source.Origin != lock.Directory {
			p.Source.Path = inContextDir(found)
			continue
		}
		if i, subdirectory, ok := inRepository(found); ok && i < len(r.Repositories) {
			from := r.Repositories[i]
			p.Source = lock.Source{
				Origin: lock.Git, URL: from.URL, Commit: from.Commit, Ref: from.Ref,
				Subdirectory: path.Join(subdirectory, p.Source.Subdirectory),
			}
			continue
		}
		p.Source.Path = inContextDir(found)
	}
}

// placeFile puts a file of the build context there.
func placeFile(f *lock.File, r *resolve.Request) {
	if location, ok := strings.CutPrefix(f.URL, resolve.FilePrefix); ok {
		if decoded, err := url.PathUnescape(location); err == nil {
			location = decoded
		}
		f.URL, f.Path = "", inContextDir(location)
	} else if f.Path != "" {
		f.Path = inContextDir(path.Join(r.Dir(), f.Path))
	}
}

// inContextDir gives the path in the build context.
func inContextDir(found string) string {
	if found == resolve.ContextDir {
		return "."
	}
	return strings.TrimPrefix(found, resolve.ContextDir+"/")
}

// inRepository gives the index of the repository that a path lies in, and the
// path in it.
func inRepository(found string) (index int, subdirectory string, ok bool) {
	rest, ok := strings.CutPrefix(found, resolve.RepositoryDir+"/")
	if !ok {
		return 0, "", false
	}
	number, subdirectory, _ := strings.Cut(rest, "/")
	index, err := strconv.Atoi(number)
	return index, subdirectory, err == nil
}
