// Command imagespec-account makes the layer with the user of an image, its
// home, its directories, and certificate authorities where the base has none,
// from the files of the base and without running any of them. It is what
// BuildKit runs, as the only process of an otherwise empty container:
//
//	imagespec-account --base DIR --root OUT [--user NAME] [--own DIR]... [--path PATH]
//
// It is a program of its own because its authorities change from time to time:
// in the installer they would change the key of every install step. Package
// account says what is written.
//
// It prints errors to stderr and ends with status 1 after one, 2 for a wrong
// command line.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/imagespec/imagespec/internal/account"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

const usage = "usage: imagespec-account --base DIR --root OUT [--user NAME] [--own DIR]... [--path PATH]"

// run is the command, with its exit status as result.
func run(args []string, stderr io.Writer) int {
	var opt account.Options
	set := flag.NewFlagSet("imagespec-account", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&opt.Base, "base", "", "")
	set.StringVar(&opt.Root, "root", "", "")
	set.StringVar(&opt.User, "user", "", "")
	set.StringVar(&opt.Path, "path", "", "")
	set.Func("own", "", func(dir string) error {
		opt.Own = append(opt.Own, dir)
		return nil
	})
	err := set.Parse(args)
	switch {
	case err == nil && set.NArg() > 0:
		err = fmt.Errorf("no arguments are taken, got %q", set.Arg(0))
	case err == nil && (opt.Base == "" || opt.Root == ""):
		err = fmt.Errorf("--base or --root is missing")
	}
	if err != nil {
		fmt.Fprintf(stderr, "%v\n%s\n", err, usage)
		return 2
	}
	if err := account.Write(opt); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
