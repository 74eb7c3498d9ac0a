package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// timeImports prints how long each of some processes takes that import modules,
// none of which writes into the environment. The first one, which reads
// everything from the disk, does not count.
const timeImports = `
import os, subprocess, sys, time
for i in range(8):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import " + sys.argv[1]], check=True, env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
    if i:
        print(time.perf_counter() - start)
`

// startUp builds with each builder and measures imports in a container.
func (b *bench) startUp(ctx context.Context, builders [3]builder, modules string) error {
	var times [3]time.Duration
	for i, builder := range builders {
		b.current = fmt.Sprintf("%s/bench/%d-start-%d:latest", b.engine.Registry, os.Getpid(), i)
		if err := b.build(ctx, builder.args); err != nil {
			return fmt.Errorf("%s: %w", builder.name, err)
		}
		ran, err := b.engine.RunImage(ctx, b.current, builder.python, "-c", timeImports, modules)
		if err != nil {
			return err
		}
		if ran.Status != 0 {
			return fmt.Errorf("%s: import %s: %s", builder.name, modules, ran.Stderr)
		}
		if times[i], err = medianOf(ran.Stdout); err != nil {
			return fmt.Errorf("%s: %w", builder.name, err)
		}
	}
	printRow("import "+modules, times[0], times[1])
	printRow("import "+modules+", no bytecode", times[2], times[1])
	return nil
}

// medianOf reads times in seconds.
func medianOf(text string) (time.Duration, error) {
	var times []time.Duration
	for field := range strings.FieldsSeq(text) {
		seconds, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, err
		}
		times = append(times, time.Duration(seconds*float64(time.Second)))
	}
	if len(times) == 0 {
		return 0, fmt.Errorf("no times in %q", text)
	}
	return median(times), nil
}
