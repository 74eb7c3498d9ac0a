package imagespec

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Schema gives the JSON schema (draft 2020-12) of a spec, as indented JSON. It
// has the shape of the file: which keys there are, and what goes where. What a
// value means is checked by Parse alone, so a file can fit and be wrong. In two
// places it is stricter, for the sake of what editors offer: true and false
// have no quotes, and source_copy_mode has no mixed case.
func Schema() ([]byte, error) {
	root := object(new(Spec).fields(), "")
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "ImageSpec"
	root.Description = "The container image of a Flyte task: the fields of flytekit's ImageSpec. null is as if the key were not there."
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(root)
	return out.Bytes(), err
}

// schema is the part of JSON Schema that a spec needs.
type schema struct {
	Dialect     string     `json:"$schema,omitempty"`
	Ref         string     `json:"$ref,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Type        []string   `json:"type,omitempty"`
	Enum        []any      `json:"enum,omitempty"`
	Pattern     string     `json:"pattern,omitempty"`
	AnyOf       []*schema  `json:"anyOf,omitempty"`
	Properties  properties `json:"properties,omitempty"`
	Additional  any        `json:"additionalProperties,omitempty"` // false, or the schema of the values
	Items       *schema    `json:"items,omitempty"`
	MinItems    int        `json:"minItems,omitempty"`
	MaxItems    int        `json:"maxItems,omitempty"`
	Default     any        `json:"default,omitempty"`
	Examples    []any      `json:"examples,omitempty"`
}

// properties are the keys of an object, in the order of the table, in which
// editors offer them.
type properties []property

type property struct {
	name   string
	schema *schema
}

// MarshalJSON writes an object.
func (p properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, prop := range p {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(prop.name)
		if err != nil {
			return nil, err
		}
		out.Write(append(name, ':'))
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(prop.schema); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// object is the schema of a mapping with known keys.
func object(fields []field, prefix string) *schema {
	s := &schema{Type: []string{"object"}, Additional: false}
	for _, f := range fields {
		s.Properties = append(s.Properties, property{f.name, fieldSchema(prefix+f.name, f)})
	}
	return s
}

// fieldSchema is the schema of a key's value: its shape by the type that it
// is decoded to, the rest by what is documented of it.
func fieldSchema(name string, f field) *schema {
	d := docs()[name]
	s := shape(f.into, d)
	if s.AnyOf != nil {
		s.AnyOf = append(s.AnyOf, &schema{Type: []string{"null"}})
	} else {
		s.Type = append(slices.Clone(s.Type), "null")
		if s.Enum != nil {
			s.Enum = append(slices.Clone(s.Enum), nil)
		}
	}
	s.Description, s.Default, s.Examples = d.text, d.unset, d.examples
	switch f.status {
	case planned:
		s.Description += " Not supported yet, so an error."
	case unused:
		s.Description += " Not used by this frontend."
	}
	return s
}

// shape is the schema of a type.
func shape(into any, d doc) *schema {
	scalar := &schema{Type: []string{"string", "number", "boolean"}, Enum: d.values} // as text, whatever YAML takes it for
	several := &schema{Type: []string{"array"}, Items: scalar}
	switch into.(type) {
	case *Text:
		return scalar
	case *List:
		return several
	case *Map:
		return &schema{Type: []string{"object"}, Additional: scalar}
	case *Flag:
		return &schema{Type: []string{"boolean"}}
	case *Options:
		return object(new(Options).fields(), "builder_options.")
	case imageField:
		return &schema{AnyOf: []*schema{scalar, {Ref: "#"}}}
	case commaField:
		// The enumeration is what editors offer; other spellings pass.
		item := &schema{AnyOf: []*schema{scalar, {Type: []string{"string"}, Pattern: "^linux/[^,]+$"}}}
		commas := &schema{Type: []string{"string"}, Pattern: "^ *linux/[^,]+(, *linux/[^,]+)* *$"}
		return &schema{AnyOf: []*schema{scalar, commas, {Type: []string{"array"}, Items: item}}}
	case mountsField:
		return &schema{Type: []string{"array"}, Items: &schema{Type: []string{"array"}, Items: scalar, MinItems: 2, MaxItems: 2}}
	}
	return nil
}
