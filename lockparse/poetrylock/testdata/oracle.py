"""Asks Poetry what it would install from the locks of this folder.

    python oracle.py POETRY INTERPRETER...

POETRY is the program of the release to ask, INTERPRETER a Python that it asks
for. The questions stand in each project's poetry.json: a Python version,
groups or "defaults", extras. The answers of those with the Python of one of
the interpreters are written anew. Poetry 2.5 cannot make an environment of
Python 3.8; Poetry 1.8 gave these answers.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

POETRY, INTERPRETERS = sys.argv[1], sys.argv[2:]
HERE = pathlib.Path(__file__).parent
ENV = {"POETRY_VIRTUALENVS_IN_PROJECT": "true", "PATH": "/usr/bin:/bin"}


def version(interpreter):
    return subprocess.check_output([interpreter, "-c", "import platform; print(platform.python_version())"], text=True).strip()


def copy(project, folder):
    """Copies a project so that every release reads it: a source of Poetry 1.0
    has a key that Poetry 2 refuses, and that the content-hash covers."""
    shutil.copytree(project, folder, dirs_exist_ok=True)
    pyproject = folder / "pyproject.toml"
    text = pyproject.read_text()
    if "\ndefault = true" not in text or " 1." in subprocess.check_output([POETRY, "--version"], text=True):
        return
    pyproject.write_text(text.replace("\ndefault = true", ""))
    script = (
        "import tomllib, pathlib; from poetry.packages.locker import Locker;"
        "print(Locker(pathlib.Path('poetry.lock'), tomllib.load(open('pyproject.toml', 'rb')))._get_content_hash())"
    )
    python = pathlib.Path(POETRY).parent / "python"
    digest = subprocess.check_output([python, "-c", script], cwd=folder, text=True).strip()
    lock = folder / "poetry.lock"
    lock.write_text(re.sub('content-hash = "\\w+"', f'content-hash = "{digest}"', lock.read_text()))


def ask(project, question, interpreter):
    with tempfile.TemporaryDirectory() as folder:
        copy(project, pathlib.Path(folder))
        run = lambda *args: subprocess.check_output([POETRY, "-n", "--no-ansi", *args], cwd=folder, text=True, env=ENV)
        run("env", "use", interpreter)
        args = ["install", "--dry-run", "--no-root"]
        if not question.get("defaults"):
            args += ["--only", ",".join(question["groups"])]
        for extra in question["extras"]:
            args += ["-E", extra]
        packages = set()
        for line in run(*args).splitlines():
            match = re.match(r"\s*[•-] (?:Installing|Updating|Downgrading) (\S+) \((?:\S+ -> )?(\S+?)[ )]", line)
            if match and "Not required" not in line:
                packages.add(" ".join(match.groups()))
        return sorted(packages)


interpreters = {version(path): path for path in INTERPRETERS}
for path in sorted(HERE.glob("*/poetry.json")):
    questions = json.loads(path.read_text())
    for question in questions:
        if question["python"] in interpreters:
            question["packages"] = ask(path.parent, question, interpreters[question["python"]])
    path.write_text("[\n" + ",\n".join(json.dumps(question) for question in questions) + "\n]\n")
