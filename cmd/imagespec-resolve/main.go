// Command imagespec-resolve is what BuildKit runs to resolve requirements and to
// fetch from indexes that need secrets, in a container that has a network and
// at most the base image:
//
//	imagespec-resolve lock [--report] REQUEST OUT
//	imagespec-resolve fetch [--sha256=HEX] [--accept=HEADER] URL FILE
//	imagespec-resolve known OUT HOST...
//
// REQUEST is the JSON of a resolve.Request, OUT a folder for the answer: the
// file pylock.toml, or needs-python or needs-git if only these can tell. A resolution that
// uv does not find ends with the status 1, so that it is kept in no cache; with
// --report it ends with 0 and the file failure, which has what uv printed.
// Fetch writes the URL to FILE. Known writes to the file known in OUT which of
// the hosts the secrets have a login for.
//
// IMAGESPEC_SECRETS is the folder of the secrets (see package resolver),
// IMAGESPEC_PYTHON an interpreter to build packages with, /inputs the folder with
// the trees and repositories of the request. Under a name of python it is the
// interpreter that uv asks what the target is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen/resolve"
)

// places are where a step of a build has what it works with.
type places struct {
	uv     string
	inputs string // the trees and repositories of a request
}

func main() {
	if resolver.Pretends(os.Args) {
		os.Exit(resolver.Answer(os.Args, os.Stdout))
	}
	os.Exit(places{uv: "/usr/bin/uv", inputs: "/inputs"}.run(os.Args[1:], os.Stderr))
}

// run is the command, with its exit status as result: that of resolver.Exit
// after an error, 2 for a wrong command line.
func (p places) run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("imagespec-resolve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	report := flags.Bool("report", false, "")
	sum, accept := flags.String("sha256", "", ""), flags.String("accept", "", "")
	if len(args) == 0 || flags.Parse(args[1:]) != nil || flags.NArg() == 0 || args[0] != "known" && flags.NArg() != 2 {
		return usage(stderr)
	}
	secrets := resolver.Secrets(os.Getenv("IMAGESPEC_SECRETS"))
	var err error
	switch args[0] {
	case "lock":
		err = p.lock(secrets, flags.Arg(0), flags.Arg(1), *report, stderr)
	case "fetch":
		err = secrets.Fetch(context.Background(), flags.Arg(0), *accept, *sum, flags.Arg(1), os.Getenv("HOME"))
	case "known":
		err = known(secrets, flags.Arg(0), flags.Args()[1:])
	default:
		return usage(stderr)
	}
	var said *resolve.Failure
	if err != nil && !errors.As(err, &said) { // uv has said it
		fmt.Fprintln(stderr, err)
	}
	return resolver.Exit(err)
}

func usage(stderr io.Writer) int {
	fmt.Fprintln(stderr, "usage: imagespec-resolve lock [--report] REQUEST OUT | fetch [--sha256=HEX] [--accept=HEADER] URL FILE | known OUT HOST...")
	return 2
}

// known writes which hosts the secrets have a login for.
func known(secrets resolver.Secrets, out string, hosts []string) error {
	found, err := secrets.Known(hosts)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, resolver.KnownFile), []byte(strings.Join(found, "\n")), 0o644)
}

// lock resolves and writes what comes of it.
func (p places) lock(secrets resolver.Secrets, file, out string, report bool, log io.Writer) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var req resolve.Request
	if err := json.Unmarshal(data, &req); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	dir, err := os.MkdirTemp("", "secrets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	env, err := secrets.Env(dir, req.Origins())
	if err != nil {
		return err
	}
	runner := resolver.Runner{
		UV: p.uv, Dir: p.inputs, Python: os.Getenv("IMAGESPEC_PYTHON"), Env: append(os.Environ(), env...), Log: log,
	}
	name := resolve.Format
	data, err = runner.Run(context.Background(), &req)
	var failure *resolve.Failure
	switch {
	case errors.Is(err, resolver.ErrPython):
		name, data = resolver.NeedsPython, nil
	case errors.Is(err, resolver.ErrGit):
		name, data = resolver.NeedsGit, nil
	case errors.As(err, &failure) && report:
		name, data = resolver.FailureFile, []byte(failure.Output)
	case err != nil:
		return err
	}
	return os.WriteFile(filepath.Join(out, name), data, 0o644)
}
