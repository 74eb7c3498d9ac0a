// Package gateway talks to the engine through BuildKit's gateway: it solves
// LLB, reads the files that come of it and what a failed step has left, and asks
// which commit a ref is.
//
// What is solved, and what a failure means to the user, is not known here.
package gateway

import (
	"context"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
)

// Engine is the engine that has called the frontend.
type Engine struct {
	client.Client
	CacheImports []client.CacheOptionsEntry // of the client, for each solve
}

// Marshal gives the LLB of a state as far as the engine knows it. Of the
// options llb.Platform is for what has no platform.
func (e Engine) Marshal(ctx context.Context, st llb.State, opts ...llb.ConstraintsOpt) (*llb.Definition, error) {
	def, err := st.Marshal(ctx, append(opts, llb.WithCaps(e.BuildOpts().LLBCaps))...)
	if err != nil {
		return nil, fmt.Errorf("marshalling LLB: %w", err)
	}
	return def, nil
}

// Ref gives a reference to a state, which the engine makes once it is read.
func (e Engine) Ref(ctx context.Context, st llb.State, opts ...llb.ConstraintsOpt) (client.Reference, error) {
	def, err := e.Marshal(ctx, st, opts...)
	if err != nil {
		return nil, err
	}
	return e.solve(ctx, client.SolveRequest{Definition: def.ToPB()})
}

// Run makes a state, and gives a reference to it. Its error is a *Failure
// where an operation has failed.
func (e Engine) Run(ctx context.Context, st llb.State, opts ...llb.ConstraintsOpt) (client.Reference, error) {
	def, err := e.Marshal(ctx, st, opts...)
	if err != nil {
		return nil, err
	}
	ref, err := e.solve(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		return nil, failed(err, def)
	}
	return ref, nil
}

// solve gives the one reference of a request.
func (e Engine) solve(ctx context.Context, req client.SolveRequest) (client.Reference, error) {
	req.CacheImports = e.CacheImports
	res, err := e.Solve(ctx, req)
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

// FrontendImage is the image that the frontend itself runs from.
func (e Engine) FrontendImage() (llb.State, error) {
	own, ok := e.Client.(interface{ CurrentFrontend() (*llb.State, error) })
	if !ok {
		return llb.State{}, errNoImage
	}
	st, err := own.CurrentFrontend()
	if err != nil {
		return llb.State{}, fmt.Errorf("reading the frontend's own image: %w", err)
	}
	if st == nil {
		return llb.State{}, errNoImage
	}
	return *st, nil
}

var errNoImage = fmt.Errorf("the engine does not tell the frontend which image it runs from: " +
	"it needs BuildKit 0.9 or later, and the spec has to be built through a # syntax= line or BUILDKIT_SYNTAX")
