package fresh

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// scope is where a requirement stands, which decides which of the
// tool.uv.sources it gets.
type scope struct {
	project   *project          // whose sources come first
	workspace *project          // whose sources come second, nil for none
	members   map[string]string // folders of the workspace members by name
	group     string
}

// lower gives requirements the sources that tool.uv.sources says. A
// requirement becomes several where its sources have markers. The bool is
// false where a source cannot be understood.
func (s scope) lower(list []declared) ([]requirement, bool) {
	var all []requirement
	for _, d := range list {
		lowered, ok := s.lowerOne(d)
		if !ok {
			return nil, false
		}
		all = append(all, lowered...)
	}
	return all, true
}

func (s scope) lowerOne(d declared) ([]requirement, bool) {
	tables, from, ok := s.sources(d)
	if !ok {
		return nil, false
	}
	var all []requirement
	rest := d.when
	covered := false
	for _, t := range tables {
		marker, err := pep508.ParseMarker(t.String("marker"), pep508.UV)
		if err != nil {
			return nil, false
		}
		r := d.requirement
		if r.source, ok = s.source(t, from, r.name); !ok {
			return nil, false
		}
		if r.source.kind != index {
			r.specifiers = pep508.Requirement{}.Specifiers
		}
		r.when = r.when.and(marker)
		all = append(all, r)
		covered = covered || marker.IsTrue()
		rest.none = append(slices.Clip(rest.none), marker)
	}
	if covered {
		return all, true
	}
	// Where no source applies, the requirement is what it says itself.
	r := d.requirement
	r.when = rest
	if d.url != "" {
		r.specifiers = pep508.Requirement{}.Specifiers
		if r.source, ok = direct(d.url); !ok {
			return nil, false
		}
	}
	return append(all, r), true
}

// sources finds the sources of a requirement, and the project that says them.
func (s scope) sources(d declared) ([]tomltree.Table, *project, bool) {
	for _, p := range []*project{s.project, s.workspace} {
		if p == nil {
			continue
		}
		sources := p.uv.Table("sources")
		for _, key := range sources.Keys() {
			if pep508.NormalizeName(key.Name) != d.name {
				continue
			}
			var list []tomltree.Table
			if sources.IsArray(key.Name) {
				list = sources.Tables(key.Name)
			} else {
				list = []tomltree.Table{sources.Table(key.Name)}
			}
			return slices.DeleteFunc(list, func(t tomltree.Table) bool {
				return t.Has("extra") && pep508.NormalizeName(t.String("extra")) != d.when.extra ||
					t.Has("group") && pep508.NormalizeName(t.String("group")) != s.group
			}), p, p.doc.Err() == nil
		}
	}
	return nil, nil, true
}

// source reads one source of a requirement.
func (s scope) source(t tomltree.Table, from *project, name string) (source, bool) {
	switch {
	case t.Has("git"):
		query := url.Values{}
		for _, key := range []string{"rev", "tag", "branch", "subdirectory", "path"} {
			query.Set(key, t.String(key))
		}
		if t.Has("lfs") && t.Bool("lfs") {
			query.Set("lfs", "true")
		}
		return gitSource(strings.TrimPrefix(t.String("git"), "git+"), query), true
	case t.Has("url"):
		return archiveSource(t.String("url"), t.String("subdirectory")), true
	case t.Has("index"):
		return s.index(t.String("index"))
	case t.Has("path"):
		return pathSource(path.Join(from.folder, t.String("path")), t)
	case t.Has("workspace") && s.workspace != nil:
		folder, ok := s.members[name]
		return source{tree, folder}, ok
	}
	return source{}, false
}

// pathSource is a file or a tree in the project. Only for what cannot be a
// file is it known which.
func pathSource(at string, t tomltree.Table) (source, bool) {
	switch {
	case path.IsAbs(t.String("path")) || strings.Contains(at, ":"):
		return source{}, false
	case t.Has("editable") && t.Bool("editable"):
		return source{editable, at}, true
	case isArchive(at):
		return source{file, at}, true
	}
	return source{built, at}, true
}

// isArchive says whether a path has the ending of a wheel or a source archive.
func isArchive(name string) bool {
	return slices.ContainsFunc([]string{".whl", ".zip", ".gz", ".bz2", ".xz", ".lz", ".zst", ".lzma", ".tar", ".tgz", ".tbz", ".txz", ".tlz"},
		func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// index finds a named index.
func (s scope) index(name string) (source, bool) {
	for _, p := range []*project{s.project, s.workspace} {
		if p == nil {
			continue
		}
		for _, t := range p.uv.Tables("index") {
			if t.String("name") == name && strings.Contains(t.String("url"), "://") {
				return source{index, place(t.String("url"))}, true
			}
		}
	}
	return source{}, false
}

// direct is the source of a requirement "name @ URL".
func direct(address string) (source, bool) {
	address, fragment, _ := strings.Cut(address, "#")
	values, err := url.ParseQuery(fragment)
	if err != nil {
		return source{}, false
	}
	if repository, ok := strings.CutPrefix(address, "git+"); ok {
		query := url.Values{}
		query.Set("subdirectory", values.Get("subdirectory"))
		// The revision is behind the last "@" of the path.
		if at := strings.LastIndexByte(repository, '@'); at > strings.LastIndexByte(repository, '/') {
			query.Set("rev", repository[at+1:])
			repository = repository[:at]
		}
		return gitSource(repository, query), true
	}
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		return source{}, false
	}
	return archiveSource(address, values.Get("subdirectory")), true
}
