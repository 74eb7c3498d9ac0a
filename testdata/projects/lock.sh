#!/bin/sh
# Locks every example project with the real uv, and writes bumped.lock beside
# uv.lock where a test needs the same project with one package in another
# version. Run it by hand to bring the locks up to date.
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

for project in */; do
  (cd "$project" && uv lock --quiet)
done
for project in hello science; do
  work=$(mktemp -d)
  cp "$project/pyproject.toml" "$project/uv.lock" "$work"
  (cd "$work" && uv lock --quiet --upgrade-package "certifi==2025.11.12")
  cp "$work/uv.lock" "$project/bumped.lock"
  rm -r "$work"
done
