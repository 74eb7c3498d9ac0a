"""Builds a package to a wheel (PEP 517), in two steps: "requires" has a network
and makes the environment that the build needs, "wheel" builds in it without one.

    build.py requires [ARCHIVE]         unpacks ARCHIVE where it is given
    build.py wheel NAME[==VERSION]      leaves the wheel in /wheels

The source is in /build/source, SUBDIRECTORY says where in it the project is.
REQUIRES are all build requirements, one a line, where they are known without the
source. CONSTRAINTS bound the versions of build requirements, one a line.
IMAGESPEC_SECRETS is a folder of logins (see package resolver), which uv gets for
UV_DEFAULT_INDEX and UV_INDEX; beside it, where nothing stays, is what uv reads.
All that is printed is in /build/log, too, from where an error message takes it.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import urllib.parse
import zipfile

BUILD = pathlib.Path("/build")
SOURCE, ENV, LOG = BUILD / "source", BUILD / "env", BUILD / "log"
PYTHON = str(ENV / "bin" / "python")
PROJECT = SOURCE / os.environ.get("SUBDIRECTORY", ".")

# What the backend asks for beside [build-system].requires; run in the
# environment, the answer goes to a file since backends print what they like.
HOOK = """
import importlib, json, sys
backend, paths, answer = json.loads(sys.argv[1])
sys.path[:0] = paths
module, _, names = backend.partition(":")
found = importlib.import_module(module)
for name in filter(None, names.split(".")):
    found = getattr(found, name)
hook = getattr(found, "get_requires_for_build_wheel", lambda settings: [])
with open(answer, "w") as file:
    json.dump(list(hook(None)), file)
"""


def say(text):
    with LOG.open("a") as log:
        print(text, file=log)
    print(text, file=sys.stderr, flush=True)


def fail(text):
    say(text)
    sys.exit(1)


def run(*command, cwd="/"):
    """Runs a command, and ends with it if it fails."""
    with LOG.open("ab") as log:
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while chunk := process.stdout.read1(1 << 16):
            log.write(chunk)
            sys.stderr.buffer.write(chunk)
            sys.stderr.flush()
    if process.wait() != 0:
        sys.exit(1)


def unpack(archive):
    """Unpacks a source distribution. It has one directory at its top."""
    into = BUILD / "unpacked"
    into.mkdir()
    try:
        if archive.endswith(".zip"):
            with zipfile.ZipFile(archive) as z:
                z.extractall(into)
        else:
            with tarfile.open(archive) as t:
                safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
                t.extractall(into, **safe)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as e:
        fail(f"{os.path.basename(archive)} cannot be unpacked: {e}")
    found = list(into.iterdir())
    found[0].rename(SOURCE) if len(found) == 1 and found[0].is_dir() else into.rename(SOURCE)


def load(file):
    try:
        import tomllib
    except ImportError:  # before Python 3.11
        target = BUILD / "tomli"
        run("uv", "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target), "tomli")
        sys.path.append(str(target))
        import tomli as tomllib
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as e:
        fail(f"pyproject.toml: {e}")


def build_system():
    """Gives requirements, backend and the paths that it is on."""
    file = PROJECT / "pyproject.toml"
    table = load(file).get("build-system") if file.exists() else None
    if not file.exists() and not (PROJECT / "setup.py").exists():
        fail(f"no project: neither pyproject.toml nor setup.py in {os.environ.get('SUBDIRECTORY') or 'the source'}")
    if table is None:
        table = {"requires": ["setuptools >= 40.8.0"]}
    backend = table.get("build-backend", "setuptools.build_meta:__legacy__")
    return table.get("requires", []), backend, [str(PROJECT / p) for p in table.get("backend-path", [])]


def install(requirements):
    if not requirements:
        return
    say("build requirements: " + ", ".join(requirements))
    run("uv", "pip", "install", "--quiet", "--python", PYTHON, *requirements)
    listed = subprocess.run(["uv", "pip", "freeze", "--quiet", "--python", PYTHON], capture_output=True, text=True, check=True)
    say("installed: " + ", ".join(listed.stdout.split("\n")).rstrip(", "))


def crates():
    """Fetches what Cargo would want to fetch during the build."""
    if not shutil.which("cargo"):
        return
    manifests = sorted(PROJECT.rglob("Cargo.toml"), key=lambda p: (len(p.parts), p))
    seen = []
    for manifest in manifests:
        if not any(above in manifest.parents for above in seen):  # a workspace fetches for its members
            seen.append(manifest.parent)
            locked = ["--locked"] if (manifest.parent / "Cargo.lock").exists() else []
            run("cargo", "fetch", *locked, "--manifest-path", str(manifest))


def credential(index, header):
    """Makes of a header Authorization what uv has in its store of credentials,
    None if it is of no kind that uv knows."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer" and value:
        return {"service": index, "scheme": "bearer", "token": value.strip()}
    if scheme.lower() == "basic":
        try:
            user, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except ValueError:
            return None
        if colon:
            return {"service": index, "scheme": "basic", "username": user, "password": password}
    return None


def log_in():
    """Has uv use the secrets, as imagespec-resolve does for a resolution."""
    secrets = pathlib.Path(os.environ["IMAGESPEC_SECRETS"])

    def read(*name):
        file = secrets.joinpath(*name)
        return file.read_text(encoding="utf-8").strip() if file.exists() else ""

    if read("netrc"):
        os.environ["NETRC"] = str(secrets / "netrc")
    elif os.path.exists("/root/.netrc"):  # of pip_secret_mounts; HOME is another one
        os.environ["NETRC"] = "/root/.netrc"
    hosts = {folder.name.lower(): folder.name for folder in secrets.glob("auth/*")}
    store = ""
    for index in [os.environ.get("UV_DEFAULT_INDEX", ""), *os.environ.get("UV_INDEX", "").split()]:
        host = hosts.get(urllib.parse.urlsplit(index).hostname)
        if host:
            found = credential(index, read("auth", host, "header") or "Bearer " + read("auth", host, "token"))
            if found:  # a string of JSON is one of TOML, too
                store += "[[credential]]\n" + "".join(f"{key} = {json.dumps(text, ensure_ascii=False)}\n" for key, text in found.items())
    if store:
        (secrets.parent / "credentials.toml").write_text(store, encoding="utf-8")
        os.environ["UV_CREDENTIALS_DIR"] = str(secrets.parent)


def requires(*archive):
    BUILD.mkdir(exist_ok=True)
    if "IMAGESPEC_SECRETS" in os.environ:
        log_in()
    venv = ["uv", "venv", "--quiet", "--python", sys.executable, str(ENV)]
    if constraints := os.environ.get("CONSTRAINTS"):
        file = BUILD / "constraints.txt"
        file.write_text(constraints)
        os.environ["UV_CONSTRAINT"] = os.environ["UV_BUILD_CONSTRAINT"] = str(file)
    if known := os.environ.get("REQUIRES"):
        run(*venv)
        install(known.split("\n"))
        return
    if archive:
        unpack(archive[0])
    requirements, backend, paths = build_system()
    run(*venv)
    install(requirements)
    answer = BUILD / "answer"
    run(PYTHON, "-c", HOOK, json.dumps([backend, paths, str(answer)]), cwd=PROJECT)
    install(json.loads(answer.read_text()))
    crates()


def wheel(requirement):
    run("uv", "build", "--wheel", "--no-build-isolation", "--force-pep517", "--no-sources", "--no-create-gitignore",
        "--python", PYTHON, "--out-dir", "/wheels", str(PROJECT))
    built = ", ".join(sorted(p.name for p in pathlib.Path("/wheels").glob("*.whl")))
    checked = subprocess.run(
        ["uv", "pip", "install", "--quiet", "--dry-run", "--reinstall", "--no-deps", "--no-index", "--find-links", "/wheels",
         "--python", PYTHON, requirement], capture_output=True)
    if checked.returncode != 0:
        fail(f"the build has made {built}, which is not {requirement} for this Python")


if __name__ == "__main__":
    os.umask(0o022)
    {"requires": requires, "wheel": wheel}[sys.argv[1]](*sys.argv[2:])
