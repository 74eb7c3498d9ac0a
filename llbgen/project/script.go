package project

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// scriptDir is where uv finds the metadata of a script, as a project.
const scriptDir = "script"

// scriptBlock is the metadata of a script (the "Inline script metadata"
// specification, PEP 723).
var scriptBlock = regexp.MustCompile(`(?m)^# /// script[ \t]*\r?$\n((?:^#(?:| .*)\r?$\n)+?)^# ///[ \t]*\r?$`)

// Script adds what the metadata of a script says.
func (r *Reader) Script(name string) error {
	data, err := fs.ReadFile(r.Context, name)
	if err != nil {
		return err
	}
	d := &document{src: &diag.Source{Name: name, Data: data}, folder: path.Dir(name), place: scriptDir}
	blocks := scriptBlock.FindAllSubmatchIndex(data, -1)
	if len(blocks) != 1 {
		return lock.NotLocked.Errorf(d.at(""), "%s has %d blocks of inline metadata, not one", name, len(blocks)).
			WithHint("begin it with the line \"# /// script\" and end it with \"# ///\" (PEP 723)")
	}
	var text strings.Builder
	text.WriteString(strings.Repeat("\n", bytes.Count(data[:blocks[0][2]], []byte("\n")))) // so that lines are those of the file
	for line := range strings.Lines(string(data[blocks[0][2]:blocks[0][3]])) {
		text.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
	}
	if err := d.parse([]byte(text.String())); err != nil {
		return err
	}
	if err := r.checkPython(d, d.toml["requires-python"]); err != nil {
		return err
	}
	project := map[string]any{"name": "script"}
	copyKeys(project, d.toml, "requires-python", "dependencies")
	d.toml["project"] = project
	r.Request.Project = path.Join(d.place, "pyproject.toml")
	if err := r.follow(d); err != nil {
		return err
	}
	d.name(r.Request)
	return r.add(d, d.kept("0", "dependencies"))
}
