#!/bin/sh
# Gives a Debian root with pythonX.Y the shape of the official Python image:
# the interpreter in /usr/local/bin, no compiled files, no pip guard.
# Works from inside the root (setup.sh "" 3.11) and, for other architectures,
# from outside (setup.sh /path/of/root 3.11): it runs nothing of the root.
set -eu
root=$1 version=$2

# What Debian has in /usr moves to /usr/local, with links where dpkg expects
# it. Python finds its prefix by looking for lib/pythonX.Y/os.py above its own
# binary, so this is all that it takes.
mkdir -p "$root/usr/local/bin" "$root/usr/local/lib"
mv "$root/usr/bin/python$version" "$root/usr/local/bin/"
ln -s "../local/bin/python$version" "$root/usr/bin/python$version"
ln -s "python$version" "$root/usr/local/bin/python3"
ln -s python3 "$root/usr/local/bin/python"
rm -rf "$root/usr/local/lib/python$version"
mv "$root/usr/lib/python$version" "$root/usr/local/lib/"
ln -s "../local/lib/python$version" "$root/usr/lib/python$version"
rm -f "$root/usr/local/lib/python$version/EXTERNALLY-MANAGED"
find "$root/usr/lib" "$root/usr/local/lib" -name __pycache__ -prune -exec rm -rf {} +

# A root that was only unpacked lacks what the packages' scripts make.
for file in passwd group; do
	test -e "$root/etc/$file" || cp "$root/usr/share/base-passwd/$file.master" "$root/etc/$file"
done
bundle=$root/etc/ssl/certs/ca-certificates.crt
test -s "$bundle" || {
	mkdir -p "${bundle%/*}"
	cat "$root"/usr/share/ca-certificates/mozilla/*.crt > "$bundle"
}

# The full version, for the image's PYTHON_VERSION; dpkg knows what it installed.
test ! -e "$root/var/lib/dpkg/status" || sed -n "/^Package: python$version\$/,/^\$/s/^Version: \([0-9.]*[0-9]\).*/\1/p" \
	"$root/var/lib/dpkg/status" > "$root/usr/local/share/python-version"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/log/apt "$root"/var/log/dpkg.log "$root"/var/log/alternatives.log
