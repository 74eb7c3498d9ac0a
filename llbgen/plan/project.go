package plan

import (
	"bytes"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// project is what counts of a pyproject.toml, or of a script's metadata, for a
// resolution. What is left out, such as its version, changes no key.
type project struct {
	src  *diag.Source
	line int // where the file is no project, to point at
	toml map[string]any
}

// addProject adds a pyproject.toml without a lock, with the extras and groups
// that are asked for.
func (in Input) addProject(r *resolve.Request, name string) error {
	src, err := in.read(name)
	if err != nil {
		return err
	}
	p := project{src: src, line: 1}
	if err := toml.Unmarshal(src.Data, &p.toml); err != nil {
		return p.syntax(err)
	}
	table := p.table("project")
	if table == nil {
		return lock.NotLocked.Errorf(p.at(""), "%s has neither a lock beside it nor a [project] table to resolve", name).
			WithHint("lock the project with its own tool, for instance \"poetry lock\", and name the lock")
	}
	if _, ok := table["name"].(string); !ok {
		return lock.Malformed.Errorf(p.at("[project]"), "%s: the project has no name", name).WithHint("add name = \"...\" to [project]")
	}
	for _, dynamic := range stringsOf(table["dynamic"]) {
		if dynamic == "dependencies" || dynamic == "optional-dependencies" {
			return lock.NotLocked.Errorf(p.at(dynamic), "%s has dynamic %s, which only a build of the project tells", name, dynamic).
				WithHint("lock the project, for instance with \"uv lock\", and name the lock")
		}
	}
	asked := in.arguments.request
	dependencies := map[string]any{"name": table["name"], "version": "0"}
	for _, key := range []string{"requires-python", "dependencies", "optional-dependencies"} {
		if table[key] != nil && (key == "requires-python" || !asked.OnlyGroups) {
			dependencies[key] = table[key]
		}
	}
	if r.Extras, err = p.asked(in.extras(), keys(table["optional-dependencies"]), asked.AllExtras, nil, lock.UnknownExtra, "extra"); err != nil {
		return err
	}
	groups := p.table("dependency-groups")
	if r.Groups, err = p.asked(in.groups(), keys(groups), asked.AllGroups, asked.NoGroups, lock.UnknownGroup, "dependency group"); err != nil {
		return err
	}
	r.Project = map[string]any{"project": dependencies}
	if len(r.Groups) > 0 {
		r.Project["dependency-groups"] = map[string]any(groups)
	}
	p.named(r, stringsOf(table["dependencies"]))
	for _, extra := range r.Extras {
		for key, list := range anyMap(table["optional-dependencies"]) {
			if pep508.NormalizeName(key) == extra {
				p.named(r, stringsOf(list))
			}
		}
	}
	for _, group := range r.Groups {
		for key, list := range groups {
			if pep508.NormalizeName(key) == group {
				p.named(r, stringsOf(list))
			}
		}
	}
	return in.addSettings(r, p)
}

// scriptBlock is the metadata of a script (the "Inline script metadata"
// specification, PEP 723).
var scriptBlock = regexp.MustCompile(`(?m)^# /// script[ \t]*\r?$\n((?:^#(?:| .*)\r?$\n)+?)^# ///[ \t]*\r?$`)

// addScript adds what the metadata of a script says.
func (in Input) addScript(r *resolve.Request, name string) error {
	src, err := in.read(name)
	if err != nil {
		return err
	}
	p := project{src: src, line: 1}
	blocks := scriptBlock.FindAllSubmatchIndex(src.Data, -1)
	if len(blocks) != 1 {
		return lock.NotLocked.Errorf(p.at(""), "%s has %d blocks of inline metadata, not one", name, len(blocks)).
			WithHint("begin it with the line \"# /// script\" and end it with \"# ///\" (PEP 723)")
	}
	var text strings.Builder
	text.WriteString(strings.Repeat("\n", bytes.Count(src.Data[:blocks[0][2]], []byte("\n")))) // so that lines are those of the file
	for line := range strings.Lines(string(src.Data[blocks[0][2]:blocks[0][3]])) {
		text.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
	}
	if err := toml.Unmarshal([]byte(text.String()), &p.toml); err != nil {
		return p.syntax(err)
	}
	dependencies := map[string]any{"name": "script", "version": "0"}
	for _, key := range []string{"requires-python", "dependencies"} {
		if p.toml[key] != nil {
			dependencies[key] = p.toml[key]
		}
	}
	r.Project = map[string]any{"project": dependencies}
	p.named(r, stringsOf(p.toml["dependencies"]))
	return in.addSettings(r, p)
}

// settings of [tool.uv] that count for a resolution.
var settings = []string{
	"sources", "index", "index-url", "extra-index-url", "find-links", "no-index", "index-strategy",
	"constraint-dependencies", "override-dependencies", "exclude-dependencies", "dev-dependencies", "conflicts",
	"prerelease", "resolution", "exclude-newer", "exclude-newer-package", "dependency-metadata",
	"no-binary", "no-binary-package", "no-build", "no-build-package",
}

// addSettings adds what [tool.uv] says, and checks requires-python.
func (in Input) addSettings(r *resolve.Request, p project) error {
	requires, _ := r.Project["project"].(map[string]any)["requires-python"].(string)
	specifiers, err := pep440.ParseSpecifiers(requires)
	if err != nil {
		return lock.Malformed.Errorf(p.at("requires-python"), "requires-python: %w", err)
	}
	target, err := in.target()
	if err != nil {
		return err
	}
	if ok, err := lock.Satisfies(target.Env, specifiers); err != nil || !ok {
		return lock.WrongPython.Errorf(p.at("requires-python"), "Python %s does not satisfy requires-python %q", in.Python.Version, requires).
			WithHint("choose another Python, or change requires-python")
	}
	uv := anyMap(p.table("tool")["uv"])
	kept := map[string]any{}
	for _, key := range settings {
		if uv[key] != nil {
			kept[key] = uv[key]
		}
	}
	for name, source := range anyMap(uv["sources"]) {
		if kind := unfit(source); kind != "" {
			return lock.NotLocked.Errorf(p.at(name), "tool.uv.sources has %s from a %s, which cannot be resolved here", name, kind).
				WithHint("lock the project with \"uv lock\", and name the lock")
		}
	}
	if len(kept) > 0 {
		r.Project["tool"] = map[string]any{"uv": kept}
	}
	r.Project = withoutCredentials(r.Project).(map[string]any)
	return nil
}

// unfit says what kind of source only a lock can have, empty if it is none.
func unfit(source any) string {
	all, ok := source.([]any)
	if !ok {
		all = []any{source}
	}
	for _, one := range all {
		for kind, name := range map[string]string{"git": "repository", "path": "folder or file", "workspace": "workspace"} {
			if anyMap(one)[kind] != nil {
				return name
			}
		}
	}
	return ""
}

// withoutCredentials takes credentials out of all URLs in a value.
func withoutCredentials(value any) any {
	switch value := value.(type) {
	case string:
		stripped, _ := lock.StripCredentials(value)
		return stripped
	case []any:
		for i := range value {
			value[i] = withoutCredentials(value[i])
		}
		return value
	case map[string]any:
		for key := range value {
			value[key] = withoutCredentials(value[key])
		}
		return value
	}
	return value
}

// extras and groups are those that the options and pip_extra_args ask for.
func (in Input) extras() []string {
	return append(in.Spec.BuilderOptions.Extras.Values(), in.arguments.request.Extras...)
}

func (in Input) groups() []string {
	return append(in.Spec.BuilderOptions.Groups.Values(), in.arguments.request.Groups...)
}

// read reads a file that requirements names.
func (in Input) read(name string) (*diag.Source, error) {
	data, err := fs.ReadFile(in.Context, name)
	if err != nil {
		return nil, located(err, in.Spec.Requirements)
	}
	return &diag.Source{Name: name, Data: data}, nil
}

// asked gives the names of extras or groups, normalised and sorted.
func (p project) asked(names, known []string, all bool, without []string, reason lock.Reason, what string) ([]string, error) {
	for i := range known {
		known[i] = pep508.NormalizeName(known[i])
	}
	if all {
		names = append(names, known...)
	}
	var asked []string
	for _, name := range names {
		name = pep508.NormalizeName(name)
		if !slices.Contains(known, name) {
			return nil, reason.Errorf(diag.Range{Source: p.src}, "%s has no %s %q", p.src.Name, what, name).WithHint("%s", diag.Suggest(name, known))
		}
		asked = append(asked, name)
	}
	asked = slices.DeleteFunc(asked, func(name string) bool {
		return slices.ContainsFunc(without, func(w string) bool { return pep508.NormalizeName(w) == name })
	})
	slices.Sort(asked)
	return slices.Compact(asked), nil
}

// named notes where the dependencies stand, for messages.
func (p project) named(r *resolve.Request, dependencies []string) {
	for _, text := range dependencies {
		r.Lines = append(r.Lines, resolve.Line{Text: text, At: p.at(text)})
	}
}

// at gives the first line that has a text, the file's first if none has.
func (p project) at(text string) diag.Range {
	r := diag.Range{Source: p.src, Line: p.line}
	if i := bytes.Index(p.src.Data, []byte(text)); i > 0 && text != "" {
		r.Line = bytes.Count(p.src.Data[:i], []byte("\n")) + 1
	}
	return r
}

// syntax is a mistake of TOML.
func (p project) syntax(err error) error {
	at := p.at("")
	if e, ok := err.(*toml.DecodeError); ok { //nolint:errorlint // Unmarshal returns it bare
		at.Line, at.Column = e.Position()
	}
	return lock.Malformed.Errorf(at, "%s: %w", p.src.Name, err)
}

func (p project) table(name string) map[string]any { return anyMap(p.toml[name]) }

func anyMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func keys(value any) []string { return slices.Sorted(maps.Keys(anyMap(value))) }

// stringsOf gives the strings of a list, without what else is in it.
func stringsOf(value any) []string {
	list, _ := value.([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}
