package plan

import (
	"errors"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
)

// overlay leaves out what the specs that this one is built on have installed
// into the environment already: its packages are laid over theirs, as flytekit
// installs them into the same environment. Another version of a package would
// leave files of the old one behind, and is an error.
func (p *Plan) overlay() error {
	var errs []error
	for base := p.Base.Plan; base != nil; base = base.Base.Plan {
		for _, there := range base.Packages {
			p.Packages = slices.DeleteFunc(p.Packages, func(pkg Package) bool {
				if pkg.Name != there.Name {
					return false
				}
				if pkg.SHA256 != there.SHA256 || pkg.File != there.File {
					errs = append(errs, clash(pkg, there))
				}
				return true
			})
			if there.Name == "pip" {
				p.Pip = nil
			}
		}
		if base.Pip != nil {
			p.Pip = nil
		}
	}
	return errors.Join(errs...)
}

// clash is the error for a package that the base has from another file.
func clash(pkg, there Package) error {
	e := diag.Errorf(pkg.At, "%s is selected in version %s, but the spec in base_image has version %s in the same environment", pkg.Name, pkg.Version, there.Version)
	if pkg.Version == there.Version {
		e.Msg = pkg.Name + " " + pkg.Version + " is selected as " + pkg.File + ", but the spec in base_image has " + there.File + " in the same environment"
	}
	e.At = append(e.At, there.At)
	return e.WithHint("lock the same version of %s in both, or leave it out of the spec in base_image", pkg.Name)
}
