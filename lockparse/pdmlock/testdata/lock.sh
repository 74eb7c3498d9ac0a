#!/bin/sh
# Makes the projects of this folder and locks them with releases of PDM, which
# uv gets with the dependencies of their time.
set -eu
cd "$(dirname "$0")"
export PDM_CHECK_UPDATE=0 PDM_IGNORE_SAVED_PYTHON=1

# lock PROJECT RELEASE DATE ARGUMENTS…
lock() {
    project=$1 release=$2 date=$3
    shift 3
    (cd "$project" && uvx --quiet --python 3.11 --exclude-newer "$date" --with 'hishel<2' "pdm==$release" lock "$@" >&2)
    rm -rf "$project/.pdm-python" "$project/.pdm.toml" "$project/__pypackages__" "$project/.venv"
}

# app PROJECT: with extras, groups, a fork and the table of old settings
app() {
    mkdir -p "$1"
    cat >"$1/pyproject.toml" <<'TOML'
[project]
name = "app"
version = "1.0"
requires-python = ">=3.9"
dependencies = [
    "click>=8",
    "httpx[socks]",
    "colorama; sys_platform == 'win32'",
    "exceptiongroup; python_version < '3.11'",
]

[project.optional-dependencies]
Web_UI = ["starlette"]
fast = ["uvloop; platform_python_implementation == 'CPython'"]
all = ["app[web-ui,fast]", "httpx[http2]"]

[tool.pdm.dev-dependencies]
test = ["pytest", "httpx[http2]"]
lint = ["mypy-extensions"]

[build-system]
requires = ["pdm-backend"]
build-backend = "pdm.backend"
TOML
}

app format-4.0 && lock format-4.0 2.0.3 2022-08-01
app format-4.2 && lock format-4.2 2.5.6 2023-06-01 -G:all
app format-4.3 && lock format-4.3 2.8.2 2023-08-20 -G:all
app format-4.4 && lock format-4.4 2.10.4 2023-12-15 -G:all
app format-4.4.1 && lock format-4.4.1 2.12.4 2024-03-01 -G:all
app format-4.5.0 && lock format-4.5.0 2.17.3 2024-08-15 -G:all

app walk && lock walk 2.29.4 2026-11-20 -G:all -S no_inherit_metadata
app static && lock static 2.29.4 2026-11-20 -G:all -S static_urls
app few-groups && lock few-groups 2.29.4 2026-11-20

mkdir -p groups
cat >groups/pyproject.toml <<'TOML'
[project]
name = "groups"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["click"]

[project.optional-dependencies]
web = ["starlette"]

[dependency-groups]
dev = ["iniconfig", { include-group = "Lint" }]
Lint = ["mypy-extensions"]

[tool.pdm]
distribution = false

[tool.pdm.resolution]
excludes = ["typing-extensions"]
lock_inputs = true

[tool.pdm.resolution.overrides]
anyio = "4.5.0"
TOML
lock groups 2.29.4 2026-11-20 -G:all

# Two targets with other versions of the same packages.
for project in targets targets-walk; do
    mkdir -p $project
    cat >$project/pyproject.toml <<'TOML'
[project]
name = "targets"
requires-python = ">=3.9"
version = "1.0"
dependencies = ["click", "anyio"]
TOML
    strategy=inherit_metadata
    [ $project = targets ] || strategy=no_inherit_metadata
    lock $project 2.29.4 2026-11-20 -S $strategy --python '==3.9.*' --platform linux
    lock $project 2.29.4 2026-11-20 --append --python '>=3.10' --platform linux
    lock $project 2.29.4 2026-11-20 --append --python '>=3.12' --platform macos
done

mkdir -p sources/member/member sources/wheels
touch sources/member/member/__init__.py
cat >sources/member/pyproject.toml <<'TOML'
[project]
name = "member"
version = "0.1"
dependencies = ["idna"]

[build-system]
requires = ["pdm-backend"]
build-backend = "pdm.backend"
TOML
(cd sources/wheels && python3 -m pip download --quiet --no-deps iniconfig==2.0.0)
cat >sources/pyproject.toml <<'TOML'
[project]
name = "sources"
version = "1.0"
requires-python = ">=3.11"
dependencies = [
    "click @ https://files.pythonhosted.org/packages/7e/d4/7ebdbd03970677812aac39c869717059dbb71a4cfc033ca6e5221787892c/click-8.1.8-py3-none-any.whl",
    "iniconfig @ file:///${PROJECT_ROOT}/wheels/iniconfig-2.0.0-py3-none-any.whl",
]

[tool.pdm.dev-dependencies]
local = ["-e file:///${PROJECT_ROOT}/member#egg=member"]

[[tool.pdm.source]]
name = "mirror"
url = "https://pypi.org/simple"
include_packages = ["idn[a-z]", "click*"]
TOML
lock sources 2.29.4 2026-11-20
rm -r sources/wheels
