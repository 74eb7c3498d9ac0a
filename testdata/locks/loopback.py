"""A package index and a git repository on loopback, made of nothing.

PyPI has no release that shows every shape a lock can have (build tags, local
versions, a wheel for one libc only, yanked files, two indexes with the same
version), so these few distributions are written here. Their bytes are the
same in every run: locks that name them stay valid.
"""

import functools
import gzip
import hashlib
import http.server
import io
import os
import pathlib
import subprocess
import tarfile
import threading
import zipfile

PORT = 8963
URL = f"http://127.0.0.1:{PORT}"
PURE = "py3-none-any"

# index -> distributions: (name, version, tags, options). A tag "sdist" is a
# source distribution; a tag "1-py3-none-any" has a build tag before it.
INDEXES = {
    # what has no GPU and what has one, as PyTorch publishes them
    "cpu": [("accel", "2.0.0+cpu", [PURE], {}), ("accel", "1.9.0+cpu", [PURE], {})],
    "gpu": [
        ("accel", "2.0.0+gpu", [PURE], {"requires": ["accel-runtime==12.1"]}),
        ("accel-runtime", "12.1", ["py3-none-manylinux_2_17_x86_64", "py3-none-manylinux_2_17_aarch64"], {}),
    ],
    # the same version in two indexes
    "mirror": [("twice", "1.0", [PURE], {"note": "mirror"})],
    "main": [
        ("twice", "1.0", [PURE], {"note": "main"}),
        ("build-tag", "1.0", [PURE, "1-py3-none-any", "2b-py3-none-any", "2a-py3-none-any"], {}),
        ("build-or-tag", "1.0", ["7-py3-none-any", "cp312-none-any", "1-cp312-none-any", "cp311-abi3-manylinux_2_17_x86_64"], {}),
        ("glibc-steps", "1.0", [
            "py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64", "py3-none-manylinux_2_28_x86_64", "py3-none-manylinux_2_35_x86_64",
            "py3-none-manylinux_2_39_x86_64", "py3-none-manylinux2014_aarch64", "py3-none-manylinux_2_34_aarch64",
            "py3-none-musllinux_1_1_x86_64", "py3-none-musllinux_1_2_aarch64", "py3-none-win_amd64"], {}),
        ("plain-linux", "1.0", ["py3-none-manylinux_2_17_x86_64", "py3-none-linux_x86_64", "py3-none-linux_aarch64"], {}),
        ("glibc-only", "1.0", ["py3-none-manylinux_2_28_x86_64", "py3-none-manylinux_2_28_aarch64"], {}),
        ("musl-only", "1.0", ["py3-none-musllinux_1_2_x86_64"], {}),
        ("wheel-and-sdist", "1.0", ["cp311-cp311-manylinux_2_17_x86_64", "sdist"], {}),
        ("abi-steps", "1.0", [
            "cp310-cp310-manylinux_2_17_x86_64", "cp39-abi3-manylinux_2_17_x86_64", "cp312-abi3-manylinux_2_17_x86_64",
            "cp313-cp313t-manylinux_2_17_x86_64", "py3-none-any", "py2.py3-none-any", "py312-none-any", "cp310-none-any"], {}),
        ("only-source", "1.0", ["sdist"], {}),
        ("only-source", "1.1", ["sdist"], {"requires": ["build-tag"]}),
        ("pulled", "1.0", [PURE], {}),
        ("pulled", "1.1", [PURE], {"yanked": "broken"}),
        ("early", "1.0", [PURE], {}),
        ("early", "1.1rc2", [PURE], {}),
        ("early", "2.0.dev3", [PURE], {}),
        ("locally", "1.0", [PURE], {}),
        ("locally", "1.0+ours.1", [PURE], {}),
        ("old-python", "1.0", [PURE], {"python": ">=3.8"}),
        ("old-python", "2.0", [PURE], {"python": ">=3.11"}),
        ("old-python", "3.0", [PURE], {"python": ">=3.12.4"}),
        ("Odd.Name_here", "1.0", [PURE], {}),
        ("feature", "1.0", [PURE], {"extras": {"one": ["early<2"], "two": ["pulled==1.0"], "all": ["feature[one,two]"], "nothing": []}}),
        ("circle-a", "1.0", [PURE], {"requires": ["circle-b"]}),
        ("circle-b", "1.0", [PURE], {"requires": ["circle-a", "circle-c; python_version < '3.12'"]}),
        ("circle-c", "1.0", [PURE], {"requires": ["circle-a"]}),
        ("circle-a", "0.9", [PURE], {}),
        ("patched", "1.0", [PURE], {"requires": ["locally; python_full_version < '3.11.4'", "early; platform_machine == 'aarch64'"]}),
    ],
}


def stem(name):
    return name.lower().replace("-", "_").replace(".", "_")


def metadata(name, version, options):
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if "python" in options:
        lines.append(f"Requires-Python: {options['python']}")
    lines += [f"Requires-Dist: {r}" for r in options.get("requires", [])]
    for extra, requires in options.get("extras", {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {r}; extra == '{extra}'" for r in requires]
    return "\n".join(lines) + "\n"


def wheel(name, version, tag, options):
    """Gives the file name and bytes of a wheel."""
    python, abi, platform = tag.split("-")[-3:]
    base = f"{stem(name)}-{version}"
    files = {
        f"{stem(name)}.py": f"note = {options.get('note', tag)!r}\n",
        f"{base}.dist-info/METADATA": metadata(name, version, options),
        f"{base}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: loopback\nRoot-Is-Purelib: true\n"
        + "".join(f"Tag: {py}-{a}-{pl}\n" for py in python.split(".") for a in abi.split(".") for pl in platform.split(".")),
    }
    record = f"{base}.dist-info/RECORD"
    files[record] = "".join(f"{path},,\n" for path in [*files, record])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return f"{base}-{tag}.whl", out.getvalue()


def sdist(name, version, options):
    """Gives the file name and bytes of a source distribution."""
    base = f"{stem(name)}-{version}"
    requires = options.get("requires", [])
    files = {
        "pyproject.toml": f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = {requires!r}\n\n[tool.setuptools]\npy-modules = ["{stem(name)}"]\n',
        f"{stem(name)}.py": "",
        "PKG-INFO": metadata(name, version, options),
    }
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{base}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return f"{base}.tar.gz", gzip.compress(raw.getvalue(), mtime=0)


def write_indexes(root):
    """Lays the indexes out as files: PEP 503 pages beside the distributions."""
    for index, distributions in INDEXES.items():
        pages = {}
        for name, version, tags, options in distributions:
            for tag in tags:
                file, data = sdist(name, version, options) if tag == "sdist" else wheel(name, version, tag, options)
                folder = root / index / "files"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / file).write_bytes(data)
                attributes = "".join(
                    f' data-{key}="{value}"'.replace(">=", "&gt;=")
                    for key, value in {"requires-python": options.get("python"), "yanked": options.get("yanked")}.items() if value
                )
                digest = hashlib.sha256(data).hexdigest()
                link = f'<a href="../../files/{file.replace("+", "%2B")}#sha256={digest}"{attributes}>{file}</a>'
                pages.setdefault(stem(name).replace("_", "-"), []).append(link)
        for name, links in pages.items():
            page = root / index / "simple" / name / "index.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text("<!DOCTYPE html><html><body>\n" + "<br/>\n".join(links) + "\n</body></html>\n")


def write_repository(root):
    """Makes a git repository with two packages, served by git's dumb protocol."""
    work, bare = root / "git-work", root / "git" / "tools.git"
    day = "2020-01-01T00:00:00Z"
    env = {**os.environ, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": day,
           "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_COMMITTER_DATE": day, "GIT_CONFIG_GLOBAL": "/dev/null"}
    for folder, name in [(work, "fromgit"), (work / "packages" / "deep", "fromgit-deep")]:
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(
            f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n'
            f'[project]\nname = "{name}"\nversion = "0.3.0"\n\n[tool.setuptools]\npy-modules = ["{stem(name)}"]\n')
        (folder / f"{stem(name)}.py").write_text("")
    for args in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"], ["tag", "v0.3.0"]):
        subprocess.run(["git", *args], cwd=work, env=env, check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(bare)], env=env, check=True)
    subprocess.run(["git", "update-server-info"], cwd=bare, env=env, check=True)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(root: pathlib.Path):
    """Serves the indexes and the repository until the process ends."""
    write_indexes(root)
    write_repository(root)
    server = Server(("127.0.0.1", PORT), functools.partial(Handler, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
