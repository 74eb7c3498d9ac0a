#!/bin/sh
# Locks every example project with the tool that its lock is of, and writes
# bumped.lock beside uv.lock where a test needs the same project with one
# package in another version. Run it by hand to bring the locks up to date.
set -eu
cd "$(dirname "$0")"
# A wheel of our own, for a dependency by path.
work=$(mktemp -d)
mkdir "$work/greeting"
echo 'HELLO = "hello from a wheel in the build context"' > "$work/greeting/__init__.py"
cat > "$work/pyproject.toml" <<'TOML'
[project]
name = "greeting"
version = "1.0"
description = "a wheel for tests"
requires-python = ">=3.10"
[build-system]
requires = ["flit_core==3.12.0"]
build-backend = "flit_core.buildapi"
[tool.flit.module]
name = "greeting"
TOML
SOURCE_DATE_EPOCH=1700000000 uv build --quiet --wheel --out-dir direct/wheels "$work"
rm -f direct/wheels/.gitignore
chmod 644 direct/wheels/*.whl
rm -r "$work"

for lock in */uv.lock; do
  (cd "$(dirname "$lock")" && uv lock --quiet)
done
(cd poetry && uvx --quiet --python 3.11 poetry@2.5.1 lock --quiet)
# Poetry 1.1 knew no package-mode, and made no part of the lock's hash of it.
work=$(mktemp -d)
grep -v package-mode poetry-1.1/pyproject.toml > "$work/pyproject.toml"
(cd "$work" && uvx --quiet --python 3.11 --from poetry==1.1.15 poetry lock --quiet)
cp "$work/poetry.lock" poetry-1.1
rm -r "$work"
# PDM with what it needed at the time.
pdm="uvx --quiet --python 3.11 --exclude-newer 2025-06-30 pdm==2.25.4"
(cd pdm && $pdm lock --quiet && rm -f .pdm-python)
(cd pdm-static && $pdm lock --quiet --static-urls && rm -f .pdm-python)
(cd pipenv && PIPENV_VENV_IN_PROJECT=1 uvx --quiet --python 3.11 pipenv@2026.10.3 lock --quiet && rm -rf .venv)
(cd hashed && uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in --output-file requirements.txt)
(cd pylock && uv export --quiet --no-emit-project --format pylock.toml --output-file pylock.toml && rm uv.lock)
for project in hello science; do
  work=$(mktemp -d)
  cp "$project/pyproject.toml" "$project/uv.lock" "$work"
  (cd "$work" && uv lock --quiet --upgrade-package "certifi==2025.11.12")
  cp "$work/uv.lock" "$project/bumped.lock"
  rm -r "$work"
done
