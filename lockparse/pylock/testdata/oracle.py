"""Answers questions about pylock.toml with packaging.pylock, one JSON line each.

A question is {lock, environment, tags, extras, groups}; groups are null for
the default groups. The answer is {version, error} or {version, packages}.
"""

import functools
import json
import sys
import tomllib

import packaging
from packaging.pylock import Pylock
from packaging.tags import parse_tag


@functools.cache
def parse(text):
    return Pylock.from_dict(tomllib.loads(text))


@functools.cache
def tags(texts):
    return [tag for text in texts for tag in parse_tag(text)]


def rows(question):
    lock = parse(question["lock"])
    for package, source in lock.select(
        environment=question["environment"],
        tags=tags(tuple(question["tags"])),
        extras=question["extras"],
        dependency_groups=question["groups"],
    ):
        name = f"{package.name} {package.version or '-'}"
        if package.vcs or package.archive or package.directory:
            yield f"{name} {source.path or source.url}"
        else:
            yield f"{name} {source.filename}"


for line in sys.stdin:
    answer = {"version": packaging.__version__}
    try:
        answer["packages"] = sorted(rows(json.loads(line)))
    except Exception as e:
        answer["error"] = f"{type(e).__name__}: {e}"
    print(json.dumps(answer), flush=True)
