"""Compiles the modules of one layer of an environment to bytecode.

    python -S -B -W ignore compile.py LAYER OUT SITE_PACKAGES MODE

LAYER is a folder that stands for the image's root, SITE_PACKAGES the absolute
path in it below which every .py file is compiled, as uv and pip do it. OUT gets
the __pycache__ folders at the same paths, and the folders above them. Modes and
times are those of the layer: a .pyc has its module's, a folder that of the same
path, a __pycache__ that of the folder it is in.

MODE is "timestamp" or "checked-hash": how an interpreter finds out that a
module is another one than was compiled (PEP 552).

What does not compile is left out, as uv and pip do it: some packages have
templates, or modules for another Python. Nothing is run of what is compiled.

The same input gives the same bytes if PYTHONHASHSEED is 0: the order of a set
depends on hashes, and marshal writes a string that occurs twice as a reference
only if it is one object, which depends on what was compiled before. So modules
are compiled one after the other, in the order of their names.
"""

import os
import py_compile
import stat
import sys


def modules(top):
    """Yield the paths of all modules below a folder."""
    for folder, subfolders, files in os.walk(top):
        subfolders[:] = sorted(name for name in subfolders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith(".py") and name != ".py":
                yield os.path.join(folder, name)


class Output:
    """The tree that is written, with modes and times of the layer."""

    def __init__(self, layer, out):
        self.layer, self.out = layer, out
        self.made = {}  # folder: the one that it takes mode and time from
        self.folder("")

    def folder(self, path, like=None):
        """Make a folder and those above it."""
        if path in self.made:
            return
        if path:
            self.folder(path.rpartition("/")[0])
            os.mkdir(self.out + path)
        self.made[path] = self.layer + (path if like is None else like)

    def write(self, path, mode):
        """Compile a module of the layer."""
        folder, name = os.path.split(path)
        cache = folder + "/__pycache__"
        target = "%s/%s.%s.pyc" % (cache, name[: -len(".py")], sys.implementation.cache_tag)
        # Only what compiles gets a folder.
        staged = self.out + "/.pyc"
        py_compile.compile(
            self.layer + path, staged, path, doraise=True, optimize=0, invalidation_mode=mode
        )
        self.folder(cache, like=folder)
        os.rename(staged, self.out + target)
        take(self.out + target, self.layer + path, 0o666)

    def close(self):
        """Set modes and times of the folders, which every file has changed."""
        for path in sorted(self.made, reverse=True):
            take(self.out + path, self.made[path], 0o777)


def take(path, like, mask):
    """Give a file the mode and the time of another."""
    info = os.stat(like)
    os.chmod(path, stat.S_IMODE(info.st_mode) & mask)
    os.utime(path, ns=(info.st_mtime_ns, info.st_mtime_ns))


def main(layer, out, site_packages, mode):
    mode = py_compile.PycInvalidationMode[mode.upper().replace("-", "_")]
    output = Output(layer, out)
    output.folder(site_packages)
    count = 0
    for file in modules(layer + site_packages):
        path = file[len(layer) :]
        try:
            output.write(path, mode)
        except py_compile.PyCompileError as e:
            print("not compiled: %s: %s" % (path, e.exc_type_name))
        else:
            count += 1
    output.close()
    print("compiled: %d modules" % count)


if __name__ == "__main__":
    main(*sys.argv[1:])
