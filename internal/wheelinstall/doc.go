// Package wheelinstall installs wheels into a virtual environment without
// Python, as the binary distribution format 1.0 of packaging.python.org says.
// It is the library of the command imagespec-install, whose bytes are part of
// the cache keys of install steps: it uses the standard library and two small
// packages beside, and nothing of the frontend.
//
// What it does is what `uv pip install --no-deps` does with the same wheels,
// file by file; the oracle test compares the two over real wheels. All wheels
// are checked first, all that is wrong is reported at once; only then files are
// written, by as many goroutines as there are processors, each file streamed
// through a buffer. Package tree says which modes and times they get.
//
// # What a wheel has to be
//
//   - Its archive has to pass the checks of package archive: no absolute or
//     climbing names, no encryption, no overlapping or hidden entries, no
//     duplicates that differ, at most 64 GiB unpacked.
//   - One directory NAME-VERSION.dist-info, whose name, as METADATA has it too,
//     is the one in the wheel's file name after normalisation. Versions are not
//     compared.
//   - WHEEL with Wheel-Version 1.x or lower; above 1.0 there is a warning.
//   - RECORD in which every digest is right. That goes beyond pip and uv, which
//     do not look, and is what the format asks for and `installer` does. Only
//     sha256, sha384 and sha512 are verified: others are too weak to mean anything.
//     A file that RECORD does not list, or that it lists and is not there, gives
//     a warning: such wheels exist, and the format's demand to refuse them is met
//     by nobody. If the whole wheel has a digest (Wheel.SHA256) it is verified too.
//   - No other wheel of the same project beside it.
//   - Below NAME-VERSION.data only purelib, platlib, scripts, headers and data.
//   - No script, and nothing in data, that would replace the interpreter or
//     pyvenv.cfg: python, pythonw, python3, python3.N, python3.Nt, pypy… in bin.
//
// # What becomes of it
//
//   - Scripts of entry_points.txt become launchers with uv's text. Files in
//     .data/scripts that setuptools made for the same names are left out; the rest
//     are executable, and a first line "#!python…" is replaced. The name pip3.N of
//     pip's own wheel becomes that of the Python at hand, as for pip and uv.
//   - A file is executable if the archive has an x bit for anyone.
//   - Headers go to include/site/pythonX.Y/NAME, data to the environment's
//     root. Its lib64 is a link to lib, so data below lib64 is put below lib.
//   - RECORD is written anew of what was written: sorted, LF, a sha256 for every
//     file. INSTALLER is "imagespec". There is no REQUESTED: which of the packages
//     the user asked for is not known here, and would make the layer depend on it.
//     direct_url.json is written where the wheel has a direct URL. Such files in
//     the wheel itself are dropped.
//   - Empty directories are not made, .pyc files not compiled; those in the
//     wheel are kept, as pip and uv do (installer drops them).
//   - An entry marked as symbolic link is written as a file that holds the
//     target, with a warning: wheels have no links, pip and uv do the same.
//
// # When two files have one path
//
// In one wheel (root and .data, or twice in the archive) that is an error unless
// the bytes are the same; pip has the later one win, installer refuses always.
// Of two wheels the later in order of their file names wins, with a warning
// unless the bytes are the same; each RECORD lists its own file. A file and a
// directory of one path are always an error.
package wheelinstall
