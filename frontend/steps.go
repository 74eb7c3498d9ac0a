package frontend

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/imagespec/imagespec/frontend/explain"
	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// noApt is the status of the apt step where the base has none (scripts/apt in llbgen).
const noApt = "69"

// explainStep turns the failure of a step that runs in the image into an error
// that points at what it was run for. The output of the step is in the log of
// the client.
func (b *build) explainStep(ctx context.Context, err error, c *compiled) error {
	step := description(err)[llbgen.StepKey]
	name, _, _ := strings.Cut(step, " ")
	at := stepAt(c.plan, step)
	code := explain.ExitCode(err)
	var e *diag.Error
	switch {
	case strings.Contains(err.Error(), "exec: \"/bin/sh\""):
		e = diag.Errorf(at, "the base image %s has no shell, which this needs", c.base.Ref).
			WithHint("take a base image with /bin/sh")
	case name == "apt" && code == noApt:
		e = diag.Errorf(at, "apt_packages need apt-get, but the base image %s%s has none", c.base.Ref, b.distribution(ctx, c)).
			WithHint("take a base image of Debian or Ubuntu, or install with that distribution's own program in commands")
	case name == "apt":
		e = diag.Errorf(at, "apt-get failed with exit code %s", code).
			WithHint("its output is in the log of the build; a package that it cannot locate is misspelt, or is not in this release of the distribution")
	case name == llbgen.BuildAptStep:
		e = b.explainBuildApt(ctx, err, c.plan.RequirementsAt, c)
	case name == llbgen.BuildStep:
		pkg, _ := builtPackage(c.plan, description(err)[llbgen.PackageKey])
		e = explain.Build(pkg, code, b.engine.Output(ctx, err, llbgen.BuildLog))
	case name == llbgen.GitStep:
		pkg, location := builtPackage(c.plan, description(err)[llbgen.PackageKey])
		e = explain.Git(err, pkg.At, fmt.Sprintf("%s cannot be fetched: commit %.12s of %s", strings.TrimSpace(pkg.Name+" "+pkg.Version), pkg.Build.Commit, location), location)
	case name == "commands":
		e = diag.Errorf(at, "the command failed with exit code %s", code).
			WithHint("its output is in the log of the build")
	default:
		return err
	}
	e.Err = err
	return e
}

// explainBuildApt says why there are not the Debian packages that others are
// built with.
func (b *build) explainBuildApt(ctx context.Context, err error, at diag.Range, c *compiled) *diag.Error {
	if code := explain.ExitCode(err); code != noApt {
		return diag.Errorf(at, "apt-get failed with exit code %s, while it installed what packages are built with", code).
			WithHint("its output is in the log of the build; builder_options.build_apt_packages says what is installed")
	}
	return diag.Errorf(at, "packages have to be compiled, but the base image %s%s has no apt-get to install compilers with", c.base.Ref, b.distribution(ctx, c)).
		WithHint("take a base image of Debian or Ubuntu, one that has compilers and builder_options.build_apt_packages: [], or lock versions that have wheels")
}

// stepAt is the place in the spec, or in one nested in it, that a step comes
// from.
func stepAt(p *plan.Plan, step string) diag.Range {
	for at := p; at != nil; at = at.Base.Plan {
		if at.Apt != nil && step == llbgen.StepName("apt", at.Apt.At) {
			return at.Apt.At
		}
		for _, command := range at.Commands {
			if step == llbgen.StepName("commands", command.At) {
				return command.At
			}
		}
	}
	return p.Base.At
}

// builtPackage gives the package of a name that is built for the image, or for the
// one that it is built on, and where its source is fetched from.
func builtPackage(p *plan.Plan, name string) (pkg plan.Package, location string) {
	for from := p; from != nil; from = from.Base.Plan {
		for _, pkg := range from.Packages {
			if pkg.Build != nil && pkg.Name == name {
				return pkg, from.Rewrites.Apply(pkg.URL)
			}
		}
	}
	return plan.Package{Name: "a package", At: p.RequirementsAt, Build: &plan.Build{}}, "" // not one of our steps
}

// description gives what llbgen has said of the step that failed.
func description(err error) map[string]string {
	var failed *gateway.Failure
	if !errors.As(err, &failed) {
		return nil
	}
	return failed.Description
}

// distribution names what the base calls itself (os-release(5)), in
// parentheses, if it can be read.
func (b *build) distribution(ctx context.Context, c *compiled) string {
	ref, err := b.engine.Ref(ctx, c.base.state, llb.Platform(c.platform))
	if err != nil {
		return ""
	}
	root := gateway.Open(ctx, ref)
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		data, err := root.ReadFile(name)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		for lines.Scan() {
			if pretty, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
				return " (" + strings.Trim(pretty, `"'`) + ")"
			}
		}
	}
	return ""
}
