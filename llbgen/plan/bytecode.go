package plan

import "github.com/imagespec/imagespec"

// Bytecode says how the interpreter finds out that a module was changed after
// it was compiled (PEP 552). The zero value is an image without bytecode.
type Bytecode string

// The kinds of bytecode that images get.
const (
	// Timestamp is what Python writes itself: the module's time and size are
	// compared.
	Timestamp Bytecode = "timestamp"
	// CheckedHash is for images in which times may be changed by the exporter: a
	// hash of the module's text is compared, which has to be read for it.
	CheckedHash Bytecode = "checked-hash"
)

// bytecode decides what is compiled. It is on unless the spec says otherwise:
// an image is started more often than built, and its user often cannot write
// what Python compiles.
func bytecode(spec *imagespec.Spec, retimed bool) Bytecode {
	on := spec.BuilderOptions.CompileBytecode
	switch {
	case on.IsSet() && !on.Value:
		return ""
	case retimed:
		return CheckedHash
	}
	return Timestamp
}
