// Package export writes what is planned as a lock, for the user to commit.
package export

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Pylock writes a pylock.toml (PEP 751) with the packages of an image: for each
// of its platforms those that the plan of it has. It is for the Python and the
// platforms of the plans, and for no other.
//
// What comes from the build context is in it by its path there: the lock is for
// the root of the context.
func Pylock(plans []*plan.Plan) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "lock-version = \"1.0\"\ncreated-by = \"imagespec\"\nrequires-python = %q\n", "=="+strings.TrimSuffix(plans[0].Python.Minor(), "t")+".*")
	fmt.Fprintf(&b, "environments = [\n")
	for _, p := range plans {
		fmt.Fprintf(&b, "    %q,\n", marker(p))
	}
	b.WriteString("]\n")
	entries := map[string]*entry{}
	var order []*entry
	for _, p := range plans {
		for i := range p.Packages {
			pkg := &p.Packages[i]
			key := pkg.Name + " " + pkg.Version + " " + string(pkg.Kind)
			if pkg.Direct || pkg.Kind != lock.KindWheel {
				key += " " + pkg.URL + pkg.Path
			}
			if entries[key] == nil {
				entries[key] = &entry{Package: pkg}
				order = append(order, entries[key])
			}
			entries[key].add(p, pkg)
		}
	}
	slices.SortStableFunc(order, func(a, b *entry) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range order {
		e.write(&b, len(plans))
	}
	return []byte(b.String())
}

// marker is what tells a platform from the others.
func marker(p *plan.Plan) string {
	_, rest, _ := strings.Cut(p.Platform, "/")
	arch, variant, _ := strings.Cut(rest, "/")
	return fmt.Sprintf("sys_platform == 'linux' and platform_machine == '%s'", lock.Machine(arch, variant))
}

// entry is a package of the lock, for one or several platforms.
type entry struct {
	*plan.Package
	markers []string
	files   []*plan.Package
}

func (e *entry) add(p *plan.Plan, pkg *plan.Package) {
	e.markers = append(e.markers, marker(p))
	if !slices.ContainsFunc(e.files, func(f *plan.Package) bool { return f.File == pkg.File }) {
		e.files = append(e.files, pkg)
	}
}

// write writes the table of a package. It has a marker where it is not for all
// platforms.
func (e *entry) write(b *strings.Builder, platforms int) {
	fmt.Fprintf(b, "\n[[packages]]\nname = %q\n", e.Name)
	if e.Version != "" {
		fmt.Fprintf(b, "version = %q\n", e.Version)
	}
	if len(e.markers) < platforms {
		fmt.Fprintf(b, "marker = %q\n", "("+strings.Join(e.markers, ") or (")+")")
	}
	switch {
	case e.Kind == lock.KindGit:
		fmt.Fprintf(b, "vcs = %s\n", vcs(e.Package))
	case e.Kind == lock.KindDirectory:
		fmt.Fprintf(b, "directory = { path = %q }\n", e.Path)
	case e.Direct || e.Kind == lock.KindArchive:
		fmt.Fprintf(b, "archive = %s\n", inline(e.files[0], false))
	case e.Kind == lock.KindSdist:
		fmt.Fprintf(b, "sdist = %s\n", inline(e.files[0], true))
	default:
		b.WriteString("wheels = [\n")
		for _, f := range e.files {
			fmt.Fprintf(b, "    %s,\n", inline(f, true))
		}
		b.WriteString("]\n")
	}
}

// vcs is the table of a commit.
func vcs(p *plan.Package) string {
	keys := fmt.Sprintf("type = \"git\", url = %q", p.URL)
	if p.Build.Ref != "" {
		keys += fmt.Sprintf(", requested-revision = %q", p.Build.Ref)
	}
	keys += fmt.Sprintf(", commit-id = %q", p.Build.Commit)
	if p.Build.Subdirectory != "" {
		keys += fmt.Sprintf(", subdirectory = %q", p.Build.Subdirectory)
	}
	return "{ " + keys + " }"
}

// inline is the table of a file.
func inline(p *plan.Package, named bool) string {
	var keys []string
	if named {
		keys = append(keys, fmt.Sprintf("name = %q", p.File))
	}
	if p.Path != "" {
		keys = append(keys, fmt.Sprintf("path = %q", p.Path))
	} else {
		keys = append(keys, fmt.Sprintf("url = %q", p.URL))
	}
	if p.Size > 0 {
		keys = append(keys, fmt.Sprintf("size = %d", p.Size))
	}
	if p.Build != nil && p.Build.Subdirectory != "" && !named {
		keys = append(keys, fmt.Sprintf("subdirectory = %q", p.Build.Subdirectory))
	}
	return "{ " + strings.Join(append(keys, fmt.Sprintf("hashes = { sha256 = %q }", p.SHA256)), ", ") + " }"
}
