package requirements

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// pipScript reads cases as JSON, lets the parser of the pip that is installed
// read them, and writes them back with what it found.
const pipScript = `
import base64, json, os, sys, tempfile
from pip._internal.req import req_file
from pip._internal.req.constructors import parse_req_from_line
cases = json.load(sys.stdin)
for case in cases:
    case["lines"] = []
    with tempfile.TemporaryDirectory() as top:
        top = os.path.realpath(top)
        os.chdir(top)
        for name, data in case["files"].items():
            os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
            with open(os.path.join(top, name), "wb") as f:
                f.write(base64.b64decode(data["base64"]))
        os.environ.update(case["env"])
        try:
            parser = req_file.RequirementsFileParser(None, req_file.get_line_parser(None))
            for line in parser.parse("requirements.txt", False):
                out = {"file": os.path.relpath(os.path.abspath(line.filename), top), "line": line.lineno, "args": line.args,
                       "constraint": line.constraint, "editable": line.is_editable, "opts": {}}
                o = line.opts
                for key in ("index_url", "extra_index_urls", "no_index", "find_links", "editables", "prefer_binary", "require_hashes", "pre", "trusted_hosts"):
                    if getattr(o, key, None):
                        out["opts"][key] = getattr(o, key)
                if getattr(o, "hashes", None):
                    out["opts"]["hashes"] = o.hashes
                if getattr(o, "config_settings", None):
                    out["opts"]["config_settings"] = o.config_settings
                f = o.format_control
                out["formats"] = [sorted(f.no_binary), sorted(f.only_binary)]
                if line.args:
                    try:
                        p = parse_req_from_line(line.args, None)
                        r = p.requirement
                        url = p.link.url if p.link else (r.url if r else None)
                        marker = p.markers or (r.marker if r else None)
                        out["parsed"] = {"name": r.name if r else None, "specifier": str(r.specifier) if r else None,
                            "extras": sorted(p.extras or (r.extras if r else [])), "url": url.replace("file://" + top, "file://$DIR") if url else None,
                            "marker": str(marker) if marker else None}
                    except Exception as e:
                        out["parse_error"] = type(e).__name__ + ": " + str(e)
                case["lines"].append(out)
        except Exception as e:
            case["lines"], case["error"] = [], type(e).__name__ + ": " + str(e)
        os.chdir("/")
json.dump(cases, sys.stdout)
`

// TestLivePip compares with the pip of the python3 on PATH, on files put
// together at random from what is hard to read.
func TestLivePip(t *testing.T) {
	if testing.Short() {
		t.Skip("pip is not asked in short tests")
	}
	if err := exec.Command("python3", "-c", "import pip; assert int(pip.__version__.split('.')[0]) >= 26").Run(); err != nil {
		t.Skip("python3 has no pip 26")
	}
	random := rand.New(rand.NewPCG(1, 2))
	var cases []map[string]any
	for i := range 2000 {
		files := map[string]any{
			"other.txt":              map[string][]byte{"base64": []byte(randomFile(random, 2))},
			"dir/c.txt":              map[string][]byte{"base64": []byte(randomFile(random, 2))},
			"tree/pyproject.toml":    map[string][]byte{"base64": {}},
			"a-1.0-py3-none-any.whl": map[string][]byte{"base64": {}},
			"requirements.txt":       map[string][]byte{"base64": []byte(randomFile(random, 8))},
		}
		cases = append(cases, map[string]any{"name": fmt.Sprint(i), "files": files, "env": map[string]string{"VALUE": "1.5", "HOST": "h.example"}})
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-W", "ignore", "-c", pipScript)
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	var answers []pipCase
	if err := json.Unmarshal(output, &answers); err != nil {
		t.Fatal(err)
	}
	failed, refused := 0, 0
	for _, c := range answers {
		for i := range c.Lines {
			if f := c.Lines[i].Formats; len(f[0])+len(f[1]) > 0 {
				c.Lines[i].Opts["format_control"] = map[string]any{"no_binary": f[0], "only_binary": f[1]}
			}
		}
		if c.Error != "" {
			refused++
		}
		if c.differs(t) {
			continue
		}
		if !t.Run(c.Name, func(t *testing.T) { c.check(t) }) {
			t.Logf("%q", fileText(t, c.Files["requirements.txt"]))
			if failed++; failed == 5 {
				break
			}
		}
	}
	t.Logf("%d files, %d of which pip refuses", len(answers), refused)
}

// differs says whether a case is one where we mean to be stricter than pip,
// or less strict: digests that cannot be ones, which pip only sees when it
// compares, and features of pip, of which each release has others.
func (c pipCase) differs(t *testing.T) bool {
	if strings.Contains(c.Error, "--use-feature") {
		return true
	}
	r := c.read(t)
	return len(r.errs) > 0 && strings.Contains(fmt.Sprint(r.errs), "digest")
}

// randomFile puts lines together.
func randomFile(random *rand.Rand, lines int) string {
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	space := func() string { return pick("", " ", " ", "\t", "  ", " \\\n", "\\\n", " \\\r\n  ") }
	hash := func() string { return "sha256:" + strings.Repeat(pick("a", "9"), 63) + "0" }
	name := func() string { return pick("a", "Foo.Bar_baz", "x-y", "z1", "_bad", "") }
	specifier := func() string {
		return pick("==1", "==${VALUE}", "== 1.0", ">=1,<2", "~=1.4", "==1.*", "===x", "", "=1", "==", "(>=1)", "!=1 , >2", "==${NONE}", "==1#c")
	}
	marker := func() string {
		return pick("", "", ";python_version > '3'", "; sys_platform == 'linux' and extra == \"x\"", " ; os_name=='#1'", "; bad", ";", "; os_name == \"a b\" --pre")
	}
	option := func() string {
		return pick("--hash="+hash(), "--hash "+hash(), "--hash=md5:12", "--hash", "--pre", "--pre=1", "-i https://${HOST}/s", "-ihttps://x/", "--index https://i.example",
			"--i=https://i.example", "--extra-index-url 'https://e.example'", "--no-binary :all:", "--no-binary=a,b", "--only-binary \"c\"", "--only-binary=:none:", "--no-index", "--no-i", "--p",
			"-f ./links", "-f\\ x", "--find-links=dir/../x", "--trusted-host h.x", "--require-hashes", "--require", "--config-settings a=b", "-C a=b", "-C a", "--prefer-binary", "--unknown", "-x",
			"--", "-", "stray", "--all-releases=a", "--only-final :all:", "-e ./tree", "-e git+https://x/r#egg=e", "--no-binary=-x", "'open", "\"a\\\"b\"", "--use-feature=fast-deps")
	}
	line := func() string {
		switch random.IntN(14) {
		case 0:
			return pick("-r other.txt", "--requirement=other.txt", "-rother.txt", "--req other.txt", "-c dir/c.txt", "--constraint dir/c.txt", "-c other.txt -r dir/c.txt", "-r missing.txt", "-r requirements.txt")
		case 1, 2:
			return option() + space() + pick("", option())
		case 3:
			return pick("# comment", "  # indented \\", "#coding: latin-1", "", " ", "\\", "\\\\", "\f", "a==1 # c\\")
		case 4:
			return pick("https://h.example/p-1.0-py3-none-any.whl", "https://h.example/p.zip#egg=p", "git+https://g/r.git@v#egg=r&subdirectory=d", "file:///x/p-1-py3-none-any.whl", "./a-1.0-py3-none-any.whl",
				"a-1.0-py3-none-any.whl", "./tree", "tree/", "./tree[x,y]", "./none", "./none.zip", "none.tar.gz[x]", "svn+http://s/r#egg=S", "ftp://f/x.zip", "https://h.example/bad.whl", "p @ https://h.example/p.zip",
				"p@https://h.example/x y", "p [x] @ git+ssh://git@h/r", "HTTPS://h.example/p.zip#egg=P&sha256=abc", "https://h.example/p.zip#egg=p[x]", ".", "..", "/", "a/b", "p @ ./x.whl") +
				pick("", " ; os_name == 'x'", ";os_name=='x'", "; os_name == 'x'", " --hash="+hash(), " # c", "#c")
		}
		text := name() + pick("", "", "[x]", " [x, y]", "[]", "[") + space() + specifier() + space() + marker()
		for range random.IntN(3) {
			text += pick(" ", " ", " \\\n    ", "\t") + option()
		}
		return text + pick("", "", " # comment", "\t#c", "#c", " \\")
	}
	var b strings.Builder
	b.WriteString(pick("", "", "", "", "\xef\xbb\xbf", "# -*- coding: utf-8 -*-\n", "\n#coding=latin1\n# \xe9\n"))
	for range 1 + random.IntN(lines) {
		b.WriteString(line() + pick("\n", "\n", "\n", "\r\n", "\r", "\x0b", "\x1c", "\u2028", "\n\n"))
	}
	return b.String()
}
