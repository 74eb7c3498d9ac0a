package account

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// then is the time of all files of the test's bases.
var then = time.Date(2024, time.May, 1, 12, 0, 0, 0, time.UTC)

// debian has the account files of a small Debian. A name that ends in a slash
// is a directory, "link ->" a symbolic link.
func debian() map[string]string {
	return map[string]string{
		"etc/passwd":        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
		"etc/group":         "root:x:0:\nnogroup:x:65534:\n",
		"etc/shadow":        "root:*:19000:0:99999:7:::\n",
		"etc/gshadow":       "root:*::\n",
		"etc/subuid":        "",
		"etc/subgid":        "",
		"etc/login.defs":    "# comment\nUMASK 022\nUID_MIN 1000\nUID_MAX 60000\nPASS_MIN_DAYS 0\nPASS_MAX_DAYS 99999\nPASS_WARN_AGE 7\nUSERGROUPS_ENAB yes\n",
		"etc/skel/.bashrc":  "PS1=x\n",
		"etc/skel/.profile": "# profile",
		"etc/ssl/cert.pem":  "own",
		"bin/bash":          "",
		"home/":             "",
		"root/.bashrc":      "root's\n",
	}
}

func makeBase(t *testing.T, files map[string]string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give files to other users")
	}
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		switch link, isLink := strings.CutSuffix(name, " ->"); {
		case err != nil:
		case isLink:
			err = os.Symlink(text, filepath.Join(dir, link))
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(at, 0o755)
		default:
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, _ error) error {
		if entry.Type()&fs.ModeSymlink == 0 {
			return os.Chtimes(name, then, then)
		}
		return nil
	})
	return dir
}

// list gives mode, owner and day of everything below a directory.
func list(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	_ = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		uid, gid := owner(info)
		rel, _ := filepath.Rel(dir, name)
		fmt.Fprintf(&b, "%s %d:%d %s %s", info.Mode(), uid, gid, info.ModTime().UTC().Format(time.DateOnly), rel)
		if target, err := os.Readlink(name); err == nil {
			b.WriteString(" -> " + target)
		}
		b.WriteString("\n")
		return nil
	})
	return b.String()
}

func text(t *testing.T, name ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(name...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, opt Options) string {
	t.Helper()
	opt.Root = t.TempDir()
	if err := Write(opt); err != nil {
		t.Fatal(err)
	}
	return opt.Root
}

// TestLayer: only what changes is there, and what is above it is as it was.
func TestLayer(t *testing.T) {
	opt := Options{Base: makeBase(t, debian()), User: "flytekit", Own: []string{"/root", "/home"}, Path: "/opt/venv/bin:/bin"}
	out := write(t, opt)
	const want = `drwxr-xr-x 0:0 2024-05-01 .
drwxr-xr-x 0:0 2024-05-01 etc
-rw-r--r-- 0:0 1980-01-02 etc/group
-rw-r--r-- 0:0 1980-01-02 etc/gshadow
-rw-r--r-- 0:0 1980-01-02 etc/passwd
-rw-r--r-- 0:0 1980-01-02 etc/shadow
-rw-r--r-- 0:0 1980-01-02 etc/subgid
-rw-r--r-- 0:0 1980-01-02 etc/subuid
drwxr-xr-x 1000:0 2024-05-01 home
drwxr-xr-x 1000:1000 1980-01-02 home/flytekit
-rw-r--r-- 1000:1000 2024-05-01 home/flytekit/.bashrc
-rw-r--r-- 1000:1000 1980-01-02 home/flytekit/.profile
drwxr-xr-x 1000:0 2024-05-01 root
-rw-r--r-- 1000:0 2024-05-01 root/.bashrc
`
	if got := list(t, out); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := text(t, out, "home/flytekit/.profile"); got != "# profile\nexport PATH=/opt/venv/bin:/bin\n" {
		t.Errorf(".profile is %q", got)
	}
	if got := text(t, out, "root/.bashrc"); got != "root's\n" {
		t.Errorf("/root/.bashrc is %q", got)
	}
}

// TestUseradd compares the files with those that useradd itself makes.
func TestUseradd(t *testing.T) {
	if _, err := exec.LookPath("useradd"); err != nil {
		t.Skip("no useradd: ", err)
	}
	for name, change := range map[string]map[string]string{
		"plain":     {},
		"used":      {"etc/passwd": "root:x:0:0::/root:/bin/sh\na:x:1000:1000::/:/bin/sh\nb:x:1007:1007::/:/bin/sh\n"},
		"gid taken": {"etc/group": "root:x:0:other\nstaff:x:1000:\n"},
		"subids":    {"etc/subuid": "a:100000:65536\nb:300000:65536\n", "etc/subgid": "a:165536:65536\n"},
		"nis":       {"etc/passwd": "root:x:0:0::/root:/bin/sh\n+::::::\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files := debian()
			for file, text := range change {
				files[file] = text
			}
			dir := makeBase(t, files)
			out := write(t, Options{Base: dir, User: "flytekit"})
			cmd := exec.Command("useradd", "--prefix", dir, "--no-create-home", "--shell", "/bin/bash", "-G", "root", "flytekit")
			if msg, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("useradd --prefix does not work here: %v %s", err, msg)
			}
			for _, file := range []string{"passwd", "group", "gshadow", "subuid", "subgid", "shadow"} {
				got, want := text(t, out, "etc", file), text(t, dir, "etc", file)
				if file == "shadow" { // without the day
					parts := strings.Split(want, "flytekit:!:")
					_, rest, _ := strings.Cut(parts[len(parts)-1], ":")
					want = parts[0] + "flytekit:!::" + rest
				}
				if got != want {
					t.Errorf("%s: got\n%suseradd makes\n%s", file, got, want)
				}
			}
		})
	}
}

// TestOddBases: links stay inside the base, and what is odd is kept.
func TestOddBases(t *testing.T) {
	for name, c := range map[string]struct {
		change     map[string]string
		file, want string // a file that is written and its text
	}{
		"home by link":    {map[string]string{"home/": "-", "home ->": "/var/home", "var/home/": ""}, "var/home/flytekit/.bashrc", "PS1=x\n"},
		"etc by climbing": {map[string]string{"etc/passwd": "-", "etc/passwd ->": "../../../usr/passwd", "usr/passwd": "root:x:0:0::/root:/bin/sh"}, "usr/passwd", "root:x:0:0::/root:/bin/sh\nflytekit:x:1000:1000::/home/flytekit:/bin/bash\n"},
		"malformed kept":  {map[string]string{"etc/passwd": "what\n\n::\n"}, "etc/passwd", "what\n\n::\nflytekit:x:1000:1000::/home/flytekit:/bin/bash\n"},
		"no group root":   {map[string]string{"etc/group": "a:x:5:\n"}, "etc/group", "a:x:5:\nflytekit:x:1000:\nroot:x:0:flytekit\n"},
		"no bash":         {map[string]string{"bin/bash": "-", "etc/shadow": "-"}, "etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nflytekit:!:1000:1000::/home/flytekit:/bin/sh\n"},
		"user is there":   {map[string]string{"etc/passwd": "flytekit:x:77:88::/srv/f:/bin/zsh\n"}, "srv/f/.profile", "export PATH='/a b'\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files := debian()
			for file, text := range c.change {
				if files[file] = text; text == "-" {
					delete(files, file)
				}
			}
			out := write(t, Options{Base: makeBase(t, files), User: "flytekit", Path: "/a b"})
			if got := text(t, out, c.file); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string
		opt    Options
		want   string
	}{
		"loop":      {map[string]string{"etc/passwd": "-", "etc/passwd ->": "passwd"}, Options{User: "a"}, "more than 40 symbolic links"},
		"huge":      {map[string]string{"etc/passwd": strings.Repeat("x", maxFile+1)}, Options{User: "a"}, "/etc/passwd of the base has"},
		"directory": {map[string]string{"etc/group": "-", "etc/group/": ""}, Options{User: "a"}, "/etc/group of the base is no regular file"},
		"malformed": {map[string]string{"etc/passwd": "a:x:one\n"}, Options{User: "a"}, "/etc/passwd of the base: the line of a is malformed"},
		"name":      {nil, Options{User: "a:b"}, `"a:b" is no name of a user`},
		"no user":   {nil, Options{Own: []string{"/root"}}, "need a user"},
		"climbing":  {nil, Options{User: "a", Own: []string{"/../x"}}, "not a clean absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			files := debian()
			for file, text := range c.change {
				if files[file] = text; text == "-" {
					delete(files, file)
				}
			}
			c.opt.Base, c.opt.Root = makeBase(t, files), t.TempDir()
			if err := Write(c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
}

// TestAuthorities: written where there are none, else nothing is.
func TestAuthorities(t *testing.T) {
	if got := list(t, write(t, Options{Base: makeBase(t, debian())})); strings.Count(got, "\n") != 1 {
		t.Errorf("the base has authorities, but there is\n%s", got)
	}
	out := write(t, Options{Base: makeBase(t, map[string]string{"usr/lib/ssl/certs/": ""})})
	got := list(t, out)
	for _, want := range []string{
		"-rw-r--r-- 0:0 1980-01-02 etc/ssl/certs/ca-certificates.crt\n",
		"etc/ssl/cert.pem -> /etc/ssl/certs/ca-certificates.crt\n",
		"usr/lib/ssl/cert.pem -> /etc/ssl/certs/ca-certificates.crt\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %sin\n%s", want, got)
		}
	}
	if strings.Contains(got, "usr/lib/ssl/certs") {
		t.Errorf("the base's own directory is replaced:\n%s", got)
	}
}
