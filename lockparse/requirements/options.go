package requirements

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

// options are the options of one line.
type options struct {
	indexURL        string
	extraIndexURLs  []string
	noIndex         bool
	findLinks       []string
	includes        []string // of -r
	constraints     []string // of -c
	editables       []string
	formats         []formatChange
	requireHashes   bool
	noRequireHashes bool
	trustedHosts    []string
	hashes          []lock.Hash
	settings        []string // KEY=VALUE, for the build backend
	versionChoice   []string // --pre and others that choose between versions
	stray           []string // words that belong to no option
	given           []string // the names of all options, in their order
}

// option is an option that a requirements file may have.
type option struct {
	names []string // the first is the one for messages
	flag  bool     // takes no value
	set   func(o *options, value string) error
}

// knownOptions are those of pip's requirements files.
func knownOptions() []option {
	add := func(field func(*options) *[]string) func(*options, string) error {
		return func(o *options, value string) error {
			list := field(o)
			*list = append(*list, value)
			return nil
		}
	}
	turnOn := func(field func(*options) *bool) func(*options, string) error {
		return func(o *options, _ string) error {
			*field(o) = true
			return nil
		}
	}
	choose := func(name string) option {
		return option{[]string{name}, true, func(o *options, _ string) error {
			o.versionChoice = append(o.versionChoice, name)
			return nil
		}}
	}
	chooseNames := func(name string) option { return option{[]string{name}, false, choose(name).set} }
	return []option{
		{[]string{"--index-url", "-i", "--pypi-url"}, false, func(o *options, v string) error { o.indexURL = v; return nil }},
		{[]string{"--extra-index-url"}, false, add(func(o *options) *[]string { return &o.extraIndexURLs })},
		{[]string{"--no-index"}, true, turnOn(func(o *options) *bool { return &o.noIndex })},
		{[]string{"--find-links", "-f"}, false, add(func(o *options) *[]string { return &o.findLinks })},
		{[]string{"--requirement", "-r"}, false, add(func(o *options) *[]string { return &o.includes })},
		{[]string{"--constraint", "-c"}, false, add(func(o *options) *[]string { return &o.constraints })},
		{[]string{"--editable", "-e"}, false, add(func(o *options) *[]string { return &o.editables })},
		{[]string{"--no-binary"}, false, setFormat(false)},
		{[]string{"--only-binary"}, false, setFormat(true)},
		choose("--prefer-binary"),
		{[]string{"--require-hashes"}, true, turnOn(func(o *options) *bool { return &o.requireHashes })},
		{[]string{"--no-require-hashes"}, true, turnOn(func(o *options) *bool { return &o.noRequireHashes })},
		choose("--pre"),
		chooseNames("--all-releases"),
		chooseNames("--only-final"),
		{[]string{"--trusted-host"}, false, add(func(o *options) *[]string { return &o.trustedHosts })},
		chooseNames("--use-feature"),
		{[]string{"--hash"}, false, setHash},
		{[]string{"--config-settings", "-C"}, false, setSetting},
	}
}

func setFormat(only bool) func(*options, string) error {
	return func(o *options, value string) error {
		if strings.HasPrefix(value, "-") {
			return fmt.Errorf("expected names of packages, got %q", value)
		}
		o.formats = append(o.formats, formatChange{only, value})
		return nil
	}
}

func setHash(o *options, value string) error {
	algorithm, digits, ok := strings.Cut(value, ":")
	if !ok {
		return fmt.Errorf("expected a hash such as sha256:…, got %q", value)
	}
	if !isStrong(algorithm) {
		return fmt.Errorf("hashes are sha256, sha384 or sha512, not %q", algorithm)
	}
	h, err := lock.NewHash(algorithm, digits)
	if err == nil {
		o.hashes = append(o.hashes, h)
	}
	return err
}

// isStrong says whether pip takes hashes of the algorithm, as written.
func isStrong(algorithm string) bool {
	return algorithm == "sha256" || algorithm == "sha384" || algorithm == "sha512"
}

func setSetting(o *options, value string) error {
	if !strings.Contains(value, "=") {
		return fmt.Errorf("expected KEY=VALUE, got %q", value)
	}
	o.settings = append(o.settings, value)
	return nil
}

// splitOptions cuts a line into what is asked for and the options after it.
// Only a space sets an option off.
func splitOptions(line string) (args, opts string) {
	if strings.HasPrefix(line, "-") {
		return "", line
	}
	args, opts, ok := strings.Cut(line, " -")
	if !ok {
		return line, ""
	}
	return args, "-" + opts
}

// parseOptions reads options as Python's optparse does: a long name may be
// abbreviated, a value follows after "=", white space, or a short name.
func parseOptions(text string, known []option) (options, error) {
	var o options
	words, err := splitWords(text)
	if err != nil {
		return o, err
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "--" {
			o.stray = append(o.stray, words...)
			break
		}
		if len(word) < 2 || word[0] != '-' {
			o.stray = append(o.stray, word)
			continue
		}
		name, value, hasValue := strings.Cut(word, "=")
		if word[1] != '-' {
			name, value = word[:2], word[2:]
			hasValue = value != ""
		}
		found, err := findOption(name, known)
		if err != nil {
			return o, err
		}
		switch {
		case found.flag && hasValue:
			return o, fmt.Errorf("the option %s takes no value", found.names[0])
		case !found.flag && !hasValue && len(words) == 0:
			return o, fmt.Errorf("the option %s needs a value", found.names[0])
		case !found.flag && !hasValue:
			value, words = words[0], words[1:]
		}
		if err := found.set(&o, value); err != nil {
			return o, fmt.Errorf("the option %s: %w", found.names[0], err)
		}
		o.given = append(o.given, found.names[0])
	}
	return o, nil
}

// findOption finds an option by its name, or the start of a long name that no
// other option has.
func findOption(name string, known []option) (option, error) {
	var near []string
	var found option
	for _, o := range known {
		for _, full := range o.names {
			if full == name {
				return o, nil
			}
			if strings.HasPrefix(name, "--") && strings.HasPrefix(full, name) {
				near = append(near, full)
				found = o
			}
		}
	}
	switch len(near) {
	case 1:
		return found, nil
	case 0:
		return found, unknownOption(name, known)
	}
	slices.Sort(near)
	return found, fmt.Errorf("the option %s is short for several: %s", name, strings.Join(near, ", "))
}

func unknownOption(name string, known []option) error {
	var names []string
	for _, o := range known {
		names = append(names, o.names...)
	}
	err := fmt.Errorf("%q is no option of requirements files", name)
	if near, ok := diag.Nearest(name, names); ok {
		err = fmt.Errorf("%w, did you mean %s?", err, near)
	}
	return err
}

// splitWords splits as a POSIX shell does: words between white space, with
// quotes and backslashes.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'':
			if i+1 == len(text) {
				return nil, errors.New("nothing follows the backslash at the end")
			}
			i++
			if quote == '"' && text[i] != '"' && text[i] != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(text[i])
			inWord = true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
			inWord = true
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quotation mark %c is not closed", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// formatChange is one --no-binary or --only-binary.
type formatChange struct {
	only  bool // --only-binary
	value string
}

// formats are the packages that wheels may not be used for, and those that
// must not be built. A name may be ":all:".
type formats struct {
	noBinary, onlyBinary map[string]bool
}

// apply makes a change. The options exclude each other, the later one wins;
// ":all:" replaces what was there, ":none:" takes it away.
func (f *formats) apply(c formatChange) {
	if f.noBinary == nil {
		f.noBinary, f.onlyBinary = make(map[string]bool), make(map[string]bool)
	}
	target, other := f.noBinary, f.onlyBinary
	if c.only {
		target, other = other, target
	}
	names := strings.Split(c.value, ",")
	for i := slices.Index(names, ":all:"); i >= 0; i = slices.Index(names, ":all:") {
		clear(other)
		clear(target)
		target[":all:"] = true
		names = names[i+1:]
		if !slices.Contains(names, ":none:") {
			return
		}
	}
	for _, name := range names {
		if name == ":none:" {
			clear(target)
			continue
		}
		name = pep508.NormalizeName(name)
		delete(other, name)
		target[name] = true
	}
}

// of says what is forbidden for a package: a name beats ":all:".
func (f *formats) of(name string) (noBinary, noBuild bool) {
	switch {
	case f.onlyBinary[name]:
		return false, true
	case f.noBinary[name]:
		return true, false
	case f.onlyBinary[":all:"]:
		return false, true
	}
	return f.noBinary[":all:"], false
}
