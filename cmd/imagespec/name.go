package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"github.com/imagespec/imagespec"
	"github.com/imagespec/imagespec/internal/flytekit"
)

// runName prints the name that flytekit gives the image of a spec.
func runName(args []string, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("imagespec name", flag.ContinueOnError)
	set.SetOutput(stderr)
	file := set.String("f", "", "the spec; imagespec.yaml in CONTEXT if it is left out")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if set.NArg() > 1 {
		fmt.Fprintf(stderr, "imagespec name: one build context is enough, not %q\n", set.Args())
		return errUsage
	}
	context := "."
	if set.NArg() == 1 {
		context = set.Arg(0)
	}
	if *file == "" {
		*file = filepath.Join(context, "imagespec.yaml")
	}
	name, err := nameOf(*file, context, stderr)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, name)
	return err
}

// nameOf gives the name of a spec's image, and prints warnings. A file that
// cannot be built has no name, whatever flytekit would call it.
func nameOf(file, context string, stderr io.Writer) (string, error) {
	src, err := readSource(file)
	if err != nil {
		return "", err
	}
	_, warnings, err := imagespec.Parse(src)
	if err != nil {
		return "", err
	}
	spec, err := flytekit.Read(src)
	if err != nil {
		return "", err
	}
	for _, w := range append(warnings, spec.Warnings()...) {
		fmt.Fprintf(stderr, "%s\n", w)
	}
	digests, err := spec.Digests(contextDir(context))
	if err != nil {
		return "", err
	}
	return spec.Name(digests)
}
