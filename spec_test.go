package imagespec

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagespec/imagespec/internal/diag"
)

// parse reads a spec that must be valid.
func parse(t *testing.T, yaml string) (*Spec, []diag.Warning) {
	t.Helper()
	spec, warnings, err := Parse(&diag.Source{Name: "imagespec.yaml", Data: []byte(yaml)})
	if err != nil {
		t.Fatalf("%s\n%s", yaml, diag.Format(err))
	}
	return spec, warnings
}

// plainValue gives what a field holds without places, nil for unset ones.
func plainValue(into any) any {
	switch v := into.(type) {
	case *Text:
		if v.IsSet() {
			return v.Value
		}
	case *List:
		if v.IsSet() {
			return append([]string{}, v.Values()...)
		}
	case *Map:
		if v.IsSet() {
			pairs := []string{}
			for _, p := range v.Pairs {
				pairs = append(pairs, p.Key.Value+"="+p.Value.Value)
			}
			return pairs
		}
	case *Flag:
		if v.IsSet() {
			return v.Value
		}
	case *Options:
		if v.At.Line > 0 {
			return plainValues("", v.fields())
		}
	case imageField:
		if *v.base != nil {
			return plainValues("", (*v.base).fields())
		}
		return plainValue(v.Text)
	case commaField:
		return plainValue(v.List)
	case mountsField:
		return plainValue(v.Map)
	}
	return nil
}

// plainValues gives the set fields of a table by name.
func plainValues(prefix string, fields []field) map[string]any {
	values := map[string]any{}
	for _, f := range fields {
		if v := plainValue(f.into); v != nil {
			values[prefix+f.name] = v
		}
	}
	return values
}

type values = map[string]any

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, yaml string
		want       values
	}{
		{"the README's", `# syntax=imagespec/imagespec
python_version: 3.12
requirements: uv.lock
`, values{"python_version": "3.12", "requirements": "uv.lock"}},
		{"flytekit's test fixture", "python_version: 3.9\nbuilder: test\n", values{"python_version": "3.9", "builder": "test"}},
		{"all that works", `
name: Demo
python_version: 3.13t
builder: imagespec
env: {DEBUG: true, WORKERS: 010, NAME: "a b", EMPTY: ""}
registry: GHCR.io/Org
requirements: ./locks/uv.lock
base_image: ghcr.io/astral-sh/uv:0.8-bookworm@sha256:` + strings.Repeat("0", 64) + `
platform: linux/amd64, linux/aarch64
entrypoint: [python, -m, app]
builder_options: {extras: [gpu, Foo_Bar], groups: [ml], package: my-app, locked: true, compile_bytecode: true}
`, values{
			"name": "demo", "python_version": "3.13t", "builder": "imagespec",
			"env":      []string{"DEBUG=true", "WORKERS=010", "NAME=a b", "EMPTY="},
			"registry": "ghcr.io/org", "requirements": "./locks/uv.lock",
			"base_image": "ghcr.io/astral-sh/uv:0.8-bookworm@sha256:" + strings.Repeat("0", 64),
			"platform":   []string{"linux/amd64", "linux/aarch64"},
			"entrypoint": []string{"python", "-m", "app"},
			"builder_options": values{
				"extras": []string{"gpu", "Foo_Bar"}, "groups": []string{"ml"}, "package": "my-app", "locked": true, "compile_bytecode": true,
			},
		}},
		{"null is unset", "name: null\npython_version: ~\nenv:\nentrypoint: null\nbuilder_options:\ncuda: null\npackages: Null\n", values{}},
		{"empty is set", "env: {}\nentrypoint: []\nregistry: ''\nbuilder_options: {}\n", values{
			"env": []string{}, "entrypoint": []string{}, "registry": "", "builder_options": values{},
		}},
		{"an empty mapping", "{}", values{}},
		{"an option that is unset", "builder_options: {extras: ~, groups: []}", values{"builder_options": values{"groups": []string{}}}},
		{"3.10 stays 3.10", "python_version: 3.10", values{"python_version": "3.10"}},
		{"numbers, dates and booleans are text", "entrypoint: [sleep, 1_0, 0x10, 1e3, .5, 2024-01-01, yes, True, .nan]", values{
			"entrypoint": []string{"sleep", "1_0", "0x10", "1e3", ".5", "2024-01-01", "yes", "True", ".nan"},
		}},
		{"env keeps the file's order and any text", "env:\n  B: 'it''s'\n  A: \"tab\\t\"\n  1: =x=\n  a b: ''\n", values{
			"env": []string{"B=it's", "A=tab\t", "1==x=", "a b="},
		}},
		{"block scalars", "env:\n  A: |\n    one\n    two\n  B: >-\n    one\n    two\n", values{"env": []string{"A=one\ntwo\n", "B=one two"}}},
		{"quoted null is text", `env: {A: "null", B: '~', "null": ""}`, values{"env": []string{"A=null", "B=~", "null="}}},
		{"!!str", "python_version: !!str 3.10", values{"python_version": "3.10"}},
		{"JSON", `{"name": "demo", "entrypoint": ["a", "b"]}`, values{"name": "demo", "entrypoint": []string{"a", "b"}}},
		{"one document with marks", "%YAML 1.1\n---\nname: demo\n...\n", values{"name": "demo"}},
		{"byte order mark", "\ufeffname: demo\n", values{"name": "demo"}},
		{"CRLF", "name: demo\r\nenv:\r\n  A: |\r\n    one\r\n    two\r\n", values{"name": "demo", "env": []string{"A=one\ntwo\n"}}},
		{"no line end", "name: demo", values{"name": "demo"}},
		{"aliases", "name: &n demo\nentrypoint: &e [*n, run]\nbuilder_options: {extras: *e, package: *n}\n", values{
			"name": "demo", "entrypoint": []string{"demo", "run"},
			"builder_options": values{"extras": []string{"demo", "run"}, "package": "demo"},
		}},
		{"platforms as a list", "platform:\n  - linux/arm\n  - linux/amd64/v1\n", values{"platform": []string{"linux/arm", "linux/amd64/v1"}}},
		{"quoted and complex keys", "'name': a\n\"env\": {}\n? entrypoint\n: [x]\n", values{"name": "a", "env": []string{}, "entrypoint": []string{"x"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, _ := parse(t, tc.yaml)
			if got := plainValues("", spec.fields()); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %v\nwant %v", got, tc.want)
			}
		})
	}
}

// TestFlytekitExamples reads what flytekit's documentation shows.
func TestFlytekitExamples(t *testing.T) {
	for name, yaml := range map[string]string{
		"Define ImageSpec in a YAML File": `# imageSpec.yaml
python_version: 3.11
registry: pingsutw
packages:
  - sklearn
env:
  Debug: "True"
`,
		"older flytesnacks": `python_version: 3.11
packages:
  - pandas
  - numpy
apt_packages:
  - git
env:
  Debug: "True"
`,
	} {
		if _, _, err := Parse(&diag.Source{Name: "imageSpec.yaml", Data: []byte(yaml)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// lineOf finds the line that starts with a text, white space aside.
func lineOf(doc, start string) int {
	for i, line := range strings.Split(doc, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), start) {
			return i + 1
		}
	}
	return 0
}

// TestEveryFieldDecodes sets all 29 fields through the table, working or not.
func TestEveryFieldDecodes(t *testing.T) {
	spec := &Spec{}
	for _, f := range spec.fields() {
		yaml := f.name + ": "
		switch f.into.(type) {
		case *Text, imageField:
			yaml += "x"
		case *List, commaField:
			yaml += "[x, y]"
		case *Map:
			yaml += "{x: y}"
		case mountsField:
			yaml += "[[x, y]]"
		case *Options:
			yaml += "{}"
		}
		text, err := newText(&diag.Source{Data: []byte(yaml)})
		if err != nil {
			t.Fatal(err)
		}
		root, err := parseYAML(text)
		if err != nil {
			t.Fatal(err)
		}
		d := decoder{text: text}
		d.mapping("", root, spec.fields())
		if plainValue(f.into) == nil {
			t.Errorf("%s is not decoded", f.name)
		}
		wantErrors := 0
		if f.status == planned {
			wantErrors = 1
		}
		if len(d.errs) != wantErrors {
			t.Errorf("%s: got errors %v, want %d", f.name, d.errs, wantErrors)
		}
	}
	if n := len(spec.fields()); n != 29 {
		t.Errorf("the table has %d fields, flytekit 29", n)
	}
}

func TestDefaultName(t *testing.T) {
	for _, yaml := range []string{"python_version: 3.12", "name: null"} {
		spec, _ := parse(t, yaml)
		if spec.Name.Value != "flytekit" || spec.Name.IsSet() {
			t.Errorf("%q: the name is %q, set: %t", yaml, spec.Name.Value, spec.Name.IsSet())
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, tc := range []struct {
		yaml string
		want []string // rule, line and what message or hint contain
	}{
		{"registry: ghcr.io/org", nil},
		{"registry: https://GHCR.io/org/\n", []string{"RegistryScheme", "1", `registry "https://GHCR.io/org/" has a scheme`, "write ghcr.io/org"}},
		{"name: a\nregistry: http://localhost:30000\n", []string{"RegistryScheme", "2", "http://localhost:30000", "write localhost:30000"}},
		{"pip_index: https://mirror.example/root/pypi/+simple\npip_extra_index_url: ['http://localhost:8080']\n", nil},
		{"pip_index: ''", nil},
		{"pip_index: https://bob:s3cret@mirror.example:8443/simple\n", []string{"IndexCredentials", "1", `pip_index "https://***@mirror.example:8443/simple" are not used`, "HTTP_AUTH_HEADER_mirror.example or HTTP_AUTH_TOKEN_mirror.example"}},
		{"name: a\npip_extra_index_url:\n- https://token@extra.example/simple\n", []string{"IndexCredentials", "3", `pip_extra_index_url "https://***@extra.example/simple"`}},
		{"builder: null", nil},
		{"builder: imagespec", nil},
		{"builder: default", []string{"BuilderIgnored", "1", `builder "default" is not used`, "flytekit itself"}},
		{"builder: envd", []string{"BuilderIgnored", "1", "this frontend is the builder", "set base_image"}},
		{"builder: union", []string{"BuilderIgnored", "1", "union", "nothing is sent to Union"}},
		{"builder: noop", []string{"BuilderIgnored", "1", "noop", "base_image is used as it is"}},
		{"builder: test", []string{"BuilderIgnored", "1", "test", "remove the key"}},
		{"builder_options:\n  imagepull_secret_name: regcred\n", []string{"OptionIgnored", "2", "builder_options.imagepull_secret_name", "changes nothing"}},
	} {
		_, warnings := parse(t, tc.yaml)
		if len(tc.want) == 0 {
			if len(warnings) > 0 {
				t.Errorf("%q: unexpected %v", tc.yaml, warnings)
			}
			continue
		}
		if len(warnings) != 1 {
			t.Errorf("%q: got %d warnings, want one", tc.yaml, len(warnings))
			continue
		}
		w := warnings[0]
		if w.Rule != tc.want[0] || !strings.HasSuffix(w.At.String(), ":"+tc.want[1]) {
			t.Errorf("%q: got %s at %s, want %s on line %s", tc.yaml, w.Rule, w.At, tc.want[0], tc.want[1])
		}
		for _, part := range tc.want[2:] {
			if !strings.Contains(w.Msg+"\n"+w.Hint, part) {
				t.Errorf("%q: %q is not in %q, %q", tc.yaml, part, w.Msg, w.Hint)
			}
		}
	}
}

// TestIndexes: what is left of an index's URL has no credentials.
func TestIndexes(t *testing.T) {
	spec, _ := parse(t, "pip_index: https://bob:s3cret@mirror.example/simple\npip_extra_index_url: ['https://t@a.example', 'http://b.example/simple/']\n")
	if got, want := spec.PipIndex.Value, "https://mirror.example/simple"; got != want {
		t.Errorf("pip_index %q, want %q", got, want)
	}
	if got, want := spec.PipExtraIndexURL.Values(), []string{"https://a.example", "http://b.example/simple/"}; !slices.Equal(got, want) {
		t.Errorf("pip_extra_index_url %q, want %q", got, want)
	}
}

func TestWarningsComeInOrderAndBesideErrors(t *testing.T) {
	_, warnings, err := Parse(&diag.Source{Data: []byte("builder_options: {imagepull_secret_name: x}\nregistry: https://a.example\nbuilder: envd\nnom: x\n")})
	var rules []string
	for _, w := range warnings {
		rules = append(rules, w.Rule)
	}
	if want := []string{"OptionIgnored", "RegistryScheme", "BuilderIgnored"}; !slices.Equal(rules, want) || err == nil {
		t.Errorf("got %v and error %v, want %v and an error", rules, err, want)
	}
}

func TestPlatforms(t *testing.T) {
	for _, tc := range []struct {
		platform string
		want     []string
	}{
		{"null", nil},
		{"linux/amd64", []string{"linux/amd64"}},
		{"linux/amd64,linux/arm64", []string{"linux/amd64", "linux/arm64"}},
		{"'linux/arm64 , linux/amd64'", []string{"linux/arm64", "linux/amd64"}},
		{"[linux/x86_64, linux/aarch64]", []string{"linux/amd64", "linux/arm64"}},
		{"linux/arm64/v8", []string{"linux/arm64"}},
		{"linux/arm", []string{"linux/arm/v7"}},
		{"linux/arm/v6", []string{"linux/arm/v6"}},
		{"linux/amd64/v1", []string{"linux/amd64"}},
		{"linux/amd64/v3", []string{"linux/amd64/v3"}},
		{"Linux/AMD64", []string{"linux/amd64"}},
	} {
		spec, _ := parse(t, "platform: "+tc.platform)
		var got []string
		for _, p := range spec.Platforms() {
			got = append(got, platforms.Format(p))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("platform: %s is %v, want %v", tc.platform, got, tc.want)
		}
	}
	// A spec that no file was parsed for.
	made := Spec{Platform: List{Items: []Text{{Value: "linux/arm64"}, {Value: "plan9/amd64"}, {Value: "linux"}}}}
	if got := made.Platforms(); !reflect.DeepEqual(got, []ocispecs.Platform{{OS: "linux", Architecture: "arm64"}}) {
		t.Errorf("got %v, want linux/arm64 alone", got)
	}
}

// TestValues has the values at the border of what each field takes.
func TestValues(t *testing.T) {
	for _, tc := range []struct {
		field     string
		good, bad []string
	}{
		{"name", []string{"a", "flytekit", "Org/App", "localhost:5000/x", "my-app_2.0"}, []string{`""`, "a b", "app:1", "-a", "a/", "ä"}},
		{
			"python_version",
			[]string{"3.9", "3.10", "3.12.4", "3.13t", "3.14.0t", "2.7", "3.100", "3.15.0rc1", "3.15.0a10t"},
			[]string{"3", `""`, "3.", "3.12.", "v3.12", "3.12.4.1", "3.12-dev", "3.13tt", "03.12", "3.012", "3.x", "3.12rc1", "3.12.0rc", "3.12.0-rc1", "3.12.0rc01", "==3.12", "cp312", "٣.١", `"3.12 "`, `"3.12\n"`},
		},
		{
			"registry",
			[]string{"ghcr.io", "ghcr.io/flyteorg", "localhost:30000", "localhost", "pingsutw", "reg.example:5000/a/b_c", `""`, "https://ghcr.io/org", "HTTPS://ghcr.io/"},
			[]string{"localhost:300000", "ghcr.io/", "ghcr.io//a", "/a", "a b", "ftp://ghcr.io", "https://", "oci://ghcr.io/org", "ghcr.io/org:tag", "https://user@ghcr.io"},
		},
		{
			"requirements",
			[]string{"uv.lock", "./uv.lock", "a/../uv.lock", "requirements dev.txt", "...", "a\\b"},
			[]string{`""`, "/uv.lock", "..", "../uv.lock", "a/../../uv.lock", "http://example.com/r.txt"},
		},
		{
			"base_image",
			[]string{"debian", "python:3.12-slim", "docker.io/library/python", "localhost:5000/a/b:T", "a@sha256:" + strings.Repeat("a", 64), "scratch"},
			[]string{`""`, "Debian", "a:", "a b", "a@sha256:0", "docker-image://debian", "a:b:c", strings.Repeat("a", 64)},
		},
		{
			"platform",
			[]string{"linux/386", "linux/riscv64", "[linux/s390x]"},
			[]string{`""`, "linux", "amd64", "windows/amd64", "linux/amd64,", "linux/armv7", "linux/amd64/v9", "linux/arm64/v8,linux/arm64", `"linux(1)/amd64"`, "linux/*", "[[linux/amd64]]", "linux/amd64/v1/x"},
		},
		{
			"env",
			[]string{"{A: =}", "{a.b-c: x}", "{é: ü}", "{A: ''}"},
			[]string{"{'': x}", "{A=: x}", "{A: }", "{A: {}}", "{A: [x]}", `{"A\0": x}`, `{A: "\0"}`, "[A=x]", "A=x"},
		},
		{
			"entrypoint",
			[]string{"[]", "['']", "[a, 'b c', 1]"},
			[]string{"a", "''", "[~]", `["\0"]`, "[[a]]", "{a: b}"},
		},
		{
			"builder_options",
			[]string{"{}", "{extras: []}", "{groups: [a, b]}", "{extras: [a], groups: [a]}", "{package: A.b_c-d}", "{imagepull_secret_name: ~}", "{locked: true}", "{locked: 'false'}", "{compile_bytecode: false}", "{locked: ~}"},
			[]string{"[]", "uv", "{extras: gpu}", "{extras: [a, A]}", "{groups: [a-b, a_.B]}", "{extras: ['']}", "{extras: [-a]}", "{groups: ['*']}", "{package: a b}", "{package: [a]}", "{index: x}", "{extras: [a], extras: [b]}", "{imagepull_secret_name: [x]}", "{locked: yes}", "{locked: True}", "{locked: 1}", "{locked: ''}", "{locked: [true]}", "{locked: {}}"},
		},
	} {
		for _, value := range tc.good {
			parse(t, tc.field+": "+value)
		}
		for _, value := range tc.bad {
			if _, _, err := Parse(&diag.Source{Data: []byte(tc.field + ": " + value)}); err == nil {
				t.Errorf("%s: %s is taken for valid", tc.field, value)
			}
		}
	}
}
