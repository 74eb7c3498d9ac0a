package uvlock_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/imagespec/imagespec/lockparse"
	"github.com/imagespec/imagespec/lockparse/internal/locktest"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// pkg writes a package of a lock: a source tree, so that it needs no files,
// with what else its table holds.
func pkg(name, source, rest string) string {
	return "[[package]]\nname = \"" + name + "\"\nversion = \"1\"\nsource = { " + source + " }\n" + rest + "\n\n"
}

// tree writes a package that is installed from a folder.
func tree(name, rest string) string { return pkg(name, `directory = "`+name+`"`, rest) }

// root writes the project.
func root(rest string) string { return pkg("root", `virtual = "."`, rest) }

// TestWalk shows on small locks which edges are followed. All names in a lock
// are single letters, and want lists those that are selected.
func TestWalk(t *testing.T) {
	const xOrY = "conflicts = [[{ package = \"c\", extra = \"x\" }, { package = \"c\", extra = \"y\" }]]\n"
	extrasXY := "[package.optional-dependencies]\nx = [{ name = \"d\" }]\ny = [{ name = \"e\" }]"
	tests := []struct {
		name, text string
		request    lock.Request
		want       string
	}{
		{
			"a chain", root(`dependencies = [{ name = "a" }]`) + tree("a", `dependencies = [{ name = "b" }]`) + tree("b", "") + tree("c", ""),
			lock.Request{},
			"a b",
		},
		{
			"a cycle", root(`dependencies = [{ name = "a" }]`) + tree("a", `dependencies = [{ name = "b" }]`) + tree("b", `dependencies = [{ name = "a" }]`),
			lock.Request{},
			"a b",
		},
		{"a marker", root(`dependencies = [{ name = "a", marker = "sys_platform == 'win32'" }, { name = "b", marker = "sys_platform == 'linux'" }]`) +
			tree("a", "") + tree("b", ""), lock.Request{}, "b"},
		{"edges of what is not reached", root("") + tree("a", `dependencies = [{ name = "b" }]`) + tree("b", ""), lock.Request{}, ""},
		{
			"an extra of a dependency", root(`dependencies = [{ name = "a", extra = ["x"] }]`) +
				tree("a", "[package.optional-dependencies]\nx = [{ name = \"b\" }]\ny = [{ name = \"c\" }]") + tree("b", "") + tree("c", ""),
			lock.Request{},
			"a b",
		},
		{"an extra that is not there", root(`dependencies = [{ name = "a", extra = ["gone"] }]`) + tree("a", ""), lock.Request{}, "a"},
		{
			"a dependency once with and once without extra", root(`dependencies = [{ name = "a" }, { name = "b" }]`) +
				tree("a", "[package.optional-dependencies]\nx = [{ name = \"c\" }]") + tree("b", `dependencies = [{ name = "a", extra = ["x"] }]`) + tree("c", ""),
			lock.Request{},
			"a b c",
		},
		{
			"a virtual package", root(`dependencies = [{ name = "a" }]`) + pkg("a", `virtual = "a"`, `dependencies = [{ name = "b" }]`) + tree("b", ""),
			lock.Request{},
			"b",
		},
		{"a group that asks for the project", pkg("root", `editable = "."`, "dependencies = [{ name = \"a\" }]\n[package.dev-dependencies]\ndev = [{ name = \"root\" }]") +
			tree("a", ""), lock.Request{Groups: []string{"dev"}, OnlyGroups: true}, "a root"},
		{"the older name of groups", root("[package.dependency-groups]\ndev = [{ name = \"a\" }]") + tree("a", ""), lock.Request{Groups: []string{"dev"}}, "a"},

		{
			"an extra of a conflict, found on the way", xOrY + root(`dependencies = [{ name = "a" }, { name = "b", marker = "extra == 'extra-1-c-x'" }]`) +
				tree("a", `dependencies = [{ name = "c", extra = ["x"] }]`) + tree("b", "") + tree("c", extrasXY) + tree("d", "") + tree("e", ""),
			lock.Request{},
			"a b c d",
		},
		{
			"an extra that excludes what led elsewhere", xOrY + root(`dependencies = [{ name = "a", marker = "extra != 'extra-1-c-x'" }, { name = "c", extra = ["x"] }]`) +
				tree("a", `dependencies = [{ name = "c", extra = ["y"] }]`) + tree("c", extrasXY) + tree("d", "") + tree("e", ""),
			lock.Request{},
			"c d",
		},
		{"an edge that needs its own extra", xOrY + root(`dependencies = [{ name = "c", extra = ["x"], marker = "extra == 'extra-1-c-x'" }]`) +
			tree("c", extrasXY) + tree("d", "") + tree("e", ""), lock.Request{}, "c d"},
		{"an edge that another extra excludes", xOrY + root(`dependencies = [{ name = "c", extra = ["x"], marker = "extra == 'extra-1-c-y'" }]`) +
			tree("c", extrasXY) + tree("d", "") + tree("e", ""), lock.Request{}, ""},
		{
			"a group of a conflict", "conflicts = [[{ package = \"root\", group = \"g\" }, { package = \"root\", group = \"h\" }]]\n" +
				root("dependencies = [{ name = \"a\", marker = \"extra == 'group-4-root-g'\" }, { name = \"b\", marker = \"extra != 'group-4-root-g'\" }]\n"+
					"[package.dev-dependencies]\ng = [{ name = \"c\" }]\nh = [{ name = \"d\" }]") + tree("a", "") + tree("b", "") + tree("c", "") + tree("d", ""),
			lock.Request{Groups: []string{"g"}},
			"a c",
		},
		{"the project of a conflict", "conflicts = [[{ package = \"root\" }, { package = \"c\" }]]\n" +
			root("dependencies = [{ name = \"a\", marker = \"extra == 'project-4-root'\" }]\n[package.dev-dependencies]\ng = [{ name = \"b\", marker = \"extra != 'project-4-root'\" }]") +
			tree("a", "") + tree("b", "") + tree("c", ""), lock.Request{Groups: []string{"g"}, OnlyGroups: true}, "b"},

		{"what a script asks for", "[manifest]\nrequirements = [{ name = \"a\", extras = [\"x\"] }, { name = \"b\", marker = \"sys_platform == 'win32'\" }]\n" +
			tree("a", "[package.optional-dependencies]\nx = [{ name = \"c\" }]") + tree("b", "") + tree("c", ""), lock.Request{}, "a c"},
		{"a fork of what a script asks for", "[manifest]\nrequirements = [{ name = \"a\" }]\n" +
			tree("a", "resolution-markers = [\"sys_platform == 'win32'\"]\ndependencies = [{ name = \"b\" }]") +
			strings.Replace(tree("a", "resolution-markers = [\"sys_platform == 'linux'\"]\ndependencies = [{ name = \"c\" }]"), `"1"`, `"2"`, 1) +
			tree("b", "") + tree("c", ""), lock.Request{}, "a c"},
	}
	for _, test := range tests {
		l, err := parse(header + test.text)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		s, err := lock.Select(l, linux(t, "3.12"), test.request, nil)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var names []string
		for _, p := range s.Packages {
			names = append(names, p.Package.Name)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%s: selected %q, want %q", test.name, got, test.want)
		}
	}
}

// The first locks of uv call a package a distribution, and know neither
// extras nor groups that have no dependencies.
func TestFirstRevision(t *testing.T) {
	text := "version = 1\nrequires-python = \">=3.10\"\n" + root("[package.optional-dependencies]\nx = [{ name = \"a\" }]") + tree("a", "")
	text = strings.NewReplacer("[[package]]", "[[distribution]]", "[package.", "[distribution.").Replace(text)
	fsys := fstest.MapFS{
		"uv.lock":        {Data: []byte(text)},
		"pyproject.toml": {Data: []byte("[project]\nname = \"root\"\n[dependency-groups]\nempty = []\n")},
	}
	l, err := lockparse.Read(fsys, "uv.lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, r := range map[string]lock.Request{
		"":    {Groups: []string{"empty"}},
		"a 1": {Extras: []string{"x", "unknown"}},
		"error: uv.lock:3: the project has no dependency group \"other\"\nknown: \"empty\"": {Groups: []string{"other"}},
	} {
		if got := locktest.Selected(t, l, "3.12.0", r); got != want {
			t.Errorf("%+v gives %q, want %q", r, got, want)
		}
	}
}
