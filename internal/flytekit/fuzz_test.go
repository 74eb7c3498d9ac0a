package flytekit

import (
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
)

// FuzzRead wants of any file that it has an id that stays, or an error that
// can be printed with its place.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"name: Demo\npackages: [a, 'b']\n", "python_version: 3.10\nenv: {A: 2001-12-14t21:59:43.10-05:00}", "env: &e {<<: {A: 1}, B: *e}",
		"env: {a: !!set {b}, c: !!omap [d: .inf], e: !!binary YQ==}", "base_image: {name: a, tag_format: '{spec_hash!r:^30.3}'}",
		"source_root: src\nsource_copy_mode: all\ncopy: [src]\n", "cuda: 190:20:30.15\ncudnn: 0b_1\n", "env: ! 'x'", "a: &a {<<: [*a, *a, *a]}", "\ufeffenv:\r\n  A: |\r\n    x",
	} {
		f.Add([]byte(seed))
	}
	context := fstest.MapFS{"src/a.py": {}, "src/.dockerignore": {Data: []byte("[a*\n!**/b\n")}}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read(&diag.Source{Name: "imagespec.yaml", Data: data})
		if err != nil {
			_ = diag.Format(err)
			return
		}
		id := s.ID()
		if len(id) != 22 {
			t.Errorf("id %q", id)
		}
		digests, err := s.Digests(context)
		if err == nil {
			_, err = s.Name(digests)
		}
		if err != nil {
			_ = diag.Format(err)
		}
		if again, err := Read(&diag.Source{Name: "imagespec.yaml", Data: data}); err != nil || again.ID() != id || s.ID() != id {
			t.Errorf("id %q, then %q, error %v", id, s.ID(), err)
		}
	})
}
