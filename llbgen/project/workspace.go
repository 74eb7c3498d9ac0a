package project

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/lock"
)

// above adds the root of the workspace that a project is a member of: its
// sources hold for the members, too.
func (r *Reader) above(d *document) error {
	root, err := r.root(d)
	if err != nil || root == nil || root == d || r.see(workspaceOf(root.folder)) {
		return err
	}
	if err := r.follow(root); err != nil {
		return err
	}
	return r.add(root, root.required())
}

// workspaceOf is what see is told of the root of a workspace.
func workspaceOf(folder string) string { return "workspace " + folder }

// root gives the root of the workspace that a project is in, nil if it is in
// none: it is in the project's folder or in one above.
func (r *Reader) root(d *document) (*document, error) {
	if d.uv()["workspace"] != nil {
		return d, nil
	}
	for folder := d.folder; folder != "."; {
		folder = path.Dir(folder)
		root, err := r.read(folder)
		if isAbsent(err) {
			continue
		}
		if err != nil || root.uv()["workspace"] != nil {
			return root, err
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// workspace adds all members of the workspace that a project is in.
func (r *Reader) workspace(d *document) error {
	root, err := r.root(d)
	if err != nil || root == nil { // uv says what is missing
		return err
	}
	members, err := r.members(root)
	if err != nil {
		return err
	}
	if root.table("project") != nil {
		members = append(members, root.folder)
	}
	for _, folder := range members {
		if folder == d.folder {
			continue
		}
		if err := r.tree(folder, root.at("members")); err != nil {
			return err
		}
	}
	return nil
}

// members gives the folders of the members of a workspace.
func (r *Reader) members(root *document) ([]string, error) {
	workspace := anyMap(root.uv()["workspace"])
	var folders []string
	for _, pattern := range stringsOf(workspace["members"]) {
		full := path.Join(root.folder, pattern, "pyproject.toml")
		if strings.Contains(pattern, "**") || !fs.ValidPath(full) {
			return nil, lock.NotLocked.Errorf(root.at(pattern), "members of a workspace cannot be looked for with %q", pattern).
				WithHint("name the folders, with * for one level; or lock the project with \"uv lock\", and name the lock")
		}
		found, err := fs.Glob(r.Context, full)
		if err != nil {
			return nil, lock.Malformed.Errorf(root.at(pattern), "the pattern %q: %w", pattern, err)
		}
		for _, name := range found {
			folders = append(folders, path.Dir(name))
		}
	}
	folders = slices.DeleteFunc(folders, func(folder string) bool {
		return slices.ContainsFunc(stringsOf(workspace["exclude"]), func(pattern string) bool {
			excluded, err := path.Match(path.Join(root.folder, pattern), folder)
			return err == nil && excluded
		})
	})
	slices.Sort(folders)
	return slices.Compact(folders), nil
}
