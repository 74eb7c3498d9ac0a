package tomltree

import (
	"strconv"
	"strings"
)

// Time is a date or time as it is written.
type Time string

// Plain gives all of the table as values without lines: string, int64,
// float64, bool, Time, []any and map[string]any. A number that no int64 or
// float64 holds is noted as a mistake.
func (t Table) Plain() map[string]any {
	if t.value == nil {
		return nil
	}
	table, _ := t.doc.plain(t.value).(map[string]any)
	return table
}

func (d *Document) plain(v *value) any {
	var plain any
	var err error
	switch v.kind {
	case kindString:
		return v.text
	case kindInteger:
		plain, err = strconv.ParseInt(v.text, 0, 64)
	case kindFloat:
		plain, err = strconv.ParseFloat(strings.ReplaceAll(v.text, "_", ""), 64)
	case kindBool:
		return v.text == "true"
	case kindTime:
		return Time(v.text)
	case kindArray:
		items := make([]any, len(v.items))
		for i, item := range v.items {
			items[i] = d.plain(item)
		}
		return items
	case kindTable:
		table := make(map[string]any, len(v.entries))
		for _, e := range v.entries {
			table[e.key] = d.plain(e.value)
		}
		return table
	}
	if err != nil {
		d.Errorf(v.line, "%s is too large", v.text)
	}
	return plain
}
