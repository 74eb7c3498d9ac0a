// Package lock is the model that every lock format is read into, and the
// selection of packages from it: the checks, the choice of one file per
// package and the errors are the same for all formats. How a format is
// written, and which of its packages a target gets, is decided in the
// format's own package, which supplies the Resolver.
package lock

import (
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// Lock is a parsed lock file.
type Lock struct {
	Format         string // "uv.lock", "pylock.toml", …
	Source         *diag.Source
	RequiresPython pep440.Specifiers
	RequiresLine   int // line of RequiresPython, 0 if it is not given
	Packages       []*Package
	Resolver       Resolver
}

// Resolver says which packages of a lock a target gets. Each format has its
// own: a walk over a graph, or a filter over a list. It checks what only the
// format knows: extras, groups, environments, conflicts.
type Resolver interface {
	Resolve(env pep508.Env, r Request) ([]Pick, error)
}

// Pick is a package that a Resolver chose, and the package that asked for it,
// nil where the project itself does.
type Pick struct {
	Package *Package
	By      *Package
}

// Package is one pinned package of a lock.
type Package struct {
	Name    string // normalised
	Version string // empty where only a build would tell
	Source  Source
	Wheels  []File
	Sdist   *File
	Hashes  []Hash     // formats that name no files: the digests that a file of the index must have one of
	At      diag.Range // where the lock says so
}

// Origin is where a package comes from.
type Origin string

// The origins that lock files know.
const (
	Registry  Origin = "registry"  // an index or a folder of files
	Archive   Origin = "archive"   // one file by URL or path
	Git       Origin = "git"       // a commit
	Directory Origin = "directory" // a source tree in the build context
	Virtual   Origin = "virtual"   // a tree that is no package: only its dependencies count
)

// Source says where a package comes from.
type Source struct {
	Origin       Origin
	URL          string // of the index, archive or repository, without credentials
	Path         string // of a local index, archive or tree, relative to the lock's folder
	Subdirectory string // of the project within the archive or repository
	Commit       string // full id, for Git
	Editable     bool   // for Directory
}

// File is one distribution file of a package.
type File struct {
	Name   string // decoded file name: the last segment of URL or Path
	URL    string // without credentials; empty where the lock names only the file
	Path   string // relative to the lock's folder, for local files
	Hashes []Hash // any one of them identifies the file; empty where the lock has none
	Size   int64  // bytes, 0 where the lock does not say
	Line   int
}

// Hash is a digest of a file as locks write it: "sha256:…" split.
type Hash struct {
	Algorithm string
	Hex       string
}

// Target is what packages are selected for. LinuxTarget makes the one of an
// image.
type Target struct {
	Env  pep508.Env
	Tags *wheel.Tags
}

// Request is what is asked of a lock beside the project's own dependencies.
type Request struct {
	Extras        []string
	Groups        []string
	AllExtras     bool
	AllGroups     bool
	DefaultGroups bool     // also the groups that the project declares as default
	NoGroups      []string // never these, whatever else asks for them
	OnlyGroups    bool     // the groups alone, without the project and its dependencies
	Package       string   // a workspace member; empty for the project beside the lock
	AllPackages   bool     // every workspace member

	NoInstallProject   bool // leave out the project itself
	NoInstallWorkspace bool // leave out all workspace members
	NoInstallLocal     bool // leave out every local package
	NoInstall          []string
	NoBinary, NoBuild  Policy
}

// Policy applies to all packages or to those that are named.
type Policy struct {
	All   bool
	Names []string
}

// Kind is what has to be done with a selected package: install a wheel, or
// build one first.
type Kind string

// The kinds of a selected package.
const (
	KindWheel     Kind = "wheel"
	KindSdist     Kind = "sdist"     // build from a source distribution
	KindGit       Kind = "git"       // build from a commit
	KindArchive   Kind = "archive"   // build from an archive by URL or path
	KindDirectory Kind = "directory" // build from a tree in the build context
)

// Selected is a package that the target gets and the one file of it.
type Selected struct {
	Package *Package
	Kind    Kind
	File    File // zero for git and directory
	By      *Package
}

// Selection is the answer: packages sorted by name.
type Selection struct {
	Packages []Selected
	Warnings []diag.Warning
}
