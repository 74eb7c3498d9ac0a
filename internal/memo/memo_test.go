package memo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imagespec/imagespec/internal/memo"
)

func key(n int) string { return fmt.Sprintf("%064x", n) }

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRecall(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	out := filepath.Join(dir, "out")
	if err := memo.Recall(folder, key(1), out); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("an answer out of nothing: %v", err)
	}
	for _, text := range []string{"first", "second"} {
		if err := memo.Keep(folder, key(1), write(t, filepath.Join(dir, "in"), text)); err != nil {
			t.Fatal(err)
		}
		if err := memo.Recall(folder, key(1), out); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(out); err != nil || string(got) != text {
			t.Errorf("recalled %q, %v; kept %q", got, err, text)
		}
	}
}

// TestForget: the answers that were longest not asked for go first.
func TestForget(t *testing.T) {
	folder, in := t.TempDir(), write(t, filepath.Join(t.TempDir(), "in"), "x")
	long := time.Now().Add(-time.Hour)
	for i := range memo.Most {
		file := write(t, filepath.Join(folder, key(i)), "x")
		if err := os.Chtimes(file, long, long.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := memo.Recall(folder, key(0), filepath.Join(t.TempDir(), "out")); err != nil {
		t.Fatal(err)
	}
	if err := memo.Keep(folder, key(memo.Most), in); err != nil {
		t.Fatal(err)
	}
	for i, there := range map[int]bool{0: true, 1: false, 2: true, memo.Most: true} {
		if _, err := os.Stat(filepath.Join(folder, key(i))); (err == nil) != there {
			t.Errorf("answer %d: %v, want there %v", i, err, there)
		}
	}
}

func TestAtTheSameTime(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	var all sync.WaitGroup
	for i := range 50 {
		text := strings.Repeat(fmt.Sprint(i%10), 1000)
		in, out := write(t, filepath.Join(dir, fmt.Sprint("in", i)), text), filepath.Join(dir, fmt.Sprint("out", i))
		all.Go(func() {
			if err := memo.Keep(folder, key(1), in); err != nil {
				t.Error(err)
			}
			if err := memo.Recall(folder, key(1), out); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(out); err != nil || len(got) != 1000 || strings.Trim(string(got), string(got[:1])) != "" {
				t.Errorf("a torn answer of %d bytes: %v", len(got), err)
			}
		})
	}
	all.Wait()
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
}

func TestErrors(t *testing.T) {
	folder, in := t.TempDir(), write(t, filepath.Join(t.TempDir(), "in"), "x")
	for _, bad := range []string{"", "..", "../" + key(1), key(1) + "0", strings.ToUpper(key(10))} {
		if memo.Recall(folder, bad, in) == nil || memo.Keep(folder, bad, in) == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
	if err := memo.Keep(folder, key(1), filepath.Join(folder, "nothing")); !os.IsNotExist(err) {
		t.Errorf("nothing to keep: %v", err)
	}
	if err := memo.Keep(filepath.Join(folder, "nowhere"), key(1), in); !os.IsNotExist(err) {
		t.Errorf("no folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(folder, key(2)), 0o755); err != nil {
		t.Fatal(err)
	}
	if memo.Recall(folder, key(2), in) == nil || memo.Keep(folder, key(2), in) == nil {
		t.Error("a folder is taken for an answer")
	}
}
