package wheelinstall

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/venv"
	"github.com/imagespec/imagespec/internal/wheelinstall/archive"
	"github.com/imagespec/imagespec/internal/wheelinstall/metadata"
)

// Limits of the metadata files, which are held in memory, in bytes. RECORD has
// about 100 for each file of the wheel.
const (
	maxMetadata = 16 << 20
	maxRecord   = 256 << 20
)

// file is a file that a wheel installs.
type file struct {
	path       string // relative to the environment
	executable bool
	entry      *archive.Entry // where its content is; nil if it is generated
	data       []byte         // the content if it is generated
	script     bool           // a first line "#!python" is replaced
	hash       string         // what the wheel's RECORD says of it; may be empty
	lost       bool           // another wheel has a file of this path that wins
	row        metadata.Row   // what the new RECORD says; set when it has been written
}

// plan is what becomes of one wheel.
type plan struct {
	layout   venv.Layout
	wheel    string // file name, for messages
	stem     string // NAME-VERSION as .dist-info has it
	record   map[string]metadata.Row
	files    map[string]*file // by path
	warnings []string
	problems []Error
}

func (p *plan) fail(entry, format string, args ...any) {
	p.problems = append(p.problems, Error{p.wheel, archive.Problem{Entry: entry, Reason: fmt.Sprintf(format, args...)}})
}

func (p *plan) warn(format string, args ...any) {
	p.warnings = append(p.warnings, p.wheel+": "+fmt.Sprintf(format, args...))
}

// readPlan reads the metadata of a wheel and decides where each of its files
// goes. The comments are the steps of the binary distribution format.
func readPlan(w Wheel, layout venv.Layout, a *archive.Archive) *plan {
	p := &plan{layout: layout, wheel: filepath.Base(w.Path), files: map[string]*file{}}
	infos := p.infoFiles(a)
	if infos == nil {
		return p
	}
	// 1.a, 1.b: parse WHEEL, check that its version is one we know.
	p.checkWheel(infos)
	p.checkName(infos)
	// 1.c, 1.d: the root goes to purelib or platlib, which are one directory.
	p.readRecord(infos, a)
	// 2.b, 2.c: launchers, then .data; scripts that start with #!python.
	scripts := p.addLaunchers(infos)
	for _, e := range a.Entries {
		p.addEntry(e, scripts)
	}
	// What the installer says of itself: INSTALLER, direct_url.json.
	p.addInstaller(w)
	return p
}

// infoFiles finds the one directory .dist-info and gives its files by name.
func (p *plan) infoFiles(a *archive.Archive) map[string]*archive.Entry {
	infos := map[string]map[string]*archive.Entry{}
	for _, e := range a.Entries {
		top, rest, nested := strings.Cut(e.Name, "/")
		stem, isInfo := strings.CutSuffix(top, ".dist-info")
		if !nested || !isInfo {
			continue
		}
		if infos[stem] == nil {
			infos[stem] = map[string]*archive.Entry{}
		}
		infos[stem][rest] = e
	}
	stems := slices.Sorted(maps.Keys(infos))
	if len(stems) != 1 {
		p.fail("", "has %d .dist-info directories, a wheel has one%s", len(stems), list(stems))
		return nil
	}
	p.stem = stems[0]
	return infos[p.stem]
}

// read gives the content of a file in .dist-info. Missing ones are problems if
// the format requires them.
func (p *plan) read(infos map[string]*archive.Entry, name string, required bool, limit int64) ([]byte, bool) {
	e, ok := infos[name]
	if !ok {
		if required {
			p.fail("", "has no %s.dist-info/%s", p.stem, name)
		}
		return nil, false
	}
	data, err := e.ReadAll(limit)
	if err != nil {
		p.failErr(e.Name, err)
	}
	return data, err == nil
}

func (p *plan) failErr(entry string, err error) {
	if problem, ok := err.(archive.Problem); ok { //nolint:errorlint // package archive does not wrap its problems
		p.problems = append(p.problems, Error{p.wheel, problem})
		return
	}
	p.fail(entry, "%v", err)
}

func (p *plan) checkWheel(infos map[string]*archive.Entry) {
	data, ok := p.read(infos, "WHEEL", true, maxMetadata)
	if !ok {
		return
	}
	w, err := metadata.ParseWheel(data)
	switch {
	case err != nil:
		p.fail("", "%v", err)
	case w.Major > 1:
		p.fail("", "has Wheel-Version %d.%d, this installer knows 1.0", w.Major, w.Minor)
	case w.Major == 1 && w.Minor > 0:
		p.warn("has Wheel-Version 1.%d, it is installed as 1.0", w.Minor)
	}
}

// checkName holds the names in the file name, of .dist-info and in METADATA
// against each other.
func (p *plan) checkName(infos map[string]*archive.Entry) {
	fromFile, _, _ := strings.Cut(p.wheel, "-")
	fromInfo, _, _ := strings.Cut(p.stem, "-")
	want := metadata.Normalize(fromFile)
	if metadata.Normalize(fromInfo) != want {
		p.fail("", "has the directory %s.dist-info, which is not %s's", p.stem, fromFile)
	}
	data, ok := p.read(infos, "METADATA", true, maxMetadata)
	if !ok {
		return
	}
	name, err := metadata.ParseName(data)
	switch {
	case err != nil:
		p.fail("", "%v", err)
	case metadata.Normalize(name) != want:
		p.fail("", "has the name %s in METADATA, which is not %s", name, fromFile)
	}
}

// readRecord reads RECORD and tells how it differs from the archive.
func (p *plan) readRecord(infos map[string]*archive.Entry, a *archive.Archive) {
	p.record = map[string]metadata.Row{}
	data, ok := p.read(infos, "RECORD", true, maxRecord)
	if !ok {
		return
	}
	rows, err := metadata.ParseRecord(data)
	if err != nil {
		p.fail("", "%v", err)
		return
	}
	for _, row := range rows {
		p.record[row.Path] = row
	}
	missing := maps.Clone(p.record)
	var unlisted []string
	for _, e := range a.Entries {
		row, listed := p.record[e.Name]
		delete(missing, e.Name)
		switch {
		case !listed && !p.isSignature(e.Name):
			unlisted = append(unlisted, e.Name)
		case row.Size >= 0 && listed && row.Size != e.Size && !p.isRecord(e.Name):
			p.fail(e.Name, "has %d bytes, RECORD says %d", e.Size, row.Size)
		}
	}
	if len(unlisted) > 0 {
		p.warn("RECORD does not list %s", few(unlisted))
	}
	if len(missing) > 0 {
		p.warn("RECORD lists what is not there: %s", few(slices.Sorted(maps.Keys(missing))))
	}
}

func (p *plan) isRecord(name string) bool { return name == p.stem+".dist-info/RECORD" }

// isSignature tells whether a file is one of those that cannot be in RECORD.
func (p *plan) isSignature(name string) bool {
	return p.isRecord(name) || p.isRecord(strings.TrimSuffix(name, ".jws")) || p.isRecord(strings.TrimSuffix(name, ".p7s"))
}

// addLaunchers adds a launcher for each script of entry_points.txt and gives
// their names.
func (p *plan) addLaunchers(infos map[string]*archive.Entry) map[string]bool {
	names := map[string]bool{}
	data, ok := p.read(infos, "entry_points.txt", false, maxMetadata)
	if !ok {
		return names
	}
	scripts, err := metadata.ParseEntryPoints(data)
	if err != nil {
		p.fail("", "%v", err)
	}
	for _, s := range versionedPip(scripts, p.layout.Python) {
		names[s.Name] = true
		p.add("entry point "+s.Name, &file{
			path:       path.Join(venv.Scripts, s.Name),
			executable: true,
			data:       launcher(s, p.layout.Interpreter()),
		})
	}
	return names
}

// addEntry adds a file of the archive where it belongs.
func (p *plan) addEntry(e *archive.Entry, scripts map[string]bool) {
	f := &file{entry: e, executable: e.Executable, hash: p.record[e.Name].Hash}
	if e.Link {
		p.warn("%q is a symbolic link, it becomes a file that holds its target", e.Name)
	}
	kind, rest, inData := p.splitData(e.Name)
	if !inData {
		if p.isInstallers(e.Name) {
			return
		}
		kind, rest = "purelib", e.Name
	}
	if rest == "" {
		p.fail(e.Name, "is a file, .data holds the directories purelib, platlib, scripts, headers and data")
		return
	}
	switch kind {
	case "purelib", "platlib":
		f.path = path.Join(p.layout.SitePackages(), rest)
	case "headers":
		name, _, _ := strings.Cut(p.stem, "-")
		f.path = path.Join(p.layout.Headers(metadata.Normalize(name)), rest)
	case "scripts":
		if isSetuptoolsScript(path.Base(rest), scripts) {
			return
		}
		f.path, f.executable, f.script = path.Join(venv.Scripts, rest), true, true
	case "data":
		f.path = rest
	default:
		p.fail(e.Name, "%q in .data is none of purelib, platlib, scripts, headers and data", kind)
		return
	}
	if below, ok := strings.CutPrefix(f.path, "lib64/"); ok {
		f.path = "lib/" + below
	}
	p.add(e.Name, f)
}

// splitData takes NAME-VERSION.data/KIND/REST apart. The stem is compared as
// names are, since there are wheels that spell it otherwise than .dist-info.
func (p *plan) splitData(name string) (kind, rest string, ok bool) {
	top, below, _ := strings.Cut(name, "/")
	stem, isData := strings.CutSuffix(top, ".data")
	if !isData || metadata.Normalize(stem) != metadata.Normalize(p.stem) {
		return "", "", false
	}
	kind, rest, _ = strings.Cut(below, "/")
	return kind, rest, true
}

// isInstallers tells whether a file is one that only an installer may write.
func (p *plan) isInstallers(name string) bool {
	base, isInfo := strings.CutPrefix(name, p.stem+".dist-info/")
	return isInfo && slices.Contains([]string{"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}, base)
}

// add puts a file into the plan unless its path is not free for it. The origin
// is what messages call it.
func (p *plan) add(origin string, f *file) {
	base, inScripts := strings.CutPrefix(f.path, venv.Scripts+"/")
	other, taken := p.files[f.path]
	switch {
	case inScripts && isInterpreterName(base):
		p.fail(origin, "would replace the interpreter %s", f.path)
	case slices.Contains([]string{"pyvenv.cfg", "lib64", venv.Scripts, p.info("RECORD")}, f.path):
		p.fail(origin, "would replace %q of the environment", f.path)
	case taken && !sameBytes(f, other):
		p.fail(origin, "and another file of the wheel both become %s", f.path)
	case !taken:
		if inScripts && (base == "activate" || strings.HasPrefix(base, "activate.") || base == "activate_this.py") {
			p.warn("%q replaces a script that activates the environment", f.path)
		}
		p.files[f.path] = f
	}
}

// sameBytes tells whether two files have the same content and mode. Those of
// archives are compared by length and CRC-32; a wheel that is made to collide
// hides a warning by that, nothing else: which file wins does not depend on it.
func sameBytes(a, b *file) bool {
	if a.executable != b.executable || a.script != b.script || (a.entry == nil) != (b.entry == nil) {
		return false
	}
	if a.entry == nil {
		return string(a.data) == string(b.data)
	}
	return a.entry.Size == b.entry.Size && a.entry.CRC32 == b.entry.CRC32
}

// addInstaller adds what says who installed the wheel, and from where.
func (p *plan) addInstaller(w Wheel) {
	p.add("INSTALLER", &file{path: p.info("INSTALLER"), data: []byte("imagespec\n")})
	if w.Origin != "" {
		p.add("direct_url.json", &file{path: p.info("direct_url.json"), data: []byte(w.Origin)})
	}
	if w.DirectURL == "" {
		return
	}
	data, err := metadata.DirectURL(w.DirectURL, w.SHA256)
	if err != nil {
		p.fail("", "%v", err)
		return
	}
	p.add("direct_url.json", &file{path: p.info("direct_url.json"), data: data})
}

// info gives the path of a file in the installed .dist-info.
func (p *plan) info(name string) string {
	return path.Join(p.layout.SitePackages(), p.stem+".dist-info", name)
}

// recordPath gives a path as RECORD has it: relative to site-packages, with no
// more ".." than it takes.
func (p *plan) recordPath(name string) string {
	site, parts := strings.Split(p.layout.SitePackages(), "/"), strings.Split(name, "/")
	for len(site) > 0 && len(parts) > 1 && site[0] == parts[0] {
		site, parts = site[1:], parts[1:]
	}
	return strings.Repeat("../", len(site)) + strings.Join(parts, "/")
}

// newRecord gives the RECORD of what has been written.
func (p *plan) newRecord() []byte {
	rows := []metadata.Row{{Path: p.recordPath(p.info("RECORD")), Size: -1}}
	for _, f := range p.files {
		rows = append(rows, f.row)
	}
	return metadata.FormatRecord(rows)
}

// few names the first of many, for a message of one line.
func few(names []string) string {
	const shown = 3
	quoted := make([]string, min(len(names), shown))
	for i := range quoted {
		quoted[i] = fmt.Sprintf("%q", names[i])
	}
	s := strings.Join(quoted, ", ")
	if len(names) > shown {
		s += fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return s
}

// list gives names after a colon, and nothing if there are none.
func list(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": " + few(names)
}
