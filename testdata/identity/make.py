"""Makes specs.jsonl: specs, and what flytekit calls their images.

    python make.py context.txtar > specs.jsonl

with a Python that has flytekit. Each line is a spec's YAML with id, tag and
name, or with the error of flytekit. The specs are the same in each run.
"""

import json
import os
import random
import sys
import tempfile
from pathlib import Path

import yaml
from flytekit import ImageSpec

TEXTS = [
    "numpy", "'numpy'", '"numpy"', "it's", '"it\'s"', "'say \"hi\"'", '\'both " and \'\'\'', r'"tab\there"', r'"nul\0, bell\a, esc\e"',
    r'"\x7f\x85\xa0\xad"', r'"\u200b\u2028\ufeff\uffff"', r'"\U0001F600 \U000E0001 \U0010FFFF"', "größe", "日本語", "'😀'", r'"back\\slash"', r"'back\slash'",
    "''", '""', "' padded '", "a b c", "a:b", "a#b", "'a #b'", "<<x", "'<<'", "'='", "-x", "?x", ":x", "x-", "!!str 3.10", "!!str yes", "!!str",
    "|\n    line one\n    line two\n", ">\n    folded\n    text\n\n    more\n", "|-\n    no end\n", "|+\n    keep\n\n", ">-\n    a\n      b\n    c\n", '"joined\n    lines"', "'joined\n\n    lines'", "plain\n    lines",
    "numpy==1.26.*", "pandas[performance]>=2,<3", "'transformers[torch]; python_version < \"3.12\"'", "git+https://github.com/org/repo@v1#egg=x", "$HOME/${X}", "'x'", "Ω ΟΔΟΣ İ ẞ",
    "0o17", "1e5", "1e+5", "3.1.1", "08", "0x", "0b2", "1:60", "0:30", "12:3", "y", "n", "Y", "oN", "yEs", "nULL", "tRUE", "._1", "+", "-", "+.5", "-.5", "1,000", "2001-1-1", "2001-01-01x", ".", "..", "...x", ".inF", "0.1.2",
    "1_0x", "--1", "~x", "2001-01-01 1:2:3", "01:02:03x", "9" * 30 + "a", "\u00e9\u0301", "\U0001d54f", "x",
]
SCALARS = [
    "3.11", "3.10", "3.9", "3", "'3.11'", '"3.10"', "3.12.4", "0", "-0", "+7", "007", "08.5", "0777", "-017", "0b101", "-0b1_0", "0x1F", "-0xff_ff", "1_000", "1_000.5", "1:30", "190:20:30", "-1:00:01",
    "190:20:30.15", "1:30.", "-1:30.5", "+12.", ".5", "-.inf", ".INF", "+.Inf", ".nan", ".NaN", "1.5e+10", "1.5e-10", "1.0e+400", "-1.0e+400", "1.e+3", "12e03", "1e3", "1.0e+15", "1.0e+16", "123456789012345678.0", "0.0001", "0.00001",
    "-0.0", "0.1", "0.30000000000000004", "5.0e-324", "1.7976931348623157e+308", "179769313486231570000000000.5", "123456789012345678901234567890", "0x" + "f" * 40, "00", "0_", "0_7", "1__0", "6.8523015e+5", "685.230_15e+03", "685_230.15",
    "yes", "No", "ON", "off", "true", "False", "TRUE", "null", "~", "Null", "NULL", "", "2001-12-15", "2002-1-2", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2001-12-15 2:59:43.10", "2001-12-14T21:59:43Z",
    "2001-12-14 21:59:00", "2001-12-14 21:59:00.5", "2001-12-14 21:59:43 +05:30", "2001-12-14 21:59:43.123456789 +00:00", "2001-12-14 21:59:43.", "2001-12-14 21:59:43 -23:59", "0001-01-01", "9999-12-31",
    "!!int 3", "!!int '0x10'", "!!float 3", "!!float '1e5'", "!!float 1_0", "!!bool 'yes'", "!!null x", "!!timestamp '2020-02-29'", "!!binary aGVsbG8=", "!!binary 'ACcinw0KCVx/'", '!!binary "Jw=="', "! plain", "! 3.10", "!!str 2001-01-01", "2024-02-29",
    "2021-02-28T01:02:03+01:00", "12345678901234567890", "-9223372036854775809", "1.7e+3", "1.0", "100.0", "1e16", "10000000000000000.0", "1234567.0", "0.000123", "9007199254740993", "9007199254740993.0", "1.", "4.", "+1.", "-2.50", "2.50",
]
NESTED = [
    "{}", "[]", "{a: 1}", "{b: 2, a: 1}", "[1, two, 3.0]", "[[a], [b, [c]], {d: e}]", "{x: {y: {z: [1, {w: null}]}}}", "{1: a, yes: b, 1.0: c}", "{3.10: x, '3.10': y}", "{null: x, ~: y}", "{2001-01-01: d}",
    "!!set {}", "!!set {a}", "!!set {3.0: null}", "!!omap [a: 1, b: 2]", "!!pairs [a: 1, a: 2]", "!!omap []", "[null, ~, '', yes]", "{a: , b: ''}", "{? a, ? b}", "{a: 1, a: 2, b: 3}", "{'=': 1}", "{=: 1}", "[!!set {b}]", "{!!binary YQ==: 1}",
    "!!map {a: b}", "!!seq [a]", "{a: &x [1], b: *x}", "{<<: {a: 1, b: 2}, b: 3}", "{b: 3, <<: {a: 1, b: 2}}", "{<<: [{a: 1, k: 1}, {a: 2, k: 2}], z: 0}", "{<<: [{long: 1}, {long: 2}]}", "{<<: {<<: {deep: 1}, x: 2}, y: 3}", "{<<: {a: 1}, <<: {a: 2, bb: 2}}",
    "{d: 2001-01-01 00:00:00 +01:00, 2001-01-01 00:00:00 +01:00: 1, 2000-12-31 23:00:00Z: 2}", "{0: a, no: b, 0.0: c, -0.0: d}", "{.nan: a, .NaN: b}", "{.inf: a, 1.0e+999: b}", "{1000000000000000000000: a, 1.0e+21: b}",
    "\n  key: value\n  other:\n  - a\n  - b: c\n    d: e\n", "\n- a\n- - b\n  - c\n-\n- ''\n", "\n  'single': \"double\"\n  # comment\n  plain: text # more\n", "{url_rewrites: {https://a/: https://b/}}", "{extras: [gpu], locked: true}", "{labels: {a.b/c: 'x y'}, pip: off}",
]
NAMES = ["demo", "Demo", "MY-IMAGE_1.x", "'3'", "org/sub/name", "größe", "ÄÖ", "İstanbul", "ΟΔΟΣ", "\"it's\"", "''", "'A B'", "ẞ", "Ǆ", "\"\\n\"", "!!str 1.10"]
REGISTRIES = ["ghcr.io/Org", "localhost:30000", "localhost:5000/x", "docker.io/user", "pingsutw", "''", "REGISTRY.example:5000/a/B", "https://ghcr.io/org", "HTTPS://GHCR.io/Org/", "http://localhost:5000/", "0", "no", "[]", "ghcr.io/größe", "r.example/a_b.c-d", '"ghcr.io/x\\n"']
WRONG_REGISTRIES = ["ghcr.io/", "'a b'", "localhost:300000", "ghcr.io/org:tag", "ftp://x", "5", "yes", "ghcr.io//x", "größe.example"]
FORMATS = ["'{spec_hash}'", "'{spec_hash}-dev'", "v1", "'v{spec_hash:.8}'", "'{spec_hash!s}'", "'{spec_hash!r}'", "'{spec_hash:>30}'", "'{spec_hash:x^40}'", "'{spec_hash:030}'", "'{spec_hash[0]}{spec_hash[1]}'", "'{{{spec_hash}}}'", "'a{{b}}'", "''", "'{spec_hash:}'", "'{spec_hash:s}'", "'{spec_hash:-<5.3s}'", "'größe-{spec_hash}'", "'{spec_hash!a:.4}'", "'{spec_hash:0<25}'", "0", "'{spec_hash:.0}x'"]
WRONG_FORMATS = ["'{}'", "'{0}'", "'{hash}'", "'{spec_hash'", "'spec_hash}'", "'{spec_hash:d}'", "'{spec_hash:+5}'", "'{spec_hash:=30}'", "1.5", "'{spec_hash[99]}'", "'{ spec_hash }'", "'{spec_hash!x}'", "yes", "'{spec_hash:,}'"]
LISTS = ["packages", "conda_packages", "conda_channels", "apt_packages", "pip_extra_index_url", "entrypoint", "commands", "runtime_packages"]
ANY = ["python_version", "builder", "cuda", "cudnn", "pip_index", "pip_extra_args", "registry_config", "python_exec", "platform"]
MODES = ["all", "ALL", "2", "LOADED_MODULES", "0", "''", "no_copy", "3", "yes", "~", "[]", "[x]"]
ROOTS = ["src", ".", "./src", "src/", "one", "src/app", "./", "nowhere", "data", "src//", "one/../src", "'src/.'", "'src'", "docs", "one/two"]
COPIES = ["[src/app.py]", "[one]", "[src/app.py, README.md]", "[README.md, src/app.py]", "[one/]", "[./one/two]", "[nowhere]", "[nowhere, top.txt]", "[]", "one", "[docs, one, data/a.csv]", "[src/größe.txt]", "['one/two', one]", "[src/app]", "[.dockerignore]", "''"]
FILES = ["requirements.txt", "envs/uv.lock", "./requirements.txt", "envs/../requirements.txt", "'requirements.txt'", "''", "0"]


def strings(r):
    """A list of texts, in one of YAML's two styles."""
    items = [r.choice(TEXTS) for _ in range(r.randint(0, 4))]
    items = [i for i in items if isinstance(yaml.safe_load("- " + i), list) and isinstance(yaml.safe_load("- " + i)[0], str)]
    flow = [i for i in items if not i.startswith(("|", ">")) and not set(i) & set("[]{},") and i not in ("-", "?x", ":x")]
    if not items or r.random() < 0.4:
        return "[" + ", ".join(flow) + "]"
    return "".join("\n- " + i for i in items)


def mapping(r):
    """A mapping of names to anything."""
    return "".join(f"\n  {k}: {r.choice(TEXTS + SCALARS)}" for k in dict.fromkeys(r.choice(["A", "B", "PATH", "'q'", "größe", "yes", "1", "1.0", "x y", "Debug"]) for _ in range(r.randint(1, 4))))


def fields(r, depth=0):
    """Some fields, with values as YAML."""
    chosen = {}
    for _ in range(r.choice([0, 1, 1, 2, 2, 3, 4, 6, 9])):
        kind = r.random()
        if kind < 0.25:
            chosen[r.choice(LISTS)] = strings(r)
        elif kind < 0.45:
            chosen[r.choice(ANY)] = r.choice(TEXTS + SCALARS + (NESTED if r.random() < 0.2 else SCALARS))
        elif kind < 0.55:
            chosen["env"] = mapping(r)
        elif kind < 0.62:
            chosen["name"] = r.choice(NAMES)
        elif kind < 0.68:
            chosen["registry"] = r.choice(REGISTRIES)
        elif kind < 0.73:
            chosen["tag_format"] = r.choice(FORMATS)
        elif kind < 0.79:
            chosen[r.choice(["builder_options", "builder_config"])] = r.choice([n for n in NESTED if isinstance(yaml.safe_load("k: " + n)["k"], dict)])
        elif kind < 0.85:
            chosen["requirements"] = r.choice(FILES)
        elif kind < 0.9:
            chosen["copy"] = r.choice(COPIES)
        elif kind < 0.95:
            chosen["source_root"] = r.choice(ROOTS)
            if r.random() < 0.6:
                chosen["source_copy_mode"] = r.choice(MODES)
        elif kind < 0.96:
            chosen["pip_secret_mounts"] = r.choice(["[[.netrc, /root/.netrc]]", "[]", "\n- [a, b]\n- ['1', '2']\n"])
        elif depth < 2:
            chosen["base_image"] = "\n" + indent(document(r, depth + 1), 2) if r.random() < 0.6 else r.choice(["python:3.11", "3.11", "'debian'"])
    return chosen


def indent(text, by):
    return "".join(" " * by + line if line.strip() else line for line in text.splitlines(keepends=True))


def document(r, depth=0):
    chosen = list(fields(r, depth).items())
    r.shuffle(chosen)
    if not chosen:
        chosen = [("name", "demo")]
    return "".join(f"{k}: {v}".rstrip(" ") + ("" if v.endswith("\n") else "\n") for k, v in chosen)


def singles():
    """Each text, number and nesting once, and what is refused."""
    for text in TEXTS + SCALARS + NESTED:
        yield f"python_version: {text}\n"
        yield f"env:\n  A: {text}\n"
    for text in TEXTS:
        yield f"commands:\n- {text}\n"
    for text in SCALARS:
        yield f"name: demo\nbuilder_options:\n  {text.split(' #')[0]}: x\n" if text and not text.startswith("!") else "{}\n"
        yield f"packages: [{text}]\n"
    for key, values in [("name", NAMES + SCALARS), ("registry", REGISTRIES + WRONG_REGISTRIES), ("tag_format", FORMATS + WRONG_FORMATS), ("copy", COPIES + ["[1]", "5"]), ("requirements", FILES + ["missing.txt", "5", "[a]"]), ("builder_options", NESTED), ("env", NESTED), ("platform", ["linux/arm64", "'linux/amd64,linux/arm64'", "[linux/amd64]", "null"])]:
        for value in values:
            yield f"{key}: {value}\n"
    for root in ROOTS + ["''", "5", "null"]:
        yield f"source_root: {root}\n"
        for mode in MODES:
            yield f"source_root: {root}\nsource_copy_mode: {mode}\n"
    for mode in MODES:
        yield f"source_copy_mode: {mode}\n"
    for key in LISTS:
        yield f"{key}: numpy\n"
        yield f"{key}: [a, 1]\n"
        yield f"{key}: null\n"
    yield from ["", "[]\n", "a\n", "version: 1\n", "1: 2\n", "name: a\nname: B\n", "base: &b {name: x}\n", "&b name: x\n", "packages: &p [a]\ncommands: *p\n", "<<: {name: x, packages: [a]}\npackages: [b]\n", "--- \nname: x\n", "name: x\n---\nname: y\n", "%YAML 1.1\n---\nname: x\n", "name: x\n...\n", "# syntax=imagespec/frontend\nname: x\n", "\ufeffname: x\n", "name: x\r\nenv:\r\n  A: |\r\n    b\r\n    c\r\n", "env: &e {A: *e}\n", "env: !!python/object:x {}\n", "env: !x y\n", "pip_secret_mounts: [[a]]\n", "pip_secret_mounts: [a]\n", "env: {[a]: b}\n", "env: {a: =}\n", "env: {a: <<}\n", "env: {<<: x}\n", "python_version: 2021-02-29\n", "python_version: 2021-01-01 24:00:00\n", "python_version: !!int x\n", "python_version: 0b_\n", "python_version: !!binary a\n", "python_version: 2021-01-01 00:00:00 +24:00\n", "!!set {name}\n", "!!omap [name: x]\n"]


def spec(values):
    """An ImageSpec; and what YAML cannot say as Python says it."""
    if isinstance(values, dict):
        if isinstance(values.get("base_image"), dict):
            values = {**values, "base_image": spec(values["base_image"])}
        if isinstance(values.get("pip_secret_mounts"), list):
            values = {**values, "pip_secret_mounts": [tuple(m) if isinstance(m, list) else m for m in values["pip_secret_mounts"]]}
        registry = values.get("registry")
        if isinstance(registry, str) and registry.lower().startswith(("https://", "http://")):
            values = {**values, "registry": registry.split("://", 1)[1].removesuffix("/")}
    return ImageSpec(**values)


def answer(text):
    case = {"yaml": text}
    try:
        made = spec(yaml.safe_load(text))
        case["id"] = made.id
    except Exception as e:
        return case | {"error": type(e).__name__}
    try:
        return case | {"tag": made.tag, "name": made.image_name()}
    except Exception as e:
        return case | {"error": type(e).__name__}


def unpack(archive):
    """Writes the files of a txtar archive below the working directory."""
    name = None
    for line in archive.splitlines(keepends=True):
        if line.startswith("-- ") and line.rstrip().endswith(" --"):
            name = Path(line.rstrip()[3:-3])
            name.parent.mkdir(parents=True, exist_ok=True)
            name.touch()
        elif name:
            with name.open("a") as f:
                f.write(line)


def main():
    archive = Path(sys.argv[1]).read_text()
    asked = [json.loads(line)["yaml"] for line in sys.stdin] if "--stdin" in sys.argv else None
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        unpack(archive)
        r = random.Random(5)
        texts = asked if asked is not None else list(dict.fromkeys([*singles(), *(document(r) for _ in range(2000))]))
        for text in texts:
            print(json.dumps(answer(text), ensure_ascii=False, separators=(",", ":")))
        os.chdir("/")


main()
