package imagespec

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/imagespec/imagespec/internal/diag"
)

// maxErrors is how many mistakes one run reports.
const maxErrors = 20

// Parse reads an ImageSpec file. The mistakes in it are reported together, as
// joined *diag.Error values in the order of their lines; the Spec is nil then.
// Warnings name what the file says and this frontend does not use.
func Parse(src *diag.Source) (*Spec, []diag.Warning, error) {
	t, err := newText(src)
	if err != nil {
		return nil, nil, err
	}
	root, err := parseYAML(t)
	if err != nil {
		return nil, nil, err
	}
	d := decoder{text: t}
	spec := &Spec{Source: src}
	d.mapping("", root, spec.fields())
	d.check(spec)
	slices.SortStableFunc(d.warnings, func(a, b diag.Warning) int { return cmp.Compare(a.At.Line, b.At.Line) })
	if err := d.err(); err != nil {
		return nil, d.warnings, err
	}
	return spec, d.warnings, nil
}

// decoder turns nodes into a Spec's values and collects what is wrong with
// them.
type decoder struct {
	*text
	errs     []*diag.Error
	warnings []diag.Warning
	repeated int // characters that aliases stood for so far
	depth    int // specs around the one that is decoded
}

// errorf notes a mistake and returns it, for the hint.
func (d *decoder) errorf(at diag.Range, format string, args ...any) *diag.Error {
	e := diag.Errorf(at, format, args...)
	d.errs = append(d.errs, e)
	return e
}

// warn notes what the user should know about a value.
func (d *decoder) warn(rule string, at diag.Range, hint, format string, args ...any) {
	d.warnings = append(d.warnings, diag.Warning{Rule: rule, At: at, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// err joins the mistakes in the order of their places.
func (d *decoder) err() error {
	slices.SortStableFunc(d.errs, func(a, b *diag.Error) int {
		return cmp.Or(cmp.Compare(a.At[0].Line, b.At[0].Line), cmp.Compare(a.At[0].Column, b.At[0].Column))
	})
	var errs []error
	for _, e := range d.errs[:min(len(d.errs), maxErrors)] {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// mapping decodes a mapping whose keys are known. The prefix goes before their
// names in messages.
func (d *decoder) mapping(prefix string, n *yaml.Node, fields []field) {
	for key, value := range d.pairs(prefix, n) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			d.unknown(prefix, key, fields)
			continue
		}
		d.field(prefix+key.Value, fields[i], key, value)
	}
}

// unknown reports a key that the mapping does not have.
func (d *decoder) unknown(prefix string, key Text, fields []field) {
	e := d.errorf(key.At, "unknown key %s", show(prefix+key.Value))
	e.Hint = diag.Suggest(key.Value, names(fields))
	if _, near := diag.Nearest(key.Value, names(fields)); near {
		return
	}
	// It may be a key of the other mapping.
	if prefix != "" {
		if top, _ := diag.Nearest(key.Value, names(new(Spec).fields())); top != "" {
			e.WithHint("%s stands at the top of the file, not under builder_options", top)
		}
	} else if option, _ := diag.Nearest(key.Value, names(new(Options).fields())); option != "" {
		e.WithHint("%s stands under builder_options", option)
	}
}

// field decodes the value of a known key and applies the key's status.
func (d *decoder) field(name string, f field, key Text, n *yaml.Node) {
	n, ok := d.resolve(name, n)
	if !ok || isNull(n) {
		return
	}
	mistakes := len(d.errs)
	switch into := f.into.(type) {
	case *Text:
		*into = d.scalar(name, n)
	case *List:
		*into = d.list(name, n)
	case *Map:
		*into = d.dict(name, n)
	case *Flag:
		*into = d.flag(name, n)
	case *Options:
		d.options(name, n, into)
	case imageField:
		d.image(name, n, into)
	case commaField:
		*into.List = d.commas(name, n)
	case mountsField:
		*into.Map = d.mounts(name, n)
	}
	switch {
	case len(d.errs) > mistakes: // what is wrong with the value comes first
	case f.status == planned:
		d.errorf(key.At, "%s is not supported yet", name).WithHint("remove it, or build this image with flytekit")
	case f.status == unused:
		d.warn("OptionIgnored", key.At, "it changes nothing in this build", "%s is for Union's remote builder and not used here", name)
	}
}

// scalar decodes a value that must be a string.
func (d *decoder) scalar(name string, n *yaml.Node) Text {
	if n.Kind != yaml.ScalarNode {
		e := d.errorf(d.at(n), "%s must be a string, not %s", name, kind(n)).WithHint("write a single value there")
		if n.Kind == yaml.MappingNode {
			e.WithHint(`write a single value there, in quotes if it contains ": "`)
		}
		return Text{}
	}
	if strings.ContainsRune(n.Value, 0) {
		d.errorf(d.at(n), "%s contains a NUL character", name).WithHint(`remove the "\0"`)
		return Text{}
	}
	return Text{Value: n.Value, At: d.at(n)}
}

// flag decodes a value that must be true or false, in one spelling of each:
// what else YAML or its versions take for them is not the same everywhere.
func (d *decoder) flag(name string, n *yaml.Node) Flag {
	if n.Kind == yaml.ScalarNode && (n.Value == "true" || n.Value == "false") {
		return Flag{Value: n.Value == "true", At: d.at(n)}
	}
	e := d.errorf(d.at(n), "%s must be true or false, not %s", name, kind(n))
	switch strings.ToLower(n.Value) {
	case "true", "yes", "on", "y", "1":
		e.WithHint(`did you mean "true"?`)
	case "false", "no", "off", "n", "0":
		e.WithHint(`did you mean "false"?`)
	default:
		e.Hint = diag.Suggest(n.Value, []string{"true", "false"})
	}
	return Flag{}
}

// list decodes a value that must be a sequence of strings.
func (d *decoder) list(name string, n *yaml.Node) List {
	if n.Kind != yaml.SequenceNode {
		e := d.errorf(d.at(n), "%s must be a list of strings, not %s", name, kind(n))
		if n.Kind == yaml.ScalarNode {
			e.WithHint("write it as %s: [%s]", lastName(name), word(n.Value))
		} else {
			e.WithHint(`write each item on a line of its own, with "- " before it`)
		}
		return List{}
	}
	mistakes := len(d.errs)
	list := List{At: d.at(n)}
	for item, text := range d.items(name, n) {
		list.Items = append(list.Items, d.scalar(item, text))
	}
	if len(d.errs) > mistakes {
		return List{}
	}
	return list
}

// items yields the names and nodes of a list's items, none of them null.
func (d *decoder) items(name string, n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		for i, child := range n.Content {
			item := fmt.Sprintf("%s[%d]", name, i)
			child, ok := d.resolve(item, child)
			if !ok || !d.notNull(item, child) {
				continue
			}
			if !yield(item, child) {
				return
			}
		}
	}
}

// dict decodes a value that must be a mapping of strings to strings.
func (d *decoder) dict(name string, n *yaml.Node) Map {
	if n.Kind != yaml.MappingNode {
		d.errorf(d.at(n), "%s must be a mapping of names to strings, not %s", name, kind(n)).
			WithHint("write each entry on a line of its own, as NAME: value")
		return Map{}
	}
	m := Map{At: d.at(n)}
	for key, value := range d.pairs(name+".", n) {
		entry := name + "." + word(key.Value)
		if value, ok := d.resolve(entry, value); ok && d.notNull(entry, value) {
			m.Pairs = append(m.Pairs, Pair{Key: key, Value: d.scalar(entry, value)})
		}
	}
	return m
}

// options decodes builder_options.
func (d *decoder) options(name string, n *yaml.Node, into *Options) {
	if n.Kind != yaml.MappingNode {
		d.errorf(d.at(n), "%s must be a mapping of options, not %s", name, kind(n)).
			WithHint("write each option on a line of its own below it, such as extras: [gpu]")
		return
	}
	into.At = d.at(n)
	d.mapping(name+".", n, into.fields())
}

// maxDepth is how many specs may lie in one another. By an alias a spec can
// contain itself.
const maxDepth = 8

// image decodes a base image, which can be a spec in the spec.
func (d *decoder) image(name string, n *yaml.Node, into imageField) {
	if n.Kind != yaml.MappingNode {
		*into.Text = d.scalar(name, n)
		return
	}
	if d.depth == maxDepth {
		d.errorf(d.at(n), "%s is a spec in more than %d others", name, maxDepth).
			WithHint("remove the alias if the spec contains itself, else name an image")
		return
	}
	d.depth++
	defer func() { d.depth-- }()
	*into.Text = Text{At: d.at(n)}
	base := &Spec{Source: d.src}
	*into.base = base
	d.mapping("", n, base.fields())
	d.check(base)
}

// commas decodes a list that can also be one string with commas between the
// items.
func (d *decoder) commas(name string, n *yaml.Node) List {
	if n.Kind != yaml.ScalarNode {
		return d.list(name, n)
	}
	all := d.scalar(name, n)
	list := List{At: all.At}
	for item := range strings.SplitSeq(all.Value, ",") {
		list.Items = append(list.Items, Text{Value: strings.TrimSpace(item), At: all.At})
	}
	return list
}

// mounts decodes a list of pairs of strings, which flytekit has as tuples.
func (d *decoder) mounts(name string, n *yaml.Node) Map {
	if n.Kind != yaml.SequenceNode {
		d.errorf(d.at(n), "%s must be a list of pairs of strings, not %s", name, kind(n)).
			WithHint("write each as - [secret file, path in the build]")
		return Map{}
	}
	m := Map{At: d.at(n)}
	for item, pair := range d.items(name, n) {
		if pair.Kind != yaml.SequenceNode || len(pair.Content) != 2 {
			d.errorf(d.at(pair), "%s must be a pair of strings", item).
				WithHint("write it as - [secret file, path in the build]")
			continue
		}
		if l := d.list(item, pair); len(l.Items) == 2 {
			m.Pairs = append(m.Pairs, Pair{Key: l.Items[0], Value: l.Items[1]})
		}
	}
	return m
}

// pairs yields the keys and values of a mapping, without the keys that YAML
// allows and a spec does not: merge keys, those that are no scalars, and a
// name that was there before.
func (d *decoder) pairs(prefix string, n *yaml.Node) iter.Seq2[Text, *yaml.Node] {
	return func(yield func(Text, *yaml.Node) bool) {
		seen := map[string]diag.Range{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, ok := d.key(n.Content[i])
			if !ok {
				continue
			}
			if first, double := seen[key.Value]; double {
				e := d.errorf(key.At, "%s is set twice", show(prefix+key.Value)).WithHint("remove one of the two")
				if first.Line != key.At.Line {
					e.At = append(e.At, first)
				}
				continue
			}
			seen[key.Value] = key.At
			if !yield(key, n.Content[i+1]) {
				return
			}
		}
	}
}

// key decodes a mapping's key.
func (d *decoder) key(n *yaml.Node) (Text, bool) {
	if n.ShortTag() == "!!merge" {
		d.errorf(d.at(n), "the merge key << is not supported").WithHint("write the keys out")
		return Text{}, false
	}
	n, ok := d.resolve("a key", n)
	if !ok {
		return Text{}, false
	}
	if n.Kind != yaml.ScalarNode {
		d.errorf(d.at(n), "a key must be a string, not %s", kind(n)).WithHint("write key: value, without ?, [ or { before the key")
		return Text{}, false
	}
	key := d.scalar("a key", n)
	return key, key.IsSet()
}

// resolve follows an alias and refuses tags that ask for another type. What
// it gives is never an alias. Aliases cannot nest, since fields take lists and
// mappings of scalars only; all together they may repeat maxSize characters.
func (d *decoder) resolve(name string, n *yaml.Node) (*yaml.Node, bool) {
	if n.Kind == yaml.AliasNode {
		if d.repeated > maxSize {
			d.errorf(d.at(n), "%s repeats too much text with the alias *%s", name, word(n.Value)).WithHint("write the value out")
			return nil, false
		}
		n = n.Alias
		d.repeated += d.end(n) - d.start(n)
	}
	// Any scalar is read as a string, so !!str asks for nothing new.
	if n.Style&yaml.TaggedStyle != 0 && (n.Kind != yaml.ScalarNode || n.Tag != "!!str") {
		d.errorf(d.at(n), "%s has the tag %s", name, show(n.Tag)).WithHint("remove the tag, values are taken as they are written")
		return nil, false
	}
	return n, true
}

// notNull reports a null within a list or mapping, where it unsets nothing.
func (d *decoder) notNull(name string, n *yaml.Node) bool {
	if isNull(n) {
		d.errorf(d.at(n), "%s has no value", name).WithHint(`remove it, or write "" for an empty string`)
		return false
	}
	return true
}

// isNull reports whether a node unsets its field. A quoted "null" does not.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// kind names what a node is; a scalar by its value.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	}
	return show(n.Value)
}

// lastName gives a key without the keys and before the index around it.
func lastName(name string) string { return name[strings.LastIndex(name, ".")+1:] }

// show quotes a user's value for a message, cut where it is long. Quoting also
// keeps line breaks and control characters out of messages.
func show(value string) string {
	const most = 60
	runes := []rune(value)
	if len(runes) > most {
		return strconv.Quote(string(runes[:most])) + "…"
	}
	return strconv.Quote(value)
}

// plain matches the values that need no quotes in YAML, nor in a message.
var plain = regexp.MustCompile(`^[A-Za-z0-9][\w.:+/=<>~@-]{0,99}$`)

// word gives a user's value without quotes where it needs none.
func word(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return show(value)
}
