package uvlock_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// snapshot is one of uv's own snapshot tests of "uv sync" or "uv export".
type snapshot struct {
	ID             string
	Python         []string
	Files          map[string]string
	Lock           string
	Cwd            *string
	Args           []string
	ExitCode       int `json:"exit_code"`
	Installed      map[string]struct{ Version, From string }
	Output         string
	Category       string
	ReferenceModel string `json:"reference_model"`
}

// linux is the target of uv's snapshot tests: they ran on x86_64 with a patch
// release of the Python that they name.
func linux(t *testing.T, python string) lock.Target {
	t.Helper()
	target, err := lock.LinuxTarget("amd64", "", python+".9", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// read makes a build context of a snapshot's files and reads its lock.
func (s snapshot) read() (*lock.Lock, error) {
	fsys := fstest.MapFS{"uv.lock": {Data: []byte(unredact(s.Lock))}}
	for name, text := range s.Files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return lockparse.Read(fsys, "uv.lock", nil)
}

// unredact puts something in the place of what uv's tests take out of locks:
// numbers that look like the patch release of their Python, and commits.
func unredact(lock string) string {
	return strings.NewReplacer(".[X]", ".0", "[COMMIT]", strings.Repeat("0", 40)).Replace(lock)
}

// request puts the arguments of a snapshot in our terms.
func (s snapshot) request(t *testing.T) lock.Request {
	t.Helper()
	r := lock.Request{DefaultGroups: true}
	packages := 0
	for i := 0; i < len(s.Args); i++ {
		option, value, joined := strings.Cut(s.Args[i], "=")
		argument := func() string {
			if !joined {
				i++
				value = s.Args[i]
			}
			return value
		}
		switch option {
		case "--extra":
			r.Extras = append(r.Extras, argument())
		case "--group":
			r.Groups = append(r.Groups, argument())
		case "--only-group":
			r.Groups, r.OnlyGroups = append(r.Groups, argument()), true
		case "--no-group":
			r.NoGroups = append(r.NoGroups, argument())
		case "--no-dev":
			r.NoGroups = append(r.NoGroups, "dev")
		case "--only-dev":
			// uv asks for the group only if there is one.
			if r.OnlyGroups = true; strings.Contains(s.Lock, "\ndev = [") {
				r.Groups = append(r.Groups, "dev")
			}
		case "--all-extras":
			r.AllExtras = true
		case "--all-groups":
			r.AllGroups = true
		case "--all-packages":
			r.AllPackages = true
		case "--package":
			// Two packages at once cannot be asked for; the one snapshot that
			// does names all members.
			r.Package = argument()
			packages++
			r.AllPackages = packages > 1
		case "--no-build":
			r.NoBuild.All = true
		case "--frozen", "--locked", "--reinstall", "--no-cache":
		default:
			t.Fatalf("%s: argument %q is not known", s.ID, option)
		}
	}
	return r
}

// TestSyncSnapshots compares with what uv installed in its own tests.
func TestSyncSnapshots(t *testing.T) {
	var all []snapshot
	vectors.Load(t, "uv-sync/uv_sync_snapshots.json", &all)
	met := make(map[string]int)
	total := make(map[string]int)
	for _, s := range all {
		if s.ReferenceModel != "ok" {
			continue
		}
		total[s.Category]++
		if t.Run(s.ID, func(t *testing.T) { s.check(t) }) {
			met[s.Category]++
		}
	}
	t.Logf("selections: %d of %d, errors: %d of %d", met["select"], total["select"], met["error"], total["error"])
	if total["select"] != 137 || total["error"] != 15 {
		t.Errorf("the vectors have changed: %v", total)
	}
}

func (s snapshot) check(t *testing.T) {
	l, err := s.read()
	if err != nil {
		t.Fatal(err)
	}
	got, err := lock.Select(l, linux(t, s.Python[0]), s.request(t), nil)
	if s.Category == "error" {
		if !errors.Is(err, lock.Conflict) {
			t.Errorf("error %v, but uv says:\n%s", err, s.Output)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v\nuv says:\n%s", diag.Format(err), s.Output)
	}
	if got, want := versions(got), s.installed(); !maps.Equal(got, want) {
		t.Errorf("selected %v\nuv installs %v", got, want)
	}
}

// versions gives name → version of a selection. Where only a build tells the
// version it is empty.
func versions(s *lock.Selection) map[string]string {
	names := make(map[string]string)
	for _, p := range s.Packages {
		names[p.Package.Name] = p.Package.Version
	}
	return names
}

// installed gives name → version of what uv installed. Versions that the lock
// does not have are left out, as uv learnt them by a build.
func (s snapshot) installed() map[string]string {
	names := make(map[string]string)
	for name, p := range s.Installed {
		names[name] = p.Version
		if strings.Contains(s.Lock, fmt.Sprintf("name = %q\nsource", name)) {
			names[name] = ""
		}
	}
	return names
}

// TestLockSnapshots reads every lock that uv's tests write.
func TestLockSnapshots(t *testing.T) {
	var all []struct{ ID, Lock string }
	vectors.Load(t, "uv-sync/uv_lock_snapshots.json", &all)
	met := 0
	for _, s := range all {
		if _, err := (snapshot{Lock: s.Lock}).read(); err != nil {
			t.Errorf("%s: %v", s.ID, diag.Format(err))
			continue
		}
		met++
	}
	t.Logf("locks: %d of %d", met, len(all))
}

// project is one of the real projects of the vectors, with the selections
// that an independent model of uv's algorithm made from its lock.
type project struct {
	DefaultGroups any `json:"default_groups"`
	Cases         []projectCase
}

type projectCase struct {
	Target      string
	Variant     string
	Extras      []string
	Groups      any
	AllPackages bool `json:"all_packages"`
	Packages    []string
	Error       string
}

func (c projectCase) String() string {
	return c.Target + "/" + c.Variant
}

func (c projectCase) request() lock.Request {
	r := lock.Request{Extras: c.Extras, AllPackages: c.AllPackages}
	switch groups := c.Groups.(type) {
	case string:
		r.DefaultGroups = groups == "default"
	case []any:
		for _, group := range groups {
			r.Groups = append(r.Groups, group.(string))
		}
	}
	return r
}

// projectTargets are the targets of the projects' cases by name.
func projectTargets(t *testing.T) map[string]lock.Target {
	t.Helper()
	targets := make(map[string]lock.Target)
	add := func(name, arch, python string, libc wheel.Libc) {
		target, err := lock.LinuxTarget(arch, "", python, false, libc)
		if err != nil {
			t.Fatal(err)
		}
		targets[name] = target
	}
	glibc, musl := wheel.Libc{Family: "glibc", Major: 2, Minor: 36}, wheel.Libc{Family: "musl", Major: 1, Minor: 2}
	add("cp3.10-linux-x86_64-glibc2.36", "amd64", "3.10.16", glibc)
	add("cp3.11-linux-x86_64-glibc2.36", "amd64", "3.11.11", glibc)
	add("cp3.12-linux-x86_64-glibc2.36", "amd64", "3.12.9", glibc)
	add("cp3.13-linux-x86_64-glibc2.36", "amd64", "3.13.2", glibc)
	add("cp3.14-linux-x86_64-glibc2.36", "amd64", "3.14.0", glibc)
	add("cp3.12-linux-aarch64-glibc2.36", "arm64", "3.12.9", glibc)
	add("cp3.12-linux-x86_64-musl1.2", "amd64", "3.12.9", musl)
	targets["cp3.13-macos15-arm64"] = macOS(t, targets["cp3.13-linux-x86_64-glibc2.36"])
	return targets
}

// macOS makes a target that no image has; the vectors have it because it is
// the hardest on the markers.
func macOS(t *testing.T, target lock.Target) lock.Target {
	t.Helper()
	var golden map[string]struct {
		Tags []string `json:"uv_tags_high_to_low"`
	}
	vectors.Load(t, "tags/golden_tags.json", &golden)
	var platforms []string
	for _, tag := range golden["cp313-macos_15-arm64"].Tags {
		if platform, ok := strings.CutPrefix(tag, "cp313-cp313-"); ok {
			platforms = append(platforms, platform)
		}
	}
	target.Env.SysPlatform, target.Env.PlatformSystem, target.Env.PlatformMachine = "darwin", "Darwin", "arm64"
	target.Tags = wheel.NewTags(wheel.Python{Major: 3, Minor: 13}, platforms)
	return target
}

// unredactFS is a folder whose locks are read without redactions.
type unredactFS struct{ fs.FS }

func (f unredactFS) Open(name string) (fs.File, error) {
	if info, err := fs.Stat(f.FS, name); err != nil || info.IsDir() {
		return f.FS.Open(name)
	}
	data, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, err
	}
	return fstest.MapFS{name: {Data: []byte(unredact(string(data)))}}.Open(name)
}

// groupPythons are the cases in which the model did not see that uv refuses
// the Python: tool.uv.dependency-groups.docs.requires-python is >=3.12.
// "uv sync --frozen --group docs" of uv 0.13.9 with Python 3.10.13 and 3.11.7:
// "incompatible with the project's Python requirement … uv:docs: >=3.12".
var groupPythons = []string{
	"uv-self/cp3.10-linux-x86_64-glibc2.36/all-nonconflicting-groups",
	"uv-self/cp3.11-linux-x86_64-glibc2.36/all-nonconflicting-groups",
}

// TestProjects compares with the selections from the locks of real projects.
func TestProjects(t *testing.T) {
	dir := filepath.Join(vectors.Dir(t), "uv-locks")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	targets := projectTargets(t)
	met, total := 0, 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		var p project
		vectors.Load(t, path.Join("uv-locks", entry.Name(), "cases.json"), &p)
		l, err := lockparse.Read(unredactFS{os.DirFS(filepath.Join(dir, entry.Name()))}, "uv.lock", nil)
		if err != nil {
			t.Errorf("%s: %s", entry.Name(), diag.Format(err))
			continue
		}
		for _, c := range p.Cases {
			total++
			name := entry.Name() + "/" + c.String()
			if slices.Contains(groupPythons, name) {
				c.Error, c.Packages = "requires-python", nil
			}
			if t.Run(name, func(t *testing.T) { c.check(t, l, targets[c.Target]) }) {
				met++
			}
		}
	}
	t.Logf("cases: %d of %d", met, total)
}

func (c projectCase) check(t *testing.T, l *lock.Lock, target lock.Target) {
	r := c.request()
	want, missing := splitMissing(c.Packages)
	if len(missing) > 0 {
		// The model goes on where a package has no file; we name all of them,
		// and go on if told to leave them out.
		_, err := lock.Select(l, target, r, nil)
		if !errors.Is(err, lock.NoArtifact) || len(diag.All(err)) != len(missing) {
			t.Errorf("error %v, want one for each of %v", err, missing)
		}
		r.NoInstall = missing
	}
	got, err := lock.Select(l, target, r, nil)
	switch {
	case c.Error == "requires-python" && errors.Is(err, lock.WrongPython):
	case c.Error == "platform" && errors.Is(err, lock.UnsupportedPlatform):
	case c.Error != "":
		t.Errorf("error %v, want %s", err, c.Error)
	case err != nil:
		t.Error(diag.Format(err))
	default:
		compare(t, rows(got), want)
	}
}

// splitMissing gives the packages that have a file, and the names of others.
func splitMissing(rows []string) (found, missing []string) {
	for _, row := range rows {
		if fields := strings.Fields(row); fields[2] == "NONE" {
			missing = append(missing, fields[0])
		} else {
			found = append(found, row)
		}
	}
	return found, missing
}

// rows writes a selection as the vectors do: "name version kind file hash".
func rows(s *lock.Selection) []string {
	var rows []string
	for _, p := range s.Packages {
		version := p.Package.Version
		if version == "" {
			version = "-"
		}
		row := p.Package.Name + " " + version
		switch p.Kind {
		case lock.KindWheel:
			row += " wheel " + p.File.Name
		case lock.KindSdist:
			row += " sdist " + p.File.Name
		default:
			row += " source"
		}
		if len(p.File.Hashes) > 0 {
			row += " " + p.File.Hashes[0].Algorithm + ":" + p.File.Hashes[0].Hex
		}
		rows = append(rows, row)
	}
	return rows
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i, row := range want {
		row = unredact(row)
		want[i] = row
		if name, _, ok := strings.Cut(row, " source "); ok {
			want[i] = name + " source"
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	for _, row := range got {
		if !slices.Contains(want, row) {
			t.Errorf("selected, but not in the vector: %s", row)
		}
	}
	for _, row := range want {
		if !slices.Contains(got, row) {
			t.Errorf("not selected, but in the vector: %s", row)
		}
	}
}
