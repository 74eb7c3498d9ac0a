// Command imagespec-digest computes what flytekit's tag of an image needs of the
// build context. It is what BuildKit runs, as the only process of an otherwise
// empty container: to read file by file what the context has would take the
// frontend seconds in every build.
//
//	imagespec-digest CONTEXT NEEDS FILE
//
// CONTEXT is the folder, NEEDS the JSON of a content.Needs, and FILE gets that of
// a content.Answer. What cannot be read is in the answer; the command ends with
// status 1 where there is none, 2 for a wrong command line.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/imagespec/imagespec/internal/flytekit/content"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run is the command, with its exit status as result.
func run(args []string, stderr io.Writer) int {
	if len(args) != 3 {
		fmt.Fprintln(stderr, "usage: imagespec-digest CONTEXT NEEDS FILE")
		return 2
	}
	if err := digest(args[0], args[1], args[2]); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func digest(context, needs, file string) error {
	var n content.Needs
	if err := json.Unmarshal([]byte(needs), &n); err != nil {
		return fmt.Errorf("%s: %w", needs, err)
	}
	var answer content.Answer
	var err error
	answer.Digests, err = content.Of(os.DirFS(context), n)
	if err != nil && !errors.As(err, &answer.Failure) {
		return err
	}
	data, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
