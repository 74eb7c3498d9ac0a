// Package tomltree reads TOML into a tree in which every value knows its line.
// A reader asks a Table for the keys it knows, by type; a key of another type
// is noted in the Document instead of ending the reading, so that one run
// reports all of them. What the keys mean is the business of the caller.
//
// The input may be hostile: its size, the number of its values and the depth
// of its nesting are limited.
package tomltree

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/imagespec/imagespec/internal/diag"
)

// maxErrors is how many mistakes a Document remembers.
const maxErrors = 10

// Document is a parsed TOML file and the mistakes found while reading it.
type Document struct {
	source *diag.Source
	root   *value
	errs   []error
	lost   bool // more mistakes than are remembered
}

// kind is the type of a value, named as messages name it.
type kind string

const (
	kindString  kind = "a string"
	kindInteger kind = "an integer"
	kindFloat   kind = "a float"
	kindBool    kind = "a boolean"
	kindTime    kind = "a date or time"
	kindArray   kind = "an array"
	kindTable   kind = "a table"
)

// value is a node of the tree.
type value struct {
	kind    kind
	line    int
	text    string   // of a string its content, of another scalar how it is written
	items   []*value // of an array
	entries []entry  // of a table, in file order
	index   map[string]int
	origin  origin
}

type entry struct {
	key   string
	line  int
	value *value
}

// Root is the table of the whole document.
func (d *Document) Root() Table { return Table{doc: d, value: d.root} }

// Errorf notes a mistake at a line, for what a caller finds wrong with a value.
func (d *Document) Errorf(line int, format string, args ...any) {
	d.Add(diag.Errorf(d.At(line), format, args...))
}

// Add notes a mistake; after the first ten it only remembers that there are
// more.
func (d *Document) Add(err error) {
	if len(d.errs) == maxErrors {
		d.lost = true
		return
	}
	d.errs = append(d.errs, err)
}

// Err joins all mistakes that were noted, nil if there are none.
func (d *Document) Err() error {
	if d.lost {
		return errors.Join(append(d.errs[:len(d.errs):len(d.errs)],
			fmt.Errorf("%s: more mistakes like these", d.source.Name))...)
	}
	return errors.Join(d.errs...)
}

// At is the place of a line.
func (d *Document) At(line int) diag.Range { return diag.Range{Source: d.source, Line: line} }

// Table reads the keys of one table. The zero Table has no keys.
type Table struct {
	doc   *Document
	value *value
}

// Line is where the table begins: its header, or its first brace.
func (t Table) Line() int {
	if t.value == nil {
		return 0
	}
	return t.value.line
}

// Key is a key of a table and its line.
type Key struct {
	Name string
	Line int
}

// Keys gives all keys in file order.
func (t Table) Keys() []Key {
	if t.value == nil {
		return nil
	}
	keys := make([]Key, len(t.value.entries))
	for i, e := range t.value.entries {
		keys[i] = Key{e.key, e.line}
	}
	return keys
}

// Has says whether the table has the key, of whatever type.
func (t Table) Has(key string) bool { return t.entry(key) != nil }

// LineOf is the line of a key, the table's own where the key is absent.
func (t Table) LineOf(key string) int {
	if e := t.entry(key); e != nil {
		return e.line
	}
	return t.Line()
}

// String gives a string, empty if the key is absent.
func (t Table) String(key string) string {
	if v := t.get(key, kindString); v != nil {
		return v.text
	}
	return ""
}

// Int gives an integer, 0 if the key is absent.
func (t Table) Int(key string) int64 {
	v := t.get(key, kindInteger)
	if v == nil {
		return 0
	}
	n, err := strconv.ParseInt(v.text, 0, 64)
	if err != nil {
		t.doc.Errorf(v.line, "%s = %s is no 64-bit integer", key, v.text)
	}
	return n
}

// Bool gives a boolean, false if the key is absent.
func (t Table) Bool(key string) bool {
	v := t.get(key, kindBool)
	return v != nil && v.text == "true"
}

// Time gives a date or time as it is written, empty if the key is absent.
func (t Table) Time(key string) string {
	if v := t.get(key, kindTime); v != nil {
		return v.text
	}
	return ""
}

// Table gives a table, the zero Table if the key is absent.
func (t Table) Table(key string) Table {
	return Table{doc: t.doc, value: t.get(key, kindTable)}
}

// Tables gives an array of tables.
func (t Table) Tables(key string) []Table {
	items := t.array(key, kindTable)
	tables := make([]Table, len(items))
	for i, v := range items {
		tables[i] = Table{doc: t.doc, value: v}
	}
	return tables
}

// TableLists gives an array of arrays of tables.
func (t Table) TableLists(key string) [][]Table {
	items := t.array(key, kindArray)
	lists := make([][]Table, len(items))
	for i, v := range items {
		for _, item := range t.itemsOf(key, v, kindTable) {
			lists[i] = append(lists[i], Table{doc: t.doc, value: item})
		}
	}
	return lists
}

// Text is a string of an array and its line.
type Text struct {
	Text string
	Line int
}

// Texts gives an array of strings.
func (t Table) Texts(key string) []Text {
	items := t.array(key, kindString)
	texts := make([]Text, len(items))
	for i, v := range items {
		texts[i] = Text{v.text, v.line}
	}
	return texts
}

// Strings gives an array of strings without their lines.
func (t Table) Strings(key string) []string {
	items := t.array(key, kindString)
	if items == nil {
		return nil
	}
	list := make([]string, len(items))
	for i, v := range items {
		list[i] = v.text
	}
	return list
}

// MixedTables gives the tables of an array that may hold anything else too.
func (t Table) MixedTables(key string) []Table {
	v := t.get(key, kindArray)
	if v == nil {
		return nil
	}
	var tables []Table
	for _, item := range v.items {
		if item.kind == kindTable {
			tables = append(tables, Table{doc: t.doc, value: item})
		}
	}
	return tables
}

// MixedTexts gives the strings of an array that may hold anything else too.
func (t Table) MixedTexts(key string) []Text {
	v := t.get(key, kindArray)
	if v == nil {
		return nil
	}
	var texts []Text
	for _, item := range v.items {
		if item.kind == kindString {
			texts = append(texts, Text{item.text, item.line})
		}
	}
	return texts
}

// IsArray says whether the key is there and an array.
func (t Table) IsArray(key string) bool {
	e := t.entry(key)
	return e != nil && e.value.kind == kindArray
}

// IsString says whether the key is there and a string.
func (t Table) IsString(key string) bool {
	e := t.entry(key)
	return e != nil && e.value.kind == kindString
}

func (t Table) array(key string, of kind) []*value {
	v := t.get(key, kindArray)
	if v == nil {
		return nil
	}
	return t.itemsOf(key, v, of)
}

// itemsOf gives the items of an array, all of which must have one kind.
func (t Table) itemsOf(key string, array *value, of kind) []*value {
	for _, item := range array.items {
		if item.kind != of {
			t.doc.Errorf(item.line, "every value in %s must be %s, not %s", key, of, item.kind)
			return nil
		}
	}
	return array.items
}

// get gives the value of a key if it has the kind that is wanted.
func (t Table) get(key string, want kind) *value {
	e := t.entry(key)
	if e == nil {
		return nil
	}
	if e.value.kind != want {
		t.doc.Errorf(e.line, "%s must be %s, not %s", key, want, e.value.kind)
		return nil
	}
	return e.value
}

func (t Table) entry(key string) *entry {
	if t.value == nil {
		return nil
	}
	return t.value.entry(key)
}

// indexFrom is the size from which a table looks its keys up in a map: most
// tables of a lock have three keys, for which a map is a waste.
const indexFrom = 16

func (v *value) entry(key string) *entry {
	if v.index != nil {
		if i, ok := v.index[key]; ok {
			return &v.entries[i]
		}
		return nil
	}
	for i := range v.entries {
		if v.entries[i].key == key {
			return &v.entries[i]
		}
	}
	return nil
}

func (v *value) add(e entry) {
	v.entries = append(v.entries, e)
	if v.index != nil {
		v.index[e.key] = len(v.entries) - 1
		return
	}
	if len(v.entries) < indexFrom {
		return
	}
	v.index = make(map[string]int, 2*indexFrom)
	for i := range v.entries {
		v.index[v.entries[i].key] = i
	}
}
