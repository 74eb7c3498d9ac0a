package pdmlock

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/lockparse/internal/pyjson"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// stale says why the lock does not fit its pyproject.toml, empty if it does.
// As in PDM, the digest of what decides the resolution is compared. That of a
// workspace is not: it would need the files of all members.
func (r *reader) stale() string {
	if r.file.project.workspace {
		return ""
	}
	if inputs := r.metadata.Table("lock_inputs"); r.metadata.Has("lock_inputs") {
		return r.staleInputs(inputs.Table("project"))
	}
	algorithm, digest, _ := strings.Cut(r.metadata.String("content_hash"), ":")
	if digest == "" {
		return "it has no content_hash"
	}
	hashes := r.file.project.hashes
	if algorithm != "sha256" || len(hashes) == 0 || slices.Contains(hashes, digest) {
		return ""
	}
	if why := r.file.difference(); why != "" {
		return why
	}
	return "the dependencies, groups, sources or settings of the project have changed"
}

// contentHashes gives the digests that the releases of PDM take of the tables
// project, dependency-groups and tool.pdm. What they hash has changed twice.
// There are none where PDM fails to make one, because of a date.
func contentHashes(project, groups, settings map[string]any) []string {
	content := map[string]any{
		"sources":               get(settings, "source", []any{}),
		"dependencies":          get(project, "dependencies", []any{}),
		"dev-dependencies":      devDependencies(groups, table(settings, "dev-dependencies")),
		"optional-dependencies": get(project, "optional-dependencies", map[string]any{}),
		"requires-python":       get(project, "requires-python", ""),
		"resolution":            get(settings, "resolution", map[string]any{}),
	}
	hashes := addHash(nil, content)
	// Until 2.19 groups of PEP 735 were not known,
	content["dev-dependencies"] = get(settings, "dev-dependencies", map[string]any{})
	hashes = addHash(hashes, content)
	// and until 2.16 only one setting counted, which in 2.0 stood elsewhere.
	delete(content, "resolution")
	content["overrides"] = get(table(settings, "resolution"), "overrides", map[string]any{})
	if old, ok := settings["overrides"]; ok {
		content["overrides"] = old
	}
	return addHash(hashes, content)
}

func addHash(hashes []string, content map[string]any) []string {
	text, err := pyjson.Dumps(content)
	if err != nil {
		return hashes
	}
	sum := sha256.Sum256([]byte(text))
	return append(hashes, hex.EncodeToString(sum[:]))
}

// devDependencies gives the groups of PEP 735 and those of PDM in one.
func devDependencies(standard, own map[string]any) map[string]any {
	groups := make(map[string]any)
	for _, from := range []map[string]any{standard, own} {
		for _, name := range sortedKeys(from) {
			normal := pep508.NormalizeName(name)
			before, _ := groups[normal].([]any)
			list, _ := from[name].([]any)
			groups[normal] = append(slices.Clip(before), list...)
			if groups[normal].([]any) == nil {
				groups[normal] = []any{}
			}
		}
	}
	return groups
}

// table gives a table within a table, nil if there is none.
func table(in map[string]any, key string) map[string]any {
	t, _ := in[key].(map[string]any)
	return t
}

func get(table map[string]any, key string, absent any) any {
	if v, ok := table[key]; ok {
		return v
	}
	return absent
}

// staleInputs compares with the lock_inputs, that newer locks may have in the
// place of a digest: the groups and what they require by name. URLs are
// hashed there after PDM has rewritten them, and not compared.
func (r *reader) staleInputs(inputs tomltree.Table) string {
	p := r.file.project
	if text := inputs.String("requires-python"); !specifiersEqual(text, p.requires) {
		return fmt.Sprintf("it is locked for Python %q, not %q", text, p.requires)
	}
	groups := inputs.Table("groups")
	locked := make(map[string]bool)
	for _, key := range groups.Keys() {
		locked[key.Name] = true
		if !p.has(key.Name) {
			return fmt.Sprintf("it has the group %q, which the project does not have", key.Name)
		}
		requirements, err := p.requirements([]string{key.Name})
		if err != nil {
			return ""
		}
		written := groups.Strings(key.Name)
		for _, q := range requirements {
			if !q.direct && !slices.ContainsFunc(written, q.sameName) {
				return fmt.Sprintf("it has nothing for %s", q)
			}
		}
		if len(requirements) != len(written) {
			return fmt.Sprintf("the group %q has changed", key.Name)
		}
	}
	for _, name := range p.groupNames() {
		if !locked[name] {
			return fmt.Sprintf("the project has a new group %q", name)
		}
	}
	return r.file.difference()
}

// sameName says whether a text requires the same package and extras.
func (q requirement) sameName(text string) bool {
	other, err := parseRequirement(text)
	return err == nil && other.id() == q.id()
}

func specifiersEqual(text string, s pep440.Specifiers) bool {
	other, err := pep440.ParseSpecifiers(text)
	return err == nil && other.Equal(s)
}

// maxDifferences is how many differences a message names.
const maxDifferences = 3

// difference says which requirements of the project the lock has no package
// for; empty if it has all.
func (f *file) difference() string {
	groups := slices.DeleteFunc(f.lockedGroups(), func(g string) bool { return !f.project.has(g) })
	requirements, err := f.project.requirements(groups)
	if err != nil {
		return ""
	}
	var missing []string
	for _, q := range requirements {
		if !f.project.excludes[q.name] && !slices.ContainsFunc(f.byName[q.name], f.accepts(q)) {
			missing = append(missing, q.String())
		}
	}
	if len(missing) > maxDifferences {
		missing = append(missing[:maxDifferences], "…")
	}
	if len(missing) == 0 {
		return ""
	}
	return "it has nothing for " + strings.Join(missing, ", ")
}

// accepts gives whether a package is one that a requirement admits.
func (f *file) accepts(q requirement) func(*node) bool {
	return func(n *node) bool { return f.project.overrides[n.Name] || n.isOne(q.specifiers) }
}
