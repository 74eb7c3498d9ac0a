package pep508_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/vectors"
	"github.com/imagespec/imagespec/lockparse/pep508"
)

func mustParseMarker(t testing.TB, s string, d pep508.Dialect) pep508.Marker {
	t.Helper()
	m, err := pep508.ParseMarker(s, d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// bookworm is Debian 12's Python, with extras and groups asked for.
func bookworm() *pep508.Env {
	return &pep508.Env{
		PythonVersion: "3.11", PythonFullVersion: "3.11.2",
		ImplementationName: "cpython", ImplementationVersion: "3.11.2",
		OSName: "posix", SysPlatform: "linux", PlatformSystem: "Linux", PlatformMachine: "x86_64",
		PlatformPythonImplementation: "CPython",
		Extras:                       map[string]bool{"cpu": true, "dev-tools": true, "gpu": false, "extra-7-project-cpu": true},
		Groups:                       map[string]bool{"test": true},
	}
}

func TestEval(t *testing.T) {
	const both = pep508.Dialect(-1)
	for _, c := range []struct {
		marker  string
		dialect pep508.Dialect
		want    bool
	}{
		{"", both, true},
		{"  ", both, true},
		{"python_version >= '3.10'", both, true},
		{"'3.10' > python_version", both, false},
		{"python_full_version < '3.11.3'", both, true},
		{"sys_platform == 'win32' or os_name == 'posix' and platform_machine != 'arm64'", both, true},
		{"(sys_platform == 'win32' or os_name == 'posix') and platform_machine == 'arm64'", both, false},
		{"sys_platform in 'linux darwin'", both, true},
		{"'86' not in platform_machine", both, false},
		{"platform.machine == 'x86_64' and python_implementation == 'CPython'", both, true},
		{"extra == 'Dev.Tools'", both, true},
		{"extra == 'gpu'", both, false},
		{"'test' in dependency_groups and 'docs' not in dependency_groups", both, true},
		{"'cpu' in extras and 'gpu' not in extras", both, true},
		{"platform_release == '' and platform_version == ''", both, true},

		// uv.lock encodes the items of conflicts as extras.
		{"extra == 'extra-7-project-cpu'", pep508.UV, true},
		{"extra == 'extra-7-project-cpu' and extra == 'group-7-project-dev'", pep508.UV, false},
		{"extra != 'extra-7-project-cpu'", pep508.UV, false},
		// pip asks for each extra alone, uv for the set.
		{"extra == 'cpu' and extra == 'dev-tools'", pep508.Packaging, false},
		{"extra == 'cpu' and extra == 'dev-tools'", pep508.UV, true},
		{"extra != 'cpu'", pep508.Packaging, true},
		{"extra != 'cpu'", pep508.UV, false},
		// uv reads lists of versions, packaging looks for a piece of text.
		{"python_version in '3.1 3.11.0'", pep508.UV, true},
		{"python_version in '3.9 3.110'", pep508.Packaging, true},
		{"python_version in '3.9 3.110'", pep508.UV, false},
		// What makes no sense is left out by uv.
		{"python_version == 'latest' and os_name == 'nt'", pep508.UV, false},
		{"python_version == 'latest' or os_name == 'nt'", pep508.UV, false},
		{"os_name == 'posix' and ('a' == 'b' or os_name == sys_platform)", pep508.UV, true},
		{"extra > 'a'", pep508.UV, true},
		{"python_version in '3.11 latest'", pep508.UV, true},
		{"platform_system == 'Linux' and platform_system != 'Darwin'", pep508.UV, true},
		{"platform_system == 'Windows' or platform_system == 'Plan9'", pep508.UV, false},
		// uv's answers where no python_version can be equal
		{"python_version != '3.11.2'", pep508.UV, true},
		{"python_version != '3.11.2.*'", pep508.UV, false},
		{"python_version not in '3.9 3.11.2'", pep508.UV, false},
		{"python_version in '3.11 3.11.2'", pep508.UV, false},
		{"'x' == extras", pep508.Packaging, false},
		{"'x' != extras", pep508.Packaging, true},
		{"extra == 'not a name'", pep508.UV, false},
		{"extra != 'not a name'", pep508.UV, false},
		{"platform_release < '6'", pep508.UV, true},
		{"python_version\n>= '3.10' and\n\tos_name == 'posix'", pep508.UV, true},
	} {
		for _, d := range []pep508.Dialect{pep508.Packaging, pep508.UV} {
			if c.dialect != both && c.dialect != d {
				continue
			}
			if got, err := mustParseMarker(t, c.marker, d).Eval(bookworm()); got != c.want || err != nil {
				t.Errorf("%s in dialect %d: %v, %v, want %v", c.marker, d, got, err, c.want)
			}
		}
	}
}

// TestVariables compares every variable, by every name, with its own value.
func TestVariables(t *testing.T) {
	env := bookworm()
	env.PlatformRelease, env.PlatformVersion = "6.1.0-25-amd64", "#1 SMP"
	for name, value := range map[string]string{
		"python_version":                 "3.11",
		"python_full_version":            "3.11.2",
		"implementation_name":            "cpython",
		"implementation_version":         "3.11.2",
		"os_name":                        "posix",
		"os.name":                        "posix",
		"sys_platform":                   "linux",
		"sys.platform":                   "linux",
		"platform_system":                "Linux",
		"platform_machine":               "x86_64",
		"platform.machine":               "x86_64",
		"platform_python_implementation": "CPython",
		"platform.python_implementation": "CPython",
		"python_implementation":          "CPython",
		"platform_release":               "6.1.0-25-amd64",
		"platform_version":               "#1 SMP",
		"platform.version":               "#1 SMP",
	} {
		for _, d := range []pep508.Dialect{pep508.Packaging, pep508.UV} {
			for marker, want := range map[string]bool{
				name + " == '" + value + "'": true,
				"'" + value + "' != " + name: false,
				name + " >= '" + value + "'": true,
				"'" + value + "' > " + name:  false,
			} {
				if got, err := mustParseMarker(t, marker, d).Eval(env); got != want || err != nil {
					t.Errorf("%s in dialect %d: %v, %v", marker, d, got, err)
				}
			}
		}
	}
}

// TestOperators asks each kind of variable with each operator, the string on
// the right and on the left. The results are T, F, E for an error, and I where
// uv ignores the comparison.
func TestOperators(t *testing.T) {
	operators := []string{"==", "!=", "<", "<=", ">", ">=", "~=", "in", "not in"}
	for _, c := range []struct {
		variable, value              string
		packaging, packagingReversed string
		uv, uvReversed               string
	}{
		{"python_full_version", "3.11.2", "TFFTFTTTF", "TFFTFTTTF", "TFFTFTTTF", "TFFTFTTII"},
		{"python_full_version", "3.9", "FTFFTTTFT", "FTTTFFFFT", "FTFFTTTFT", "FTTTFFTII"},
		{"python_full_version", "3.*", "TFFFFFEFT", "FFFFFFFFT", "TFIIIIIII", "IIIIIIIII"},
		{"python_version", "3.11.2", "FTTTFFFTF", "FTFFTTTFT", "FTTTFFFFF", "FTFFTTFII"},
		{"python_version", "3.11", "TFFTFTTTF", "TFFTFTTTF", "TFFTFTTTF", "TFFTFTTII"},
		{"os_name", "posix", "TFFTFTETF", "TFFTFTETF", "TFFTFTITF", "TFFTFTITF"},
		{"os_name", "pos", "FTFFFFEFT", "FTFFFFETF", "FTFFFFIFT", "FTFFFFITF"},
		{"platform_release", "", "TFFTFTETF", "TFFTFTETF", "TFFTFTITF", "TFFTFTITF"},
		{"platform_version", "6", "FTFFFFETF", "FTFFFFEFT", "FTTTFFITF", "FTFFTTIFT"},
		{"extra", "cpu", "TTFTFTETT", "TTFTFTETT", "TFIIIIIII", "TFIIIIIII"},
	} {
		for i, op := range operators {
			plain := c.variable + " " + op + " '" + c.value + "'"
			reversed := "'" + c.value + "' " + op + " " + c.variable
			for _, e := range []struct {
				marker string
				d      pep508.Dialect
				want   byte
			}{
				{plain, pep508.Packaging, c.packaging[i]},
				{reversed, pep508.Packaging, c.packagingReversed[i]},
				{plain, pep508.UV, c.uv[i]},
				{reversed, pep508.UV, c.uvReversed[i]},
			} {
				if got := letter(mustParseMarker(t, e.marker, e.d)); got != e.want {
					t.Errorf("%s in dialect %d: %c, want %c", e.marker, e.d, got, e.want)
				}
			}
		}
	}
}

func letter(m pep508.Marker) byte {
	ok, err := m.Eval(bookworm())
	switch {
	case err != nil:
		return 'E'
	case m.IsTrue():
		return 'I'
	case ok:
		return 'T'
	}
	return 'F'
}

// TestDevelopmentBuild is about CPython built from a checkout, whose version
// ends in "+".
func TestDevelopmentBuild(t *testing.T) {
	env := bookworm()
	env.PythonVersion, env.PythonFullVersion = "3.15", "3.15.0a2+"
	for marker, want := range map[string][2]bool{
		"python_full_version >= '3.15'":        {false, true}, // uv: 3.15.0
		"python_full_version == '3.15.0a2'":    {true, true},
		"python_full_version < '3.15.0a3'":     {true, false},
		"'3.15.0a2' <= python_full_version":    {false, true}, // packaging: <= takes no local version
		"python_version == '3.15'":             {true, true},
		"python_full_version in '3.15 3.15.1'": {false, true},
	} {
		for d, want := range want {
			if got, err := mustParseMarker(t, marker, pep508.Dialect(d)).Eval(env); got != want || err != nil {
				t.Errorf("%s in dialect %d: %v, %v, want %v", marker, d, got, err, want)
			}
		}
	}
}

// TestNoVersion is about an environment that somebody left empty: nothing
// holds for a version that is none.
func TestNoVersion(t *testing.T) {
	for _, marker := range []string{"python_full_version != '3.8'", "python_version >= '3'", "python_version in '3.8'", "python_version not in '3.8'"} {
		if ok, err := mustParseMarker(t, marker, pep508.UV).Eval(&pep508.Env{}); ok || err != nil {
			t.Errorf("%s: %v, %v", marker, ok, err)
		}
	}
}

func TestEvalUndefined(t *testing.T) {
	for marker, want := range map[string]string{
		"sys_platform ~= 'linux'":              `marker: sys_platform ~= "linux": ~= is undefined for text`,
		"'a' == 'b'":                           `marker: "a" == "b": compares two strings`,
		"os_name == sys_platform":              `marker: os_name == sys_platform: compares two variables`,
		"extras == 'a'":                        `marker: extras == "a": extras can only be asked by "name" in extras`,
		"'a' ~= extras":                        `marker: "a" ~= extras: ~= is undefined for extras`,
		"os_name == 'nt' and extra === 'cpu'":  `marker: extra === "cpu": === is undefined for text`,
		"os_name == 'posix' or os_name ~= 'x'": `marker: os_name ~= "x": ~= is undefined for text`,
	} {
		ok, err := mustParseMarker(t, marker, pep508.Packaging).Eval(bookworm())
		var undefined *pep508.UndefinedError
		if ok || !errors.As(err, &undefined) || err.Error() != want {
			t.Errorf("%s: %v, want %s", marker, err, want)
		}
	}
}

func TestMarkerString(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		" ( os.name=='posix' ) ": `os_name == "posix"`,
		"((os_name=='a'and(os_name not  in'b')))":        `os_name == "a" and os_name not in "b"`,
		"(os_name=='a' or os_name=='b')and os_name!='c'": `(os_name == "a" or os_name == "b") and os_name != "c"`,
		`os_name == 'say "hi"'`:                          `os_name == 'say "hi"'`,
		"'X_Y' in extras":                                `"x-y" in extras`,
	} {
		for _, d := range []pep508.Dialect{pep508.Packaging, pep508.UV} {
			if got := mustParseMarker(t, in, d).String(); got != want {
				t.Errorf("%s: String %s, want %s", in, got, want)
			}
		}
	}
}

func TestMarkerIsTrue(t *testing.T) {
	for marker, want := range map[string]bool{"": true, "'a' == 'a'": true, "os_name == 'posix'": false} {
		if got := mustParseMarker(t, marker, pep508.UV).IsTrue(); got != want {
			t.Errorf("%q: IsTrue %v", marker, got)
		}
	}
	var zero pep508.Marker
	if ok, err := zero.Eval(bookworm()); !ok || err != nil || !zero.IsTrue() || zero.String() != "" {
		t.Errorf("zero value: %v, %v, IsTrue %v, String %q", ok, err, zero.IsTrue(), zero)
	}
}

// TestParseMarkerRefuses shows the messages as users see them.
func TestParseMarkerRefuses(t *testing.T) {
	for _, c := range []struct {
		marker  string
		dialect pep508.Dialect
		want    string
	}{
		{"python_version and os_name", pep508.Packaging, `
marker: expected an operator (==, !=, <, <=, >, >=, ~=, ===, in, not in)
    python_version and os_name
                   ^`},
		{"python_verison >= '3.8'", pep508.Packaging, `
marker: expected a variable or a quoted string, found "python_verison"
    python_verison >= '3.8'
    ~~~~~~~~~~~~~~^
did you mean "python_version"?`},
		{"os_name == 'nt' and (sys_platform == 'win32'", pep508.UV, `
marker: expected "and", "or" or the ")" of this "("
    os_name == 'nt' and (sys_platform == 'win32'
                        ~~~~~~~~~~~~~~~~~~~~~~~~^`},
		{"os_name == 'nt' && extra == 'x'", pep508.UV, `
marker: expected "and", "or" or the end
    os_name == 'nt' && extra == 'x'
                    ^`},
		{"os_name == \"nt'", pep508.Packaging, `
marker: expected the closing " of the string
    os_name == "nt'
               ~~~~^`},
		{"os_name notin 'nt'", pep508.Packaging, `
marker: expected an operator (==, !=, <, <=, >, >=, ~=, ===, in, not in)
    os_name notin 'nt'
            ^`},
		{"'x' in dependency_group", pep508.Packaging, `
marker: expected a variable or a quoted string, found "dependency_group"
    'x' in dependency_group
           ~~~~~~~~~~~~~~~~^
did you mean "dependency_groups"?`},
		{"'\x00\x1b\x7f\xff\u2028\u2029\u0085' !", pep508.Packaging, `
marker: expected an operator (==, !=, <, <=, >, >=, ~=, ===, in, not in)
    '       ' !
              ~^`},
		{"os_name not 'nt'", pep508.Packaging, `
marker: expected "in" after "not"
    os_name not 'nt'
            ~~~~^`},
		{"os_name =! 'nt'", pep508.Packaging, `
marker: expected an operator (==, !=, <, <=, >, >=, ~=, ===, in, not in)
    os_name =! 'nt'
            ~~^`},
		{"os_name ==", pep508.Packaging, `
marker: expected a variable or a quoted string
    os_name ==
              ^`},
		{"python_version === '3.8'", pep508.UV, `
marker: uv has no operator ===
    python_version === '3.8'
    ~~~~~~~~~~~~~~~~~~~~~~~~^`},
		{"extras == 'x'", pep508.UV, `
marker: extras must be on the right of in or not in
    extras == 'x'
    ~~~~~~~~~~~~~^`},
		{"os_name == 'nt' or 'x' == extras", pep508.UV, `
marker: extras can only be compared by in or not in
    os_name == 'nt' or 'x' == extras
                       ~~~~~~~~~~~~~^`},
		{"os_name == 'nt'\nor os_name == 'ä' ;" + strings.Repeat(" ", 80), pep508.UV, `
marker: expected "and", "or" or the end
    os_name == 'nt' or os_name == 'ä' ;                                                           …
                                      ^`},
	} {
		_, err := pep508.ParseMarker(c.marker, c.dialect)
		var syntax *pep508.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %v is no SyntaxError", c.marker, err)
		} else if got := "\n" + err.Error(); got != c.want {
			t.Errorf("%s:%s\nwant:%s", c.marker, got, c.want)
		}
	}
}

// TestDeepParentheses is about locks that want to exhaust the stack.
func TestDeepParentheses(t *testing.T) {
	nested := func(depth int) string {
		return strings.Repeat("(", depth) + "os_name == 'posix'" + strings.Repeat(")", depth)
	}
	for _, d := range []pep508.Dialect{pep508.Packaging, pep508.UV} {
		if _, err := pep508.ParseMarker(nested(100), d); err != nil {
			t.Errorf("100 parentheses: %v", err)
		}
		for _, marker := range []string{nested(101), nested(1e6), strings.Repeat("(", 1e6)} {
			_, err := pep508.ParseMarker(marker, d)
			if err == nil || !strings.Contains(err.Error(), "nested more than 100 deep") {
				t.Errorf("%d parentheses: %v", strings.Count(marker, "("), err)
			}
		}
	}
	long := "os_name == 'posix'" + strings.Repeat(" and os_name == 'posix'", 1e5)
	if ok, err := mustParseMarker(t, long, pep508.UV).Eval(bookworm()); !ok || err != nil {
		t.Errorf("a long marker: %v, %v", ok, err)
	}
}

// environment is an Env as the vectors write it.
type environment map[string]any

func (e environment) env() *pep508.Env {
	text := func(name string) string { s, _ := e[name].(string); return s }
	set := func(name string) map[string]bool {
		names := map[string]bool{}
		switch v := e[name].(type) {
		case string:
			if v != "" {
				names[pep508.NormalizeName(v)] = true
			}
		case []any:
			for _, name := range v {
				names[pep508.NormalizeName(name.(string))] = true
			}
		}
		return names
	}
	extras := set("extras")
	maps.Copy(extras, set("extra"))
	return &pep508.Env{
		PythonVersion: text("python_version"), PythonFullVersion: text("python_full_version"),
		ImplementationName: text("implementation_name"), ImplementationVersion: text("implementation_version"),
		OSName: text("os_name"), SysPlatform: text("sys_platform"), PlatformSystem: text("platform_system"),
		PlatformMachine: text("platform_machine"), PlatformPythonImplementation: text("platform_python_implementation"),
		PlatformRelease: text("platform_release"), PlatformVersion: text("platform_version"),
		Extras: extras, Groups: set("dependency_groups"),
	}
}

func loadEnvironments(t *testing.T) map[string]environment {
	t.Helper()
	var file map[string]environment
	vectors.Load(t, "markers/environments.json", &file)
	return file
}

// with gives the environment with one more variable.
func (e environment) with(name string, value any) environment {
	e = maps.Clone(e)
	e[name] = value
	return e
}

// matrixEnv finds the environment of a result: "NAME" or "NAME extra=…".
func matrixEnv(t *testing.T, environments map[string]environment, name string) *pep508.Env {
	t.Helper()
	base, extra, _ := strings.Cut(name, "+extra=")
	e, ok := environments[base]
	if !ok {
		t.Fatalf("no environment %q", name)
	}
	return e.with("extra", extra).env()
}

// evalResult gives a result as the vectors write it.
func evalResult(ok bool, err error) any {
	var undefined *pep508.UndefinedError
	if errors.As(err, &undefined) {
		return "UndefinedComparison"
	}
	return ok
}

func TestVectorsPackagingMatrix(t *testing.T) {
	testMatrix(t, "markers/eval_matrix.json", pep508.Packaging)
}

func TestVectorsUVMatrix(t *testing.T) {
	testMatrix(t, "markers/uv_eval_matrix.json", pep508.UV)
}

func testMatrix(t *testing.T, name string, d pep508.Dialect) {
	environments := loadEnvironments(t)
	var file struct {
		Cases []struct {
			Marker  string
			Str     string
			Results map[string]any
		}
	}
	vectors.Load(t, name, &file)
	count := 0
	for _, c := range file.Cases {
		m, parseErr := pep508.ParseMarker(c.Marker, d)
		if c.Str != "" && m.String() != c.Str {
			t.Errorf("%s: String %s, want %s", c.Marker, m, c.Str)
		}
		for env, want := range c.Results {
			count++
			got := any("error")
			if parseErr == nil {
				got = evalResult(m.Eval(matrixEnv(t, environments, env)))
			}
			if got != want {
				t.Errorf("%s in %s: %v, want %v", c.Marker, env, got, want)
			}
		}
	}
	t.Logf("%d vectors (%d markers)", count, len(file.Cases))
}

func TestVectorsPackagingEval(t *testing.T) {
	var file struct {
		Base  environment `json:"base_environment"`
		Cases []struct {
			Marker   string
			Override environment `json:"env_override"`
			Expected bool
		}
	}
	vectors.Load(t, "markers/eval_packaging_tests.json", &file)
	for _, c := range file.Cases {
		e := maps.Clone(file.Base)
		maps.Copy(e, c.Override)
		if got, err := mustParseMarker(t, c.Marker, pep508.Packaging).Eval(e.env()); got != c.Expected || err != nil {
			t.Errorf("%s with %v: %v, %v, want %v", c.Marker, c.Override, got, err, c.Expected)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

func TestVectorsUVEvaluate(t *testing.T) {
	var file struct {
		Environments map[string]environment
		Evaluate     []struct {
			Marker, Env string
			Expected    bool
		}
	}
	vectors.Load(t, "markers/uv_semantics.json", &file)
	for _, c := range file.Evaluate {
		if got, err := mustParseMarker(t, c.Marker, pep508.UV).Eval(file.Environments[c.Env].env()); got != c.Expected || err != nil {
			t.Errorf("%s in %s: %v, %v, want %v", c.Marker, c.Env, got, err, c.Expected)
		}
	}
	t.Logf("%d vectors", len(file.Evaluate))
}

// TestVectorsUVEquivalences evaluates both sides in the environments of the
// vectors, in those with other versions, systems and names that the markers
// ask for, and for sets of extras.
func TestVectorsUVEquivalences(t *testing.T) {
	var file struct {
		Environments map[string]environment
		Equivalences []struct {
			Input      string
			Equivalent any // a marker, true or false
		}
	}
	vectors.Load(t, "markers/uv_semantics.json", &file)
	envs := equivalenceEnvs(t, file.Environments)
	for _, c := range file.Equivalences {
		input := mustParseMarker(t, c.Input, pep508.UV)
		constant, isConstant := c.Equivalent.(bool)
		var equivalent pep508.Marker
		if !isConstant {
			equivalent = mustParseMarker(t, c.Equivalent.(string), pep508.UV)
		}
		for _, env := range envs {
			got, _ := input.Eval(env)
			want, _ := equivalent.Eval(env)
			if isConstant {
				want = constant
			}
			if got != want {
				t.Errorf("%s: %v, but %v: %v in %+v", c.Input, got, c.Equivalent, want, env)
				break
			}
		}
	}
	t.Logf("%d vectors, each in %d environments", len(file.Equivalences), len(envs))
}

func equivalenceEnvs(t *testing.T, more map[string]environment) []*pep508.Env {
	var envs []*pep508.Env
	all := loadEnvironments(t)
	maps.Copy(all, more)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, extras := range [][]any{nil, {"a"}, {"b"}, {"a", "c"}, {"b", "c", "foo"}, {"bar", "baz"}, {"d"}} {
			e := all[name].with("extras", extras)
			envs = append(envs, e.env())
			for _, v := range []string{"2.7", "3.0.1", "3.1", "3.2", "3.3.9", "3.7", "3.8.2", "3.9.0", "3.9.1", "3.10", "3.10.1", "3.11.4", "3.12.0rc1", "3.15", "3.16.2", "3.17", "3.18", "3.19", "4.0"} {
				envs = append(envs, e.with("python_full_version", v).env())
			}
			for _, v := range []string{"1", "3.9", "3.10", "3.11"} {
				envs = append(envs, e.with("implementation_version", v).env())
			}
		}
	}
	return envs
}

func TestVectorsMarkersParse(t *testing.T) {
	var valid, invalid struct{ Cases []string }
	vectors.Load(t, "markers/parse_valid.json", &valid)
	vectors.Load(t, "markers/parse_invalid.json", &invalid)
	for _, s := range valid.Cases {
		m := mustParseMarker(t, s, pep508.Packaging)
		if again := mustParseMarker(t, m.String(), pep508.Packaging); again.String() != m.String() {
			t.Errorf("%s: String %s, again %s", s, m, again)
		}
	}
	for _, s := range invalid.Cases {
		for _, d := range []pep508.Dialect{pep508.Packaging, pep508.UV} {
			if m, err := pep508.ParseMarker(s, d); err == nil {
				t.Errorf("%s is read as %s", s, m)
			}
		}
	}
	t.Logf("%d vectors", len(valid.Cases)+len(invalid.Cases))
}

func TestVectorsMarkersRoundTrip(t *testing.T) {
	var file struct {
		Cases []struct{ Input, Expected string }
	}
	vectors.Load(t, "markers/str_roundtrip.json", &file)
	for _, c := range file.Cases {
		if got := mustParseMarker(t, c.Input, pep508.Packaging).String(); got != c.Expected {
			t.Errorf("%s: String %s, want %s", c.Input, got, c.Expected)
		}
	}
	t.Logf("%d vectors", len(file.Cases))
}

// FuzzParseMarker checks that the normal form is a marker that means the same.
func FuzzParseMarker(f *testing.F) {
	for _, s := range []string{
		"", "python_version >= '3.8' and (os_name == 'nt' or extra == 'X_y')", "'a' in extras", "not in", "((((",
		"python_version not  in '3.8 3.9'or'3.8' ~= python_full_version", "os.name === \"it's\"", "'\xff' == os_name",
		"extra == 'extra-7-project-cpu' and python_version < '3.12.0rc1'", "'3.*' == python_version or platform_release > '6'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, d := range []pep508.Dialect{pep508.Packaging, pep508.UV} {
			m, err := pep508.ParseMarker(s, d)
			if err != nil {
				var syntax *pep508.SyntaxError
				if !errors.As(err, &syntax) || syntax.Start > syntax.End || syntax.End > len(s) || err.Error() == "" {
					t.Fatalf("%q: bad error %#v", s, err)
				}
				continue
			}
			again, err := pep508.ParseMarker(m.String(), d)
			if err != nil || again.String() != m.String() || again.IsTrue() != m.IsTrue() {
				t.Fatalf("%q: String %q, again %q, error %v", s, m, again, err)
			}
			got, gotErr := m.Eval(bookworm())
			want, wantErr := again.Eval(bookworm())
			if got != want || (gotErr == nil) != (wantErr == nil) || d == pep508.UV && gotErr != nil {
				t.Fatalf("%q: %v, %v, its normal form: %v, %v", s, got, gotErr, want, wantErr)
			}
		}
	})
}

// typical is a marker as uv writes it for a package with forks and conflicts.
const typical = "(python_full_version >= '3.12' and sys_platform == 'linux' and extra != 'extra-7-project-cu124') or (platform_machine == 'aarch64' and extra == 'extra-7-project-cpu')"

func BenchmarkParseMarker(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pep508.ParseMarker(typical, pep508.UV); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	for name, d := range map[string]pep508.Dialect{"Packaging": pep508.Packaging, "UV": pep508.UV} {
		b.Run(name, func(b *testing.B) {
			m, env := mustParseMarker(b, typical, d), bookworm()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Eval(env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// lockMarkers gives the markers of the real uv.locks, each as often as it
// occurs there.
func lockMarkers(t testing.TB) map[string][]string {
	t.Helper()
	locks, err := filepath.Glob(filepath.Join(vectors.Dir(t), "uv-locks", "*", "uv.lock"))
	if err != nil || len(locks) == 0 {
		t.Fatalf("no locks: %v", err)
	}
	entry := regexp.MustCompile(`marker = "((?:[^"\\]|\\.)*)"`)
	markers := map[string][]string{}
	for _, lock := range locks {
		text, err := os.ReadFile(lock)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range entry.FindAllStringSubmatch(string(text), -1) {
			name := filepath.Base(filepath.Dir(lock))
			markers[name] = append(markers[name], strings.ReplaceAll(match[1], `\"`, `"`))
		}
	}
	return markers
}

// TestVectorsRealMarkers reads and evaluates every marker of the real uv.locks.
// uv writes none that it ignores, and both dialects agree on them.
func TestVectorsRealMarkers(t *testing.T) {
	count := 0
	for lock, markers := range lockMarkers(t) {
		count += len(markers)
		for _, s := range markers {
			uv, packaging := mustParseMarker(t, s, pep508.UV), mustParseMarker(t, s, pep508.Packaging)
			want, err := packaging.Eval(noExtras())
			if got, _ := uv.Eval(noExtras()); got != want || err != nil || uv.IsTrue() {
				t.Errorf("%s: %s: %v by uv, %v, %v by packaging", lock, s, got, want, err)
			}
		}
	}
	t.Logf("%d vectors", count)
}

func noExtras() *pep508.Env {
	env := bookworm()
	env.Extras = nil
	return env
}

// BenchmarkLock parses and evaluates all markers of a lock of 2 MB.
func BenchmarkLock(b *testing.B) {
	markers, env := lockMarkers(b)["docling"], bookworm()
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		for _, s := range markers {
			m, err := pep508.ParseMarker(s, pep508.UV)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := m.Eval(env); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(markers)), "markers")
}

func TestUsesExtra(t *testing.T) {
	for marker, want := range map[string]bool{
		"": false, "'cpu' in extras": false, "extra == 'cpu'": true, "os_name == 'nt' or ('cpu' != extra)": true,
	} {
		if got := mustParseMarker(t, marker, pep508.Packaging).UsesExtra(); got != want {
			t.Errorf("%q asks for extra: %v", marker, got)
		}
	}
}

// TestPoetry has the answers of poetry-core 2.4 for bookworm.
func TestPoetry(t *testing.T) {
	for marker, want := range map[string]bool{
		"extra == 'cpu' and extra == 'dev-tools'": true,
		"extra != 'cpu'": false,
		"extra == 'Dev.Tools' and extra != 'gpu'":       true,
		"python_version in '2.7, 3.11'":                 true,
		"python_version in '3.9 3.110'":                 false,
		"python_version not in '2.7,3.11|3.12'":         false,
		"python_version in '3'":                         true,
		"python_version in '3.11.2'":                    false,
		"python_full_version in '3.11, 3.12.1'":         true,
		"python_full_version in '3.1 3.11.20'":          false,
		"python_full_version not in '3.11.2'":           false,
		"sys_platform in 'linux2 linux'":                true,
		"sys_platform in 'linux2 darwin'":               false,
		"'linux' in sys_platform":                       true,
		"'nux' not in sys_platform":                     false,
		"platform_machine in 'x86_64,aarch64|arm64'":    true,
		"platform_machine not in 'aarch64, x86_64'":     false,
		"implementation_name in 'pypy, cpython'":        true,
		"python_version ~= '3.8'":                       true,
		"python_full_version == '3.11'":                 false,
		"python_version == '3.11.2'":                    false,
		"python_full_version < '3.11'":                  false,
		"os_name == 'posix' or extra == 'x'":            true,
		"extra == 'x' and python_full_version < '3.12'": false,
	} {
		got, err := mustParseMarker(t, marker, pep508.Poetry).Eval(bookworm())
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", marker, got, err, want)
		}
	}
}

func TestValues(t *testing.T) {
	m, err := pep508.ParseMarker(`(os_name == "nt" or "3.10" <= python_version) and sys_platform in "linux darwin" and extra == "gpu"`, pep508.UV)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for variable, value := range m.Values {
		got = append(got, variable+" "+value)
		if variable == "extra" {
			break
		}
	}
	want := []string{"os_name nt", "python_version 3.10", "sys_platform linux darwin", "extra gpu"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for variable, value := range (pep508.Marker{}).Values {
		t.Errorf("no marker asks for %s %s", variable, value)
	}
}
