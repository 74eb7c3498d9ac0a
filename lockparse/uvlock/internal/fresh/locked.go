package fresh

import (
	"net/url"
	"path"
	"strings"

	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// locked is a local package as the lock has it.
type locked struct {
	table    tomltree.Table
	name     string
	version  string
	folder   string // relative to the lock
	kind     sourceKind
	line     int
	metadata tomltree.Table
}

// localPackages gives the packages of a lock that are trees of sources, with
// relative paths.
func localPackages(root tomltree.Table) []locked {
	var list []locked
	tables := root.Tables("package")
	if len(tables) == 0 {
		tables = root.Tables("distribution")
	}
	for _, t := range tables {
		from := t.Table("source")
		for _, kind := range []sourceKind{editable, directory, virtual} {
			if folder := from.String(string(kind)); folder != "" && !path.IsAbs(folder) {
				list = append(list, locked{
					table:    t,
					name:     pep508.NormalizeName(t.String("name")),
					version:  t.String("version"),
					folder:   path.Clean(folder),
					kind:     kind,
					line:     t.Line(),
					metadata: t.Table("metadata"),
				})
			}
		}
	}
	return list
}

// groups gives the dependency groups of the metadata.
func (l locked) groups() tomltree.Table {
	if l.metadata.Has("requires-dev") {
		return l.metadata.Table("requires-dev")
	}
	return l.metadata.Table("dependency-groups")
}

// lineOf is the line of the first key that the metadata has, else that of the
// package.
func (l locked) lineOf(keys ...string) int {
	for _, key := range keys {
		if l.metadata.Has(key) {
			return l.metadata.LineOf(key)
		}
	}
	return l.line
}

// lockedRequirements reads requirements as a lock writes them. The bool is
// false where one cannot be understood.
func lockedRequirements(t tomltree.Table, key string) ([]requirement, bool) {
	if !t.Has(key) {
		return nil, true
	}
	var list []requirement
	for _, item := range t.Tables(key) {
		r := requirement{
			name:   pep508.NormalizeName(item.String("name")),
			extras: normalNames(item.Strings("extras")),
			source: lockedSource(item),
			line:   item.Line(),
		}
		var err error
		if r.specifiers, err = pep440.ParseSpecifiers(item.String("specifier")); err != nil {
			return nil, false
		}
		marker, err := pep508.ParseMarker(item.String("marker"), pep508.UV)
		if err != nil {
			return nil, false
		}
		r.when = r.when.and(marker)
		list = append(list, r)
	}
	return list, true
}

// lockedSource reads the source of a requirement.
func lockedSource(t tomltree.Table) source {
	if repository := t.String(string(git)); repository != "" {
		address, _, _ := strings.Cut(repository, "#")
		_, query, _ := strings.Cut(address, "?")
		values, _ := url.ParseQuery(query) //nolint:errcheck // what it can read counts
		return gitSource(repository, values)
	}
	if address := t.String(string(archive)); address != "" {
		return archiveSource(address, t.String("subdirectory"))
	}
	if address := t.String(string(index)); address != "" {
		return source{index, place(address)}
	}
	for _, kind := range []sourceKind{file, editable, directory, virtual} {
		if at := t.String(string(kind)); at != "" {
			return source{kind, path.Clean(at)}
		}
	}
	return source{}
}
