// Command imagespec-memo is what BuildKit runs to remember between builds which
// files an index has, as the only process of an otherwise empty container
// without network:
//
//	imagespec-memo recall FOLDER KEY FILE
//	imagespec-memo keep FOLDER KEY FILE
//
// FOLDER is a cache mount, KEY the digest of a question. Recall writes the
// answer to FILE, if there is one; keep reads it from there. Package memo says
// how answers are kept.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/imagespec/imagespec/internal/memo"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run is the command, with its exit status as result: 1 after an error, 2 for
// a wrong command line.
func run(args []string, stderr io.Writer) int {
	commands := map[string]func(folder, key, file string) error{"recall": memo.Recall, "keep": memo.Keep}
	if len(args) != 4 || commands[args[0]] == nil {
		fmt.Fprintln(stderr, "usage: imagespec-memo recall|keep FOLDER KEY FILE")
		return 2
	}
	if err := commands[args[0]](args[1], args[2], args[3]); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
