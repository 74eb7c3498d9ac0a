package uvlock_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// header begins the locks of these tests, projectTable is a project in them.
const (
	header       = "version = 1\nrevision = 3\nrequires-python = \">=3.10\"\n"
	projectTable = `
[[package]]
name = "project"
version = "0.1.0"
source = { virtual = "." }
`
)

// wheelOf makes a package of an index with one wheel.
func wheelOf(name, version, wheel string) string {
	return "\n[[package]]\nname = \"" + name + "\"\nversion = \"" + version +
		"\"\nsource = { registry = \"https://pypi.org/simple\" }\nwheels = [\n    { url = \"https://files.example/" + wheel + "\" },\n]\n"
}

// TestMessages shows every mistake in a lock or a request as a terminal shows
// it.
func TestMessages(t *testing.T) {
	workspace, err := os.ReadFile("testdata/workspace/uv.lock")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		request    lock.Request
		reason     lock.Reason
	}{
		{"not TOML", "version = 1\n<<<<<<< HEAD\nrevision = 3\n=======\n", lock.Request{}, lock.Malformed},
		{"empty", "", lock.Request{}, lock.Malformed},
		{"no requires-python", "version = 1\n", lock.Request{}, lock.Malformed},
		{"unknown version", "version = 2\npackages = 3\n", lock.Request{}, lock.UnsupportedVersion},
		{"version of another type", "version = \"1\"\n", lock.Request{}, lock.Malformed},
		{"bad specifier", "version = 1\nrequires-python = \"3.10\"\n", lock.Request{}, lock.Malformed},
		{"duplicate key", header + "revision = 4\n", lock.Request{}, lock.Malformed},
		{"bad marker", header + "supported-markers = [\n    \"sys_platform = 'linux'\",\n]\n", lock.Request{}, lock.Malformed},
		{"unknown source", header + "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { hg = \"https://host/a\" }\n", lock.Request{}, lock.Malformed},
		{"no version", header + "[[package]]\nname = \"a\"\nsource = { registry = \"https://pypi.org/simple\" }\n", lock.Request{}, lock.Malformed},
		{"bad names", header + "[[package]]\nname = \"a b\"\nversion = \"one\"\nsource = { virtual = \".\" }\n", lock.Request{}, lock.Malformed},
		{"abbreviated commit", header + "[[package]]\nname = \"a\"\nsource = { git = \"https://u:p@host/a?rev=main#0123abc\" }\n", lock.Request{}, lock.Malformed},
		{"other project's wheel", header + wheelOf("requests", "2.0", "requestz-2.0-py3-none-any.whl"), lock.Request{}, lock.Malformed},
		{"other version's wheel", header + wheelOf("iniconfig", "1.0.0", "iniconfig-2.0.0-py3-none-any.whl"), lock.Request{}, lock.Malformed},
		{"no wheel", header + wheelOf("a", "1.0", "a-1.0.tar.gz"), lock.Request{}, lock.Malformed},
		{"hidden path", header + wheelOf("a", "1.0", "..%2f..%2fa-1.0-py3-none-any.whl"), lock.Request{}, lock.Malformed},
		{"bad hash", header + strings.Replace(wheelOf("a", "1.0", "a-1.0-py3-none-any.whl"), " },", ", hash = \"sha256:abc\" },", 1), lock.Request{}, lock.Malformed},
		{"wheel of a tree", header + projectTable + "wheels = [{ filename = \"project-0.1.0-py3-none-any.whl\" }]\n", lock.Request{}, lock.Malformed},
		{"twice", header + projectTable + projectTable, lock.Request{}, lock.Malformed},
		{"missing dependency", header + projectTable + "dependencies = [\n    { name = \"gone\" },\n]\n", lock.Request{}, lock.Malformed},
		{"unclear dependency", header + wheelOf("a", "1", "a-1-py3-none-any.whl") + wheelOf("a", "2", "a-2-py3-none-any.whl") +
			projectTable + "dependencies = [\n    { name = \"a\" },\n]\n", lock.Request{}, lock.Malformed},
		{"dependency in another version", header + wheelOf("a", "1", "a-1-py3-none-any.whl") +
			projectTable + "dependencies = [\n    { name = \"a\", version = \"2\" },\n]\n", lock.Request{}, lock.Malformed},
		{"unsupported platform", header + "supported-markers = [\n    \"sys_platform == 'darwin'\",\n    \"sys_platform == 'win32'\",\n]\n", lock.Request{}, lock.UnsupportedPlatform},
		{"no fork", header + "resolution-markers = [\"sys_platform == 'win32'\"]\n", lock.Request{}, lock.UnsupportedPlatform},
		{
			"unclear requirement", header + "[manifest]\nrequirements = [{ name = \"a\" }]\n" + wheelOf("a", "1", "a-1-py3-none-any.whl") + wheelOf("a", "2", "a-2-py3-none-any.whl"),
			lock.Request{},
			lock.Malformed,
		},
		{"default groups are not known", header + projectTable, lock.Request{DefaultGroups: true}, lock.UnknownGroup},
		{"unknown extra", string(workspace), lock.Request{Extras: []string{"odl"}}, lock.UnknownExtra},
		{"unknown group", string(workspace), lock.Request{Groups: []string{"documentation"}}, lock.UnknownGroup},
		{"unknown group left out", string(workspace), lock.Request{NoGroups: []string{"doc"}}, lock.UnknownGroup},
		{"unknown package", string(workspace), lock.Request{Package: "mebmer"}, lock.UnknownPackage},
		{"conflicting extras", string(workspace), lock.Request{AllExtras: true}, lock.Conflict},
		{"conflict of extra and group", string(workspace), lock.Request{Extras: []string{"old"}, Groups: []string{"dev"}}, lock.Conflict},
		{"conflict found on the way", string(workspace), lock.Request{AllPackages: true, Extras: []string{"old"}}, lock.Conflict},
	}
	var text strings.Builder
	for _, test := range tests {
		_, err := selectFrom(t, fstest.MapFS{"uv.lock": {Data: []byte(test.text)}}, test.request)
		if !errors.Is(err, test.reason) {
			t.Errorf("%s: %v is no %s", test.name, err, test.reason)
			continue
		}
		if len(diag.All(err)) == 0 {
			t.Errorf("%s: %v has no place", test.name, err)
		}
		text.WriteString("== " + test.name + "\n" + diag.Format(err) + "\n\n")
	}
	golden.Check(t, "testdata/messages.txt", text.String())
}

// The pyproject.toml of the project and of members are read too, with the
// names that they have in the build context.
func TestProjectMessages(t *testing.T) {
	fsys := fstest.MapFS{
		"back/uv.lock":        {Data: []byte(header + projectTable)},
		"back/pyproject.toml": {Data: []byte("[project]\nname = \"other\"\n")},
	}
	l, err := lockparse.Read(fsys, "back/uv.lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lock.Select(l, linux(t, "3.12"), lock.Request{}, nil)
	if !errors.Is(err, lock.UnknownPackage) || !strings.Contains(err.Error(), `back/pyproject.toml: the project "other" is not in back/uv.lock`) {
		t.Errorf("error %v", err)
	}
	fsys["back/pyproject.toml"] = &fstest.MapFile{Data: []byte("[project]\nname = 1\n")}
	if _, err := lockparse.Read(fsys, "back/uv.lock", nil); err == nil || !strings.HasPrefix(err.Error(), "back/pyproject.toml:2: ") {
		t.Errorf("error %v", err)
	}
}

func selectFrom(t *testing.T, fsys fstest.MapFS, r lock.Request) (*lock.Selection, error) {
	t.Helper()
	l, err := lockparse.Read(fsys, "uv.lock", nil)
	if err != nil {
		return nil, err
	}
	return lock.Select(l, linux(t, "3.12"), r, nil)
}
