package lockparse_test

import (
	"fmt"
	"os"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
	"github.com/imagespec/imagespec/lockparse/wheel"
)

// An image based on Debian 12 gets these files of a project.
func Example() {
	l, err := lockparse.Read(os.DirFS("uvlock/testdata/workspace"), "uv.lock", nil)
	if err != nil {
		fmt.Println(diag.Format(err))
		return
	}
	target, err := lock.LinuxTarget("arm64", "", "3.13.1", false, wheel.Libc{Family: "glibc", Major: 2, Minor: 36})
	if err != nil {
		fmt.Println(diag.Format(err))
		return
	}
	s, err := lock.Select(l, target, lock.Request{DefaultGroups: true}, nil)
	if err != nil {
		fmt.Println(diag.Format(err))
		return
	}
	for _, p := range s.Packages {
		fmt.Println(p.Package, p.Kind, p.File.Name)
	}
	// Output:
	// anyio 4.13.0 wheel anyio-4.13.0-py3-none-any.whl
	// attrs 26.1.0 wheel attrs-26.1.0-py3-none-any.whl
	// idna 3.17 wheel idna-3.17-py3-none-any.whl
	// mypy-extensions 1.1.0 wheel mypy_extensions-1.1.0-py3-none-any.whl
	// top 0.1.0 directory
}
