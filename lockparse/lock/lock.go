// Package lock is the model that every lock format is read into, and the
// selection of packages from it: the checks, the choice of one file per
// package and the errors are the same for all formats. How a format is
// written, and which of its packages a target gets, is decided in the
// format's own package, which supplies the Resolver.
//
// Nothing here judges whether a file may be fetched: hashes that are missing
// or weak and URLs of any scheme are kept as the lock has them, for the plan
// to accept or refuse.
package lock

import (
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/pep440"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// Lock is a parsed lock file. Selecting from it changes nothing in it, so
// several targets may be selected for at the same time.
type Lock struct {
	Format         string // "uv.lock", "pylock.toml", …
	Source         *diag.Source
	RequiresPython pep440.Specifiers
	RequiresLine   int // line of RequiresPython, 0 if it is not given
	Packages       []*Package
	Resolver       Resolver
	Indexes        *Indexes // nil: the default index alone
	Builds         Builds
	Warnings       []diag.Warning // what the reader of the lock should know; each Selection repeats them
}

// Indexes are where packages of the origin Registry are looked up that name
// no index of their own. All of them are looked up alike: where several have a
// file, its hash decides.
type Indexes struct {
	URLs  []string // of the Simple API, without credentials; "" is the default index
	Links []Source // pages (URL) and folders (Path) of files, as of pip's --find-links
}

// Builds is what a lock says of the environments that its packages are built
// in, whose own packages are not locked.
type Builds struct {
	Constraints  []string // requirements that bound the versions in them, "setuptools<80"
	ExcludeNewer string   // nothing that was uploaded later is taken: a time of RFC 3339 or a span of ISO 8601, empty for no bound
}

// StaleLock is the rule of the warning that a lock does not fit the
// pyproject.toml that it was made from, for every format that can tell.
const StaleLock = "StaleLock"

// Resolver says which packages of a lock a target gets, each of them once.
// Each format has its own: a walk over a graph, or a filter over a list. It
// checks what only the format knows: extras, groups, environments, conflicts.
// It leaves out the project and the workspace members where the request says
// so, since only the format knows which packages they are.
type Resolver interface {
	Resolve(env pep508.Env, r Request) ([]Pick, error)
}

// Pick is a package that a Resolver chose, and the package that asked for it:
// the first one that did, where there are several; nil for the project itself
// and for what it asks for without being a package of the lock.
type Pick struct {
	Package *Package
	By      *Package
}

// Package is one pinned package of a lock.
type Package struct {
	Name    string // normalised
	Version string // empty where only a build would tell, or the hashes decide
	// Allowed are the versions among which the Hashes decide, where Version is
	// empty: the highest one that has a file with one of them.
	Allowed pep440.Specifiers
	Source  Source
	Wheels  []File
	Sdist   *File
	Hashes  []Hash     // formats that name no files: the digests that a file of the index must have one of
	At      diag.Range // where the lock says so

	NoBinary bool // the lock says to take no wheel
	NoBuild  bool // the lock says to take nothing that would have to be built
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
	Path         string // of a local index, archive or tree, relative to the lock's folder; for Git of an archive within the repository
	Subdirectory string // of the project within the archive or repository
	Commit       string // full id, for Git
	Ref          string // branch, tag or revision that the project asks for, for Git; empty for the default branch
	LFS          bool   // the files of Git LFS are needed, for Git
	Editable     bool   // for Directory
}

// File is one distribution file of a package.
type File struct {
	Name   string // decoded file name: the last segment of URL or Path
	URL    string // without credentials and fragment; empty where the lock names only the file
	Path   string // relative to the lock's folder, for local files; for Git within the repository
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

// Request is what is asked of a lock. The zero Request asks for the project
// beside the lock and its dependencies, without any group. Names may be
// written in any form that normalises to the one meant.
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

	NoInstallProject   bool     // leave out the project itself, not its dependencies
	NoInstallWorkspace bool     // leave out all workspace members
	NoInstallLocal     bool     // leave out every local package
	NoInstall          []string // leave out these packages
	NoBinary           Policy   // take no wheels
	NoBuild            Policy   // take nothing that would have to be built
}

// Policy applies to all packages or to those that are named.
type Policy struct {
	All   bool
	Names []string
}

// Covers says whether the policy applies to a package, by its normalised name.
func (p Policy) Covers(name string) bool { return p.All || containsName(p.Names, name) }

// containsName says whether a list of names in any spelling holds a
// normalised one.
func containsName(names []string, normalised string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return pep508.NormalizeName(n) == normalised })
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
	Package *Package // of the lock; completed, a copy, where an index was asked
	Kind    Kind
	File    File     // zero for a directory, and for a commit unless it is an archive within the repository
	By      *Package // as in Pick
}

// Selection is the answer: packages sorted by name, no name twice.
type Selection struct {
	Packages []Selected
	Warnings []diag.Warning
}
