package uvlock_test

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// notCompared are the snapshots of "uv export" that say nothing about what we
// do, which is what "uv sync" does.
var notCompared = []string{
	// To leave out a package with its dependencies (--prune) is not offered.
	"export.rs::requirements_txt_non_project_fork#3",
	"export.rs::requirements_txt_non_project_fork#4",
	// Whether the lock fits its pyproject.toml is not checked.
	"export.rs::export_lock_workspace_mismatch_with_frozen#1",
	// The package of this lock has no files, which an export does not need.
	"export.rs::requirements_txt_emit_indexes#1",
	// An edge asks for an extra by a plain name, as uv writes none: "uv sync"
	// of 0.13.9 does not follow it, "uv export" does.
	"export.rs::requirements_txt_simplifies_selected_root_extra_markers_from_lock#1",
}

// TestExportSnapshots compares with the requirement files that uv exports:
// those of their lines whose markers hold are what the target must get.
func TestExportSnapshots(t *testing.T) {
	var all []snapshot
	vectors.Load(t, "uv-sync/uv_export_snapshots.json", &all)
	met, total := 0, 0
	for _, s := range all {
		if slices.Contains(notCompared, s.ID) {
			continue
		}
		total++
		s.Args = slices.DeleteFunc(s.Args, func(arg string) bool {
			return arg == "--no-header"
		})
		if t.Run(s.ID, func(t *testing.T) { s.checkExport(t) }) {
			met++
		}
	}
	t.Logf("exports: %d of %d, and %d not compared", met, total, len(notCompared))
}

func (s snapshot) checkExport(t *testing.T) {
	l, err := s.read()
	if err != nil {
		t.Fatal(err)
	}
	target := linux(t, s.Python[0])
	selection, err := lock.Select(l, target, s.request(t), nil)
	if s.ExitCode != 0 {
		if !errors.Is(err, lock.Conflict) {
			t.Errorf("error %v, but uv says:\n%s", err, s.Output)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	for _, p := range selection.Packages {
		if p.Kind == lock.KindDirectory {
			got[p.Package.Source.Path] = true
		} else {
			got[p.Package.Name+"=="+p.Package.Version] = true
		}
	}
	if want := s.exported(t, target.Env); !maps.Equal(got, want) {
		t.Errorf("selected %v\nuv exports %v", got, want)
	}
}

// exported gives the requirements of an export whose markers hold: pins, and
// paths of source trees.
func (s snapshot) exported(t *testing.T, env pep508.Env) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for line := range strings.Lines(s.Output) {
		if line == "----- stderr -----\n" {
			break
		}
		requirement, marker, _ := strings.Cut(strings.TrimRight(line, " \\\n"), " ; ")
		m, err := pep508.ParseMarker(marker, pep508.UV)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := m.Eval(&env); err != nil || !ok {
			continue
		}
		tree := strings.TrimPrefix(requirement, "-e ")
		switch {
		case strings.HasPrefix(tree, "."):
			names[path.Clean(tree)] = true
		case strings.Contains(requirement, "==") && !strings.HasPrefix(requirement, " "):
			names[requirement] = true
		}
	}
	return names
}
