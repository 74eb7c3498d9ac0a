// Package resolve says what has to be resolved before it can be installed:
// requirements without versions or hashes, the target, the indexes and the
// options, as plain data. A Request prints as JSON, which is the whole cache
// key of its resolution, and knows the command line of uv that answers it.
//
// Where the requirements come from is decided in package plan, how uv is run in
// internal/resolver, and what BuildKit makes of it in llbgen.
package resolve

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// Format is what a resolution is called where a lock's format is named.
const Format = "pylock.toml"

// Request is one question to the resolver. What is empty is left out of the
// JSON, so that an option that nobody uses changes no key.
type Request struct {
	Requirements []Line `json:"requirements,omitempty"` // in the order of the file, each text once
	Constraints  []Line `json:"constraints,omitempty"`
	// Project is the pyproject.toml, one of Files, whose dependencies are asked
	// for: those of the extras and groups, too.
	Project string   `json:"project,omitempty"`
	Extras  []string `json:"extras,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	// What uv finds in the folder that it works in, by paths there. Files are the
	// pyproject.toml of projects, as far as they count for a resolution; they take
	// the place of what a tree has.
	Files        map[string]string `json:"files,omitempty"`
	Trees        []Tree            `json:"trees,omitempty"`
	Repositories []Repository      `json:"repositories,omitempty"`

	Target       Target   `json:"target"`
	Index        string   `json:"index,omitempty"`         // in place of PyPI, without credentials
	ExtraIndexes []string `json:"extra_indexes,omitempty"` // asked before Index
	FindLinks    []string `json:"find_links,omitempty"`    // pages and folders with links to files
	NoIndex      bool     `json:"no_index,omitempty"`
	ExcludeNewer string   `json:"exclude_newer,omitempty"` // RFC 3339: nothing that was uploaded later
	Options      []string `json:"options,omitempty"`       // further flags of "uv pip compile", as Flags makes them

	// Lines are the places of what is asked for by name, to point errors at: the
	// requirements, and what Project and Constraints say of a name.
	Lines []Line `json:"-"`
	// Places are where the folders, files and repositories are asked for, by the
	// paths that uv finds them at.
	Places map[string]diag.Range `json:"-"`
	// Secrets are the ids of those that the spec gives to the step, for messages.
	Secrets []string `json:"-"`
	// Debian packages that a base gets where something has to be built to be
	// resolved, and where uv itself needs git.
	Apt, Git []string `json:"-"`
}

// Tree is a part of the build context that has to be there as a whole: a project
// that has to be built to know what it depends on, an archive, or the archives
// of a folder. It lies in ContextDir.
type Tree struct {
	Path    string   `json:"path"`
	Include []string `json:"include,omitempty"` // patterns below Path; none: all
	Exclude []string `json:"exclude,omitempty"`
}

// Repository is one commit. It lies in RepositoryDir, below its index.
type Repository struct {
	URL      string     `json:"url"` // without credentials
	Location string     `json:"-"`   // where it is fetched from
	Commit   string     `json:"commit"`
	Ref      string     `json:"ref,omitempty"` // branch, tag or revision that was asked for
	At       diag.Range `json:"-"`
}

// Folders of what uv finds: the build context, and repositories.
const (
	ContextDir    = "context"
	RepositoryDir = "git"
)

// FilePrefix begins the URLs in an answer that lead to files of the request, in
// place of the folder that they were in.
const FilePrefix = "file:///inputs/"

// RepositoryPath is where the repository of an index lies.
func RepositoryPath(index int) string { return path.Join(RepositoryDir, strconv.Itoa(index)) }

// Dir is the folder in which uv works, to which the paths in requirements and in
// the answer are relative.
func (r *Request) Dir() string {
	if r.Project == "" {
		return ContextDir
	}
	return path.Dir(r.Project)
}

// Line is a requirement (PEP 508), or a path of one, and where it stands.
type Line struct {
	Text    string
	Package string // normalised name, where the line tells it otherwise than as a requirement
	At      diag.Range
}

// Name gives the normalised name of the package, empty if the line does not tell.
func (l Line) Name() string {
	if l.Package != "" {
		return l.Package
	}
	r, err := pep508.ParseRequirement(l.Text)
	if err != nil {
		return ""
	}
	return pep508.NormalizeName(r.Name)
}

// MarshalText gives the text alone: where it stands is in no key.
func (l Line) MarshalText() ([]byte, error) { return []byte(l.Text), nil }

// UnmarshalText is the reverse of MarshalText.
func (l *Line) UnmarshalText(text []byte) error {
	l.Text = string(text)
	return nil
}

// Target is what is resolved for: one interpreter on one platform.
type Target struct {
	Python       string `json:"python"` // full version, "3.12.4"
	FreeThreaded bool   `json:"free_threaded,omitempty"`
	Machine      string `json:"machine"` // as uname has it, "x86_64"
	Libc         string `json:"libc"`    // "glibc-2.36"
}

// Args gives the command line of uv, without the program itself, with an
// interpreter that says of itself what Target says. The lock goes to stdout.
func (r *Request) Args(python string) []string {
	args := []string{"pip", "compile", "--format", Format, "--no-header", "--no-progress", "--color", "never", "--python", python}
	if r.Project != "" {
		args = append(args, path.Base(r.Project))
	}
	if len(r.Requirements) > 0 {
		args = append(args, r.ownFile(requirementsFile))
	}
	if len(r.Constraints) > 0 {
		args = append(args, "--constraints", r.ownFile(constraintsFile))
	}
	for _, extra := range r.Extras {
		args = append(args, "--extra", extra)
	}
	for _, group := range r.Groups {
		args = append(args, "--group", group)
	}
	return append(args, r.sources()...)
}

// ownFile is a file of the request's own, which lies beside ContextDir, as seen
// from where uv works.
func (r *Request) ownFile(name string) string {
	return strings.Repeat("../", strings.Count(r.Dir(), "/")+1) + name
}

// sources gives the part of the command line that says where packages come
// from, and which.
func (r *Request) sources() []string {
	var args []string
	if r.Index != "" {
		args = append(args, "--index-url", r.Index)
	}
	for _, url := range r.ExtraIndexes {
		args = append(args, "--extra-index-url", url)
	}
	for _, url := range r.FindLinks {
		args = append(args, "--find-links", url)
	}
	if r.NoIndex {
		args = append(args, "--no-index")
	}
	if r.ExcludeNewer != "" {
		args = append(args, "--exclude-newer", r.ExcludeNewer)
	}
	return append(args, r.Options...)
}

// Lead notes where it is asked for what uv finds at a path, the first time.
func (r *Request) Lead(found string, at diag.Range) {
	if r.Places == nil {
		r.Places = map[string]diag.Range{}
	}
	if _, ok := r.Places[found]; !ok {
		r.Places[found] = at
	}
}

// named gives every line that names a package.
func (r *Request) named() []Line { return append(slices.Clip(r.Requirements), r.Lines...) }

// Place gives where a package of the resolution was asked for: its own line,
// else the first of the request.
func (r *Request) Place(name string) diag.Range {
	if at := r.Asked(name); at.Line > 0 {
		return at
	}
	for _, line := range r.named() {
		if line.At.Line > 0 {
			return line.At
		}
	}
	return diag.Range{}
}

// Asked gives where a package is asked for by name, the zero Range if it is
// nowhere.
func (r *Request) Asked(name string) diag.Range {
	for _, line := range r.named() {
		if line.Name() == name {
			return line.At
		}
	}
	return diag.Range{}
}

// Add adds a requirement, unless the same text is there already.
func (r *Request) Add(line Line) {
	line.Text = strings.TrimSpace(line.Text)
	for _, other := range r.Requirements {
		if other.Text == line.Text {
			return
		}
	}
	r.Requirements = append(r.Requirements, line)
}

// Empty says whether there is nothing to resolve.
func (r *Request) Empty() bool { return len(r.Requirements) == 0 && r.Project == "" }

// text joins lines to a file.
func text(lines []Line) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}
