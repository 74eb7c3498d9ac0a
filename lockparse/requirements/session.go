package requirements

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// optionLine does what a line with only options says, for the whole file.
func (r *reader) optionLine(s statement) {
	o := s.opts
	if o.requireHashes {
		r.hashRequired = s.at
	}
	if o.noRequireHashes {
		r.file.optOut = s.at
	}
	r.file.pre = r.file.pre || slices.Contains(o.versionChoice, "--pre")
	if len(o.hashes) > 0 {
		r.file.stray = s.at
		r.warn(s, "RequirementsStrayHash", "--hash belongs to no requirement and has no effect",
			"the line before must end with a backslash, and no comment may stand between")
	}
	r.setIndexes(s)
	for _, host := range o.trustedHosts {
		r.warn(s, "RequirementsTrustedHost", fmt.Sprintf("--trusted-host %s has no effect: the certificates of indexes are always checked", host),
			"give the builder the certificate authority of the host")
	}
}

// setIndexes keeps pip's order: a new --index-url drops what was there,
// --no-index drops all and those that follow.
func (r *reader) setIndexes(s statement) {
	o := s.opts
	if o.noIndex {
		r.noIndex = true
		r.indexes.URLs = nil
	}
	if o.indexURL != "" && !r.noIndex {
		r.indexes.URLs = nil
		r.addIndex(s, "--index-url", o.indexURL)
	}
	for _, location := range o.extraIndexURLs {
		if !r.noIndex {
			r.addIndex(s, "--extra-index-url", location)
		}
	}
	if len(o.findLinks) > 0 {
		r.addLinks(s, o.findLinks[0])
	}
}

func (r *reader) addIndex(s statement, name, location string) {
	location, ok := r.pageURL(s, name, location)
	if !ok || len(r.indexes.URLs) > maxPages || slices.Contains(r.indexes.URLs, location) {
		return
	}
	r.indexes.URLs = append(r.indexes.URLs, location)
	r.limitPages(s, len(r.indexes.URLs))
}

func (r *reader) limitPages(s statement, count int) {
	if count == maxPages+1 {
		r.fail(lock.Malformed.Errorf(s.at, "the file names more than %d indexes", maxPages))
	}
}

// addLinks adds a page or folder of files; a folder is relative to the file
// that names it. One outside the build context is passed over, as pip passes
// over folders that do not exist: pip-compile writes those of the machine that
// it ran on, and a file that is only there will be missed by its hash.
func (r *reader) addLinks(s statement, location string) {
	source := lock.Source{Origin: lock.Registry}
	full, inside := within(path.Dir(s.at.Source.Name), location)
	switch scheme := schemeOf(location); {
	case scheme == "file", scheme == "" && !inside:
		r.warn(s, "RequirementsFindLinks", fmt.Sprintf("--find-links %q is outside the build context and is not looked into", location),
			"copy files that no index has into the build context")
		return
	case scheme == "":
		source.Path = r.fromFolder(full)
	default:
		var ok bool
		if source.URL, ok = r.pageURL(s, "--find-links", location); !ok {
			return
		}
	}
	if len(r.indexes.Links) <= maxPages && !slices.Contains(r.indexes.Links, source) {
		r.indexes.Links = append(r.indexes.Links, source)
		r.limitPages(s, len(r.indexes.Links))
	}
}

// pageURL checks a URL that will be fetched, and takes credentials out of it.
func (r *reader) pageURL(s statement, name, location string) (string, bool) {
	stripped, secret := lock.StripCredentials(location)
	if scheme := schemeOf(location); scheme != "http" && scheme != "https" {
		r.fail(lock.Malformed.Errorf(s.at, "%s %q is no http or https URL", name, stripped).
			WithHint("name an index that the builder can reach, or a folder of the build context with --find-links"))
		return "", false
	}
	if _, after, ok := strings.Cut(stripped, "${"); ok {
		variable, _, _ := strings.Cut(after, "}")
		r.fail(lock.Malformed.Errorf(s.at, "the variable %s in %s %q has no value in this build", variable, name, stripped))
		return "", false
	}
	if secret && !s.Expanded && !strings.Contains(s.Text, "${") {
		r.warnCredentials(s)
	}
	return stripped, true
}

func (r *reader) warnCredentials(s statement) {
	r.warn(s, "LockCredentials", "the file has a URL with credentials, which are ignored",
		"remove them from the file, and give them to the build as a secret")
}

// warnIgnored warns about what pip passes over in a line: words that belong to
// no option, all but the first of some options, and every other option beside
// a requirement or an include.
func (r *reader) warnIgnored(s statement) {
	var ignored []string
	_, include := s.include()
	seen := make(map[string]bool)
	for _, name := range s.opts.given {
		if s.ignores(name, include) || seen[name] && onlyFirst(name) {
			ignored = append(ignored, name)
		}
		seen[name] = true
	}
	for _, word := range s.opts.stray {
		ignored = append(ignored, fmt.Sprintf("%q", word))
	}
	if n := len(ignored) - maxIgnored; n > 0 {
		ignored = append(ignored[:maxIgnored], fmt.Sprintf("and %d more", n))
	}
	if len(ignored) > 0 {
		r.warn(s, "RequirementsIgnored", "pip ignores in this line: "+strings.Join(ignored, ", "),
			"put each option on a line of its own")
	}
}

// ignores says whether pip ignores an option because of what else is in the
// line: the include, if there is one, or a requirement.
func (s *statement) ignores(name, include string) bool {
	switch name {
	case "--no-binary", "--only-binary":
		return false
	case "--hash":
		return s.args == "" && s.isRequirement() || include != ""
	case "--config-settings":
		return include != ""
	case "--editable":
		return s.args != ""
	}
	return s.isRequirement() || include != "" && name != include
}

// onlyFirst says whether pip takes only the first of several options in a
// line.
func onlyFirst(name string) bool {
	switch name {
	case "--requirement", "--constraint", "--editable", "--find-links":
		return true
	}
	return false
}

// Limits of what is kept for the user to read.
const (
	maxWarnings = 100 // of all files
	maxIgnored  = 10  // words in one warning
)

func (r *reader) warn(s statement, rule, msg, hint string) {
	if len(r.warnings) < maxWarnings {
		r.warnings = append(r.warnings, diag.Warning{Rule: rule, Msg: msg, Hint: hint, At: s.at})
	}
}
