#!/usr/bin/env python3
"""Locks the projects below this folder with the real tools and records what
those tools would install, for several targets and requests.

    testdata/locks/make.py [--lock] [--expect] [PROJECT...]

--lock writes the lock files anew, --expect the expected.json files; without
either, whatever is missing is made. It needs PyPI, git, uv, and python3.8 to
python3.13 on PATH; every other tool is installed from PyPI in a pinned
version (TOOLS), into ~/.cache/imagespec-oracle or $IMAGESPEC_ORACLE.

A project is a folder with its inputs and project.json:

    about     the shape that it shows
    lock      the tool that writes the lock, a key of LOCKERS
    with      its version, a key of TOOLS; options: further arguments
    python    the interpreter that locks
    from      another project whose lock this one is exported from
    file      the name of the lock, where it is not the tool's usual one
    targets   what to select for, where it is not TARGETS
    files_for the requests, by number, for which the chosen files are looked up
    requests  what to ask for: the fields of lock.Request in snake case

expected.json holds cases. In each, one oracle gave one answer for some
targets: either `packages` (name==version, or the name where the tool tells no
more) or `error` with its `kind`; where the tool shows which file it fetches
for a target, `files` names them. All of it is the tools' own word; nothing in
here selects anything.

Answers for another machine: uv is told by --python-platform. pip, poetry and
pdm ask the interpreter of an environment what it is, so they are given a
virtual environment whose sitecustomize.py answers for the target's
architecture and glibc; its Python version is always the real one.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import loopback

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("IMAGESPEC_ORACLE") or pathlib.Path.home() / ".cache" / "imagespec-oracle")
WORK = pathlib.Path(tempfile.mkdtemp(prefix="oracle-"))
WORKERS = 5

# tool -> (python that runs it, what to install)
TOOLS = {
    "uv": ("3.11", ["uv==0.13.9"]),
    "uv-0.4": ("3.11", ["uv==0.4.30"]),
    "uv-0.5": ("3.11", ["uv==0.5.31"]),
    "uv-0.6": ("3.11", ["uv==0.6.17"]),
    "uv-0.6.3": ("3.11", ["uv==0.6.3"]),
    "uv-0.7": ("3.11", ["uv==0.7.22"]),
    "uv-0.8": ("3.11", ["uv==0.8.24"]),
    "poetry": ("3.11", ["poetry==2.5.1", "poetry-plugin-export"]),
    "poetry-1.8": ("3.11", ["poetry==1.8.5", "poetry-plugin-export"]),
    "poetry-1.2": ("3.10", ["poetry==1.2.2"]),
    "poetry-1.1": ("3.8", ["poetry==1.1.15"]),
    "pdm": ("3.11", ["pdm==2.29.4", "hishel<2"]),  # it breaks with hishel 2
    "pipenv": ("3.11", ["pipenv==2026.10.3"]),
    "pip": ("3.11", ["pip==26.3"]),
    "pip-tools": ("3.11", ["pip-tools==7.6.2", "setuptools"]),
    "packaging": ("3.11", ["packaging==26.3"]),
}

GLIBC = [f"{python} {arch} glibc-2.36" for python in ("3.10", "3.11", "3.12", "3.13") for arch in ("x86_64", "aarch64")]
FEW = [GLIBC[0], GLIBC[3], GLIBC[4], GLIBC[7]]  # for tools that take seconds to answer, after their first request
# versions without an interpreter: only for tools that take one by name
NAMED = ["3.9.2 x86_64 glibc-2.31", "3.11.2 x86_64 glibc-2.36", "3.12.12 aarch64 glibc-2.40", "3.14.2 x86_64 glibc-2.36", "3.14.2 x86_64 musl-1.2"]
MUSL = [f"{python} {arch} musl-1.2" for python in ("3.10", "3.11", "3.12", "3.13") for arch in ("x86_64", "aarch64")]
TARGETS = GLIBC + MUSL

FAKE = """\
import os, platform, sysconfig
platform.machine = lambda: {arch!r}
sysconfig.get_platform = lambda: "linux-" + {arch!r}
real = os.confstr
os.confstr = lambda name: "glibc " + {glibc!r} if name == "CS_GNU_LIBC_VERSION" else real(name)
"""

# what errors say -> their kind
KINDS = {
    "malformed": r"PylockValidationError|does not match package version",
    "requires-python": r"incompatible with the project's Python|is not supported by the project|Python requirement|not compatible with the project|"
    "does not satisfy|Requires-Python",
    "conflict": r"conflicts",
    "unknown-extra": r"[Ee]xtra",
    "unknown-group": r"\b[Gg]roups?\b",
    "unsupported-platform": r"supported environments|not supported by the lockfile",
    "no-artifact": r"wheel|No matching distribution|Unable to find installation candidates|No candidate",
    "ambiguous": r"[Mm]ultiple",
}


class Failure(Exception):
    """A tool said no; its message without this machine's paths."""

    def __init__(self, text):
        text = re.sub(re.escape(str(WORK)) + r"/tmp\w+", "…", text).replace(str(WORK), "…").replace(str(CACHE), "…")
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not re.match(r"(Resolved|Using|Creating|Would use|Would|WARNING|warning|INFO|STATUS|Installing dep|DEBUG|TRACE)", line)]
        super().__init__(" ".join(lines)[:300])

    @property
    def kind(self):
        return next((kind for kind, pattern in KINDS.items() if re.search(pattern, str(self))), "other")


def run(command, cwd, env=None):
    """Runs a tool and gives its output; the caller sees stderr in a Failure."""
    clean = {key: value for key, value in os.environ.items() if not re.match(r"(PIP_(?!CERT)|UV_|VIRTUAL_ENV|POETRY_|PDM_|PIPENV_)", key)}
    clean.update(COLUMNS="250", NO_COLOR="1", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_CONFIG_FILE="/dev/null", XDG_CONFIG_HOME=str(WORK / "config"))
    done = subprocess.run([str(c) for c in command], cwd=cwd, env={**clean, **(env or {})}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failure(done.stderr + done.stdout)
    return done.stdout, done.stderr


def interpreter(python):
    path = shutil.which(f"python{python}")
    if not path:
        sys.exit(f"python{python} is not on PATH")
    return path


INSTALLING = threading.Lock()


def tool(name, program=None):
    """Gives the path of a tool's program, installing it first if need be."""
    python, requirements = TOOLS[name]
    folder = CACHE / "tools" / name
    stamp = folder / "requirements.json"
    with INSTALLING:
        if not stamp.exists() or json.loads(stamp.read_text()) != requirements:
            run(["uv", "venv", "-q", "-c", "-p", interpreter(python), folder], HERE)
            run(["uv", "pip", "install", "-q", "-p", folder, *requirements], HERE)
            stamp.write_text(json.dumps(requirements))
    return folder / "bin" / (program or re.sub(r"-\d.*", "", name))


def environment(target, folder):
    """Makes a virtual environment that says it is the target."""
    python, arch, libc = target.split()
    run(["uv", "venv", "-q", "-c", "-p", interpreter(python), folder], HERE)
    kind, version = libc.split("-")
    if kind == "glibc":
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "sitecustomize.py").write_text(FAKE.format(arch=arch, glibc=version))
    return folder


def full(target):
    """Replaces the Python series in a target by the full version at hand."""
    python, arch, libc = target.split()
    if python.count(".") == 2:
        return target
    out, _ = run([interpreter(python), "-c", "import platform; print(platform.python_version())"], HERE)
    return f"{out.strip()} {arch} {libc}"


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def split_file(file):
    """Gives the normalised name and the version in a distribution's file name."""
    base = re.sub(r"\.(whl|tar\.gz|zip)$", "", file)
    name, _, rest = base.partition("-") if file.endswith(".whl") else base.rpartition("-")
    return normal(name), rest.split("-")[0]


def chosen_files(urls, packages):
    """The files among the URLs that are of the packages: a build fetches others too."""
    files = {}
    for url in urls:
        file = urllib.parse.unquote(url.rsplit("/", 1)[-1])
        name, version = split_file(file)
        if f"{name}=={version}" in packages:
            files.setdefault(name, set()).add(file)
    return sorted(file for found in files.values() if len(found) == 1 for file in found)


# ---- uv


def uv_platform(target):
    _, arch, libc = target.split()
    kind, version = libc.split("-")
    return f"{arch}-unknown-linux-musl" if kind == "musl" else f"{arch}-manylinux_{version.replace('.', '_')}"


def uv_arguments(request):
    args = [f"--extra={e}" for e in request.get("extras", [])]
    args += [f"--{'only-' if request.get('only_groups') else ''}group={g}" for g in request.get("groups", [])]
    args += [f"--no-group={g}" for g in request.get("no_groups", [])]
    args += ["--all-extras"] * request.get("all_extras", False) + ["--all-groups"] * request.get("all_groups", False)
    args += ["--no-default-groups"] * (not request.get("default_groups", True) and not request.get("only_groups", False))
    args += ["--all-packages"] * request.get("all_packages", False)
    args += [f"--package={request['package']}"] if "package" in request else []
    for option in ("no_install_project", "no_install_workspace", "no_install_local"):
        args += ["--" + option.replace("_", "-")] * request.get(option, False)
    args += [f"--no-install-package={n}" for n in request.get("no_install", [])]
    return args


def uv_lock(folder, project):
    run([tool(project.get("with", "uv"), "uv"), "lock", "-p", interpreter(project.get("python", "3.11")), *project.get("options", [])], folder)


def uv_installed(text):
    """Reads what uv prints: of trees and URLs it does not always tell the version."""
    found = re.findall(r"^ [+~] ([\w.-]+)(?:==(\S+)| @ )", text, re.M)
    return sorted(f"{normal(name)}=={version}" if version else normal(name) for name, version in found)


def uv_sync(folder, project, target, request, want_files):
    """`uv sync` says what it would install; a real one shows the files it fetches."""
    venv = environment(target, folder / ".venv-oracle")
    env = {"UV_PROJECT_ENVIRONMENT": str(venv), "UV_CACHE_DIR": str(CACHE / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    command = ["uv", "sync", "--frozen", "-p", venv / "bin" / "python", "--python-platform", uv_platform(target), *uv_arguments(request)]
    _, err = run([tool("uv"), *command[1:], "--dry-run"], folder, env)
    packages, files = uv_installed(err), None
    if want_files:
        try:
            _, log = run([tool("uv"), *command[1:], "--refresh", "--no-install-local"], folder, {**env, "RUST_LOG": "uv_client=trace"})
            files = chosen_files(re.findall(r"https?://\S+?\.(?:whl|tar\.gz|zip)\b", log), packages)
        except Failure:
            pass  # a build for another machine failed
    return packages, files


MARKERS = """\
import json, sys
from packaging.markers import default_environment
from packaging.requirements import Requirement
python, arch, libc, text = json.load(sys.stdin)
environment = {**default_environment(), "python_version": ".".join(python.split(".")[:2]), "python_full_version": python,
               "implementation_version": python, "platform_machine": arch, "platform_release": "", "platform_version": ""}
packages = []
for line in text.splitlines():
    requirement = Requirement(line)
    if requirement.marker is None or requirement.marker.evaluate(environment):
        packages.append(requirement.name + str(requirement.specifier))
print(json.dumps(sorted(packages)))
"""


def uv_export_markers(folder, project, target, request, want_files):
    """What `uv export` prints, for Python versions that are not at hand; packaging evaluates its markers."""
    command = [tool("uv"), "export", "--frozen", "-q", "--no-hashes", "--no-header", "--no-annotate", "--no-emit-local"]
    out, _ = run([*command, *uv_arguments({**request, "no_install_local": False})], folder)
    done = subprocess.run([tool("packaging", "python"), "-c", MARKERS], input=json.dumps([*target.split(), out]), text=True, capture_output=True)
    if done.returncode:
        raise Failure(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout), None


# ---- pip: requirement files and pylock.toml


def pip_report(folder, target, *args):
    venv = environment(target, folder / ".venv-oracle")
    out, _ = run([tool("pip"), "--python", venv, "install", "--dry-run", "--ignore-installed", "-q", "--report", "-", *args], folder)
    installs = json.loads(out)["install"]
    packages = sorted(f"{normal(i['metadata']['name'])}=={i['metadata']['version']}" for i in installs)
    return packages, sorted(urllib.parse.unquote(i["download_info"]["url"].rsplit("/", 1)[-1]) for i in installs)


def pip_install(folder, project, target, request, want_files):
    """`pip install --dry-run --report` in an environment that says it is the target."""
    return pip_report(folder, target, "-r", project["file"])


def uv_pip_install(folder, project, target, request, want_files):
    """`uv pip install --dry-run`, which knows musl too."""
    python, arch, libc = target.split()
    named = python.count(".") == 2
    venv = environment(f"3.11 {arch} {libc}" if named else target, folder / ".venv-oracle")
    command = [tool("uv"), "pip", "install", "--dry-run", *(["--python-version", python] if named else []), "-p", venv, "--python-platform", uv_platform(target), "-r", project["file"]]
    command += [f"--extra={e}" for e in request.get("extras", [])]
    _, err = run(command, folder, {"UV_CACHE_DIR": str(CACHE / "uv")})
    return uv_installed(err), None


PACKAGING = """\
import json, sys, tomllib
from packaging.markers import default_environment
from packaging.pylock import Pylock
from packaging.tags import Tag, cpython_tags, compatible_tags
python, arch, libc, extras, groups = json.load(sys.stdin)
kind, version = libc.split("-")
minor = int(version.split(".")[1])
if kind == "musl":
    platforms = [f"musllinux_1_{m}_{arch}" for m in range(minor, -1, -1)]
else:
    legacy = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    platforms = []
    for m in range(minor, 4 if arch == "x86_64" else 16, -1):
        platforms.append(f"manylinux_2_{m}_{arch}")
        if m in legacy:
            platforms.append(f"{legacy[m]}_{arch}")
platforms.insert(0, f"linux_{arch}")  # as packaging itself has it
xy = tuple(map(int, python.split(".")[:2]))
tags = [*cpython_tags(xy, None, platforms), *compatible_tags(xy, f"cp{xy[0]}{xy[1]}", platforms)]
environment = {**default_environment(), "python_version": "%d.%d" % xy, "python_full_version": python, "implementation_version": python,
               "platform_machine": arch, "platform_release": "", "platform_version": ""}
lock = Pylock.from_dict(tomllib.loads(open(sys.argv[1]).read()))
packages, files = [], []
for package, file in lock.select(environment=environment, tags=tags, extras=extras, dependency_groups=groups):
    packages.append(f"{package.name}=={package.version}" if package.version else package.name)
    if hasattr(file, "filename"):
        files.append(file.filename)
print(json.dumps([sorted(packages), sorted(files)]))
"""


def packaging_select(folder, project, target, request, want_files):
    """packaging.pylock, the reference of PEP 751 that pip installs by."""
    python, arch, libc = full(target).split()
    query = json.dumps([python, arch, libc, request.get("extras", []), request.get("groups")])
    done = subprocess.run([tool("packaging", "python"), "-c", PACKAGING, project["file"]], input=query, cwd=folder, text=True, capture_output=True)
    if done.returncode:
        raise Failure(done.stderr.strip().splitlines()[-1])
    packages, files = json.loads(done.stdout)
    return packages, files


def pip_compile(folder, project):
    run([tool("pip-tools", "pip-compile"), "--generate-hashes", "--strip-extras", "-q", "-o", project["file"], *project.get("options", []),
         "requirements.in"], folder)


def uv_compile(folder, project):
    run([tool("uv"), "pip", "compile", "--generate-hashes", "-q", "-p", interpreter(project.get("python", "3.11")), "-o", project["file"],
         *project.get("options", []), "requirements.in"], folder, {"UV_CUSTOM_COMPILE_COMMAND": "testdata/locks/make.py"})


def uv_export(folder, project):
    run([tool("uv"), "export", "--frozen", "-q", "-o", project["file"], *project.get("options", [])], folder)


def poetry_export(folder, project):
    out, _ = run([tool("poetry"), "export", *project.get("options", [])], folder, poetry_env(folder))
    (folder / project["file"]).write_text(out)


def pdm_export(folder, project):
    run([tool("pdm"), "export", "-o", project["file"], *project.get("options", [])], folder, pdm_env(folder))


def pip_lock(folder, project):
    run([tool("pip"), "lock", "-q", "-o", project["file"], *project.get("options", [])], folder)


# ---- poetry


def poetry_env(folder):
    return {"POETRY_VIRTUALENVS_CREATE": "false", "POETRY_CACHE_DIR": str(CACHE / "poetry"), "POETRY_NO_INTERACTION": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


def poetry_lock(folder, project):
    run([tool(project.get("with", "poetry"), "poetry"), "lock", "--no-ansi", *project.get("options", [])], folder, poetry_env(folder))


def poetry_arguments(request, old):
    args = [f"--extras={e}" for e in request.get("extras", [])]
    groups, dev = request.get("groups", []), request.get("default_groups", True)
    if request.get("only_groups"):
        args += [f"--only={g}" for g in groups]
    else:
        args += [f"--with={g}" for g in groups]
    args += [f"--without={g}" for g in request.get("no_groups", [])]
    args += ["--all-extras"] * request.get("all_extras", False)
    if not dev and not request.get("only_groups"):
        args += ["--no-dev"] if old else ["--only=main"] if not groups else []
    return args + ["--no-root"] * request.get("no_install_project", False)


def poetry_install(folder, project, target, request, want_files):
    """`poetry install --dry-run`; a real one leaves what it fetched in its cache."""
    name = project.get("with", "poetry")
    venv = environment(target, folder / ".venv-oracle")
    (venv / "bin" / "pip").touch()  # poetry 1.1 takes an environment without it for broken
    cache = folder / ".cache-oracle"
    env = {**poetry_env(folder), "VIRTUAL_ENV": str(venv), "PATH": f"{venv}/bin:{os.environ['PATH']}"}
    command = [tool(name, "poetry"), "install", "--no-ansi", *poetry_arguments(request, name == "poetry-1.1")]
    out, _ = run([*command, "--dry-run"], folder, env)
    found = re.findall(r"^\s*[-•] Installing (?:the current project: )?(\S+) \((\S+?)[ )](?!.*Skipped)", out, re.M)
    found += re.findall(r"^Installing the current project: (\S+) \((\S+?)\)", out, re.M)
    packages, files = sorted({f"{normal(n)}=={v}" for n, v in found}), None
    if want_files:
        try:
            run([*command, "--no-root"], folder, {**env, "POETRY_CACHE_DIR": str(cache)})
            files = chosen_files([path.name for path in cache.rglob("*") if path.suffix in (".whl", ".gz", ".zip")], packages)
        except Failure:
            pass
    return packages, files


# ---- pdm


def pdm_env(folder):
    return {"PDM_CHECK_UPDATE": "0", "PDM_CACHE_DIR": str(CACHE / "pdm"), "PDM_LOG_DIR": str(folder / ".log-oracle")}


def pdm_lock(folder, project):
    (folder / ".pdm-python").write_text(interpreter(project.get("python", "3.11")))
    form = "pylock" if project["file"] == "pylock.toml" else "pdm"
    run([tool("pdm"), "lock", *project.get("options", [])], folder, {**pdm_env(folder), "PDM_LOCK_FORMAT": form})


def pdm_arguments(request):
    args = [f"--group={g}" for g in request.get("extras", []) + request.get("groups", [])]
    args += [f"--without={g}" for g in request.get("no_groups", [])]
    args += ["--group=:all"] * (request.get("all_extras", False) or request.get("all_groups", False))
    args += ["--prod"] * (not request.get("default_groups", True) and not request.get("only_groups", False))
    args += ["--no-default"] * request.get("only_groups", False)
    return args + ["--no-self"] * request.get("no_install_project", False)


# pdm asks an interpreter without its site-packages (-EsS) what it is
PDM_PYTHON = """\
#!/bin/bash
real="$(dirname "$0")/real-python"
[ "$1" = -EsS ] || exec -a "$0" "$real" "$@"
shift
exec -a "$0" "$real" -EsS -c 'import glob, runpy, sys
fake, = glob.glob(sys.argv[1])
exec(open(fake).read())
sys.argv[:] = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")' "$(dirname "$0")/../lib/python3*/site-packages/sitecustomize.py" "$@"
"""


def run_pdm(folder, venv, command, env):
    """Runs pdm with an environment, and again where it found that too slow to answer and took another."""
    saved = folder / ".pdm-python"
    for _ in range(3):
        saved.write_text(f"{venv}/bin/python")
        done = run(command, folder, {**pdm_env(folder), **env})
        if saved.read_text() == f"{venv}/bin/python":
            return done
    raise RuntimeError(f"pdm does not take {venv}")


def pdm_sync(folder, project, target, request, want_files):
    """`pdm sync --dry-run`; a real one logs what it fetches."""
    venv = environment(target, folder / ".venv-oracle")
    (venv / "bin" / "python").rename(venv / "bin" / "real-python")
    (venv / "bin" / "python").write_text(PDM_PYTHON)
    (venv / "bin" / "python").chmod(0o755)
    command = [tool("pdm"), "sync", *pdm_arguments(request)]
    out, _ = run_pdm(folder, venv, [*command, "--dry-run"], {})
    packages, files = sorted(f"{normal(n)}=={v}" for n, v in re.findall(r"^  - (\S+?) (\S+)$", out, re.M)), None
    if want_files:
        try:
            out, err = run_pdm(folder, venv, [*command, "--no-self", "-v"], {"PDM_CACHE_DIR": str(folder / ".cache-oracle")})
            files = chosen_files(re.findall(r"https?://\S+?\.(?:whl|tar\.gz|zip)\b", out + err), packages)
        except Failure:
            pass
    return packages, files


# ---- pipenv


def pipenv_env(folder, venv=None):
    return {"PIPENV_VERBOSITY": "-1", "PIPENV_NOSPIN": "1", "PIPENV_CACHE_DIR": str(CACHE / "pipenv"), "PIPENV_YES": "1",
            "VIRTUAL_ENV": str(venv or ""), "PIPENV_PIPFILE": str(folder / "Pipfile")}


def pipenv_lock(folder, project):
    venv = environment(f"{project.get('python', '3.11')} x86_64 glibc-2.36", folder / ".venv-oracle")
    run([tool("pipenv"), "lock", *project.get("options", [])], folder, pipenv_env(folder, venv))


def pipenv_requirements(folder, project, target, request, want_files):
    """What `pipenv requirements` prints, given to `pip install --no-deps --dry-run --report`, as pipenv does."""
    categories = [*([] if request.get("only_groups") else ["packages"]), *request.get("groups", [])]
    venv = environment(target, folder / ".venv-oracle")
    out, _ = run([tool("pipenv"), "requirements", "--hash", "--categories", " ".join(categories)], folder, pipenv_env(folder, venv))
    (folder / ".requirements.txt").write_text(out)
    return pip_report(folder, target, "--no-deps", "-r", ".requirements.txt")


# tool -> how it locks, the lock's name, the oracles with the targets they know, what it is made with
LOCKERS = {
    "uv": (uv_lock, "uv.lock", {uv_sync: TARGETS, uv_export_markers: NAMED[1:]}, TOOLS["uv"][1]),
    "poetry": (poetry_lock, "poetry.lock", {poetry_install: GLIBC}, TOOLS["poetry"][1]),
    "pdm": (pdm_lock, "pdm.lock", {pdm_sync: GLIBC}, TOOLS["pdm"][1]),
    "pipenv": (pipenv_lock, "Pipfile.lock", {pipenv_requirements: GLIBC}, TOOLS["pipenv"][1]),
    "pip-compile": (pip_compile, "requirements.txt", {pip_install: GLIBC, uv_pip_install: MUSL}, TOOLS["pip-tools"][1]),
    "uv-compile": (uv_compile, "requirements.txt", {pip_install: GLIBC, uv_pip_install: TARGETS + NAMED}, TOOLS["uv"][1]),
    "uv-export": (uv_export, "requirements.txt", {pip_install: GLIBC, uv_pip_install: TARGETS + NAMED}, TOOLS["uv"][1]),
    "poetry-export": (poetry_export, "requirements.txt", {pip_install: GLIBC, uv_pip_install: MUSL}, TOOLS["poetry"][1]),
    "pip-lock": (pip_lock, "pylock.toml", {packaging_select: TARGETS + NAMED, uv_pip_install: TARGETS + NAMED, pip_install: GLIBC}, TOOLS["pip"][1]),
    "uv-export-pylock": (uv_export, "pylock.toml", {packaging_select: TARGETS + NAMED, uv_pip_install: TARGETS + NAMED, pip_install: GLIBC}, TOOLS["uv"][1]),
    "pdm-pylock": (pdm_lock, "pylock.toml", {packaging_select: TARGETS + NAMED}, TOOLS["pdm"][1]),
    "pdm-export-pylock": (pdm_export, "pylock.toml", {packaging_select: TARGETS + NAMED, uv_pip_install: TARGETS + NAMED}, TOOLS["pdm"][1]),
    "by-hand": (None, "requirements.txt", {pip_install: GLIBC, uv_pip_install: MUSL}, []),
}


def copy_of(source):
    """A copy of a project in a folder of its own, named as the project is."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=WORK)) / source.name
    shutil.copytree(source, folder)
    return folder


def make_lock(source, project):
    lock = LOCKERS[project["lock"]][0]
    if lock is None:
        return
    folder = copy_of(HERE / project["from"]) if "from" in project else copy_of(source)
    (folder / project["file"]).unlink(missing_ok=True)
    lock(folder, project)
    shutil.copy(folder / project["file"], source / project["file"])


def ask(source, project, oracle, target, request, want_files):
    folder = copy_of(source)
    try:
        packages, files = oracle(folder, project, target, request, want_files)
        return {"packages": packages}, files
    except Failure as failure:
        return {"kind": failure.kind, "error": str(failure)}, None
    finally:
        shutil.rmtree(folder.parent)


def questions(project):
    """Gives what to ask: oracle, request, targets, and whether for the files too."""
    oracles = LOCKERS[project["lock"]][2]
    requests = project.get("requests", [{}])
    for number, request in enumerate(requests):
        want_files = number in project.get("files_for", [0])
        for oracle, known in oracles.items():
            targets = [target for target in project.get("targets", known) if target in known or oracle in (uv_sync, packaging_select)]
            if oracle is uv_export_markers:  # it cannot leave single packages out, and names no local ones
                if not any(key.startswith("no_install") for key in request):
                    yield oracle, {**request, "no_install_local": True}, known, False
            elif oracle is pip_install and request and project["file"].startswith("pylock"):
                pass  # pip has no option for extras and groups of a pylock.toml
            elif oracle is uv_pip_install and "groups" in request:
                pass  # it takes groups from a pyproject.toml only
            else:
                slow = oracle in (poetry_install, pdm_sync, pipenv_requirements)
                yield oracle, request, FEW if slow and number else targets, want_files


def cases_of(source, project, oracle, request, targets, want_files):
    """Asks one question for all targets and puts equal answers together."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        answers = list(pool.map(lambda target: ask(source, project, oracle, target, request, want_files), targets))
    cases = {}
    for target, (answer, files) in zip(map(full, targets), answers):
        case = cases.setdefault(json.dumps(answer), {"request": request, "oracle": oracle.__name__, "targets": [], **answer})
        case["targets"].append(target)
        if files is not None:
            case.setdefault("files", {})[target] = files
    return list(cases.values())


def make_expected(source, project):
    cases = [case for question in questions(project) for case in cases_of(source, project, *question)]
    _, _, oracles, made_with = LOCKERS[project["lock"]]
    document = {
        "about": project["about"],
        "lock": project["file"],
        "made_with": TOOLS[project["with"]][1] if "with" in project else made_with,
        "oracles": {oracle.__name__: oracle.__doc__ for oracle in oracles},
        "cases": cases,
    }
    (source / "expected.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return len(cases), sum(len(case["targets"]) for case in cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lock", action="store_true")
    parser.add_argument("--expect", action="store_true")
    parser.add_argument("project", nargs="*")
    options = parser.parse_args()
    loopback.serve(WORK / "served")
    try:
        projects = {path.parent: json.loads(path.read_text()) for path in sorted(HERE.glob("*/project.json"))}
        # those that are exported from another's lock come last
        for source, project in sorted(projects.items(), key=lambda item: "from" in item[1]):
            if options.project and source.name not in options.project:
                continue
            project.setdefault("file", LOCKERS[project["lock"]][1])
            lock_missing = not (source / project["file"]).exists()
            expected_missing = not (source / "expected.json").exists()
            try:
                if lock_missing or options.lock:
                    make_lock(source, project)
                if expected_missing or options.expect or options.lock:
                    print(source.name, "%d cases, %d answers" % make_expected(source, project), flush=True)
            except Failure as failure:
                print(source.name, "FAILED", failure, flush=True)
    finally:
        shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
