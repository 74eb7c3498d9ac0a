package pipfilelock

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/internal/pyjson"
	"github.com/imagespec/imagespec/lockparse/internal/tomltree"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// checkFresh warns where the lock does not fit the Pipfile beside it.
func (r *reader) checkFresh(root *value, open func(string) (*diag.Source, error)) {
	src, err := open(strings.TrimSuffix(path.Base(r.src.Name), ".lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		r.fail(fmt.Errorf("the Pipfile of %s: %w", r.src.Name, err))
		return
	}
	// The tree is read for its limits and its errors.
	if _, err := tomltree.Parse(src); err != nil {
		r.fail(lock.Malformed.Wrap(err))
		return
	}
	var pipfile map[string]any
	if err := toml.Unmarshal(src.Data, &pipfile); err != nil {
		r.fail(lock.Malformed.Errorf(diag.Range{Source: src}, "%s is no TOML: %w", src.Name, err))
		return
	}
	hash := root.get("_meta").get("hash").get("sha256")
	at := diag.Range{Source: r.src}
	if hash != nil {
		at.Line = hash.line
		// Until 2026 Pipenv took names as they are written.
		if hash.text == digest(pipfile, pep508.NormalizeName) || hash.text == digest(pipfile, func(name string) string { return name }) {
			return
		}
	}
	r.lock.Warnings = append(r.lock.Warnings, diag.Warning{
		Rule: lock.StaleLock,
		Msg:  fmt.Sprintf("%s does not fit %s: %s", r.src.Name, src.Name, r.difference(pipfile)),
		Hint: `run "pipenv lock"`,
		At:   at,
	})
}

// digest gives what Pipenv stores in a lock, with the names of packages in
// the given form; empty for a Pipfile that Pipenv would not read.
func digest(pipfile map[string]any, form func(string) string) string {
	section := func(key string) any {
		named := make(map[string]any)
		table, _ := pipfile[key].(map[string]any)
		for name, requirement := range table {
			named[form(name)] = requirement
		}
		return named
	}
	requires, ok := pipfile["requires"]
	if !ok {
		requires = map[string]any{}
	}
	sources, ok := pipfile["source"]
	if !ok {
		sources = []any{map[string]any{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true}}
	}
	data := map[string]any{
		"_meta":         map[string]any{"sources": sources, "requires": requires},
		defaultCategory: section("packages"),
		developCategory: section("dev-packages"),
	}
	for _, key := range categories(pipfile) {
		if _, known := data[key]; !known {
			data[key] = section(key)
		}
	}
	text, err := pyjson.DumpsCompact(data)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// categories gives the tables of a Pipfile that are no settings, sorted.
func categories(pipfile map[string]any) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(pipfile)) {
		switch name {
		case "source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv":
		default:
			names = append(names, name)
		}
	}
	return names
}

// maxDifferences is how many differences a warning names.
const maxDifferences = 3

// difference says what has changed, as far as the lock lets that be seen.
func (r *reader) difference(pipfile map[string]any) string {
	var changes []string
	for _, section := range append([]string{"packages", "dev-packages"}, categories(pipfile)...) {
		locked := r.file.locked(categoryOf(section))
		table, _ := pipfile[section].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(table)) {
			if change := change(locked[pep508.NormalizeName(name)], name, table[name]); change != "" {
				changes = append(changes, change)
			}
		}
	}
	if len(changes) == 0 {
		return "the packages, sources or requirements of the Pipfile have changed"
	}
	if len(changes) > maxDifferences {
		changes = append(changes[:maxDifferences], "…")
	}
	return strings.Join(changes, ", ")
}

// locked gives the packages of a category by their names.
func (f *file) locked(category string) map[string]*lock.Package {
	packages := make(map[string]*lock.Package)
	for _, c := range f.categories {
		if pep508.NormalizeName(c.name) != category {
			continue
		}
		for _, e := range c.entries {
			packages[e.pkg.Name] = e.pkg
		}
	}
	return packages
}

// change says how a package, nil if there is none, differs from a requirement
// of the Pipfile.
func change(locked *lock.Package, name string, requirement any) string {
	if locked == nil {
		return fmt.Sprintf("it has nothing for %q", name)
	}
	if table, ok := requirement.(map[string]any); ok {
		requirement = table["version"]
	}
	text, _ := requirement.(string)
	specifiers, err := pep440.ParseSpecifiers(text)
	version, versionErr := pep440.Parse(locked.Version)
	if err == nil && versionErr == nil && !specifiers.Contains(version) {
		return fmt.Sprintf("it has %s, not %s%s", locked, name, text)
	}
	return ""
}
