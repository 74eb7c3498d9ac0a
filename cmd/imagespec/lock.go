package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/containerd/platforms"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
)

// runLock prints a pylock.toml of what the image of a spec has.
func runLock(args []string, stdout, stderr io.Writer) error {
	f, err := parsePlanFlags("lock", args, stderr)
	if err != nil {
		return err
	}
	spec, _, err := f.parse()
	if err != nil {
		return err
	}
	targets := []string{f.platform}
	if all := spec.Platforms(); f.platform == "" && len(all) > 0 {
		targets = nil
		for _, p := range all {
			targets = append(targets, platforms.FormatAll(p))
		}
	}
	var plans []*plan.Plan
	for _, target := range targets {
		f.platform = target
		p, warnings, err := f.plan(spec)
		if err != nil {
			return err
		}
		for _, w := range warnings {
			if w.Rule != plan.NotLocked { // which is what this is about
				fmt.Fprintf(stderr, "%s\n", w)
			}
		}
		plans = append(plans, p)
	}
	data, err := plan.Pylock(plans)
	if err != nil {
		return err
	}
	_, err = stdout.Write(data)
	return err
}

// resolveHere resolves with the uv in PATH, which uses the indexes' credentials
// of this machine. What it prints is only shown when it fails.
func resolveHere() plan.Resolver {
	return func(req *resolve.Request) ([]byte, error) {
		uv, err := exec.LookPath("uv")
		if err != nil {
			return nil, fmt.Errorf("uv is not in PATH: install it, or ask the engine with docker buildx build --call=imagespec.lock: %w", err)
		}
		dir, err := os.MkdirTemp("", "imagespec-resolve-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		runner := resolver.Runner{UV: uv, Dir: dir, Env: os.Environ(), Log: io.Discard}
		data, err := runner.Run(context.Background(), req)
		if errors.Is(err, resolver.ErrPython) {
			return nil, diag.Errorf(req.Place(""), "%w of the image", err).
				WithHint("ask the engine: docker buildx build --call=imagespec.lock")
		}
		return data, err
	}
}
