package plan

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
)

// overlay lays the packages over those of the specs that this one is built on,
// as flytekit installs them into the same environment: what is there already is
// left out, and of what is there in another version the files are removed first.
func (p *Plan) overlay() []diag.Warning {
	var warnings []diag.Warning
	there := p.Base.Plan.installed()
	p.Packages = slices.DeleteFunc(p.Packages, func(pkg Package) bool {
		old, ok := there[pkg.Name]
		if !ok {
			return false
		}
		if pkg.sameAs(old) {
			return true
		}
		p.Removes = append(p.Removes, pkg.Name)
		warnings = append(warnings, replaced(pkg, old))
		return false
	})
	if _, ok := there["pip"]; ok {
		p.Pip = nil
	}
	return warnings
}

// sameAs says whether two packages are one file, or built from one source in
// one way.
func (p *Package) sameAs(other Package) bool {
	return p.File == other.File && p.SHA256 == other.SHA256 && reflect.DeepEqual(p.Build, other.Build) &&
		(p.Build == nil || p.URL == other.URL && p.Path == other.Path)
}

// installed gives what an image has of the specs that it is made of, by name.
func (p *Plan) installed() map[string]Package {
	if p == nil {
		return nil
	}
	all := p.Base.Plan.installed()
	if all == nil {
		all = map[string]Package{}
	}
	for _, pkg := range p.Packages {
		all[pkg.Name] = pkg
	}
	if p.Pip != nil {
		all["pip"] = *p.Pip
	}
	return all
}

// replaced is the warning for a package that takes the place of another one.
func replaced(pkg, old Package) diag.Warning {
	return diag.Warning{
		Rule: "BasePackageReplaced",
		Msg:  fmt.Sprintf("%s %s takes the place of the %s that the spec in base_image has", pkg.Name, pkg.Version, old.Version),
		Hint: "what else that spec has may want the other version; to have one of them alone lock both specs together",
		At:   pkg.At,
	}
}
