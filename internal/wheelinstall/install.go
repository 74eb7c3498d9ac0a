package wheelinstall

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/tree"
	"github.com/imagespec/imagespec/internal/venv"
	"github.com/imagespec/imagespec/internal/wheelinstall/archive"
	"github.com/imagespec/imagespec/internal/wheelinstall/metadata"
)

// Wheel is a wheel to install.
type Wheel struct {
	Path      string // of the file; its base name is that of the wheel
	SHA256    string // digest of the file in hex, to be verified; may be empty
	DirectURL string // the URL by which the user named the wheel (PEP 610); may be empty
	Origin    string // the text of direct_url.json, where the wheel was built from something else; may be empty
}

// Options says what to install, and where.
type Options struct {
	venv.Layout
	Root   string       // existing directory that stands for / of the image
	Wheels []Wheel      // in any order
	Warn   func(string) // takes what a wheel's maker should know, one line each; may be nil
}

// Summary counts what has been written.
type Summary struct {
	Wheels int
	Files  int
	Bytes  int64
}

// Error is what is wrong with a wheel or an entry of it.
type Error struct {
	Wheel string // its file name
	archive.Problem
}

// Error gives wheel, entry and reason in one line.
func (e Error) Error() string { return e.Wheel + ": " + e.Problem.Error() }

// Install installs wheels. If any of them is not as it has to be, nothing is
// written, and the error joins an Error for each thing that is wrong; what only
// shows when a file is read (its digest, its CRC) is found while writing, so
// that files may have been written then.
func Install(opt Options) (s Summary, err error) {
	if err := opt.check(); err != nil {
		return s, err
	}
	wheels := slices.SortedFunc(slices.Values(opt.Wheels), func(a, b Wheel) int {
		return strings.Compare(filepath.Base(a.Path), filepath.Base(b.Path))
	})
	plans := make([]*plan, len(wheels))
	closers := make([]io.Closer, len(wheels))
	defer func() {
		for _, c := range closers {
			if c != nil {
				c.Close()
			}
		}
	}()
	err = parallel(len(wheels), func(i int) (err error) {
		plans[i], closers[i], err = open(wheels[i], opt.Layout)
		return err
	})
	if err != nil {
		return s, err
	}
	problems := merge(plans)
	for _, p := range plans {
		problems = append(problems, p.problems...)
		for _, warning := range p.warnings {
			if opt.Warn != nil {
				opt.Warn(warning)
			}
		}
	}
	if len(problems) > 0 {
		return s, join(problems)
	}
	return write(opt, plans)
}

// check refuses options that contradict themselves: file names that are no
// wheels', and two wheels of one project, which pip and uv would not install
// beside each other.
func (opt Options) check() error {
	seen := map[string]string{}
	for _, w := range opt.Wheels {
		base := filepath.Base(w.Path)
		if !strings.HasSuffix(base, ".whl") || strings.Count(base, "-") < 4 {
			return fmt.Errorf("%s: is not the name of a wheel (NAME-VERSION-PYTHON-ABI-PLATFORM.whl)", base)
		}
		name, _, _ := strings.Cut(base, "-")
		name = metadata.Normalize(name)
		if other, taken := seen[name]; taken {
			return fmt.Errorf("%s: is of the same project as %s", base, other)
		}
		seen[name] = base
	}
	return opt.Layout.Check()
}

// open verifies, reads and plans one wheel.
func open(w Wheel, layout venv.Layout) (*plan, io.Closer, error) {
	f, err := os.Open(w.Path)
	if err != nil {
		return nil, nil, err
	}
	p := &plan{wheel: filepath.Base(w.Path)}
	if w.SHA256 != "" {
		if err := verify(f, w.SHA256); err != nil {
			p.failErr("", err)
			return p, f, nil
		}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, f, err
	}
	a, problems := archive.Read(f, info.Size())
	for _, problem := range problems {
		p.problems = append(p.problems, Error{p.wheel, problem})
	}
	if a == nil {
		return p, f, nil
	}
	return readPlan(w, layout, a), f, nil
}

// verify holds the digest of a whole wheel against what the lock file says.
func verify(r io.Reader, want string) error {
	h := sha256.New()
	if _, err := io.CopyBuffer(h, r, make([]byte, copyBuffer)); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != strings.ToLower(want) {
		return archive.Problem{Reason: fmt.Sprintf("has the SHA-256 %s, expected %s", got, strings.ToLower(want))}
	}
	return nil
}

// owner is the file that has a path, and the wheel that it is of.
type owner struct {
	plan *plan
	file *file
}

// merge decides which of several files with one path is written, and finds
// files where others need a directory.
func merge(plans []*plan) []Error {
	owners := map[string]owner{}
	for _, p := range plans {
		replaced := map[string][]string{} // by the other wheel
		for name, f := range p.files {
			other, taken := owners[name]
			owners[name] = owner{p, f}
			if !taken {
				continue
			}
			other.file.lost = true
			if !sameBytes(f, other.file) {
				replaced[other.plan.wheel] = append(replaced[other.plan.wheel], name)
			}
		}
		for _, wheel := range slices.Sorted(maps.Keys(replaced)) {
			p.warn("replaces files of %s: %s", wheel, few(slices.Sorted(slices.Values(replaced[wheel]))))
		}
	}
	var problems []Error
	for _, p := range plans {
		for name := range p.files {
			if dir, o, found := fileAbove(name, owners); found {
				reason := fmt.Sprintf("needs the directory %s, which is a file of %s", dir, o.plan.wheel)
				problems = append(problems, Error{p.wheel, archive.Problem{Entry: name, Reason: reason}})
			}
		}
	}
	return problems
}

// fileAbove finds a file at the place of a directory that a path needs.
func fileAbove(name string, owners map[string]owner) (dir string, o owner, found bool) {
	for dir = path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if o, found = owners[dir]; found {
			return dir, o, true
		}
	}
	return "", owner{}, false
}

// join makes one error of problems, in a fixed order.
func join(problems []Error) error {
	slices.SortStableFunc(problems, func(a, b Error) int {
		return cmp.Or(strings.Compare(a.Wheel, b.Wheel), strings.Compare(a.Entry, b.Entry))
	})
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// write writes the files of all plans, then their RECORDs, then the times of
// the directories.
func write(opt Options, plans []*plan) (s Summary, err error) {
	t, err := tree.Open(opt.Root)
	if err != nil {
		return s, err
	}
	defer func() {
		if closeErr := t.Close(); err == nil {
			err = closeErr
		}
	}()
	prefix := strings.TrimPrefix(opt.Prefix, "/")
	if err := t.MkdirAbove(prefix); err != nil {
		return s, err
	}
	if err := t.Mkdir(directories(prefix, plans)...); err != nil {
		return s, err
	}
	if err := writeFiles(t, prefix, plans); err != nil {
		return s, err
	}
	s.Wheels = len(plans)
	for _, p := range plans {
		record := p.newRecord()
		if err := t.WriteFile(path.Join(prefix, p.info("RECORD")), false, record); err != nil {
			return s, err
		}
		s.Files += len(p.files) + 1
		s.Bytes += int64(len(record))
		for _, f := range p.files {
			s.Bytes += f.row.Size
		}
	}
	return s, nil
}
