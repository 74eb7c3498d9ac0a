package requirements

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// pipCase is a file and its includes, and what pip's own parser made of them.
type pipCase struct {
	Name  string
	Files map[string]json.RawMessage // text, or {"base64": …}
	Env   map[string]string
	Lines []pipLine
	Error string
}

type pipLine struct {
	File       string
	Line       int
	Args       string
	Opts       map[string]any
	Constraint bool
	Editable   bool
	Formats    [2][]string // only from TestLivePip
	Parsed     *pipParsed
	ParseError string `json:"parse_error"`
}

type pipParsed struct {
	Name, Specifier, URL, Marker *string
	Extras                       []string
}

// knownMisses are the lines of vectors that are not read as pip reads them.
func knownMisses() map[string]string {
	return map[string]string{
		"names:4": `a name that ends with "_" is refused, as the specification has it`,
	}
}

func TestVectorsPipParser(t *testing.T) {
	var data struct{ Cases []pipCase }
	vectors.Load(t, "requirements-txt/pip_parser_cases.json", &data)
	met := 0
	for _, c := range data.Cases {
		if t.Run(c.Name, func(t *testing.T) { c.check(t) }) {
			met++
		}
	}
	t.Logf("%d of %d cases of pip's parser", met, len(data.Cases))
}

// read collects the statements of the files.
func (c pipCase) read(t *testing.T) *reader {
	files := make(map[string]string)
	for name, raw := range c.Files {
		files[name] = fileText(t, raw)
	}
	src := &diag.Source{Name: "requirements.txt", Data: []byte(files["requirements.txt"])}
	r := newReader(src, opener(files), func(name string) string { return c.Env[name] })
	r.read(src, false, nil)
	return r
}

func (c pipCase) check(t *testing.T) {
	r := c.read(t)
	if failed := len(r.errs) > 0; failed != (c.Error != "") {
		t.Fatalf("errors %v, pip has %q", r.errs, c.Error)
	}
	if c.Error != "" {
		return
	}
	statements := slices.DeleteFunc(r.statements, func(s statement) bool { _, include := s.include(); return include != "" })
	if len(statements) != len(c.Lines) {
		t.Fatalf("%d statements, pip has %d", len(statements), len(c.Lines))
	}
	for i, want := range c.Lines {
		want.check(t, c.Name, r, statements[i])
	}
}

func (want pipLine) check(t *testing.T, name string, r *reader, s statement) {
	got := pipLine{
		File: s.at.Source.Name, Line: s.at.Line, Args: s.args, Constraint: s.constraint, Editable: len(s.opts.editables) > 0,
	}
	if got.File != want.File || got.Line != want.Line || got.Args != want.Args || got.Constraint != want.Constraint || got.Editable != want.Editable {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	gotOpts, wantOpts := marshal(t, optsOf(s.opts)), marshal(t, want.Opts)
	if gotOpts != wantOpts {
		t.Errorf("line %d: options %s, want %s", s.Number, gotOpts, wantOpts)
	}
	if want.Parsed == nil && want.ParseError == "" {
		return
	}
	q, err := parseRequirement(s.args, r.hasTree)
	if _, missed := knownMisses()[fmt.Sprintf("%s:%d", name, s.Number)]; missed {
		if (err != nil) == (want.ParseError != "") {
			t.Errorf("line %d is no longer missed", s.Number)
		}
		return
	}
	switch {
	case (err != nil) != (want.ParseError != ""):
		t.Errorf("%q: error %v, pip has %q", s.args, err, want.ParseError)
	case err == nil:
		want.Parsed.check(t, q)
	}
}

func (want *pipParsed) check(t *testing.T, q *requirement) {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	sortClauses := func(s string) []string { return slices.Sorted(slices.Values(strings.Split(s, ","))) }
	location := text(want.URL)
	if local, ok := strings.CutPrefix(location, "file://$DIR"); ok {
		location, _ = url.PathUnescape(strings.TrimPrefix(local, "/"))
	}
	got := q.link.location
	if q.link.path != "" {
		got = strings.TrimPrefix(q.link.path, ".")
	}
	wantName := strings.NewReplacer("_", "-", ".", "-", "--", "-").Replace(strings.ToLower(text(want.Name)))
	if q.name != wantName && !(want.Name == nil && q.name != "") ||
		!slices.Equal(sortClauses(q.specifiers.String()), sortClauses(text(want.Specifier))) ||
		q.marker.String() != text(want.Marker) || got != location ||
		!slices.Equal(slices.Sorted(slices.Values(q.extras)), slices.Sorted(slices.Values(want.Extras))) {
		t.Errorf("%q: got %q %q %q %q %q", q.text, q.name, q.specifiers, q.marker, got, q.extras)
	}
}

// optsOf gives options as pip's vectors have them.
func optsOf(o options) map[string]any {
	m := make(map[string]any)
	set := func(name string, value any, on bool) {
		if on {
			m[name] = value
		}
	}
	set("index_url", o.indexURL, o.indexURL != "")
	set("extra_index_urls", o.extraIndexURLs, len(o.extraIndexURLs) > 0)
	set("no_index", true, o.noIndex)
	set("find_links", o.findLinks, len(o.findLinks) > 0)
	set("editables", o.editables, len(o.editables) > 0)
	set("require_hashes", true, o.requireHashes)
	set("trusted_hosts", o.trustedHosts, len(o.trustedHosts) > 0)
	set("prefer_binary", true, slices.Contains(o.versionChoice, "--prefer-binary"))
	set("pre", true, slices.Contains(o.versionChoice, "--pre"))
	hashes := make(map[string][]string)
	for _, h := range o.hashes {
		hashes[h.Algorithm] = append(hashes[h.Algorithm], h.Hex)
	}
	set("hashes", hashes, len(hashes) > 0)
	settings := make(map[string]any)
	for _, s := range o.settings {
		key, value, _ := strings.Cut(s, "=")
		switch known := settings[key].(type) {
		case nil:
			settings[key] = value
		case string:
			settings[key] = []string{known, value}
		case []string:
			settings[key] = append(known, value)
		}
	}
	set("config_settings", settings, len(settings) > 0)
	var f formats
	for _, change := range o.formats {
		f.apply(change)
	}
	sorted := func(m map[string]bool) []string { return append([]string{}, slices.Sorted(maps.Keys(m))...) }
	set("format_control", map[string]any{"no_binary": sorted(f.noBinary), "only_binary": sorted(f.onlyBinary)}, len(f.noBinary)+len(f.onlyBinary) > 0)
	return m
}

func marshal(t *testing.T, v map[string]any) string {
	t.Helper()
	if len(v) == 0 {
		return "{}"
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func fileText(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var encoded struct{ Base64 []byte }
	if err := json.Unmarshal(raw, &encoded); err != nil {
		t.Fatal(err)
	}
	return string(encoded.Base64)
}

// opener gives the files of a map, as a build context without folders.
func opener(files map[string]string) func(string) (*diag.Source, error) {
	return func(name string) (*diag.Source, error) {
		text, ok := files[filepath.ToSlash(filepath.Clean(name))]
		if !ok {
			return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
		}
		return &diag.Source{Name: name, Data: []byte(text)}, nil
	}
}

// TestVectorsFiles reads the files of uv's tests and of real projects. None of
// them is a hashed lock but one; uv's own snapshots tell what they hold.
func TestVectorsFiles(t *testing.T) {
	dir := filepath.Join(vectors.Dir(t), "requirements-txt")
	refused := map[string]string{
		"uv-test-data/bare-url.txt":            "paths with spaces and trees that are not there",
		"uv-test-data/editable.txt":            "uv's extensions of -e: markers and spaces",
		"uv-test-data/semicolon.txt":           "a tree that is not there",
		"uv-test-data/hash.txt":                "a tree that is not there",
		"real/home-assistant-requirements.txt": "its -c is not among the vectors",
	}
	count := 0
	for _, pattern := range []string{"uv-test-data/*.txt", "real/*"} {
		names, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			id, _ := filepath.Rel(dir, name)
			t.Run(id, func(t *testing.T) {
				l, err := readFile(name)
				_, refuse := refused[filepath.ToSlash(id)]
				if (err != nil) != refuse {
					t.Fatal(err)
				}
				if err == nil {
					checkSnapshot(t, name, l)
				}
			})
			count++
		}
	}
	t.Logf("%d files, %d of them refused", count, len(refused))
}

func readFile(name string) (*lock.Lock, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(&diag.Source{Name: filepath.Base(name), Data: data}, func(beside string) (*diag.Source, error) {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(name), filepath.FromSlash(beside)))
		return &diag.Source{Name: beside, Data: data}, err
	}, nil)
}

// checkSnapshot compares the names of the packages with uv's snapshot.
func checkSnapshot(t *testing.T, name string, l *lock.Lock) {
	snapshots, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "parse*-"+filepath.Base(name)+".snap"))
	if len(snapshots) != 1 {
		return
	}
	data, err := os.ReadFile(snapshots[0])
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if end := strings.Index(text, "\n    constraints: ["); end >= 0 {
		text = text[:end]
	}
	var want, got []string
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) == "name: PackageName(" {
			want = append(want, strings.Trim(strings.TrimSpace(lines[i+1]), `",`))
		}
	}
	for _, p := range l.Packages {
		got = append(got, p.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("packages %q, uv has %q", got, want)
	}
}
