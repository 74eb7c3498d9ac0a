// Enginectl starts and ends the test engine of a checkout from a shell.
//
//	eval "$(go run ./internal/testengine/enginectl up)"    start it, export where it is
//	go run ./internal/testengine/enginectl run REF [ARG…]  run an image on it
//	go run ./internal/testengine/enginectl down            end it
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/imagespec/imagespec/internal/testengine"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	status, err := command(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "enginectl:", err)
		status = 1
	}
	os.Exit(status)
}

func command(ctx context.Context, args []string) (status int, err error) {
	if len(args) == 0 {
		return 0, errors.New("usage: enginectl up | run REF [ARG…] | down")
	}
	switch args[0] {
	case "up":
		return 0, up(ctx)
	case "down":
		return 0, testengine.Down()
	case "run":
		if len(args) < 2 {
			return 0, errors.New("run needs an image")
		}
		return run(ctx, args[1], args[2:])
	}
	return 0, fmt.Errorf("%q is no command; up, run and down are", args[0])
}

// up prints shell text for eval on standard output, and nothing else there.
func up(ctx context.Context) error {
	engine, err := testengine.Up(ctx, "main", progress)
	if err != nil {
		return err
	}
	env, err := engine.Env()
	if err != nil {
		return err
	}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Printf("export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return nil
}

func run(ctx context.Context, ref string, args []string) (status int, err error) {
	engine, err := testengine.Up(ctx, "main", progress)
	if err != nil {
		return 0, err
	}
	ran, err := engine.RunImage(ctx, ref, args...)
	if err != nil {
		return 0, err
	}
	fmt.Print(ran.Stdout)
	fmt.Fprint(os.Stderr, ran.Stderr)
	return ran.Status, nil
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
