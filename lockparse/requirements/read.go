package requirements

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/requirements/internal/lines"
)

// Limits for hostile input. Files may be included several times, and each
// time includes others.
const (
	maxFiles  = 1000     // read in all, includes of includes too
	maxBytes  = 16 << 20 // of all these files
	maxErrors = 10       // that one run reports
	maxPages  = 100      // indexes and places of files
)

// reader reads a file and its includes: first all lines, in the order in which
// they count, then what they mean.
type reader struct {
	open   func(name string) (*diag.Source, error)
	getenv func(string) string
	known  []option
	folder string // of the first file, in the build context

	statements   []statement
	file         *file
	indexes      lock.Indexes
	noIndex      bool
	hashRequired diag.Range // of --require-hashes
	files, bytes int        // read so far
	trees        map[string]bool
	warnings     []diag.Warning
	errs         []error
}

func newReader(src *diag.Source, open func(string) (*diag.Source, error), getenv func(string) string) *reader {
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	return &reader{
		open:    open,
		getenv:  getenv,
		known:   knownOptions(),
		folder:  path.Dir(src.Name),
		file:    &file{},
		indexes: lock.Indexes{URLs: []string{""}},
		trees:   make(map[string]bool),
	}
}

// statement is a logical line: a requirement with options, or only options.
type statement struct {
	lines.Line
	at         diag.Range
	args       string
	opts       options
	constraint bool // it stands in a file of constraints
}

// isRequirement says whether the line asks for a package or constrains one.
func (s *statement) isRequirement() bool { return s.args != "" || len(s.opts.editables) > 0 }

// include gives the file that the line includes, empty if it does not, and
// the option that says so. Of several, pip takes the first.
func (s *statement) include() (name, option string) {
	switch {
	case s.isRequirement():
	case len(s.opts.includes) > 0:
		return s.opts.includes[0], "--requirement"
	case len(s.opts.constraints) > 0:
		return s.opts.constraints[0], "--constraint"
	}
	return "", ""
}

// read collects the statements of a file and its includes. The chain are the
// files that include it, by their names in the build context.
func (r *reader) read(src *diag.Source, constraint bool, chain []string) {
	r.files++
	r.bytes += len(src.Data)
	text, src, err := lines.Split(src)
	if r.file.source == nil {
		r.file.source = src
	}
	if err != nil {
		r.fail(lock.Malformed.Errorf(diag.Range{Source: src}, "%w", err))
		return
	}
	chain = append(chain[:len(chain):len(chain)], path.Clean(src.Name))
	for _, line := range lines.Join(text, r.getenv) {
		s := statement{Line: line, at: diag.Range{Source: src, Line: line.Number}, constraint: constraint}
		if err := s.parse(r.known); err != nil {
			r.fail(s.invalid(s.Text, err))
			continue
		}
		r.statements = append(r.statements, s)
		if name, option := s.include(); option != "" {
			r.include(s, name, option, chain)
		}
	}
}

// parse takes the line apart.
func (s *statement) parse(known []option) error {
	if s.TooLong {
		return fmt.Errorf("it has more than %d bytes with its variables replaced", lines.MaxLine)
	}
	args, options := splitOptions(s.Text)
	s.args = args
	var err error
	s.opts, err = parseOptions(options, known)
	return err
}

// invalid is the error of a line, or the part of it that is given, that is not
// understood.
func (s *statement) invalid(part string, err error) error {
	e := lock.Malformed.Errorf(s.at, "%q is not valid: %w", shown(part), err)
	if s.Unset != "" {
		return e.WithHint("the variable %s has no value in this build", s.Unset)
	}
	return e
}

// shown gives a text from the file as messages quote it: without credentials,
// and not too long.
func shown(text string) string {
	words := strings.Split(text[:min(len(text), maxShown)], " ")
	for i, word := range words {
		words[i], _ = lock.StripCredentials(word)
	}
	quoted := strings.ToValidUTF8(strings.Join(words, " "), "")
	if len(text) > maxShown {
		quoted += "…"
	}
	return quoted
}

// maxShown is how many bytes of a line a message quotes.
const maxShown = 200

// do does what a line says beside including a file.
func (r *reader) do(s statement) {
	// pip takes these from any line, even from one with a requirement.
	for _, change := range s.opts.formats {
		r.file.formats.apply(change)
	}
	r.warnIgnored(s)
	switch _, include := s.include(); {
	case s.isRequirement():
		text := s.args
		if text == "" {
			text = "-e " + s.opts.editables[0]
		}
		if err := r.requirement(s); err != nil {
			r.fail(s.invalid(text, err))
		}
	case include == "":
		r.optionLine(s)
	}
}

// requirement adds a line that asks for a package or constrains one.
func (r *reader) requirement(s statement) error {
	text, parse := s.args, parseRequirement
	if text == "" {
		text, parse = s.opts.editables[0], parseEditable
	}
	text, secret := lock.StripCredentials(text)
	q, err := parse(text, r.hasTree)
	if err != nil {
		return err
	}
	q.at = s.at
	if !q.editable {
		q.hashes = s.opts.hashes
	}
	if secret && !s.Expanded && !strings.Contains(s.Text, "${") {
		r.warnCredentials(s)
	}
	if len(s.opts.settings) > 0 {
		r.warn(s, "RequirementsConfigSettings", "--config-settings has no effect: packages are built with the defaults of their build backend", "")
	}
	if q.link.path != "" {
		if _, ok := within(r.folder, q.link.path); !ok {
			return errors.New("the path leads out of the build context")
		}
	}
	r.file.hashMode = r.file.hashMode || len(q.hashes) > 0
	if !s.constraint {
		r.file.requirements = append(r.file.requirements, q)
		return nil
	}
	r.file.constraints = append(r.file.constraints, q)
	return q.constrains()
}

// hasTree asks the build context for the files that make a folder one that
// pip can install.
func (r *reader) hasTree(folder string) bool {
	if _, ok := within(r.folder, folder); !ok || folder == "" {
		return false
	}
	found, known := r.trees[folder]
	if known || len(r.trees) > maxFiles {
		return found
	}
	for _, name := range []string{"pyproject.toml", "setup.py"} {
		if _, err := r.open(path.Join(folder, name)); err == nil {
			found = true
		}
	}
	r.trees[folder] = found
	return found
}

// include reads the file of -r or -c, which names it relative to its own.
func (r *reader) include(s statement, name, option string, chain []string) {
	full, inside := within(path.Dir(s.at.Source.Name), name)
	var err *diag.Error
	switch {
	case r.files == maxFiles || r.bytes > maxBytes:
		err = lock.Malformed.Errorf(s.at, "more than %d files or %d bytes are included", maxFiles, maxBytes)
	case schemeOf(name) != "":
		err = lock.Malformed.Errorf(s.at, "%s %q is a URL, whose content could change without notice", option, shown(name)).
			WithHint("copy the file into the build context")
	case !inside:
		err = lock.Malformed.Errorf(s.at, "%s %q is outside the build context", option, name).
			WithHint("copy the file into the build context, or build from a folder further up")
	case slices.Contains(chain, full):
		err = lock.Malformed.Errorf(s.at, "%s %q includes itself: %s", option, name, strings.Join(append(chain, full), " → "))
	}
	if err != nil {
		r.fail(err)
		return
	}
	src, openErr := r.open(r.fromFolder(full))
	switch {
	case errors.Is(openErr, fs.ErrNotExist):
		r.fail(lock.Malformed.Errorf(s.at, "%s %q does not exist in the build context", option, name).
			WithHint("it was looked for as %s", full))
	case openErr != nil:
		r.fail(lock.Malformed.Errorf(s.at, "%s %q cannot be read: %w", option, name, openErr))
	default:
		r.read(&diag.Source{Name: full, Data: src.Data}, option == "--constraint", chain)
	}
}

// fromFolder gives a name in the build context relative to the folder of the
// first file.
func (r *reader) fromFolder(full string) string {
	if r.folder == "." {
		return full
	}
	return strings.Repeat("../", strings.Count(r.folder, "/")+1) + full
}

// fail notes a mistake.
func (r *reader) fail(err error) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, err)
	}
}

// checkModes refuses options that contradict each other.
func (r *reader) checkModes() {
	if r.hashRequired.Line > 0 {
		r.file.hashMode = true
	}
	if r.hashRequired.Line > 0 && r.file.optOut.Line > 0 {
		err := lock.Malformed.Errorf(r.file.optOut, "--no-require-hashes contradicts --require-hashes").WithHint("remove one of them")
		err.At = append(err.At, r.hashRequired)
		r.fail(err)
	}
}
