package wheelinstall_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
)

// oracleWheel is a line of testdata/oracle-wheels.txt.
type oracleWheel struct {
	pin    string // "name==version"
	pip    bool   // also compared with pip
	url    string
	sha256 string
	file   string // where it is downloaded to
}

// downloading lets one test download what the others wait for.
var downloading sync.Mutex

// oracleWheels gives all wheels, downloaded into the user's cache directory if
// they are not there. It skips a short test, and any if there is no network.
func oracleWheels(t testing.TB) []oracleWheel {
	t.Helper()
	if testing.Short() {
		t.Skip("it installs many wheels, some of them large")
	}
	downloading.Lock()
	defer downloading.Unlock()
	wheels := listedWheels(t)
	failures := make([]error, len(wheels))
	var group errgroup.Group
	group.SetLimit(8)
	for i, w := range wheels {
		group.Go(func() error {
			failures[i] = w.download()
			return nil
		})
	}
	group.Wait()
	if !slices.Contains(failures, nil) {
		t.Skipf("no wheel can be downloaded: %v", failures[0])
	}
	if err := errors.Join(failures...); err != nil {
		t.Fatal(err)
	}
	return wheels
}

// listedWheels reads the list.
func listedWheels(t testing.TB) (wheels []oracleWheel) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "imagespec-oracle-wheels")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/oracle-wheels.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		mark := line[0]
		if mark == '#' {
			continue
		}
		url, sum, _ := strings.Cut(strings.TrimSpace(line[1:]), "#sha256=")
		file := path.Base(url)
		parts := strings.Split(file, "-")
		wheels = append(wheels, oracleWheel{
			pin: parts[0] + "==" + parts[1], pip: mark == '+', url: url, sha256: sum, file: filepath.Join(dir, file),
		})
	}
	return wheels
}

// download puts a wheel where it belongs, unless it is there. It has its name
// only when it is complete.
func (w oracleWheel) download() error {
	if _, err := os.Stat(w.file); err == nil {
		return nil
	}
	response, err := http.Get(w.url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", w.url, response.Status)
	}
	part, err := os.CreateTemp(filepath.Dir(w.file), "part-")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	defer part.Close()
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(part, digest), response.Body); err != nil {
		return fmt.Errorf("%s: %w", w.url, err)
	}
	if sum := hex.EncodeToString(digest.Sum(nil)); sum != w.sha256 {
		return fmt.Errorf("%s has the sha256 %s", w.url, sum)
	}
	return os.Rename(part.Name(), w.file)
}

// python311 finds an interpreter that the wheels are for and that has modules.
func python311(t testing.TB, modules ...string) string {
	t.Helper()
	script := "import " + strings.Join(append(modules, "sys"), ", ") + "; print(sys.version_info[:2] == (3, 11), sys.executable)"
	for _, name := range []string{"python3.11", "python3"} {
		out, err := exec.Command(name, "-c", script).Output()
		if executable, ok := strings.CutPrefix(string(out), "True "); err == nil && ok {
			return strings.TrimSpace(executable)
		}
	}
	t.Skipf("there is no Python 3.11, for which the wheels are, with %v", modules)
	return ""
}
