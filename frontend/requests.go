package frontend

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/convertllb"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/frontend/sourcemap"
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/export"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// request is a question that the client can ask instead of building.
type request struct {
	subrequests.Request
	answer func(*build, context.Context) (*client.Result, error)
}

// requests are all of them: dispatch and the answer to "describe" share the
// list.
func requests() []request {
	return []request{
		{outline.SubrequestsOutlineDefinition, (*build).outline},
		{targets.SubrequestsTargetsDefinition, (*build).targets},
		{lintDefinition(), (*build).lint},
		{convertDefinition(), (*build).convertLLB},
		{planDefinition(), (*build).plan},
		{lockDefinition(), (*build).lock},
		{subrequests.SubrequestsDescribeDefinition, (*build).describe},
	}
}

// subrequest answers one of the requests.
func (b *build) subrequest(ctx context.Context, name string) (*client.Result, error) {
	for _, r := range requests() {
		if r.Name == name {
			return r.answer(b, ctx)
		}
	}
	return nil, errdefs.NewUnsupportedSubrequestError(name)
}

func lintDefinition() subrequests.Request {
	d := lint.SubrequestLintDefinition
	d.Description = "Check a spec and its lock without building"
	return d
}

func convertDefinition() subrequests.Request {
	d := convertllb.SubrequestConvertLLBDefinition
	d.Description = "Convert a spec to LLB"
	return d
}

func planDefinition() subrequests.Request {
	return subrequests.Request{
		Name:        "frontend.imagespec.plan",
		Version:     "1.0.0",
		Type:        subrequests.TypeRPC,
		Description: "Print what the image will be: packages, layers, base and configuration",
		Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
	}
}

func lockDefinition() subrequests.Request {
	return subrequests.Request{
		Name:        "frontend.imagespec.lock",
		Version:     "1.0.0",
		Type:        subrequests.TypeRPC,
		Description: "Print a pylock.toml with the packages of the image, for every platform of the spec",
		Metadata:    []subrequests.Named{{Name: "result.txt"}},
	}
}

// lock prints the lock of what the image has, for all its platforms.
func (b *build) lock(ctx context.Context) (*client.Result, error) {
	spec, _, err := b.parse()
	if err != nil {
		return nil, err
	}
	b.setPlatforms(spec)
	targets := b.ui.TargetPlatforms
	if len(targets) == 0 {
		targets = b.ui.BuildPlatforms[:1]
	}
	var plans []*plan.Plan
	for _, platform := range targets {
		c, err := b.compile(ctx, spec, &platform, nil)
		if err != nil {
			return nil, err
		}
		plans = append(plans, c.plan)
	}
	data := export.Pylock(plans)
	return answer(lockDefinition().Version, data, data), nil
}

// describe lists the requests.
func (b *build) describe(context.Context) (*client.Result, error) {
	var all []subrequests.Request
	for _, r := range requests() {
		all = append(all, r.Request)
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := subrequests.PrintDescribe(data, &text); err != nil {
		return nil, err
	}
	return answer(subrequests.SubrequestsDescribeDefinition.Version, data, text.Bytes()), nil
}

// targets lists the one image that a spec describes.
func (b *build) targets(context.Context) (*client.Result, error) {
	spec, _, err := b.parse()
	if err != nil {
		return nil, err
	}
	return targets.List{
		Targets: []targets.Target{{Name: spec.Name.Value, Default: true}},
		Sources: [][]byte{b.entry.Data},
	}.ToResult()
}

// lint compiles for the first platform and returns every warning, and the
// error where there is one.
func (b *build) lint(ctx context.Context) (*client.Result, error) {
	results := &lint.LintResults{}
	spec, warnings, err := b.parse()
	if err == nil {
		b.setPlatforms(spec)
		var c *compiled
		if c, err = b.compile(ctx, spec, b.firstPlatform(), nil); err == nil {
			warnings = append(warnings, c.warnings...)
		}
	}
	for _, w := range warnings {
		b.addWarning(results, w)
	}
	if found := diag.All(err); len(found) > 0 {
		results.Error = &lint.BuildError{Message: b.files.Explain(err).Error()}
		if m := b.files.Find(found[0].At[0]); m != nil {
			results.Error.Location = pb.Location{SourceIndex: int32(results.AddSource(m)), Ranges: sourcemap.Ranges(found[0].At[0])}
		}
	} else if err != nil {
		return nil, err
	}
	return results.ToResult(nil)
}

// addWarning adds a warning to the results of a check. One without a place
// points at the first line of the spec, since a result has to have a source.
func (b *build) addWarning(results *lint.LintResults, w diag.Warning) {
	m, at := b.files.Find(w.At), w.At
	if m == nil {
		m, at = b.entry.SourceMap, diag.Range{Line: 1}
	}
	results.Warnings = append(results.Warnings, lint.Warning{
		RuleName:    w.Rule,
		Description: w.Hint,
		Detail:      w.Msg,
		Location:    &pb.Location{SourceIndex: int32(results.AddSource(m)), Ranges: sourcemap.Ranges(at)},
	})
}

// plan prints the plan of the first platform as JSON.
func (b *build) plan(ctx context.Context) (*client.Result, error) {
	c, err := b.compileFirst(ctx)
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(c.plan, "", "  ")
	if err != nil {
		return nil, err
	}
	return answer(planDefinition().Version, data, append(data, '\n')), nil
}

// convertLLB gives the LLB of the first platform.
func (b *build) convertLLB(ctx context.Context) (*client.Result, error) {
	c, err := b.compileFirst(ctx)
	if err != nil {
		return nil, err
	}
	def, err := b.engine.Marshal(ctx, c.state, llb.Platform(c.platform))
	if err != nil {
		return nil, err
	}
	res := &convertllb.Result{Def: map[digest.Digest]*pb.Op{}, Metadata: def.Metadata, Source: def.Source}
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, err
		}
		res.Def[digest.FromBytes(dt)] = &op
	}
	return res.ToResult()
}

// compileFirst compiles for the first platform that is asked for.
func (b *build) compileFirst(ctx context.Context) (*compiled, error) {
	spec, _, err := b.parse()
	if err != nil {
		return nil, err
	}
	b.setPlatforms(spec)
	return b.compile(ctx, spec, b.firstPlatform(), nil)
}

func (b *build) firstPlatform() *ocispecs.Platform {
	if len(b.ui.TargetPlatforms) == 0 {
		return nil
	}
	return &b.ui.TargetPlatforms[0]
}

// answer is a result without references, which the client prints.
func answer(version string, data, text []byte) *client.Result {
	res := client.NewResult()
	res.AddMeta("result.json", data)
	res.AddMeta("result.txt", text)
	res.AddMeta("version", []byte(version))
	return res
}
