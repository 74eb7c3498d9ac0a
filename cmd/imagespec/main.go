// Command imagespec looks at ImageSpec files without an engine:
//
//	imagespec plan [-f FILE] [--platform P] [--python V] [--libc L] [--why NAME] [CONTEXT]
//
// prints what the image would be as JSON: base, interpreter, layers and, in
// "packages", one object per package with name, version, kind, file, url,
// sha256, size and group, sorted by name. With --why it prints instead, as
// text, the package NAME and on further lines those that ask for it, up to the
// project, each with its line in the lock.
//
//	imagespec lock [-f FILE] [--platform P] [--python V] [--libc L] [CONTEXT]
//
// prints a pylock.toml with the packages of every platform of the spec. Both
// resolve what is not locked with the uv in PATH.
//
//	imagespec name [-f FILE] [CONTEXT]
//
// prints the name that flytekit gives the image, registry/name:tag.
//
//	imagespec schema
//
// prints the JSON schema of the file, for editors.
//
// Errors go to stderr with the excerpt that they are about; the exit status is
// then 1, and 2 for a wrong command line.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/resolver"
)

const usage = `imagespec looks at ImageSpec files without an engine.

usage:
  imagespec plan [flags] [CONTEXT]   print what the image would be, as JSON
  imagespec lock [flags] [CONTEXT]   print a pylock.toml of its packages
  imagespec name [flags] [CONTEXT]   print the name that flytekit gives the image
  imagespec schema                   print the JSON schema of the file

CONTEXT is the folder that would be the build context, "." if it is left out.
`

// errUsage is a wrong command line; the flag package has said what is wrong.
var errUsage = errors.New("usage")

func main() {
	if resolver.Pretends(os.Args) { // uv asks what the target is
		os.Exit(resolver.Answer(os.Args, os.Stdout))
	}
	os.Exit(status(os.Args[1:], os.Stdout, os.Stderr))
}

// status does one command and gives the exit status.
func status(args []string, stdout, stderr io.Writer) int {
	switch err := run(args, stdout, stderr); {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	default:
		fmt.Fprintln(stderr, diag.Format(err))
		return 1
	}
}

// run does one command.
func run(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return errUsage
	}
	switch args[0] {
	case "plan":
		return runPlan(args[1:], stdout, stderr)
	case "lock":
		return runLock(args[1:], stdout, stderr)
	case "name":
		return runName(args[1:], stdout, stderr)
	case "schema":
		return printSchema(args[1:], stdout, stderr)
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	}
	fmt.Fprintf(stderr, "imagespec: unknown command %q; %s\n\n%s", args[0], diag.Suggest(args[0], []string{"plan", "lock", "name", "schema", "help"}), usage)
	return errUsage
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
