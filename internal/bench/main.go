// Command bench measures builds with the frontend beside a Dockerfile written
// after uv's guide for Docker: the same lock, the same engine, one after the
// other in the same run, each built and pushed by docker buildx.
//
//	bench [-runs N] [-project NAME] [-import MODULES]
//
// It empties the second test engine before each cold build, and prints one
// line per scenario with the median of both and their ratio:
// cold on an empty engine, unchanged, and with one small package bumped. Both
// compile bytecode. Then it prints how long a Python in a container of each
// takes to import some modules, and in one without bytecode.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imagespec/imagespec/internal/testengine"
)

//go:embed uv.Dockerfile
var dockerfile []byte

func main() {
	runs := flag.Int("runs", 3, "how often each scenario is run; 0 measures imports alone and empties nothing")
	project := flag.String("project", "science", "folder of testdata/projects")
	modules := flag.String("import", "pandas, sklearn", "what the container's Python imports")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *runs, filepath.Join("testdata", "projects", *project), *modules); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// builder is one of the ways to build the project.
type builder struct {
	name   string
	args   []string // of docker buildx build
	python string   // of the environment, in the image
}

// bench is a project that is built over and over.
type bench struct {
	engine  *testengine.Engine
	dir     string // build context
	count   int    // of builds, so that each cold one has a repository of its own
	current string // repository
}

func run(ctx context.Context, runs int, project, modules string) error {
	engine, err := testengine.Up(ctx, "second", func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "imagespec-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{engine: engine, dir: dir}
	builders, err := b.prepare(ctx, project)
	if err != nil {
		return err
	}
	fmt.Printf("%-36s %12s %12s %7s\n", "scenario (median of "+fmt.Sprint(runs)+")", builders[0].name, builders[1].name, "ratio")
	times := map[string][2][]time.Duration{}
	for range runs {
		for i, builder := range builders[:2] {
			for scenario, took := range b.scenarios(ctx, builder) {
				if took.err != nil {
					return fmt.Errorf("%s, %s: %w", builder.name, scenario, took.err)
				}
				both := times[scenario]
				both[i] = append(both[i], took.time)
				times[scenario] = both
			}
		}
	}
	for _, scenario := range []string{"cold", "unchanged", "one small package bumped"} {
		if runs == 0 {
			break
		}
		printRow(scenario, median(times[scenario][0]), median(times[scenario][1]))
	}
	return b.startUp(ctx, builders, modules)
}

// printRow prints one line of the table.
func printRow(scenario string, ours, peer time.Duration) {
	fmt.Printf("%-36s %11.2fs %11.2fs %7.2f\n", scenario, ours.Seconds(), peer.Seconds(), ours.Seconds()/peer.Seconds())
}

// took is how long a build took.
type took struct {
	time time.Duration
	err  error
}

// scenarios yields what one builder does from an empty engine on.
func (b *bench) scenarios(ctx context.Context, builder builder) func(yield func(string, took) bool) {
	return func(yield func(string, took) bool) {
		b.count++
		b.current = fmt.Sprintf("%s/bench/%d-%d:latest", b.engine.Registry, os.Getpid(), b.count)
		steps := []struct {
			name, lock string
		}{{"cold", "locked.lock"}, {"unchanged", "locked.lock"}, {"one small package bumped", "bumped.lock"}}
		if err := b.engine.Prune(ctx); err != nil {
			yield("cold", took{err: err})
			return
		}
		for _, step := range steps {
			if err := copyFile(filepath.Join(b.dir, "uv.lock"), filepath.Join(b.dir, step.lock)); err != nil {
				yield(step.name, took{err: err})
				return
			}
			start := time.Now()
			err := b.build(ctx, builder.args)
			if !yield(step.name, took{time.Since(start), err}) || err != nil {
				return
			}
		}
	}
}

// prepare lays out the build context of the builders: ours, the peer, and ours
// without bytecode.
func (b *bench) prepare(ctx context.Context, project string) ([3]builder, error) {
	none := [3]builder{}
	if err := os.CopyFS(b.dir, os.DirFS(project)); err != nil {
		return none, err
	}
	if err := copyFile(filepath.Join(b.dir, "locked.lock"), filepath.Join(b.dir, "uv.lock")); err != nil {
		return none, err
	}
	frontend, err := b.engine.Frontend()
	if err != nil {
		return none, err
	}
	spec := filepath.Join(b.dir, "imagespec.yaml")
	text, err := os.ReadFile(spec)
	if err != nil {
		return none, err
	}
	text = regexp.MustCompile(`(?m)^# syntax=.*`).ReplaceAll(text, []byte("# syntax="+frontend))
	if err := os.WriteFile(spec, text, 0o644); err != nil {
		return none, err
	}
	plain := filepath.Join(b.dir, "plain.yaml")
	text = append(text, "builder_options: {compile_bytecode: false}\n"...)
	if err := os.WriteFile(plain, text, 0o644); err != nil {
		return none, err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "Dockerfile"), dockerfile, 0o644); err != nil {
		return none, err
	}
	uv, err := b.uvContext()
	if err != nil {
		return none, err
	}
	const ours, peer = "/opt/venv/bin/python", "/app/.venv/bin/python"
	return [3]builder{
		{"imagespec", []string{"-f", spec}, ours},
		{"Dockerfile", append([]string{"-f", filepath.Join(b.dir, "Dockerfile"), "--build-context", "uv=" + uv}, testengine.HostArgs()...), peer},
		{"without bytecode", []string{"-f", plain}, ours},
	}, nil
}

// uvContext is a folder with nothing but uv's program, in the place of the
// image that the guide copies it from.
func (b *bench) uvContext() (string, error) {
	uv, err := findUV()
	if err != nil {
		return "", fmt.Errorf("the peer of the benchmark needs uv: %w", err)
	}
	dir := filepath.Join(b.dir, ".uv")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := copyFile(filepath.Join(dir, "uv"), uv); err != nil {
		return "", err
	}
	return dir, os.Chmod(filepath.Join(dir, "uv"), 0o755)
}

// findUV gives uv's program: where Python's package has it, else on PATH,
// where it may be the launcher of another tool.
func findUV() (string, error) {
	out, err := exec.Command("python3", "-c", "import uv; print(uv.find_uv_bin())").Output()
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	uv, err := exec.LookPath("uv")
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(uv)
}

// build builds and pushes.
func (b *bench) build(ctx context.Context, args []string) error {
	args = append([]string{
		"buildx", "build", "--builder", b.engine.Builder, "--progress=plain", "--provenance=false",
		"--output", "type=image,push=true,name=" + b.current,
	}, args...)
	cmd := b.engine.Docker(ctx, append(args, b.dir)...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
