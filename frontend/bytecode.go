package frontend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/platforms"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/base"
	"github.com/imagespec/imagespec/internal/diag"
	installed "github.com/imagespec/imagespec/internal/tree"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// mayRetime tells whether the exporter can change the times of what is
// installed. With its option rewrite-timestamp, which a frontend does not get
// to know, it makes everything that is later than the epoch as old as that.
func mayRetime(epoch *time.Time) bool {
	return epoch != nil && epoch.Before(installed.ModTime())
}

// addBytecode finds the Python that compiles what the plan has compiled. Where
// there is none the image goes without bytecode, which only starts later.
func (b *build) addBytecode(ctx context.Context, spec *imagespec.Spec, c *compiled) (llbgen.Compiler, error) {
	if c.plan.Bytecode == "" {
		return llbgen.Compiler{}, nil
	}
	found, err := b.compilerBase(ctx, spec, c)
	if ctx.Err() != nil {
		return llbgen.Compiler{}, ctx.Err()
	}
	if err != nil {
		c.plan.Bytecode = ""
		c.warnings = append(c.warnings, bytecodeSkipped(c.base, err))
		return llbgen.Compiler{}, nil
	}
	return llbgen.Compiler{
		Root:        found.state,
		Interpreter: found.interpreter,
		Python:      found.facts.Python,
		LibraryPath: base.Lookup(found.config.Config.Env, "LD_LIBRARY_PATH"),
	}, nil
}

// compilerBase is the base for the platform that the build runs on: the one of
// the image where that is for the same. Of nested specs it is what the
// innermost one is built on, so that no change of theirs has modules compiled.
func (b *build) compilerBase(ctx context.Context, spec *imagespec.Spec, c *compiled) (*baseImage, error) {
	for spec.Base != nil {
		spec, c = spec.Base, c.base.nested
	}
	platform := b.ui.BuildPlatforms[0]
	if sameMachine(platform, c.platform) {
		return c.base, nil
	}
	found, err := b.resolveBase(ctx, spec, platform)
	if err != nil {
		return nil, err
	}
	if !sameBytecode(found.facts.Python, c.base.facts.Python) {
		return nil, fmt.Errorf("it has Python %s for %s, but Python %s for %s", found.facts.Python,
			platforms.FormatAll(platform), c.base.facts.Python, platforms.FormatAll(c.platform))
	}
	return found, nil
}

// sameBytecode tells whether one Python reads what another one has compiled:
// the format changes with the minor version, and before its first release.
func sameBytecode(a, b plan.Python) bool {
	return a.Minor() == b.Minor() && (a.Version == b.Version || !a.PreRelease() && !b.PreRelease())
}

// bytecodeSkipped is the warning for an image without bytecode that should
// have some.
func bytecodeSkipped(of *baseImage, err error) diag.Warning {
	var known *diag.Error
	if errors.As(err, &known) {
		err = errors.New(known.Msg)
	}
	return diag.Warning{
		Rule: "BytecodeSkipped",
		Msg:  "modules are not compiled, since the base's Python does not run on the build's platform: " + err.Error(),
		Hint: "the image works, but starts more slowly; builder_options.compile_bytecode: false says that it is meant",
		At:   of.At,
	}
}
