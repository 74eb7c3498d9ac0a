package wheelinstall_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imagespec/imagespec/internal/venv"
	"github.com/imagespec/imagespec/internal/wheelinstall"
	"github.com/imagespec/imagespec/internal/wheelinstall/metadata"
)

// benchWheels gives about 270 MB of wheels that go together, none very large:
// what an image of a Python service has.
func benchWheels(b *testing.B) (wheels []oracleWheel, size int64) {
	const maxWheel, maxAll = 20 << 20, 270 << 20
	names := map[string]bool{}
	for _, w := range oracleWheels(b) {
		info, err := os.Stat(w.file)
		if err != nil {
			b.Fatal(err)
		}
		name, _, _ := strings.Cut(w.pin, "==")
		name = metadata.Normalize(name)
		if names[name] || info.Size() > maxWheel || size+info.Size() > maxAll {
			continue
		}
		names[name] = true
		wheels = append(wheels, w)
		size += info.Size()
	}
	return wheels, size
}

// BenchmarkInstall installs the same wheels into an empty environment: by this
// package, and by uv without a cache, as in a build step without cache mount.
// uv unpacks into its cache first, and then copies or links from there. MB/s
// counts the bytes of the wheels; cpu-s/op are processor seconds, the figure to
// compare on a machine that has other work.
//
//	go test ./internal/wheelinstall -run xxx -bench Install -benchtime 5x
func BenchmarkInstall(b *testing.B) {
	wheels, size := benchWheels(b)
	b.Logf("%d wheels, %d MB", len(wheels), size/1e6)
	b.Run("imagespec", func(b *testing.B) {
		b.SetBytes(size)
		before := cpuSeconds(b)
		for b.Loop() {
			ourInstall(b, wheels)
		}
		b.ReportMetric((cpuSeconds(b)-before)/float64(b.N), "cpu-s/op")
	})
	for _, mode := range []string{"copy", "hardlink"} {
		b.Run("uv-"+mode, func(b *testing.B) {
			b.SetBytes(size)
			before := cpuSeconds(b)
			for b.Loop() {
				uvInstall(b, wheels, mode)
			}
			b.ReportMetric((cpuSeconds(b)-before)/float64(b.N), "cpu-s/op")
		})
	}
}

// cpuSeconds is what this process and its children have used.
func cpuSeconds(b *testing.B) (seconds float64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			b.Fatal(err)
		}
		seconds += float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	}
	return seconds
}

func ourInstall(b *testing.B, wheels []oracleWheel) {
	var list []wheelinstall.Wheel
	for _, w := range wheels {
		list = append(list, wheelinstall.Wheel{Path: w.file})
	}
	_, err := wheelinstall.Install(wheelinstall.Options{
		Layout: venv.Layout{Prefix: "/opt/venv", Python: venv.Python{Major: 3, Minor: 11}},
		Root:   scratch(b),
		Wheels: list,
		Warn:   func(string) {},
	})
	if err != nil {
		b.Fatal(err)
	}
}

func uvInstall(b *testing.B, wheels []oracleWheel, mode string) {
	uv, err := exec.LookPath("uv")
	if err != nil {
		b.Skip(err)
	}
	dir := scratch(b)
	b.StopTimer()
	env := filepath.Join(dir, "venv")
	command(b, uv, "venv", "--quiet", "--no-project", "--python", python311(b), env)
	b.StartTimer()
	args := []string{
		"pip", "install", "--quiet", "--no-deps", "--offline", "--no-index", "--link-mode", mode,
		"--cache-dir", filepath.Join(dir, "cache"), "--python", filepath.Join(env, "bin/python"),
	}
	for _, w := range wheels {
		args = append(args, w.file)
	}
	command(b, uv, args...)
}

// scratch gives a directory that is removed outside of the measurement.
func scratch(b *testing.B) string {
	b.StopTimer()
	defer b.StartTimer()
	dir, err := os.MkdirTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
