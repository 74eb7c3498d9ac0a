// Package frontend is the BuildKit gateway frontend for ImageSpec files: it
// reads what the client sent, compiles it with the packages below it and
// returns references and metadata. It follows BuildKit's own Dockerfile
// frontend (frontend/dockerfile/builder, frontend/dockerui) in every option.
//
// What an image contains is decided in package plan, how LLB is made of it in
// llbgen; here is only the conversation with the client and the engine. Parts of
// it that know nothing of the whole are the packages in this folder.
package frontend

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/frontend/buildcontext"
	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/frontend/lookup"
	"github.com/imagespec/imagespec/frontend/sourcemap"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/flytekit"
	"github.com/imagespec/imagespec/llbgen"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/index"
)

// Build is the gateway's entry: it answers one build or subrequest.
func Build(ctx context.Context, c client.Client) (res *client.Result, err error) {
	defer recoverTo(&err)
	ui, err := dockerui.NewClient(c)
	if err != nil {
		return nil, err
	}
	opts := ui.BuildOpts().Opts
	if err := checkCaps(opts["frontend.caps"]); err != nil {
		return nil, err
	}
	entry, err := ui.ReadEntrypoint(ctx, "yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the spec %q: %w", opts["filename"], err)
	}
	data := entry.Data
	entry.Data = diag.Redact(data) // excerpts and provenance keep it
	b := &build{ui: ui, entry: entry, data: data, files: sourcemap.New(entry.SourceMap)}
	b.engine = gateway.Engine{Client: c, CacheImports: ui.CacheImports}
	b.context = &buildcontext.Context{UI: ui, Engine: b.engine, Spec: entry.Filename, OnRead: b.files.Add}
	b.args.values = ui.BuildArgs
	res, err = b.answer(ctx)
	return res, b.files.Explain(err)
}

// recoverTo turns a panic into an error, since nobody sees what a frontend
// prints. Every goroutine needs it on its own.
func recoverTo(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("imagespec: this is a bug in the frontend, please report it: %v\n%s", r, debug.Stack())
	}
}

// build is one call of the frontend.
type build struct {
	ui      *dockerui.Client
	engine  gateway.Engine
	entry   *dockerui.Source // the spec's file, as it is shown
	data    []byte           // the spec's file, as it is
	files   *sourcemap.Files // what errors, warnings and ops point at
	context *buildcontext.Context
	args    buildArgs
	spec    *imagespec.Spec // of the image; others are nested in it
	warned  sync.Map        // the warnings that were sent
	logins  lookup.Logins
}

// answer parses the spec and does what the client asked for.
func (b *build) answer(ctx context.Context) (*client.Result, error) {
	if request, ok := b.ui.BuildOpts().Opts["requestid"]; ok {
		return b.subrequest(ctx, request)
	}
	spec, warnings, err := b.parse()
	if err != nil {
		return nil, err
	}
	b.warn(ctx, warnings)
	if err := b.checkTarget(); err != nil {
		return nil, err
	}
	b.setPlatforms(spec)
	epoch, err := b.epoch(ctx)
	if err != nil {
		return nil, err
	}
	name, warnings := b.nameOf(ctx, spec)
	b.warn(ctx, warnings)
	var images sync.Map // platform → *compiled
	result, err := b.ui.Build(ctx, func(ctx context.Context, platform *ocispecs.Platform, _ int) (res *dockerui.BuildResult, err error) {
		defer recoverTo(&err)
		c, err := b.compile(ctx, spec, platform, nil)
		if err != nil {
			return nil, err
		}
		b.warn(ctx, c.warnings)
		if res, err = b.solve(ctx, c); err != nil && c.recalled && errors.Is(err, errFetch) {
			res, err = b.solveAnew(ctx, spec, platform, c, err)
		}
		if err != nil {
			return nil, err
		}
		res.Epoch = epoch
		images.Store(platformID(platform), c)
		return res, nil
	})
	if err != nil {
		return nil, err
	}
	if err := b.scan(ctx, result, &images); err != nil {
		return nil, err
	}
	return b.named(result, name)
}

// named ends a build. The exporter takes the name where its own is "*".
func (b *build) named(built *dockerui.ResultBuilder, name string) (*client.Result, error) {
	result, err := built.Finalize()
	if err == nil && name != "" {
		result.AddMeta(exptypes.ExporterImageNameKey, []byte(name))
	}
	return result, err
}

// parse reads the spec.
func (b *build) parse() (spec *imagespec.Spec, warnings []diag.Warning, err error) {
	spec, warnings, err = imagespec.Parse(&diag.Source{Name: b.entry.Filename, Data: b.data})
	b.spec = spec
	return spec, warnings, err
}

// warn streams warnings to the client, each once: most are the same for all
// platforms.
func (b *build) warn(ctx context.Context, warnings []diag.Warning) {
	for _, w := range warnings {
		if _, sent := b.warned.LoadOrStore(w.String(), true); sent {
			continue
		}
		opts := client.WarnOpts{Level: 1}
		if w.Hint != "" {
			opts.Detail = [][]byte{[]byte(w.Hint)}
		}
		opts.SourceInfo, opts.Range = b.files.Excerpt(w.At)
		b.entry.Warn(ctx, w.String(), opts)
	}
}

// checkTarget refuses --target: a spec describes one image.
func (b *build) checkTarget() error {
	if b.ui.Target == "" {
		return nil
	}
	return fmt.Errorf("target %q not found: a spec describes one image and has no targets; leave out --target", b.ui.Target)
}

// setPlatforms takes the platforms of the spec where the client gives none.
func (b *build) setPlatforms(spec *imagespec.Spec) {
	if len(b.ui.TargetPlatforms) > 0 {
		return
	}
	b.ui.TargetPlatforms = spec.Platforms()
	if len(b.ui.TargetPlatforms) > 1 {
		b.ui.MultiPlatformRequested = true
	}
}

// compiled is an image ready to be solved.
type compiled struct {
	spec     *imagespec.Spec
	plan     *plan.Plan
	base     *baseImage
	platform ocispecs.Platform
	state    llb.State
	builds   map[string]llb.State // what packages are built in, by their names
	warnings []diag.Warning
	recalled bool // URLs of packages are remembered, not asked for
}

// compile makes the plan and the LLB of the image for one platform; nil is the
// engine's own. After a failure to fetch what an index was remembered to have, it
// is asked anew.
func (b *build) compile(ctx context.Context, spec *imagespec.Spec, platform *ocispecs.Platform, failed *compiled) (*compiled, error) {
	c := &compiled{spec: spec, platform: b.ui.BuildPlatforms[0]}
	if platform != nil {
		c.platform = *platform
	}
	var err error
	c.base, err = b.resolveBase(ctx, spec, c.platform)
	if err != nil {
		return nil, err
	}
	opt, err := b.stepOptions()
	if err != nil {
		return nil, err
	}
	opt.Base, opt.StepPrefix = c.base.state, b.stepPrefix(c.platform)
	if err := b.makePlan(ctx, c, opt, failed != nil); err != nil {
		return nil, err
	}
	opt.Moved = c.moved(failed)
	if opt.Files, err = b.context.Files(ctx, c.plan); err != nil {
		return nil, err
	}
	if opt.Trees, err = b.context.Trees(ctx, c.plan); err != nil {
		return nil, err
	}
	if opt.Compiler, err = b.addBytecode(ctx, spec, c); err != nil {
		return nil, err
	}
	c.state, c.builds = llbgen.State(c.plan, opt), llbgen.Builds(c.plan, opt)
	return c, nil
}

// makePlan decides what the image will be. Servers are asked in steps. Anew,
// indexes are asked even if it is remembered what they have.
func (b *build) makePlan(ctx context.Context, c *compiled, steps llbgen.Options, anew bool) error {
	epoch, err := b.epoch(ctx)
	if err != nil {
		return err
	}
	secrets := plan.Secrets(c.spec)
	servers := &lookup.Servers{
		Engine: b.engine, Options: steps, Secrets: secrets, Namespace: b.ui.CacheIDNamespace, Logins: &b.logins,
	}
	answers := servers.Remember(ctx, index.Pages{Fetch: func(url string) (page []byte, err error) {
		defer recoverTo(&err) // many pages are read at once
		return servers.Page(ctx, plan.RewritesOf(c.spec).Apply(url))
	}}, anew)
	var id string
	if c.spec == b.spec { // what is built on a nested spec has its own
		id = flytekit.ImageID(c.spec.Source)
	}
	c.plan, c.warnings, err = plan.Make(plan.Input{
		Spec:        c.spec,
		Context:     b.context.FS(ctx),
		Getenv:      b.args.get,
		Platform:    c.platform,
		Base:        c.base.Base,
		Python:      c.base.facts.Python,
		Interpreter: c.base.interpreter,
		Libc:        c.base.facts.Libc,
		Index:       answers,
		Resolve:     (&resolution{build: b, ctx: ctx, compiled: c, steps: steps, secrets: secrets}).resolve,
		Commit:      b.commit(ctx),
		Netrc:       func(hosts []string) ([]string, error) { return servers.Netrc(ctx, hosts) },
		ImageID:     id,
		Retimed:     mayRetime(epoch),
	})
	if err != nil {
		return err
	}
	c.warnings = slices.Concat(c.base.warnings, c.warnings)
	if c.spec == b.spec {
		c.warnings = append(c.warnings, b.args.unused()...)
	}
	c.recalled = answers.Recalled()
	return nil
}

// moved gives the files that are elsewhere than in another compilation.
func (c *compiled) moved(from *compiled) map[string]bool {
	if from == nil {
		return nil
	}
	moved := map[string]bool{}
	for _, pkg := range c.plan.Packages {
		moved[pkg.File] = packageByURL(from.plan, c.plan.Rewrites.Apply(pkg.URL)) == nil
	}
	return moved
}

// stepPrefix tells the steps of several platforms apart.
func (b *build) stepPrefix(p ocispecs.Platform) string {
	if len(b.ui.TargetPlatforms) < 2 {
		return ""
	}
	return platforms.FormatAll(p) + " "
}
