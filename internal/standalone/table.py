#!/usr/bin/env python3
"""Writes table.json from a list of the archives of python-build-standalone.

The list is a JSON file whose "newest" has one object per archive, with
version, oci_arch, libc, flavor, url and sha256, as uv's
download-metadata.json says them. One line per archive is kept, and no more
than package standalone reads: table.py LIST > table.json
"""
import json
import sys

libcs = {"gnu": "glibc", "musl": "musl"}
rows = [
    {"version": a["version"], "arch": a["oci_arch"], "libc": libcs[a["libc"]], "url": a["url"], "sha256": a["sha256"]}
    for a in json.load(open(sys.argv[1]))["newest"]
    if a["flavor"] == "install_only_stripped"
]
rows.sort(key=lambda r: ([int(n) for n in r["version"].split(".")], r["libc"], r["arch"]))
print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")
