package requirements

import (
	"path"
	"strings"

	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// Kind is what a URL or path of a requirement leads to.
type Kind byte

// The kinds of links.
const (
	Indexed    Kind = iota // there is none: the package is in an index
	Remote                 // an archive by http or https
	LocalFile              // an archive in the build context
	LocalTree              // a source tree in the build context
	Repository             // of a version control system
	FileURL                // file:, outside any build context
	OtherURL               // of a scheme that pip cannot fetch, or without one
)

// link is where a requirement says that its package is.
type link struct {
	kind     Kind
	location string // as written
	path     string // of a local one, relative to the folder of the file that is built
}

// urlLink makes the link of a URL.
func urlLink(location string) link {
	l := link{location: location}
	switch scheme := schemeOf(location); {
	case scheme == "http" || scheme == "https":
		l.kind = Remote
	case scheme == "file":
		l.kind = FileURL
	case isVCS(scheme):
		l.kind = Repository
	default:
		l.kind = OtherURL
	}
	return l
}

// schemeOf gives the scheme of a URL in lower case, empty if there is none.
func schemeOf(s string) string {
	scheme, _, ok := strings.Cut(strings.TrimLeft(s, " "), ":")
	if !ok || scheme == "" || !isLetter(rune(scheme[0])) || strings.ContainsFunc(scheme, notInScheme) {
		return ""
	}
	return strings.ToLower(scheme)
}

func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }

func notInScheme(r rune) bool {
	return !isLetter(r) && !('0' <= r && r <= '9') && !strings.ContainsRune("+-.", r)
}

// isVCS says whether a scheme is one of a version control system.
func isVCS(scheme string) bool {
	system, _, plus := strings.Cut(scheme, "+")
	switch system {
	case "git", "hg", "svn", "bzr":
		return true
	}
	return !plus && (scheme == "ssh" || scheme == "sftp")
}

// isURL says whether pip takes a requirement for a bare URL.
func isURL(s string) bool {
	switch scheme := schemeOf(s); scheme {
	case "http", "https", "file", "ftp":
		return true
	default:
		return isVCS(scheme)
	}
}

// fragment gives a value after "#" or "&", as pip finds them: "egg",
// "subdirectory" or the name of a hash.
func (l link) fragment(key string) (string, bool) {
	key += "="
	for i := 0; i < len(l.location); i++ {
		if c := l.location[i]; c != '#' && c != '&' {
			continue
		}
		if value, ok := strings.CutPrefix(l.location[i+1:], key); ok {
			value, _, _ = strings.Cut(value, "&")
			return value, true
		}
	}
	return "", false
}

// hash gives the hash of the fragment, if it has a strong one.
func (l link) hash() (lock.Hash, bool) {
	for _, algorithm := range []string{"sha512", "sha384", "sha256"} {
		if value, ok := l.fragment(algorithm); ok {
			h, err := lock.NewHash(algorithm, value)
			return h, err == nil
		}
	}
	return lock.Hash{}, false
}

// fileName gives the decoded name of the file that the link leads to.
func (l link) fileName() string {
	if l.path != "" {
		return lock.FileName(l.path)
	}
	return lock.FileName(l.location)
}

// isWheel says whether the link leads to a wheel.
func (l link) isWheel() bool {
	return l.kind != Indexed && l.kind != LocalTree && l.kind != Repository && strings.HasSuffix(l.fileName(), ".whl")
}

// project gives the name and version of the package that the file name tells;
// the version is empty where it does not tell it.
func (l link) project() (name, version string, err error) {
	if l.isWheel() {
		f, err := wheel.ParseFilename(l.fileName())
		return f.Name, f.Version, err
	}
	if egg, ok := l.fragment("egg"); ok {
		if !pep508.ValidName(egg) {
			return "", "", &pep508.SyntaxError{What: "egg", Input: egg, Msg: "expected the name of a package"}
		}
		return pep508.NormalizeName(egg), l.sdistVersion(), nil
	}
	f, err := wheel.ParseSdist(l.fileName())
	if err != nil || l.kind == Repository || l.kind == LocalTree {
		return "", "", nil //nolint:nilerr // only a build would tell
	}
	return f.Name, f.Version, nil
}

func (l link) sdistVersion() string {
	f, err := wheel.ParseSdist(l.fileName())
	if err != nil || l.kind == Repository {
		return ""
	}
	return f.Version
}

// address gives the URL without fragment.
func (l link) address() string {
	address, _, _ := strings.Cut(l.location, "#")
	return address
}

// isArchive says whether pip takes the name for that of an archive.
func isArchive(name string) bool {
	name = strings.ToLower(name)
	for _, ending := range []string{".zip", ".whl", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar", ".tar.xz", ".txz", ".tlz", ".tar.lz", ".tar.lzma"} {
		if base, ok := strings.CutSuffix(name, ending); ok && base != "" && !strings.HasSuffix(base, "/") {
			return true
		}
	}
	return false
}

// looksLikePath says whether a name has the form of a path.
func looksLikePath(name string) bool {
	return strings.Contains(name, "/") || strings.HasPrefix(name, ".")
}

// stripExtras cuts "[a,b]" off the end of a path.
func stripExtras(name string) (string, []string, error) {
	open := strings.LastIndexByte(name, '[')
	if open <= 0 || !strings.HasSuffix(name, "]") || open+2 >= len(name) {
		return name, nil, nil
	}
	r, err := pep508.ParseRequirement("x" + name[open:])
	return strings.TrimRight(name[:open], " \t"), r.Extras, err
}

// within gives a path relative to the root of the build context, and whether
// it lies in there.
func within(folder, name string) (string, bool) {
	joined := path.Join(folder, name)
	return joined, !path.IsAbs(name) && !strings.HasPrefix(name, "~") && joined != ".." && !strings.HasPrefix(joined, "../")
}
