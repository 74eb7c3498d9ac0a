// Package project reads what has no lock, as far as it counts for a resolution:
// pyproject.toml, scripts with inline metadata, and single requirements. It adds
// them to a resolve.Request, together with the folders, files and repositories
// that they lead to, and those in turn.
//
// What is left out of a pyproject.toml, such as the settings of other tools,
// changes no key. How the request is answered is none of its business.
package project

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Reader adds to a request.
type Reader struct {
	Request *resolve.Request
	Context fs.FS                        // the build context
	Commit  Commit                       // asked for the commits of branches and tags
	NotOwn  func(folder string) []string // patterns of what lies in a project's folder without being part of it
	Rewrite func(url string) string      // where a repository is fetched from; nil: from where it is
	Target  lock.Target

	seen map[string]bool // folders that are added
}

// Commit gives the full id of the commit that a branch, a tag or a revision of a
// repository stands for now; the empty ref is the default branch.
type Commit func(repository, ref string, at diag.Range) (string, error)

// settings of [tool.uv] that count for a resolution.
var settings = []string{
	"sources", "index", "index-url", "extra-index-url", "find-links", "no-index", "index-strategy",
	"constraint-dependencies", "override-dependencies", "exclude-dependencies", "dev-dependencies", "conflicts",
	"prerelease", "resolution", "exclude-newer", "exclude-newer-package", "dependency-metadata",
	"no-binary", "no-binary-package", "no-build", "no-build-package", "workspace",
}

// Project adds a pyproject.toml, or that of a member of its workspace, with the
// extras and groups that are asked for. Its own settings hold for the whole
// resolution.
func (r *Reader) Project(name string, asked lock.Request) error {
	d, err := r.read(path.Dir(name))
	if err != nil {
		return err
	}
	if d, err = r.member(d, asked); err != nil {
		return err
	}
	if err := d.checkName(); err != nil {
		return err
	}
	if err := r.checkPython(d, d.table("project")["requires-python"]); err != nil {
		return err
	}
	r.Request.Project = path.Join(d.place, "pyproject.toml")
	r.see(d.folder) // what else leads to it finds it as it is added here
	r.see(workspaceOf(d.folder))
	if r.Request.Extras, err = d.extras(asked); err != nil {
		return err
	}
	if r.Request.Groups, err = d.groups(asked); err != nil {
		return err
	}
	if err := r.follow(d); err != nil {
		return err
	}
	d.name(r.Request)
	kept := d.toml
	switch {
	case asked.OnlyGroups:
		kept = d.kept("0")
	case asked.NoInstallProject && d.dependsStatically():
		kept = d.kept("0", "dependencies", "optional-dependencies")
	case d.static():
		kept = d.kept(d.version(), "dependencies", "optional-dependencies")
	default:
		r.whole(d.folder)
	}
	if !asked.NoInstallProject {
		r.Request.Add(resolve.Line{Text: ".", At: d.at("name")})
	}
	return r.add(d, kept)
}

// kept gives what counts of a project that needs no build, with some keys of
// [project]. Its version counts where it is installed.
func (d *document) kept(version string, keys ...string) map[string]any {
	name, _ := d.table("project")["name"].(string)
	project := map[string]any{"name": cmp.Or(name, "project"), "version": version}
	copyKeys(project, d.table("project"), append(keys, "requires-python")...)
	kept := map[string]any{"project": project}
	copyKeys(kept, d.toml, "dependency-groups", "build-system")
	uv := map[string]any{}
	copyKeys(uv, d.uv(), settings...)
	if len(uv) > 0 {
		kept["tool"] = map[string]any{"uv": uv}
	}
	return kept
}

// static says whether a project is known without a build.
func (d *document) static() bool { return d.dependsStatically() && d.version() != "" }

// version gives the version of a project, empty if only a build tells.
func (d *document) version() string {
	version, _ := d.table("project")["version"].(string)
	return version
}

// dependsStatically says whether it is known without a build what a project
// depends on.
func (d *document) dependsStatically() bool {
	project := d.table("project")
	dynamic := stringsOf(project["dynamic"])
	return project != nil && !slices.Contains(dynamic, "dependencies") && !slices.Contains(dynamic, "optional-dependencies")
}

// checkName wants a project, and a name for it.
func (d *document) checkName() error {
	project, poetry := d.table("project"), anyMap(d.table("tool")["poetry"])
	switch {
	case project == nil && poetry == nil && d.table("build-system") == nil:
		return lock.NotLocked.Errorf(d.at(""), "%s has neither a lock beside it nor a [project] table to resolve", d.src.Name).
			WithHint("name a lock, or write the dependencies into [project]")
	case project == nil:
		return nil // the build backend knows
	}
	if _, ok := project["name"].(string); !ok {
		return lock.Malformed.Errorf(d.at("[project]"), "%s: the project has no name", d.src.Name).WithHint("add name = \"...\" to [project]")
	}
	return nil
}

// extras gives those that are asked for. Which a project has is only known
// where no build tells.
func (d *document) extras(asked lock.Request) ([]string, error) {
	known := keys(d.table("project")["optional-dependencies"])
	if d.table("project") == nil {
		known = keys(anyMap(d.table("tool")["poetry"])["extras"])
	}
	if slices.Contains(stringsOf(d.table("project")["dynamic"]), "optional-dependencies") || len(known) == 0 && !d.dependsStatically() {
		known = append(known, asked.Extras...)
	}
	return d.asked(asked.Extras, known, asked.AllExtras, nil, lock.UnknownExtra, "extra")
}

// groups gives those that are asked for.
func (d *document) groups(asked lock.Request) ([]string, error) {
	for _, name := range keys(anyMap(d.table("tool")["poetry"])["group"]) {
		if slices.Contains(asked.Groups, name) && d.table("dependency-groups")[name] == nil {
			return nil, lock.NotLocked.Errorf(d.at(name), "%s has the group %q for Poetry alone", d.src.Name, name).
				WithHint("run \"poetry lock\", and name the lock; or write the group into [dependency-groups]")
		}
	}
	return d.asked(asked.Groups, keys(d.toml["dependency-groups"]), asked.AllGroups, asked.NoGroups, lock.UnknownGroup, "dependency group")
}

// asked gives the names of extras or groups, normalised and sorted.
func (d *document) asked(names, known []string, all bool, without []string, reason lock.Reason, what string) ([]string, error) {
	known = normalised(known)
	if all {
		names = append(slices.Clip(names), known...)
	}
	var asked []string
	for _, name := range normalised(names) {
		if !slices.Contains(known, name) {
			return nil, reason.Errorf(diag.Range{Source: d.src}, "%s has no %s %q", d.src.Name, what, name).WithHint("%s", diag.Suggest(name, known))
		}
		asked = append(asked, name)
	}
	without = normalised(without)
	asked = slices.DeleteFunc(asked, func(name string) bool { return slices.Contains(without, name) })
	slices.Sort(asked)
	return slices.Compact(asked), nil
}

func normalised(names []string) []string {
	var list []string
	for _, name := range names {
		list = append(list, pep508.NormalizeName(name))
	}
	return list
}

// name notes where the dependencies stand, for messages.
func (d *document) name(r *resolve.Request) {
	project := d.table("project")
	d.named(r, project["dependencies"])
	for key, list := range anyMap(project["optional-dependencies"]) {
		if slices.Contains(r.Extras, pep508.NormalizeName(key)) {
			d.named(r, list)
		}
	}
	for key, list := range d.table("dependency-groups") {
		if slices.Contains(r.Groups, pep508.NormalizeName(key)) {
			d.named(r, list)
		}
	}
}

func (d *document) named(r *resolve.Request, dependencies any) {
	for _, text := range stringsOf(dependencies) {
		r.Lines = append(r.Lines, resolve.Line{Text: text, At: d.at(text)})
	}
}

// checkPython refuses a project that is not for the target's Python.
func (r *Reader) checkPython(d *document, requires any) error {
	text, _ := requires.(string)
	specifiers, err := pep440.ParseSpecifiers(text)
	if err != nil {
		return lock.Malformed.Errorf(d.at("requires-python"), "requires-python: %w", err)
	}
	if ok, err := lock.Satisfies(r.Target.Env, specifiers); err != nil || !ok {
		return lock.WrongPython.Errorf(d.at("requires-python"), "Python %s does not satisfy requires-python %q", r.Target.Env.PythonFullVersion, text).
			WithHint("choose another Python, or change requires-python")
	}
	return nil
}

// member gives the member of a workspace that is asked for, by default the
// project itself.
func (r *Reader) member(d *document, asked lock.Request) (*document, error) {
	if asked.AllPackages {
		return nil, lock.NotLocked.Errorf(d.at("workspace"), "all members of a workspace are only installed from a lock").
			WithHint("run \"uv lock\", and name the lock")
	}
	if name, _ := d.table("project")["name"].(string); asked.Package == "" || pep508.NormalizeName(asked.Package) == pep508.NormalizeName(name) {
		return d, nil
	}
	members, err := r.members(d)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, folder := range members {
		m, err := r.read(folder)
		if err != nil {
			return nil, err
		}
		name, _ := m.table("project")["name"].(string)
		if pep508.NormalizeName(name) == pep508.NormalizeName(asked.Package) {
			return m, nil
		}
		names = append(names, name)
	}
	return nil, lock.UnknownPackage.Errorf(d.at("workspace"), "%s has no member %q", d.src.Name, asked.Package).
		WithHint("%s", diag.Suggest(asked.Package, names))
}

// see notes that a folder is added, and says whether it had been before.
func (r *Reader) see(folder string) bool {
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	before := r.seen[folder]
	r.seen[folder] = true
	return before
}

// add adds the pyproject.toml of a project, unless it is there already.
func (r *Reader) add(d *document, kept map[string]any) error {
	name := path.Join(d.place, "pyproject.toml")
	if _, ok := r.Request.Files[name]; ok {
		return nil
	}
	text, err := encode(kept)
	if err != nil {
		return err
	}
	if r.Request.Files == nil {
		r.Request.Files = map[string]string{}
	}
	r.Request.Files[name] = text
	return nil
}

// whole adds the tree of a project that has to be built.
func (r *Reader) whole(folder string) {
	r.Request.Trees = append(r.Request.Trees, resolve.Tree{Path: folder, Exclude: r.NotOwn(folder)})
}

// isAbsent says whether a file is not in the build context.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
