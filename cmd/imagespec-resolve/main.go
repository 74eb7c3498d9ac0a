// Command imagespec-resolve is what BuildKit runs to resolve requirements, in a
// container that has a network, uv, and at most the base image beside it:
//
//	imagespec-resolve [--report] REQUEST OUT
//
// REQUEST is the JSON of a resolve.Request, OUT a folder for the answer: the
// file pylock.toml, or needs-python if only a Python can tell. Under a name
// of python it is the interpreter that uv asks what the target is.
//
// A resolution that uv does not find ends with the status 1, so that it is
// kept in no cache; with --report it ends with 0 and the file failure, which
// has what uv printed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/imagespec/imagespec/internal/resolver"
	"github.com/imagespec/imagespec/llbgen/resolve"
)

func main() {
	if resolver.Pretends(os.Args) {
		os.Exit(resolver.Answer(os.Args, os.Stdout))
	}
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run is the command, with its exit status as result: 1 after an error, 2 for
// a wrong command line.
func run(args []string, stderr io.Writer) int {
	report := slices.Contains(args, "--report")
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "--report" })
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: imagespec-resolve [--report] REQUEST OUT")
		return 2
	}
	if err := answer(args[0], args[1], report, stderr); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// answer resolves and writes what comes of it.
func answer(file, out string, report bool, log io.Writer) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var req resolve.Request
	if err := json.Unmarshal(data, &req); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	dir, err := os.MkdirTemp("", "resolve-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	env := append(os.Environ(), "HOME="+dir)
	if authorities := os.Getenv("IMAGESPEC_CA"); exists(authorities) {
		env = append(env, "SSL_CERT_FILE="+authorities)
	}
	runner := resolver.Runner{UV: "/usr/bin/uv", Dir: dir, Python: os.Getenv("IMAGESPEC_PYTHON"), Env: env, Log: log}
	name := resolve.Format
	data, err = runner.Run(context.Background(), &req)
	var failure *resolve.Failure
	switch {
	case errors.Is(err, resolver.ErrPython):
		name, data = resolver.NeedsPython, nil
	case errors.As(err, &failure) && report:
		name, data = resolver.FailureFile, []byte(failure.Output)
	case err != nil:
		return err
	}
	return os.WriteFile(filepath.Join(out, name), data, 0o644)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return name != "" && err == nil
}
