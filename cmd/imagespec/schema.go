package main

import (
	"fmt"
	"io"

	"github.com/imagespec/imagespec"
)

// printSchema prints the JSON schema of a spec.
func printSchema(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		fmt.Fprintf(stderr, "imagespec schema: it takes no arguments, not %q\n", args)
		return errUsage
	}
	schema, err := imagespec.Schema()
	if err != nil {
		return err
	}
	_, err = stdout.Write(schema)
	return err
}
