#!/bin/sh
# Locks the projects of this folder again, with the uv on PATH. The date keeps
# the versions; a newer uv may still write its format differently.
set -eu
cd "$(dirname "$0")"
for project in */; do
    uv lock --quiet --project "$project" --exclude-newer 2026-06-01T00:00:00Z
done
