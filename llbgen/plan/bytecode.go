package plan

import "slices"

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
// what Python compiles. Versions from before PEP 552 go without.
func bytecode(in Input) Bytecode {
	on := in.Spec.BuilderOptions.CompileBytecode
	old := []string{"3.3", "3.4", "3.5", "3.6"}
	switch {
	case on.IsSet() && !on.Value || slices.Contains(old, in.Python.Minor()):
		return ""
	case in.Retimed:
		return CheckedHash
	}
	return Timestamp
}
