// Package resolver runs uv to answer a resolve.Request: in a step of a build,
// and for the command line. What is asked is decided in package resolve.
package resolver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/imagespec/imagespec/llbgen/resolve"
)

// folderVar names the folder of the pretended Python to itself.
const folderVar = "IMAGESPEC_INTERPRETER"

// Files in that folder.
const (
	pythonFile = "python3"
	factsFile  = "interpreter.json" // what it says of itself
	neededFile = "needed"           // is there once it was asked for more
)

// Files that a step of a build answers with, beside the lock itself.
const (
	NeedsPython = "needs-python" // ErrPython
	FailureFile = "failure"      // the output of a resolve.Failure
	KnownFile   = "known"        // the hosts of Secrets.Known, one a line
)

// ErrPython is that a package has to be built to know what it depends on, for
// which a Python is needed.
var ErrPython = errors.New("a package has to be built to be resolved, which needs a Python")

// Runner is how uv is run.
type Runner struct {
	UV     string    // path of uv
	Dir    string    // an empty folder to work in
	Python string    // a real interpreter, which may build packages; empty: none
	Env    []string  // of uv
	Log    io.Writer // what uv prints beside its answer
}

// Run gives the pylock.toml that answers a request. The error is a
// *resolve.Failure // where uv has refused, and ErrPython where it could not decide without one.
func (r Runner) Run(ctx context.Context, req *resolve.Request) ([]byte, error) {
	python, err := r.Python, error(nil)
	if python == "" {
		if python, err = r.pretend(req.Target); err != nil {
			return nil, err
		}
	}
	work := filepath.Join(r.Dir, "work")
	files, err := req.Files()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(work, name), data, 0o644); err != nil {
			return nil, err
		}
	}
	var answer, output bytes.Buffer
	uv := exec.CommandContext(ctx, r.UV, req.Args(python)...)
	uv.Dir, uv.Env = work, append(r.Env, folderVar+"="+filepath.Dir(python))
	uv.Stdout, uv.Stderr = &answer, io.MultiWriter(&output, r.Log)
	err = uv.Run()
	if _, needed := os.Stat(filepath.Join(filepath.Dir(python), neededFile)); needed == nil && err != nil {
		return nil, ErrPython
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &resolve.Failure{Output: output.String()}
	}
	if err != nil {
		return nil, fmt.Errorf("running uv: %w", err)
	}
	return answer.Bytes(), nil
}

// pretend makes the interpreter of a target: a link to this program, which is
// called by the name of it. uv remembers what the interpreter at a path has
// said, so each has a path of its own.
func (r Runner) pretend(t resolve.Target) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	facts, err := t.Interpreter("")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(facts)
	python := filepath.Join(r.Dir, hex.EncodeToString(sum[:8]), pythonFile)
	if facts, err = t.Interpreter(python); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(python), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(python), factsFile), facts, 0o644); err != nil {
		return "", err
	}
	return python, os.Symlink(self, python)
}

// Pretends says whether this program is run as the Python of a target, under
// any name that begins so: an environment has several for one.
func Pretends(args []string) bool {
	return os.Getenv(folderVar) != "" && strings.HasPrefix(filepath.Base(args[0]), "python")
}

// Answer is what the pretended Python does, given its command line: it says
// what it is, if that is the question, and else notes that it cannot. It gives
// the exit status.
func Answer(args []string, stdout io.Writer) int {
	dir := os.Getenv(folderVar)
	if !strings.Contains(strings.Join(args, " "), "get_interpreter_info") {
		_ = os.WriteFile(filepath.Join(dir, neededFile), nil, 0o644) // uv ends with an error either way
		return 1
	}
	facts, err := os.ReadFile(filepath.Join(dir, factsFile))
	if err != nil {
		return 1
	}
	if _, err := fmt.Fprintln(stdout, string(facts)); err != nil {
		return 1
	}
	return 0
}
