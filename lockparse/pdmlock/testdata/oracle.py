"""Answers questions about projects with PDM itself, one JSON line each.

A question is {dir, python, platform, default, dev, groups, excluded}, the last
four as "pdm install" has them. The answer is {version, error} or
{version, packages, fresh}.
"""

import argparse
import contextlib
import json
import os
import sys

from pdm.__version__ import __version__
from pdm.cli.actions import resolve_from_lockfile
from pdm.cli.filters import GroupSelection
from pdm.core import Core
from pdm.models.markers import EnvSpec

core = Core()


def answer(question):
    project = core.create_project(question["dir"])
    project.project_config["python.use_venv"] = False
    project._saved_python = sys.executable
    spec = EnvSpec.from_spec(f"=={question['python']}", question["platform"], "cpython")
    options = argparse.Namespace(
        default=question["default"],
        dev=question["dev"],
        groups=question["groups"] or [],
        excluded_groups=question["excluded"] or [],
    )
    selection = GroupSelection.from_options(project, options)
    selection.validate()
    every = project._resolve_dependencies(list(selection))
    requirements = [r for group in selection for r in project.get_dependencies(group, every)]
    found = {
        f"{p.candidate.req.key} {p.candidate.version or '-'}"
        for p in resolve_from_lockfile(project, requirements, groups=list(selection), env_spec=spec)
    }
    if project.is_distribution and "default" in selection:
        found.add(f"{project.name} {project.pyproject.metadata.get('version', '-')}")
    return {"packages": sorted(found), "fresh": project.is_lockfile_fresh()}


for line in sys.stdin:
    try:
        question = json.loads(line)
        os.chdir(question["dir"])
        with contextlib.redirect_stdout(sys.stderr):
            reply = answer(question)
    except Exception as e:
        reply = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps({"version": __version__, **reply}), flush=True)
