package wheelinstall_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/internal/venv"
	"github.com/imagespec/imagespec/internal/wheelinstall"
)

// install installs wheels for /opt/venv and Python 3.12. It gives the root, the
// warnings, and the error.
func install(t *testing.T, wheels ...string) (root, warnings string, err error) {
	t.Helper()
	var list []wheelinstall.Wheel
	for _, w := range wheels {
		list = append(list, wheelinstall.Wheel{Path: w})
	}
	root = t.TempDir()
	var lines []string
	_, err = wheelinstall.Install(wheelinstall.Options{
		Layout: venv.Layout{Prefix: "/opt/venv", Python: venv.Python{Major: 3, Minor: 12}},
		Root:   root,
		Wheels: list,
		Warn:   func(line string) { lines = append(lines, line) },
	})
	return root, strings.Join(lines, "\n"), err
}

// everyFeature is a wheel that has one of everything.
func everyFeature() entries {
	return entries{
		"demo/__init__.py", "version = 1\n",
		"demo/_speedups.so 0755", "\x7fELF",
		"demo/data/", "",
		"demo/data/names, \"quoted\".txt", "x",
		"demo/__pycache__/__init__.cpython-312.pyc", "pyc",
		"demo-1.0.data/purelib/demo/pure.py", "",
		"demo-1.0.data/platlib/demo/plat.py", "",
		"demo-1.0.data/headers/demo.h", "#pragma once\n",
		"demo-1.0.data/data/share/man/man1/demo.1", ".TH demo\n",
		"demo-1.0.data/data/lib64/libdemo.so.1", "\x7fELF",
		"demo-1.0.data/data/etc/demo.conf", "",
		"demo-1.0.data/scripts/demo.sh", "#!/bin/sh\necho demo\n",
		"demo-1.0.data/scripts/demo-py", "#!python\nprint(1)\n",
		"demo-1.0.data/scripts/demo-gui.pyw", "#!pythonw -E\r\nprint(1)\r\n",
		"demo-1.0.data/scripts/demo-env", "#!/usr/bin/env python\nprint(1)\n",
		"demo-1.0.data/scripts/short", "#!",
		"demo-1.0.data/scripts/only", "#!python",
		"demo-1.0.data/scripts/demo-cli-script.py", "made by setuptools\n",
		"demo-1.0.data/scripts/demo-cli.exe", "made by setuptools\n",
		"demo-1.0.dist-info/entry_points.txt", "[console_scripts]\ndemo-cli = demo.cli:main.run [extra]\n[gui_scripts]\ndemo-window = demo:window\n",
		"demo-1.0.dist-info/licenses/LICENSE", "MIT\n",
		"demo-1.0.dist-info/INSTALLER", "pip\n",
		"demo-1.0.dist-info/REQUESTED", "",
		"demo-1.0.dist-info/RECORD.jws", "{}",
	}
}

// TestInstall compares all that becomes of a wheel with a golden listing.
func TestInstall(t *testing.T) {
	wheel := buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", everyFeature())
	root, warnings, err := install(t, wheel)
	if err != nil || warnings != "" {
		t.Fatal(err, warnings)
	}
	got := listing(t, filepath.Join(root, "opt"), func(name string) bool {
		return strings.HasPrefix(name, "venv/bin/") || strings.HasSuffix(name, "RECORD") || strings.HasSuffix(name, "INSTALLER")
	})
	golden.Check(t, "testdata/every-feature.txt", got)
}

// TestSummary: what is counted.
func TestSummary(t *testing.T) {
	dir := t.TempDir()
	s, err := wheelinstall.Install(wheelinstall.Options{
		Layout: venv.Layout{Prefix: "/opt/venv", Python: venv.Python{Major: 3, Minor: 13, FreeThreaded: true}},
		Root:   t.TempDir(),
		Wheels: []wheelinstall.Wheel{
			{Path: buildWheel(t, dir, "a-1-py3-none-any.whl", entries{"a.py", "12345"})},
			{Path: buildWheel(t, dir, "b-1-py3-none-any.whl", entries{"b.py", "1234567"})},
		},
	})
	// a.py, WHEEL, METADATA, INSTALLER, RECORD
	if err != nil || s.Wheels != 2 || s.Files != 10 || s.Bytes < 12 {
		t.Errorf("got %+v, %v", s, err)
	}
}

// TestFreeThreaded: "3.13t" is part of the library's path and not of headers'.
func TestFreeThreaded(t *testing.T) {
	root := t.TempDir()
	_, err := wheelinstall.Install(wheelinstall.Options{
		Layout: venv.Layout{Prefix: "/venv", Python: venv.Python{Major: 3, Minor: 13, FreeThreaded: true}},
		Root:   root,
		Wheels: []wheelinstall.Wheel{{Path: buildWheel(t, t.TempDir(), "Green_Let-1-py3-none-any.whl", entries{
			"a.py", "", "Green_Let-1.data/headers/greenlet.h", "",
		})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"venv/lib/python3.13t/site-packages/a.py", "venv/include/site/python3.13/green-let/greenlet.h"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestScripts: the text of launchers, and how the interpreter's path is put
// where the kernel could not take it.
func TestScripts(t *testing.T) {
	long := "/" + strings.Repeat("x", 120)
	for prefix, want := range map[string]string{
		"/opt/venv":           "#!/opt/venv/bin/python\n",
		"/opt/my venv":        "#!/bin/sh\n'''exec' '/opt/my venv/bin/python' \"$0\" \"$@\"\n' '''\n",
		"/opt/it's a venv":    "#!/bin/sh\n'''exec' '/opt/it'\"'\"'s a venv/bin/python' \"$0\" \"$@\"\n' '''\n",
		long:                  "#!/bin/sh\n'''exec' '" + long + "/bin/python' \"$0\" \"$@\"\n' '''\n",
		long[:127-3-11]:       "#!" + long[:127-3-11] + "/bin/python\n", // just short enough
		long[:127-3-11] + "x": "#!/bin/sh\n'''exec' '" + long[:127-3-11] + "x/bin/python' \"$0\" \"$@\"\n' '''\n",
	} {
		root := t.TempDir()
		_, err := wheelinstall.Install(wheelinstall.Options{
			Layout: venv.Layout{Prefix: prefix, Python: venv.Python{Major: 3, Minor: 12}},
			Root:   root,
			Wheels: []wheelinstall.Wheel{{Path: buildWheel(t, t.TempDir(), "a-1-py3-none-any.whl", entries{
				"a-1.data/scripts/b", "#!python\nprint()\n",
				"a-1.dist-info/entry_points.txt", "[console_scripts]\na = a:main\n",
			})}},
		})
		if err != nil {
			t.Fatal(err)
		}
		launcher, _ := os.ReadFile(filepath.Join(root, prefix, "bin/a"))
		script, _ := os.ReadFile(filepath.Join(root, prefix, "bin/b"))
		if !strings.HasPrefix(string(launcher), want+"# -*- coding") || string(script) != want+"print()\n" {
			t.Errorf("%s: launcher\n%s\nscript\n%s\nwant\n%s", prefix, launcher, script, want)
		}
	}
}

// TestPip: pip's wheel gets a launcher for the Python at hand.
func TestPip(t *testing.T) {
	for name, text := range map[string]string{
		"pip-9.0.3-py3-none-any.whl": "pip = pip:main\npip3 = pip:main\npip3.6 = pip:main\n",
		"pip-24.2-py3-none-any.whl":  "pip = pip:main\npip3 = pip:main\n",
	} {
		info := strings.Join(strings.Split(name, "-")[:2], "-") + ".dist-info/"
		wheel := buildWheel(t, t.TempDir(), name, entries{info + "entry_points.txt", "[console_scripts]\n" + text})
		root, _, err := install(t, wheel)
		if err != nil {
			t.Fatal(err)
		}
		scripts, _ := filepath.Glob(filepath.Join(root, "opt/venv/bin/*"))
		for i := range scripts {
			scripts[i] = filepath.Base(scripts[i])
		}
		if want := []string{"pip", "pip3", "pip3.12"}; !slices.Equal(scripts, want) {
			t.Errorf("%s: got %v, want %v", name, scripts, want)
		}
	}
}

// TestErrors: bad wheels with what is said about them. Nothing is written then.
func TestErrors(t *testing.T) {
	const file = "demo-1.0-py3-none-any.whl"
	const info = "demo-1.0.dist-info/"
	cases := map[string]struct {
		files entries
		want  string
	}{
		"bad archive": {entries{"../demo.py", "", "demo\\x.py", ""}, `"../demo.py": leads out of its directory (..)` + "\n" + `"demo\\x.py": has a backslash in its name`},
		"two dist-infos": {
			entries{"other-2.dist-info/METADATA", "Name: other\n", info + "METADATA", "Name: demo\n"},
			`has 2 .dist-info directories, a wheel has one: "demo-1.0", "other-2"`,
		},
		"other dist-info": {
			entries{"other-2.dist-info/METADATA", "Name: demo\n", "other-2.dist-info/WHEEL", "Wheel-Version: 1.0\n", "other-2.dist-info/RECORD", ""},
			"has the directory other-2.dist-info, which is not demo's",
		},
		"other name":         {entries{info + "METADATA", "Name: other\n"}, "has the name other in METADATA, which is not demo"},
		"no name":            {entries{info + "METADATA", "Version: 1\n"}, "METADATA: Name is missing"},
		"wheel version 2":    {entries{info + "WHEEL", "Wheel-Version: 2.0\n"}, "has Wheel-Version 2.0, this installer knows 1.0"},
		"no wheel version":   {entries{info + "WHEEL", ""}, "WHEEL: Wheel-Version is missing"},
		"bad RECORD":         {entries{info + "RECORD", "\"x"}, `RECORD: parse error on line 1, column 3: extraneous or missing " in quoted-field`},
		"size in RECORD":     {entries{"demo.py", "12345", info + "RECORD", "demo.py,,4\n"}, `"demo.py": has 5 bytes, RECORD says 4`},
		"bad entry point":    {entries{info + "entry_points.txt", "[console_scripts]\ndemo\n"}, `entry_points.txt: [console_scripts] "demo" has no value`},
		"entry point climbs": {entries{info + "entry_points.txt", "[console_scripts]\n../demo = a:b\n"}, `entry_points.txt: [console_scripts] "../demo" is not a file name in bin`},
		"kind of data":       {entries{"demo-1.0.data/include/demo.h", ""}, `"demo-1.0.data/include/demo.h": "include" in .data is none of purelib, platlib, scripts, headers and data`},
		"file in .data":      {entries{"demo-1.0.data/demo.h", ""}, `"demo-1.0.data/demo.h": is a file, .data holds the directories purelib, platlib, scripts, headers and data`},
		"file as scripts":    {entries{"demo-1.0.data/scripts", ""}, `"demo-1.0.data/scripts": is a file, .data holds the directories purelib, platlib, scripts, headers and data`},
		"python":             {entries{info + "entry_points.txt", "[console_scripts]\npython = a:b\n"}, `"entry point python": would replace the interpreter bin/python`},
		"python3.12":         {entries{"demo-1.0.data/scripts/python3.12", ""}, `"demo-1.0.data/scripts/python3.12": would replace the interpreter bin/python3.12`},
		"Python3.13t.exe":    {entries{"demo-1.0.data/scripts/Python3.13t.exe", ""}, `"demo-1.0.data/scripts/Python3.13t.exe": would replace the interpreter bin/Python3.13t.exe`},
		"pythonw3.13t":       {entries{"demo-1.0.data/scripts/pythonw3.13t", ""}, `"demo-1.0.data/scripts/pythonw3.13t": would replace the interpreter bin/pythonw3.13t`},
		"python in data":     {entries{"demo-1.0.data/data/bin/python3", ""}, `"demo-1.0.data/data/bin/python3": would replace the interpreter bin/python3`},
		"pyvenv.cfg":         {entries{"demo-1.0.data/data/pyvenv.cfg", "home = /tmp\n"}, `"demo-1.0.data/data/pyvenv.cfg": would replace "pyvenv.cfg" of the environment`},
		"lib64":              {entries{"demo-1.0.data/data/lib64", ""}, `"demo-1.0.data/data/lib64": would replace "lib64" of the environment`},
		"bin":                {entries{"demo-1.0.data/data/bin", ""}, `"demo-1.0.data/data/bin": would replace "bin" of the environment`},
		"RECORD in data": {
			entries{"demo-1.0.data/purelib/demo-1.0.dist-info/RECORD", "", info + "RECORD", ""},
			`"demo-1.0.data/purelib/demo-1.0.dist-info/RECORD": would replace "lib/python3.12/site-packages/demo-1.0.dist-info/RECORD" of the environment`,
		},
		"INSTALLER in data": {
			entries{"demo-1.0.data/purelib/demo-1.0.dist-info/INSTALLER", "uv"},
			`"INSTALLER": and another file of the wheel both become lib/python3.12/site-packages/demo-1.0.dist-info/INSTALLER`,
		},
		"root and data": {
			entries{"demo.py", "a", "demo-1.0.data/purelib/demo.py", "b"},
			`"demo-1.0.data/purelib/demo.py": and another file of the wheel both become lib/python3.12/site-packages/demo.py`,
		},
		"launcher and data": {
			entries{info + "entry_points.txt", "[console_scripts]\ndemo = a:b\n", "demo-1.0.data/data/bin/demo", ""},
			`"demo-1.0.data/data/bin/demo": and another file of the wheel both become bin/demo`,
		},
		"file and directory": {
			entries{"demo", "", "demo-1.0.data/purelib/demo/a.py", ""},
			`"lib/python3.12/site-packages/demo/a.py": needs the directory lib/python3.12/site-packages/demo, which is a file of ` + file,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			root, _, err := install(t, buildWheel(t, t.TempDir(), file, c.files))
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll("\n"+err.Error(), "\n"+file+": ", "\n")[1:]; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if written, _ := os.ReadDir(root); len(written) > 0 {
				t.Errorf("%s has been written", written[0].Name())
			}
		})
	}
}

// TestMissing: each of the files that a wheel has to have.
func TestMissing(t *testing.T) {
	all := entries{"demo-1.0.dist-info/METADATA", "Name: demo\n", "demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n", "demo-1.0.dist-info/RECORD", ""}
	for i := range len(all) / 2 {
		wheel := filepath.Join(t.TempDir(), "demo-1.0-py3-none-any.whl")
		os.WriteFile(wheel, zipFiles(t, slices.Delete(slices.Clone(all), 2*i, 2*i+2)), 0o644)
		_, _, err := install(t, wheel)
		if want := "demo-1.0-py3-none-any.whl: has no " + all[2*i]; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	wheel := filepath.Join(t.TempDir(), "demo-1.0-py3-none-any.whl")
	os.WriteFile(wheel, zipFiles(t, entries{"demo.py", ""}), 0o644)
	if _, _, err := install(t, wheel); err == nil || err.Error() != "demo-1.0-py3-none-any.whl: has 0 .dist-info directories, a wheel has one" {
		t.Errorf("got %v", err)
	}
}

// TestContentErrors: what shows only while files are written; all of it is told.
func TestContentErrors(t *testing.T) {
	const record = "demo-1.0.dist-info/RECORD"
	wheel := buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", entries{
		"a.py", "a", "b.py", "b", "c.py", "c", "d.py", "d", "demo-1.0.data/scripts/s", "#!python\n",
		record, "a.py,sha256=AAAA,1\nb.py,sha512=AAAA,1\nc.py,md5=AAAA,1\nd.py,sha384=AAAA,1\ndemo-1.0.data/scripts/s,sha256=AAAA,\n",
	})
	_, _, err := install(t, wheel)
	var got []string
	for line := range strings.Lines(fmt.Sprint(err)) {
		got = append(got, strings.Join(strings.Fields(line)[:6], " "))
	}
	want := []string{
		`demo-1.0-py3-none-any.whl: "a.py": has the sha256 digest`,
		`demo-1.0-py3-none-any.whl: "b.py": has the sha512 digest`,
		`demo-1.0-py3-none-any.whl: "d.py": has the sha384 digest`,
		`demo-1.0-py3-none-any.whl: "demo-1.0.data/scripts/s": has the sha256 digest`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !strings.Contains(err.Error(), "digest ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs, RECORD says AAAA") {
		t.Errorf("both digests should be named: %v", err)
	}
}

// TestStrongHashes: digests other than sha256 are verified and become sha256.
func TestStrongHashes(t *testing.T) {
	const text = "#!python\nprint(1)\n"
	wheel := buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", entries{
		"demo-1.0.data/scripts/s", text, "a.py", text, "demo-1.0.dist-info/RECORD",
		"demo-1.0.data/scripts/s,sha384=cVc0XDR_NHqZXNm6w_A0Sds6bnAbmNJ9rEBpOJMUgFqiS3YqkOROUVyQ96FWNc9e,18\n" +
			"a.py,sha512=YDCyvGSw60rk1rEA5MWQyWHqP6aEFa-NhO4AXP8Ob4t2DV_u9u1TUYOdJLFgqVgIW57xZ0vGGTf2eudzz2FvKQ,18\n",
	})
	_, _, err := install(t, wheel)
	if err == nil {
		t.Fatal("the digests are made up")
	}
	// The true digests are those that the errors name.
	var digests []string
	for line := range strings.Lines(err.Error()) {
		_, rest, _ := strings.Cut(line, " digest ")
		digest, _, _ := strings.Cut(rest, ",")
		digests = append(digests, digest)
	}
	wheel = buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", entries{
		"demo-1.0.data/scripts/s", text, "a.py", text, "demo-1.0.dist-info/RECORD",
		"demo-1.0.data/scripts/s,sha384=" + digests[1] + ",18\n" + "a.py,sha512=" + digests[0] + ",18\n",
	})
	root, _, err := install(t, wheel)
	if err != nil {
		t.Fatal(err)
	}
	record, _ := os.ReadFile(filepath.Join(root, "opt/venv/lib/python3.12/site-packages/demo-1.0.dist-info/RECORD"))
	if strings.Contains(string(record), "sha512") || strings.Contains(string(record), "sha384") {
		t.Errorf("RECORD is\n%s", record)
	}
}

// TestWarnings: what is installed all the same.
func TestWarnings(t *testing.T) {
	const info = "demo-1.0.dist-info/"
	cases := map[string]struct {
		files entries
		want  string
	}{
		"wheel version 1.9": {entries{info + "WHEEL", "Wheel-Version: 1.9\n"}, "has Wheel-Version 1.9, it is installed as 1.0"},
		"unlisted":          {entries{"demo.py", "", info + "RECORD", info + "METADATA,,\n" + info + "WHEEL,,\n"}, `RECORD does not list "demo.py"`},
		"missing": {
			entries{info + "RECORD", "a.py,,\nb.py,,\nc.py,,\nd/,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n"},
			`RECORD lists what is not there: "a.py", "b.py", "c.py" and 1 more`,
		},
		"link":                {entries{"libdemo.so 0120777", "libdemo.so.1"}, `"libdemo.so" is a symbolic link, it becomes a file that holds its target`},
		"activate":            {entries{"demo-1.0.data/scripts/activate", ""}, `"bin/activate" replaces a script that activates the environment`},
		"wheel version 0.1":   {entries{info + "WHEEL", "Wheel-Version: 0.1\n"}, ""},
		"same bytes in .data": {entries{"demo.py", "a", "demo-1.0.data/purelib/demo.py", "a"}, ""},
		".data of another":    {entries{"other-1.0.data/scripts/python", "a"}, ""}, // a directory like others
		".data in capitals":   {entries{"Demo-1.0.data/purelib/demo.py", "a"}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, warnings, err := install(t, buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", c.files))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimPrefix(warnings, "demo-1.0-py3-none-any.whl: "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestUncleanRecord: a file that RECORD lists under a path that has to be
// cleaned is listed, and its digest is verified.
func TestUncleanRecord(t *testing.T) {
	_, warnings, err := install(t, buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", entries{
		"./pkg/demo.py", "a", "demo-1.0.dist-info/RECORD", "/pkg/./demo.py,sha256=AAAA,\n",
	}))
	if err == nil || !strings.Contains(err.Error(), `"pkg/demo.py": has the sha256 digest`) {
		t.Errorf("got %v, warnings %s", err, warnings)
	}
}

// TestTwoWheels: files that several wheels have.
func TestTwoWheels(t *testing.T) {
	dir := t.TempDir()
	a := buildWheel(t, dir, "a-1-py3-none-any.whl", entries{
		"google/__init__.py", "same", "tests/__init__.py", "from a", "tests/conftest.py", "from a",
	})
	b := buildWheel(t, dir, "b-1-py3-none-any.whl", entries{
		"google/__init__.py", "same", "tests/__init__.py", "from b!", "tests/conftest.py", "from b",
	})
	c := buildWheel(t, dir, "c-1-py3-none-any.whl", entries{"tests", "a file"})

	// The order of the arguments does not matter.
	for _, order := range [][]string{{a, b}, {b, a}} {
		root, warnings, err := install(t, order...)
		if err != nil {
			t.Fatal(err)
		}
		const want = `b-1-py3-none-any.whl: replaces files of a-1-py3-none-any.whl: "lib/python3.12/site-packages/tests/__init__.py", "lib/python3.12/site-packages/tests/conftest.py"`
		if warnings != want {
			t.Errorf("got  %s\nwant %s", warnings, want)
		}
		site := filepath.Join(root, "opt/venv/lib/python3.12/site-packages")
		if got, _ := os.ReadFile(filepath.Join(site, "tests/__init__.py")); string(got) != "from b!" {
			t.Errorf("got %q of the first wheel", got)
		}
		for wheel, size := range map[string]string{"a-1": ",6\n", "b-1": ",7\n"} {
			record, _ := os.ReadFile(filepath.Join(site, wheel+".dist-info/RECORD"))
			_, row, _ := strings.Cut(string(record), "tests/__init__.py,")
			if row, _, _ = strings.Cut(row, "\n"); !strings.HasSuffix(row+"\n", size) {
				t.Errorf("%s's RECORD has %s, its own file has a size of %s", wheel, row, size)
			}
		}
	}
	_, _, err := install(t, a, c)
	const want = `a-1-py3-none-any.whl: "lib/python3.12/site-packages/tests/__init__.py": needs the directory lib/python3.12/site-packages/tests, which is a file of c-1-py3-none-any.whl
a-1-py3-none-any.whl: "lib/python3.12/site-packages/tests/conftest.py": needs the directory lib/python3.12/site-packages/tests, which is a file of c-1-py3-none-any.whl`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestAllProblemsAtOnce: every wheel is checked, and named in its error.
func TestAllProblemsAtOnce(t *testing.T) {
	dir := t.TempDir()
	a := buildWheel(t, dir, "a-1-py3-none-any.whl", entries{"/etc/passwd", "", "../x", ""})
	b := buildWheel(t, dir, "b-1-py3-none-any.whl", entries{"b-1.dist-info/WHEEL", "Wheel-Version: 2.0\n"})
	_, _, err := install(t, b, a)
	const want = `a-1-py3-none-any.whl: "../x": leads out of its directory (..)
a-1-py3-none-any.whl: "/etc/passwd": is an absolute path
b-1-py3-none-any.whl: has Wheel-Version 2.0, this installer knows 1.0`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if problem := (wheelinstall.Error{}); !errors.As(err, &problem) || problem.Wheel != "a-1-py3-none-any.whl" || problem.Entry != "../x" {
		t.Errorf("got %+v", problem)
	}
}

// TestArguments: what is wrong with the call.
func TestArguments(t *testing.T) {
	dir := t.TempDir()
	a := buildWheel(t, dir, "a-1-py3-none-any.whl", nil)
	for want, opt := range map[string]wheelinstall.Options{
		"z_o-2-py3-none-any.whl: is of the same project as Z.o-1-py3-none-any.whl":   {Wheels: []wheelinstall.Wheel{{Path: "Z.o-1-py3-none-any.whl"}, {Path: "z_o-2-py3-none-any.whl"}}},
		"a-1-py3-none-any.whl: is of the same project as a-1-py3-none-any.whl":       {Wheels: []wheelinstall.Wheel{{Path: a}, {Path: "/elsewhere/a-1-py3-none-any.whl"}}},
		"a.zip: is not the name of a wheel (NAME-VERSION-PYTHON-ABI-PLATFORM.whl)":   {Wheels: []wheelinstall.Wheel{{Path: "a.zip"}}},
		"a-1.whl: is not the name of a wheel (NAME-VERSION-PYTHON-ABI-PLATFORM.whl)": {Wheels: []wheelinstall.Wheel{{Path: "a-1.whl"}}},
		"open /no/b-1-py3-none-any.whl: no such file or directory":                   {Wheels: []wheelinstall.Wheel{{Path: "/no/b-1-py3-none-any.whl"}}},
		`a-1-py3-none-any.whl: direct URL "a.whl" has no scheme`:                     {Wheels: []wheelinstall.Wheel{{Path: a, DirectURL: "a.whl"}}},
	} {
		opt.Layout, opt.Root = venv.Layout{Prefix: "/opt/venv", Python: venv.Python{Major: 3, Minor: 12}}, t.TempDir()
		if _, err := wheelinstall.Install(opt); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := wheelinstall.Install(wheelinstall.Options{Layout: venv.Layout{Prefix: "venv"}}); err == nil {
		t.Error("a relative prefix is taken")
	}
}

// TestDigest: the digest of the whole wheel is verified, and goes into direct_url.json.
func TestDigest(t *testing.T) {
	wheel := buildWheel(t, t.TempDir(), "a-1-py3-none-any.whl", entries{"a.py", ""})
	data, err := os.ReadFile(wheel)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	opt := wheelinstall.Options{
		Layout: venv.Layout{Prefix: "/opt/venv", Python: venv.Python{Major: 3, Minor: 12}},
		Root:   t.TempDir(),
		Wheels: []wheelinstall.Wheel{{Path: wheel, SHA256: strings.ToUpper(digest), DirectURL: "https://example.org/a.whl"}},
	}
	if _, err := wheelinstall.Install(opt); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(filepath.Join(opt.Root, "opt/venv/lib/python3.12/site-packages/a-1.dist-info/direct_url.json"))
	if want := `{"url":"https://example.org/a.whl","archive_info":{"hashes":{"sha256":"` + digest + `"}}}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	opt.Wheels[0].SHA256 = strings.Repeat("0", 64)
	want := "a-1-py3-none-any.whl: has the SHA-256 " + digest + ", expected " + strings.Repeat("0", 64)
	if _, err := wheelinstall.Install(opt); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestExisting: nothing is overwritten, also not through links.
func TestExisting(t *testing.T) {
	wheel := buildWheel(t, t.TempDir(), "a-1-py3-none-any.whl", entries{"a.py", "new"})
	opt := wheelinstall.Options{
		Layout: venv.Layout{Prefix: "/venv", Python: venv.Python{Major: 3, Minor: 12}},
		Wheels: []wheelinstall.Wheel{{Path: wheel}},
	}
	const site = "venv/lib/python3.12/site-packages"
	outside := t.TempDir()
	for name, c := range map[string]struct {
		prepare func(root string) error
		want    string
	}{
		"file": {func(root string) error {
			return errors.Join(os.MkdirAll(filepath.Join(root, site), 0o755), os.WriteFile(filepath.Join(root, site, "a.py"), []byte("old"), 0o600))
		}, site + "/a.py: exists already"},
		"file for a directory": {func(root string) error { return os.WriteFile(filepath.Join(root, "venv"), nil, 0o644) }, "venv: is in the way"},
		"link out":             {func(root string) error { return os.Symlink(outside, filepath.Join(root, "venv")) }, "venv: is in the way"},
		"dangling link": {func(root string) error {
			return errors.Join(os.MkdirAll(filepath.Join(root, site), 0o755), os.Symlink(outside+"/a.py", filepath.Join(root, site, "a.py")))
		}, site + "/a.py: exists already"},
	} {
		t.Run(name, func(t *testing.T) {
			opt.Root = t.TempDir()
			if err := c.prepare(opt.Root); err != nil {
				t.Fatal(err)
			}
			if _, err := wheelinstall.Install(opt); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s…", err, c.want)
			}
			if found, _ := os.ReadDir(outside); len(found) > 0 {
				t.Errorf("%s has been written outside", found[0].Name())
			}
		})
	}
}

// TestUmask: it takes nothing away from the modes. (That it and other things of
// the machine do not matter is tested on the command, TestDeterministic.)
func TestUmask(t *testing.T) {
	wheel := buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", everyFeature())
	var listings []string
	for _, umask := range []int{0, 0o022, 0o277} {
		old := syscall.Umask(umask)
		root, _, err := install(t, wheel)
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		listings = append(listings, listing(t, filepath.Join(root, "opt"), func(string) bool { return true }))
	}
	if listings[0] != listings[1] || listings[0] != listings[2] {
		t.Errorf("listings differ:\n%s", strings.Join(listings, "\n"))
	}
}

// TestReplacedLine: which first lines of scripts are replaced, and where they end.
func TestReplacedLine(t *testing.T) {
	const ours = "#!/opt/venv/bin/python\n"
	for script, want := range map[string]string{
		"#!python\nx":     ours + "x",
		"#!python\r\nx":   ours + "x",
		"#!python -E\nx":  ours + "x",
		"#!pythonw\nx":    ours + "x",
		"#!python3.12\nx": ours + "x",
		"#!python":        ours,
		"#!python" + strings.Repeat("y", 10_000) + "\nx": ours + "x",
		"#!/usr/bin/python\nx":                           "#!/usr/bin/python\nx",
		"# !python\nx":                                   "# !python\nx",
		" #!python\nx":                                   " #!python\nx",
		"#!pytho":                                        "#!pytho",
		"":                                               "",
	} {
		root, _, err := install(t, buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", entries{"demo-1.0.data/scripts/x", script}))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(filepath.Join(root, "opt/venv/bin/x")); string(got) != want {
			t.Errorf("%.20q becomes %q", script, got)
		}
	}
}

// TestScriptNames: those that would be an interpreter, and their neighbours.
func TestScriptNames(t *testing.T) {
	for name, refused := range map[string]bool{
		"python": true, "python3": true, "pythonw": true, "python3.9": true, "python3.13t": true, "pythonw3.13t": true,
		"PYTHON": true, "python.exe": true, "python3.py": true, "pypy": true, "pypy3": true, "graalpy": true,
		"python2": false, "python3.": false, "python3.x": false, "python3.256": false, "pythonw3.13": false, "python3-config": false,
		"ipython": false, "python-argcomplete-check-easy-install-script": false, "pypy4": false, "python3.1.2": false,
	} {
		_, _, err := install(t, buildWheel(t, t.TempDir(), "demo-1.0-py3-none-any.whl", entries{"demo-1.0.data/data/bin/" + name, ""}))
		if (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzInstall: whatever the wheel is, nothing is written outside the root, and
// what is installed is what RECORD lists. It runs many goroutines, which makes
// coverage differ from run to run: without -fuzzminimizetime 1x the engine only
// minimizes.
func FuzzInstall(f *testing.F) {
	for _, files := range []entries{
		everyFeature(),
		{"../x", "", "a.py", ""},
		{"demo-1.0.data/scripts/python", "", "demo-1.0.data/data/lib64/x", "", "demo-1.0.dist-info/RECORD", "x,sha256=AAAA,1\n"},
		{"demo", "", "demo-1.0.data/purelib/demo/a.py", ""},
	} {
		data, err := os.ReadFile(buildWheel(f, f.TempDir(), "demo-1.0-py3-none-any.whl", files))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		wheel := filepath.Join(dir, "demo-1.0-py3-none-any.whl")
		if err := os.WriteFile(wheel, data, 0o644); err != nil {
			t.Fatal(err)
		}
		root := filepath.Join(dir, "root")
		if err := os.Mkdir(root, 0o755); err != nil {
			t.Fatal(err)
		}
		s, err := wheelinstall.Install(wheelinstall.Options{
			Layout: venv.Layout{Prefix: "/v", Python: venv.Python{Major: 3, Minor: 12}},
			Root:   root,
			Wheels: []wheelinstall.Wheel{{Path: wheel}},
			Warn:   func(string) {},
		})
		if beside, _ := os.ReadDir(dir); len(beside) != 2 {
			t.Errorf("written outside: %v", beside)
		}
		if err == nil && len(snapshot(t, root)) != s.Files {
			t.Errorf("%d files are there, %d have been counted", len(snapshot(t, root)), s.Files)
		}
	})
}
