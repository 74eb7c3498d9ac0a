package project

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/requirements"
)

// Requirement adds one requirement of a file in a folder of the build context.
func (r *Reader) Requirement(want requirements.Wanted, folder string) error {
	place, err := r.linked(want, folder)
	if err != nil {
		return err
	}
	if place != "" {
		want.Text = strings.Replace(want.Text, want.Location, relative(r.Request.Dir(), place), 1)
	}
	r.Request.Add(resolve.Line{Text: want.Text, Package: want.Name, At: want.At})
	return nil
}

// linked adds what a requirement leads to, and gives where uv finds it; nothing
// for what uv fetches itself.
func (r *Reader) linked(want requirements.Wanted, folder string) (string, error) {
	switch want.Kind {
	case requirements.Indexed, requirements.Remote:
		return "", nil
	case requirements.Repository:
		return r.repository(want.Location, want.At)
	case requirements.LocalTree, requirements.LocalFile:
		return r.local(path.Join(folder, want.Path), want.At)
	case requirements.OtherURL: // uv takes "NAME @ PATH", too
		if !strings.Contains(want.Location, ":") {
			return r.local(path.Join(folder, want.Location), want.At)
		}
	case requirements.FileURL:
	}
	return "", lock.Malformed.Errorf(want.At, "%q cannot be fetched", want.Location).
		WithHint("name an https URL, a repository (git+https://…), or a path in the build context")
}

// Links adds the archives in a folder of the build context, of --find-links.
func (r *Reader) Links(folder string) {
	r.Request.Trees = append(r.Request.Trees, resolve.Tree{Path: folder, Include: []string{"*.whl", "*.tar.gz", "*.zip"}})
	r.Request.FindLinks = append(r.Request.FindLinks, relative(r.Request.Dir(), path.Join(resolve.ContextDir, folder)))
}

// local adds a folder or an archive of the build context.
func (r *Reader) local(name string, at diag.Range) (string, error) {
	if name != "." && !fs.ValidPath(name) {
		return "", lock.Malformed.Errorf(at, "%s is outside the build context", name).
			WithHint("copy it into the build context, or build from a folder further up")
	}
	place := path.Join(resolve.ContextDir, name)
	r.Request.Lead(place, at)
	if !isArchive(name) {
		return place, r.tree(name, at)
	}
	if found, err := fs.Glob(r.Context, name); err != nil || len(found) == 0 {
		return "", lock.Malformed.Errorf(at, "%s is not in the build context", name).
			WithHint("paths in requirements files and projects are relative to the file, others to the build context")
	}
	if !r.see(name) {
		r.Request.Trees = append(r.Request.Trees, resolve.Tree{Path: name})
	}
	return place, nil
}

// isArchive says whether a path is one of a file that packages come in.
func isArchive(name string) bool {
	return slices.ContainsFunc([]string{".whl", ".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz"}, func(ending string) bool {
		return strings.HasSuffix(name, ending)
	})
}

// tree adds a project in a folder of the build context.
func (r *Reader) tree(folder string, at diag.Range) error {
	if r.see(folder) {
		return nil
	}
	d, err := r.read(folder)
	switch {
	case isAbsent(err):
		if _, absent := fs.ReadFile(r.Context, path.Join(folder, "setup.py")); absent != nil {
			return lock.Malformed.Errorf(at, "%s is no project: %w", folder, err).
				WithHint("name a folder of the build context that has a pyproject.toml or a setup.py")
		}
		r.whole(folder)
		return nil
	case err != nil:
		return err
	}
	if err := r.follow(d); err != nil {
		return err
	}
	if !d.static() {
		r.whole(folder)
		return r.add(d, d.toml)
	}
	return r.add(d, d.required())
}

// required gives what counts of a project that is required by another: what it
// depends on itself, but not what its developers have set for themselves.
func (d *document) required() map[string]any {
	kept, project := map[string]any{}, map[string]any{}
	copyKeys(project, d.table("project"), "name", "version", "requires-python", "dependencies", "optional-dependencies")
	if len(project) > 0 {
		kept["project"] = project
	}
	copyKeys(kept, d.toml, "build-system")
	uv := map[string]any{}
	copyKeys(uv, d.uv(), "sources", "workspace", "package")
	if len(uv) > 0 {
		kept["tool"] = map[string]any{"uv": uv}
	}
	return kept
}

// follow adds all that a project takes from elsewhere than an index, and has it
// say where uv finds that.
func (r *Reader) follow(d *document) error {
	sources := anyMap(d.uv()["sources"])
	for _, name := range keys(d.uv()["sources"]) {
		all, ok := sources[name].([]any)
		if !ok {
			all = []any{sources[name]}
		}
		for _, one := range all {
			if err := r.source(d, name, anyMap(one)); err != nil {
				return err
			}
		}
	}
	if err := r.direct(d); err != nil {
		return err
	}
	return r.above(d)
}

// source follows one source of a package (https://docs.astral.sh/uv/concepts/projects/dependencies/).
func (r *Reader) source(d *document, name string, source map[string]any) error {
	at := d.sourceAt(name)
	if git, ok := source["git"].(string); ok {
		return r.gitSource(d, source, git, at)
	}
	if text, ok := source["path"].(string); ok {
		if path.IsAbs(text) {
			return lock.Malformed.Errorf(at, "tool.uv.sources has %s at %s, outside the build context", name, text).
				WithHint("name it by a path that is relative to %s", d.src.Name)
		}
		place, err := r.local(path.Join(d.folder, text), at)
		source["path"] = relative(d.place, place)
		return err
	}
	if source["workspace"] == true {
		return r.workspace(d)
	}
	return nil
}

// gitSource replaces a repository by the path where uv finds it.
func (r *Reader) gitSource(d *document, source map[string]any, location string, at diag.Range) error {
	if source["lfs"] == true {
		return lock.NotLocked.Errorf(at, "files of Git LFS, which tool.uv.sources asks for, cannot be fetched")
	}
	for _, key := range []string{"rev", "tag", "branch"} {
		if ref, ok := source[key].(string); ok {
			location += "@" + ref
		}
		delete(source, key)
	}
	place, err := r.repository("git+"+strings.TrimPrefix(location, "git+"), at)
	if err != nil {
		return err
	}
	if subdirectory, ok := source["subdirectory"].(string); ok {
		place = path.Join(place, subdirectory)
	}
	delete(source, "git")
	delete(source, "subdirectory")
	source["path"] = relative(d.place, place)
	return nil
}

// direct makes sources of requirements "NAME @ URL" whose URL is a repository.
func (r *Reader) direct(d *document) error {
	lists := []any{d.table("project")["dependencies"]}
	for _, tables := range []any{d.table("project")["optional-dependencies"], d.toml["dependency-groups"]} {
		for _, key := range keys(tables) {
			lists = append(lists, anyMap(tables)[key])
		}
	}
	for _, list := range lists {
		items, _ := list.([]any)
		for i, item := range items {
			text, ok := item.(string)
			if !ok {
				continue
			}
			named, err := r.named(d, text)
			if err != nil {
				return err
			}
			items[i] = named
		}
	}
	return nil
}

// named gives a requirement without its URL where that is a repository, which
// is a source then.
func (r *Reader) named(d *document, text string) (string, error) {
	q, err := pep508.ParseRequirement(text)
	if err != nil || strings.HasPrefix(q.URL, "https:") || strings.HasPrefix(q.URL, "http:") || q.URL == "" {
		return text, nil //nolint:nilerr // uv says what is wrong with it
	}
	place, err := r.linked(requirements.Wanted{Location: q.URL, Kind: requirements.KindOf(q.URL), At: d.at(text)}, d.folder)
	if err != nil {
		return "", err
	}
	sources := anyMap(d.uv()["sources"])
	if sources == nil {
		sources = map[string]any{}
		d.setUV("sources", sources)
	}
	sources[q.Name] = map[string]any{"path": relative(d.place, place)}
	before, after, _ := strings.Cut(text, q.URL)
	return strings.TrimRight(strings.TrimRight(before, " "), "@") + after, nil
}

// repository adds a repository, "git+https://host/path@ref#subdirectory=dir",
// and gives where uv finds the project in it.
func (r *Reader) repository(location string, at diag.Range) (string, error) {
	url, ref, subdirectory := lock.SplitRepository(location)
	scheme, _, _ := strings.Cut(url, "://")
	if !strings.HasPrefix(location, "git+") || !slices.Contains([]string{"https", "http", "ssh", "git"}, scheme) {
		return "", lock.Malformed.Errorf(at, "%q is no repository that can be fetched", location).
			WithHint("write git+https://HOST/PATH@REF, or git+ssh://git@HOST/PATH@REF")
	}
	if subdirectory != "" && !fs.ValidPath(path.Clean(subdirectory)) {
		return "", lock.Malformed.Errorf(at, "the subdirectory %q is outside the repository", subdirectory)
	}
	url, _ = lock.StripCredentials(url)
	commit := ref
	if !lock.IsCommit(ref) {
		if r.Commit == nil {
			return "", lock.NotLocked.Errorf(at, "%q names no full commit id, and nothing here looks it up", location)
		}
		var err error
		if commit, err = r.Commit(r.location(url), ref, at); err != nil {
			return "", err
		}
	}
	wanted := resolve.Repository{URL: url, Location: r.location(url), Commit: commit, Ref: ref, At: at}
	i := slices.IndexFunc(r.Request.Repositories, func(other resolve.Repository) bool {
		return other.URL == url && other.Commit == commit && other.Ref == ref
	})
	if i < 0 {
		i = len(r.Request.Repositories)
		r.Request.Repositories = append(r.Request.Repositories, wanted)
	}
	place := path.Join(resolve.RepositoryPath(i), subdirectory)
	r.Request.Lead(place, at)
	return place, nil
}

// location is where a repository is fetched from.
func (r *Reader) location(url string) string {
	if r.Rewrite == nil {
		return url
	}
	return r.Rewrite(url)
}

// relative gives a path as seen from a folder. It looks like one, and not like
// a name.
func relative(from, to string) string {
	rel, err := filepath.Rel(from, to) // both are clean and relative
	if err != nil || rel == "." || strings.HasPrefix(rel, "../") {
		return rel
	}
	return "./" + rel
}
