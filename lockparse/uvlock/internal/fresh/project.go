package fresh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// project is a pyproject.toml.
type project struct {
	doc     *tomltree.Document
	name    string // of the file, for messages
	folder  string // relative to the lock
	root    tomltree.Table
	table   tomltree.Table // [project]
	uv      tomltree.Table // [tool.uv]
	project string         // normalised name of the project, empty without [project]
}

// parseProject reads a pyproject.toml, nil if it is none.
func parseProject(src *diag.Source, folder string) *project {
	doc, err := tomltree.Parse(src)
	if err != nil {
		return nil
	}
	p := &project{doc: doc, name: src.Name, folder: folder, root: doc.Root()}
	p.table, p.uv = p.root.Table("project"), p.root.Table("tool").Table("uv")
	p.project = pep508.NormalizeName(p.table.String("name"))
	return p
}

// isDynamic says whether a build tells the field.
func (p *project) isDynamic(field string) bool {
	return slices.Contains(p.table.Strings("dynamic"), field)
}

// isStatic says whether the file alone tells what the project requires, as uv
// decides it: Poetry may have its dependencies elsewhere.
func (p *project) isStatic() bool {
	return p.project != "" && !p.isDynamic("dependencies") && !p.isDynamic("optional-dependencies") &&
		(p.table.Has("dependencies") || !p.root.Table("tool").Has("poetry"))
}

// isPackage says whether the project is built and installed, and whether the
// file decides that.
func (p *project) isPackage(required bool) (is, decided bool) {
	if p.uv.Has("package") {
		return p.uv.Bool("package"), true
	}
	built := p.root.Has("build-system")
	return built, built || !required
}

// extras gives the names of the optional dependencies.
func (p *project) extras() []string { return names(p.table.Table("optional-dependencies")) }

// names gives the keys of a table in normal form, sorted.
func names(t tomltree.Table) []string {
	var list []string
	for _, key := range t.Keys() {
		list = append(list, key.Name)
	}
	return normalNames(list)
}

// declared is a requirement as a project writes it.
type declared struct {
	requirement
	url string // of a direct reference
}

// parseDeclared reads requirements. The bool is false where one cannot be
// understood, or asks for extras in a marker of its own.
func parseDeclared(texts []tomltree.Text, when condition) ([]declared, bool) {
	var list []declared
	for _, text := range texts {
		parsed, err := pep508.ParseRequirement(text.Text)
		if err != nil || parsed.Marker.UsesExtra() {
			return nil, false
		}
		marker, err := pep508.ParseMarker(parsed.Marker.String(), pep508.UV)
		if err != nil {
			return nil, false
		}
		list = append(list, declared{url: parsed.URL, requirement: requirement{
			name:       pep508.NormalizeName(parsed.Name),
			extras:     normalNames(parsed.Extras),
			specifiers: parsed.Specifiers,
			when:       when.and(marker),
		}})
	}
	return list, true
}

// dependencies gives the plain and the optional dependencies.
func (p *project) dependencies() ([]declared, bool) {
	all, ok := parseDeclared(p.table.Texts("dependencies"), condition{})
	extras := p.table.Table("optional-dependencies")
	for _, key := range extras.Keys() {
		list, understood := parseDeclared(extras.Texts(key.Name), condition{extra: pep508.NormalizeName(key.Name)})
		all, ok = append(all, list...), ok && understood
	}
	return all, ok
}

// groups gives the dependency groups with all that they include.
func (p *project) groups() (map[string][]declared, bool) {
	table := p.root.Table("dependency-groups")
	written := make(map[string]string)
	for _, key := range table.Keys() {
		written[pep508.NormalizeName(key.Name)] = key.Name
	}
	groups := make(map[string][]declared)
	for name := range written {
		list, ok := p.group(written, name, nil)
		if !ok {
			return nil, false
		}
		groups[name] = list
	}
	if p.uv.Has("dev-dependencies") {
		list, ok := parseDeclared(p.uv.Texts("dev-dependencies"), condition{})
		if !ok {
			return nil, false
		}
		groups["dev"] = append(groups["dev"], list...)
	}
	return groups, true
}

// group gives a group with all that it includes; parents are those that
// include it.
func (p *project) group(written map[string]string, name string, parents []string) ([]declared, bool) {
	key, ok := written[name]
	if !ok || slices.Contains(parents, name) {
		return nil, false
	}
	table := p.root.Table("dependency-groups")
	list, ok := parseDeclared(table.MixedTexts(key), condition{})
	if !ok {
		return nil, false
	}
	for _, item := range table.MixedTables(key) {
		included, ok := p.group(written, pep508.NormalizeName(item.String("include-group")), append(parents, name))
		if !ok {
			return nil, false
		}
		list = append(list, included...)
	}
	return p.restrict(list, name)
}

// restrict adds the requires-python of a group to its requirements.
func (p *project) restrict(list []declared, group string) ([]declared, bool) {
	settings := p.uv.Table("dependency-groups")
	for _, key := range settings.Keys() {
		if pep508.NormalizeName(key.Name) != group {
			continue
		}
		for clause := range strings.SplitSeq(settings.Table(key.Name).String("requires-python"), ",") {
			clause = strings.TrimSpace(clause)
			version := strings.TrimLeft(clause, "<>=")
			marker, err := pep508.ParseMarker(fmt.Sprintf("python_full_version %s %q",
				strings.TrimSuffix(clause, version), strings.TrimSpace(version)), pep508.UV)
			if clause == "" || err != nil || strings.Contains(version, "*") {
				return nil, false
			}
			for i := range list {
				list[i].when = list[i].when.and(marker)
			}
		}
	}
	return list, true
}
