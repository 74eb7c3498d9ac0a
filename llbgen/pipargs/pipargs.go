// Package pipargs reads pip_extra_args. flytekit gives it to uv pip install, uv
// sync or poetry install, whichever the requirements are for, so flags of all
// three are known. What they would do to an environment that is there already,
// or to the way that they print, has no meaning here.
//
// What becomes of what is asked is decided in package plan.
package pipargs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/shlex"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Arguments is what pip_extra_args says.
type Arguments struct {
	Request      lock.Request // extras, groups and what else is asked of a lock or a project
	Locked       bool         // a lock has to fit its project
	Index        string       // in place of PyPI
	ExtraIndexes []string
	FindLinks    []string
	NoIndex      bool
	Constraints  []string // files of the build context
	ExcludeNewer string   // RFC 3339
	Options      []string // what uv pip compile gets as it is
	Warnings     []diag.Warning

	chosen []string // flags that choose between versions, which have no effect on a lock
}

// argument is a flag of pip_extra_args.
type argument struct {
	names []string
	value bool // it takes one
	set   func(a *Arguments, value string) error
}

// knownArguments are the flags of uv and poetry that do something here, and
// those that can be passed over.
func knownArguments() []argument {
	list := func(into func(*Arguments) *[]string, names ...string) argument {
		return argument{names, true, func(a *Arguments, value string) error {
			*into(a) = append(*into(a), value)
			return nil
		}}
	}
	words := func(into func(*Arguments) *[]string, names ...string) argument {
		return argument{names, true, func(a *Arguments, value string) error {
			*into(a) = append(*into(a), strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })...)
			return nil
		}}
	}
	on := func(into func(*Arguments) *bool, names ...string) argument {
		return argument{names, false, func(a *Arguments, _ string) error {
			*into(a) = true
			return nil
		}}
	}
	all := []argument{
		list(func(a *Arguments) *[]string { return &a.Request.Extras }, "--extra"),
		words(func(a *Arguments) *[]string { return &a.Request.Extras }, "--extras", "-E"),
		on(func(a *Arguments) *bool { return &a.Request.AllExtras }, "--all-extras"),
		list(func(a *Arguments) *[]string { return &a.Request.Groups }, "--group"),
		words(func(a *Arguments) *[]string { return &a.Request.Groups }, "--with"),
		words(func(a *Arguments) *[]string { return &a.Request.NoGroups }, "--no-group", "--without"),
		on(func(a *Arguments) *bool { return &a.Request.AllGroups }, "--all-groups"),
		{[]string{"--only-group"}, true, onlyGroup},
		{[]string{"--only"}, true, onlyGroups},
		{[]string{"--dev"}, false, func(a *Arguments, _ string) error { return appendTo(&a.Request.Groups, "dev") }},
		{[]string{"--only-dev"}, false, func(a *Arguments, _ string) error { return onlyGroup(a, "dev") }},
		{[]string{"--no-dev"}, false, func(a *Arguments, _ string) error { return appendTo(&a.Request.NoGroups, "dev") }},
		list(func(a *Arguments) *[]string { return &a.Request.NoInstall }, "--no-install-package"),
		on(func(a *Arguments) *bool { return &a.Request.NoInstallWorkspace }, "--no-install-workspace"),
		on(func(a *Arguments) *bool { return &a.Request.NoInstallLocal }, "--no-install-local", "--no-directory"),
		on(func(a *Arguments) *bool { return &a.Request.AllPackages }, "--all-packages"),
		{[]string{"--package"}, true, func(a *Arguments, value string) error { a.Request.Package = value; return nil }},
		on(func(a *Arguments) *bool { return &a.Locked }, "--locked"),

		{[]string{"--index-url", "-i", "--default-index"}, true, func(a *Arguments, value string) error { a.Index = value; return nil }},
		list(func(a *Arguments) *[]string { return &a.ExtraIndexes }, "--extra-index-url", "--index"),
		list(func(a *Arguments) *[]string { return &a.FindLinks }, "--find-links", "-f"),
		on(func(a *Arguments) *bool { return &a.NoIndex }, "--no-index"),
		list(func(a *Arguments) *[]string { return &a.Constraints }, "--constraint", "--constraints", "-c"),
		{[]string{"--exclude-newer"}, true, setExcludeNewer},
	}
	all = append(all, formatArguments()...)
	all = append(all, choosing()...)
	return append(all, passedOver()...)
}

// formatArguments say whether wheels are used and packages built.
func formatArguments() []argument {
	policy := func(p *lock.Policy, option, value string, a *Arguments) error {
		for name := range strings.SplitSeq(value, ",") {
			switch name {
			case ":all:":
				p.All = true
			case ":none:":
				*p = lock.Policy{}
			default:
				p.Names = append(p.Names, name)
			}
			a.Options = append(a.Options, option, name)
		}
		return nil
	}
	noBinary := func(a *Arguments, value string) error { return policy(&a.Request.NoBinary, "--no-binary", value, a) }
	noBuild := func(a *Arguments, value string) error { return policy(&a.Request.NoBuild, "--only-binary", value, a) }
	return []argument{
		{[]string{"--no-binary", "--no-binary-package"}, true, noBinary},
		{[]string{"--only-binary", "--no-build-package"}, true, noBuild},
		{[]string{"--no-build"}, false, func(a *Arguments, _ string) error { return noBuild(a, ":all:") }},
	}
}

// choosing are the flags that choose between versions. A lock has chosen.
func choosing() []argument {
	pass := func(value bool, option string, names ...string) argument {
		return argument{append(names, option), value, func(a *Arguments, v string) error {
			a.chosen = append(a.chosen, option)
			a.Options = append(a.Options, option)
			if value {
				a.Options = append(a.Options, v)
			}
			return nil
		}}
	}
	return []argument{
		{[]string{"--pre"}, false, func(a *Arguments, _ string) error {
			a.chosen, a.Options = append(a.chosen, "--pre"), append(a.Options, "--prerelease", "allow")
			return nil
		}},
		pass(true, "--prerelease"),
		pass(true, "--resolution"),
		pass(true, "--index-strategy"),
		pass(true, "--torch-backend"),
		pass(false, "--no-deps"),
		pass(false, "--no-sources"),
		pass(true, "--exclude-newer-package"),
	}
}

// passedOver are the flags that change nothing that is built here: what is
// upgraded, reinstalled or left alone in an environment that begins empty, how
// files are linked and cached, and what is printed.
func passedOver() []argument {
	ignore := func(*Arguments, string) error { return nil }
	var all []argument
	for _, name := range []string{
		"--upgrade", "-U", "--reinstall", "--force-reinstall", "--refresh", "--exact", "--inexact", "--frozen", "--sync",
		"--no-root", "--no-install-project", "--no-editable", "--no-default-groups", "--compile-bytecode", "--compile",
		"--no-cache", "--no-cache-dir", "-n", "--system", "--break-system-packages", "--native-tls", "--system-certs",
		"--require-hashes", "--verify-hashes", "--strict", "--no-config", "--no-progress", "--no-interaction", "--no-ansi", "--ansi",
		"--quiet", "-q", "--verbose", "-v", "-vv", "-vvv",
	} {
		all = append(all, argument{[]string{name}, false, ignore})
	}
	for _, name := range []string{
		"--upgrade-package", "-P", "--reinstall-package", "--refresh-package", "--link-mode", "--cache-dir", "--color", "--concurrent-downloads",
	} {
		all = append(all, argument{[]string{name}, true, ignore})
	}
	return all
}

func appendTo(list *[]string, value string) error {
	*list = append(*list, value)
	return nil
}

func onlyGroup(a *Arguments, value string) error {
	a.Request.OnlyGroups = true
	return appendTo(&a.Request.Groups, value)
}

// onlyGroups is poetry's: "main" are the project's own dependencies, and all
// that is installed here unless groups are asked for.
func onlyGroups(a *Arguments, value string) error {
	names := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	main := slices.Contains(names, "main")
	for _, name := range names {
		if name != "main" {
			a.Request.Groups = append(a.Request.Groups, name)
		}
	}
	a.Request.OnlyGroups = !main
	return nil
}

func setExcludeNewer(a *Arguments, value string) error {
	day, err := time.Parse(time.DateOnly, value)
	moment := day.AddDate(0, 0, 1)
	if err != nil {
		if moment, err = time.Parse(time.RFC3339Nano, value); err != nil {
			return fmt.Errorf("%q is neither a day such as 2026-01-31 nor a time such as 2026-01-31T12:00:00Z", value)
		}
	}
	a.ExcludeNewer = moment.UTC().Format(time.RFC3339Nano)
	return nil
}

// Parse reads pip_extra_args, which flytekit puts into a line of a
// shell: words may be quoted, and what else a shell knows is refused.
func Parse(text imagespec.Text) (*Arguments, error) {
	a := &Arguments{}
	if strings.ContainsAny(text.Value, "$`;|&<>\n") {
		return nil, diag.Errorf(text.At, "pip_extra_args has one of $ ` ; | & < >, which only a shell would understand").
			WithHint("write flags and values alone")
	}
	words, err := shlex.Split(text.Value)
	if err != nil {
		return nil, diag.Errorf(text.At, "pip_extra_args: %w", err).WithHint("close every quotation mark")
	}
	known := knownArguments()
	for len(words) > 0 {
		name, value, has := cutArgument(words[0])
		words = words[1:]
		i := slices.IndexFunc(known, func(k argument) bool { return slices.Contains(k.names, name) })
		if i < 0 {
			return nil, unknownArgument(text, name, known)
		}
		switch flag := known[i]; {
		case !flag.value && has:
			return nil, diag.Errorf(text.At, "pip_extra_args: %s takes no value", name)
		case flag.value && !has && len(words) == 0:
			return nil, diag.Errorf(text.At, "pip_extra_args: %s needs a value", name)
		case flag.value && !has:
			value, words = words[0], words[1:]
		}
		if err := known[i].set(a, value); err != nil {
			return nil, diag.Errorf(text.At, "pip_extra_args: %s: %w", name, err)
		}
	}
	a.stripCredentials(text)
	return a, nil
}

// stripCredentials takes credentials out of the URLs, which would be in the
// plan and every log of it.
func (a *Arguments) stripCredentials(text imagespec.Text) {
	secret := false
	strip := func(url *string) {
		stripped, had := lock.StripCredentials(*url)
		*url, secret = stripped, secret || had
	}
	strip(&a.Index)
	for _, list := range [][]string{a.ExtraIndexes, a.FindLinks} {
		for i := range list {
			strip(&list[i])
		}
	}
	if secret {
		a.Warnings = append(a.Warnings, diag.Warning{
			Rule: "IndexCredentials",
			Msg:  "the credentials in pip_extra_args are not used",
			Hint: "take them out, and give them to the build as the secret HTTP_AUTH_HEADER_ or HTTP_AUTH_TOKEN_ with the host behind it",
			At:   text.At,
		})
	}
}

// Unused warns of flags that would choose between versions where a lock has
// done so.
func (a *Arguments) Unused(l *lock.Lock, at diag.Range) []diag.Warning {
	if len(a.chosen) == 0 {
		return nil
	}
	return []diag.Warning{{
		Rule: "PipExtraArgsUnused",
		Msg:  fmt.Sprintf("pip_extra_args: %s has no effect: %s has chosen the versions", strings.Join(a.chosen, ", "), l.Source.Name),
		Hint: "give the flag to the tool that locks",
		At:   at,
	}}
}

// cutArgument splits --name=value and -nvalue.
func cutArgument(word string) (name, value string, has bool) {
	if strings.HasPrefix(word, "--") {
		return strings.Cut(word, "=")
	}
	if len(word) > 2 && strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "-v") {
		return word[:2], strings.TrimPrefix(word[2:], "="), true
	}
	return word, "", false
}

func unknownArgument(text imagespec.Text, name string, known []argument) error {
	var names []string
	for _, k := range known {
		names = append(names, k.names...)
	}
	if !strings.HasPrefix(name, "-") {
		return diag.Errorf(text.At, "pip_extra_args: %q is no flag", name).WithHint("packages go to packages, values behind their flag")
	}
	err := diag.Errorf(text.At, "pip_extra_args: %s is not known", name).
		WithHint("remove it, or say what it is for in an issue; extras, groups and others are under builder_options too")
	if near, ok := diag.Nearest(name, names); ok {
		return err.WithHint("did you mean %s?", near)
	}
	return err
}
