package export

import (
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/pylock"
)

// TestPylock writes every kind of package, of which one is not for all
// platforms, and reads what it has written.
func TestPylock(t *testing.T) {
	digest := strings.Repeat("a", 64)
	wheel := plan.Package{Name: "idna", Version: "3.10", Kind: lock.KindWheel, File: "idna-3.10-py3-none-any.whl", URL: "https://files.example/idna-3.10-py3-none-any.whl", SHA256: digest, Size: 9}
	direct := plan.Package{Name: "own", Version: "1.0", Kind: lock.KindWheel, Direct: true, File: "own-1.0-py3-none-any.whl", URL: "https://own.example/own-1.0-py3-none-any.whl", SHA256: digest}
	here := plan.Package{Name: "six", Version: "1.16.0", Kind: lock.KindWheel, File: "six-1.16.0-py3-none-any.whl", Path: "wheels/six-1.16.0-py3-none-any.whl", SHA256: digest}
	sdist := plan.Package{Name: "toolz", Version: "1.0.0", Kind: lock.KindSdist, File: "toolz-1.0.0.tar.gz", URL: "https://files.example/toolz-1.0.0.tar.gz", SHA256: digest, Build: &plan.Build{}}
	commit := plan.Package{Name: "tool", Kind: lock.KindGit, URL: "https://example.com/tool", Build: &plan.Build{Commit: strings.Repeat("b", 40), Ref: "main", Subdirectory: "python"}}
	folder := plan.Package{Name: "lib", Kind: lock.KindDirectory, Path: "libs/lib", Build: &plan.Build{}}
	python := plan.Python{Version: "3.12.4"}
	got := string(Pylock([]*plan.Plan{
		{Platform: "linux/amd64", Python: python, Packages: []plan.Package{wheel, direct, here, sdist, commit, folder}},
		{Platform: "linux/arm64", Python: python, Packages: []plan.Package{direct, here, sdist, commit, folder}},
	}))
	const environment = "sys_platform == 'linux' and platform_machine == "
	want := strings.NewReplacer("DIGEST", digest, "COMMIT", strings.Repeat("b", 40), "ON ", environment).Replace(`lock-version = "1.0"
created-by = "imagespec"
requires-python = "==3.12.*"
environments = [
    "ON 'x86_64'",
    "ON 'aarch64'",
]

[[packages]]
name = "idna"
version = "3.10"
marker = "(ON 'x86_64')"
wheels = [
    { name = "idna-3.10-py3-none-any.whl", url = "https://files.example/idna-3.10-py3-none-any.whl", size = 9, hashes = { sha256 = "DIGEST" } },
]

[[packages]]
name = "lib"
directory = { path = "libs/lib" }

[[packages]]
name = "own"
version = "1.0"
archive = { url = "https://own.example/own-1.0-py3-none-any.whl", hashes = { sha256 = "DIGEST" } }

[[packages]]
name = "six"
version = "1.16.0"
wheels = [
    { name = "six-1.16.0-py3-none-any.whl", path = "wheels/six-1.16.0-py3-none-any.whl", hashes = { sha256 = "DIGEST" } },
]

[[packages]]
name = "tool"
vcs = { type = "git", url = "https://example.com/tool", requested-revision = "main", commit-id = "COMMIT", subdirectory = "python" }

[[packages]]
name = "toolz"
version = "1.0.0"
sdist = { name = "toolz-1.0.0.tar.gz", url = "https://files.example/toolz-1.0.0.tar.gz", hashes = { sha256 = "DIGEST" } }
`)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if l, err := pylock.Parse(&diag.Source{Name: "pylock.toml", Data: []byte(got)}); err != nil || len(l.Packages) != 6 {
		t.Errorf("read are %+v, %v", l, err)
	}
}
