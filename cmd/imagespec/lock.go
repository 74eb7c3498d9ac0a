package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/patternmatcher"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen/export"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/llbgen/resolve"
	"github.com/imagespec/imagespec/lockparse/lock"
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
	_, err = stdout.Write(export.Pylock(plans))
	return err
}

// resolveHere resolves with the uv in PATH, which uses the indexes' credentials
// of this machine. What it prints is only shown when it fails.
func resolveHere(buildContext fs.FS) plan.Resolver {
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
		if err := layOut(dir, buildContext, req); err != nil {
			return nil, err
		}
		runner := resolver.Runner{UV: uv, Dir: dir, Env: os.Environ(), Log: io.Discard}
		data, err := runner.Run(context.Background(), req)
		if errors.Is(err, resolver.ErrPython) || errors.Is(err, resolver.ErrGit) {
			return nil, diag.Errorf(req.Place(""), "%w of the image", err).
				WithHint("ask the engine: docker buildx build --call=imagespec.lock")
		}
		return data, err
	}
}

// layOut lays out the trees and repositories of a request below a folder.
func layOut(inputs string, buildContext fs.FS, req *resolve.Request) error {
	for _, tree := range req.Trees {
		if err := copyTree(filepath.Join(inputs, resolve.ContextDir), buildContext, tree); err != nil {
			return err
		}
	}
	for i, of := range req.Repositories {
		dir := filepath.Join(inputs, resolve.RepositoryPath(i))
		for _, args := range [][]string{
			{"init", "--quiet", dir},
			{"-C", dir, "fetch", "--quiet", of.Location, of.Commit},
			{"-C", dir, "checkout", "--quiet", of.Commit},
		} {
			if _, err := git(of.At, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyTree copies a tree of the build context below a folder.
func copyTree(into string, buildContext fs.FS, tree resolve.Tree) error {
	included, err := patternmatcher.New(tree.Include)
	if err != nil {
		return err
	}
	excluded, err := patternmatcher.New(tree.Exclude)
	if err != nil {
		return err
	}
	return fs.WalkDir(buildContext, tree.Path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(tree.Path, name)
		if err != nil {
			return err
		}
		out, err := excluded.MatchesOrParentMatches(below)
		if out && entry.IsDir() {
			return fs.SkipDir
		}
		if out || err != nil || !entry.Type().IsRegular() {
			return err
		}
		if in, err := included.MatchesOrParentMatches(below); err != nil || len(tree.Include) > 0 && !in {
			return err
		}
		data, err := fs.ReadFile(buildContext, name)
		if err != nil {
			return err
		}
		file := filepath.Join(into, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, data, 0o644)
	})
}

// commitHere asks a repository for a commit with the git in PATH.
func commitHere(repository, ref string, at diag.Range) (string, error) {
	output, err := git(at, "ls-remote", repository, cmp.Or(ref, "HEAD"), "refs/tags/"+ref+"^{}")
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	commit, _, _ := strings.Cut(lines[len(lines)-1], "\t") // an annotated tag comes before its commit
	if !lock.IsCommit(commit) {
		return "", diag.Errorf(at, "%s has no branch or tag %q", repository, ref)
	}
	return commit, nil
}

// git runs git and gives what it prints.
func git(at diag.Range, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	output, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", diag.Errorf(at, "git %s: %s", args[0], strings.TrimSpace(string(diag.Redact(exit.Stderr))))
	}
	if err != nil {
		return "", diag.Errorf(at, "a repository is fetched with git: %w", err)
	}
	return string(output), nil
}
