#!/usr/bin/env python3
"""Writes cuda.json from a list of the tags of nvidia/cuda.

The list is a JSON file whose "tags" has version, ubuntu, glibc, variants,
cudnn_infix and cudnn of each image. What package base chooses from is kept:
the runtime variants, newest version first: cuda.py LIST > cuda.json
"""
import json
import sys


def numbers(version):
    return [int(n) for n in version.split(".")]


rows = []
for t in json.load(open(sys.argv[1]))["tags"]:
    for variant in t["variants"]:
        if not variant.endswith("runtime"):
            continue
        infix = variant.removesuffix("runtime").rstrip("-")
        # Where the exact cuDNN is not known, its major version is.
        cudnn = (t.get("cudnn") or infix.removeprefix("cudnn") or "9") if infix else ""
        tag = f"{t['version']}-{variant}-ubuntu{t['ubuntu']}"
        rows.append({"tag": tag, "cuda": t["version"], "cudnn": cudnn, "ubuntu": t["ubuntu"], "glibc": t["glibc"]})
rows.sort(key=lambda r: (numbers(r["cuda"]), numbers(r["ubuntu"]), r["cudnn"] == ""), reverse=True)
print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")
