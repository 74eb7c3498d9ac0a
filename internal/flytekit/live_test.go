package flytekit

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// pythonWithFlytekit gives the Python that IMAGESPEC_FLYTEKIT_PYTHON names, or
// where IMAGESPEC_LIVE asks for it one with the newest flytekit of PyPI.
func pythonWithFlytekit(t *testing.T) string {
	t.Helper()
	if python := os.Getenv("IMAGESPEC_FLYTEKIT_PYTHON"); python != "" {
		return python
	}
	if os.Getenv("IMAGESPEC_LIVE") == "" {
		t.Skip("neither IMAGESPEC_FLYTEKIT_PYTHON nor IMAGESPEC_LIVE is set: flytekit would be installed from PyPI")
	}
	uv, err := exec.LookPath("uv")
	if err != nil {
		t.Skip("there is no uv on PATH to install flytekit with")
	}
	env := filepath.Join(t.TempDir(), "venv")
	python := filepath.Join(env, "bin", "python")
	for _, args := range [][]string{{"venv", "--quiet", env}, {"pip", "install", "--quiet", "--python", python, "flytekit"}} {
		if out, err := exec.Command(uv, args...).CombinedOutput(); err != nil {
			t.Skipf("uv %v: %v\n%s", args, err, out)
		}
	}
	return python
}

// askFlytekit runs make.py, with specs on its standard input or for its own.
func askFlytekit(t *testing.T, yaml []string) []byte {
	t.Helper()
	cmd := exec.Command(pythonWithFlytekit(t), identities+"make.py", identities+"context.txtar")
	if yaml != nil {
		cmd.Args = append(cmd.Args, "--stdin")
	}
	var stdin, stderr bytes.Buffer
	for _, text := range yaml {
		if err := json.NewEncoder(&stdin).Encode(map[string]string{"yaml": text}); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Stdin, cmd.Stderr = &stdin, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	return out
}

// TestLiveIdentity asks the newest flytekit what the recorded one was asked.
func TestLiveIdentity(t *testing.T) {
	compare(t, askFlytekit(t, nil))
}

// TestLiveExamples wants that flytekit loads the examples as they stand, and
// gives them the id that we do.
func TestLiveExamples(t *testing.T) {
	var files, yaml []string
	err := filepath.WalkDir("../../testdata", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(name) != "imagespec.yaml" {
			return err
		}
		data, err := os.ReadFile(name)
		files, yaml = append(files, name), append(yaml, string(data))
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	context, i := buildContext(t), 0
	for line := range bytes.Lines(askFlytekit(t, yaml)) {
		var want answer
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		if got := identify(context, want.YAML); want.ID == "" || got.ID != want.ID {
			t.Errorf("%s: flytekit says %+v, we %+v", files[i], want, got)
		}
		i++
	}
	if i != len(files) {
		t.Errorf("flytekit answers %d times about %d examples", i, len(files))
	}
}
