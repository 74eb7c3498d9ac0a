"""Prints what the process finds in its container, as JSON: text to text."""

import grp
import hashlib
import importlib.metadata
import json
import os
import pwd
import re
import stat
import sys
import sysconfig

me = pwd.getpwuid(os.getuid())
facts = {
    "user name": me.pw_name,
    "user id": str(os.getuid()),
    "user groups": " ".join(sorted(grp.getgrgid(g).gr_name for g in {os.getgid(), *os.getgroups()})),
    "user home": me.pw_dir,
    "user shell": me.pw_shell,
    "python prefix": sys.prefix,
    "python version": sys.version.split()[0],
}

places = {"/root": "/root", "/home": "/home", "the home": me.pw_dir, "site-packages": sysconfig.get_path("purelib"), "/root/made": "/root/made", "/root/conf": "/root/conf", "/root/conf/app.ini": "/root/conf/app.ini"}
for name, path in places.items():
    if os.path.exists(path):
        info = os.stat(path)
        facts[f"owner of {name}"] = f"{pwd.getpwuid(info.st_uid).pw_name}:{grp.getgrgid(info.st_gid).gr_name}"
        facts[f"mode of {name}"] = stat.filemode(info.st_mode)
        facts[f"writable {name}"] = str(os.access(path, os.W_OK))

for name, path in {"/root": "/root", "the home": me.pw_dir}.items():
    for entry in os.listdir(path):
        facts[f"file of {name} {entry}"] = "there"
for dist in importlib.metadata.distributions():
    facts["distribution " + re.sub(r"[-_.]+", "-", dist.metadata["Name"]).lower()] = dist.version

with open("/etc/ssl/certs/ca-certificates.crt", "rb") as bundle:
    facts["certificates"] = hashlib.file_digest(bundle, "sha256").hexdigest()
print(json.dumps(facts))
