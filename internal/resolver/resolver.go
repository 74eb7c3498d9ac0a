// Package resolver runs uv to answer a resolve.Request: in a step of a build,
// and for the command line. What is asked is decided in package resolve.
package resolver

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imagespec/imagespec/llbgen/resolve"
)

// folderVar names the folder of the pretended programs to themselves.
const folderVar = "IMAGESPEC_INTERPRETER"

// Files in that folder.
const (
	pythonFile = "python3"
	gitFile    = "git"
	factsFile  = "interpreter.json" // what the Python says of itself
	neededFile = "needed"           // is there once a real one was needed, and says of which
)

// Files that a step of a build answers with, beside the lock itself.
const (
	NeedsPython = "needs-python" // ErrPython
	NeedsGit    = "needs-git"    // ErrGit
	FailureFile = "failure"      // the output of a resolve.Failure
	KnownFile   = "known"        // the hosts of Secrets.Known, one a line
)

// Why uv could not decide with what it had.
var (
	ErrPython = errors.New("a package has to be built to be resolved, which needs a Python")
	ErrGit    = errors.New("a package depends on a repository, which needs git")
)

// Runner is how uv is run.
type Runner struct {
	UV     string    // path of uv
	Dir    string    // a folder to work in, with the trees and repositories of the request and nothing else
	Python string    // a real interpreter, which may build packages; empty: none
	Env    []string  // of uv
	Log    io.Writer // what uv prints beside its answer
}

// Run gives the pylock.toml that answers a request. The error is a
// *resolve.Failure where uv has refused, and ErrPython or ErrGit where it could
// not decide without one.
func (r Runner) Run(ctx context.Context, req *resolve.Request) ([]byte, error) {
	pretended, err := r.pretend(req.Target)
	if err != nil {
		return nil, err
	}
	if err := write(r.Dir, req.AllFiles()); err != nil {
		return nil, err
	}
	work := filepath.Join(r.Dir, req.Dir())
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	var answer, output bytes.Buffer
	uv := exec.CommandContext(ctx, r.UV, req.Args(cmp.Or(r.Python, filepath.Join(pretended, pythonFile)))...)
	uv.Dir, uv.Env = work, append(slices.Clip(r.Env), folderVar+"="+pretended)
	if _, err := exec.LookPath("git"); err != nil {
		uv.Env = append(uv.Env, "PATH="+os.Getenv("PATH")+":"+pretended)
	}
	uv.Stdout, uv.Stderr = &answer, io.MultiWriter(&output, r.Log)
	err = uv.Run()
	if needed := needed(pretended); needed != nil && err != nil {
		return nil, needed
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &resolve.Failure{Output: output.String()}
	}
	if err != nil {
		return nil, fmt.Errorf("running uv: %w", err)
	}
	return bytes.ReplaceAll(answer.Bytes(), []byte("file://"+r.Dir+"/"), []byte(resolve.FilePrefix)), nil
}

// needed says of what a real one was needed, nil if of nothing.
func needed(pretended string) error {
	switch name, _ := os.ReadFile(filepath.Join(pretended, neededFile)); string(name) {
	case pythonFile:
		return ErrPython
	case gitFile:
		return ErrGit
	}
	return nil
}

// write writes files below a folder.
func write(dir string, files map[string]string) error {
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pretend makes the folder with the interpreter of a target and with git: links
// to this program, which is called by the names of them. uv remembers what the
// interpreter at a path has said, so each has a path of its own.
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
	dir := filepath.Join(r.Dir, hex.EncodeToString(sum[:8]))
	if facts, err = t.Interpreter(filepath.Join(dir, pythonFile)); err != nil {
		return "", err
	}
	if err := write(dir, map[string]string{factsFile: string(facts)}); err != nil {
		return "", err
	}
	return dir, errors.Join(os.Symlink(self, filepath.Join(dir, pythonFile)), os.Symlink(self, filepath.Join(dir, gitFile)))
}

// Pretends says whether this program is run as git or as the Python of a target,
// under any name that begins so: an environment has several for one.
func Pretends(args []string) bool {
	name := filepath.Base(args[0])
	return os.Getenv(folderVar) != "" && (name == gitFile || strings.HasPrefix(name, "python"))
}

// Answer is what the pretended programs do, given the command line: the Python
// says what it is, if that is the question; else it is noted that a real one is
// needed. It gives the exit status.
func Answer(args []string, stdout io.Writer) int {
	dir, name := os.Getenv(folderVar), gitFile
	if filepath.Base(args[0]) != gitFile {
		name = pythonFile
	}
	if name == gitFile || !strings.Contains(strings.Join(args, " "), "get_interpreter_info") {
		_ = os.WriteFile(filepath.Join(dir, neededFile), []byte(name), 0o644) // uv ends with an error either way
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
