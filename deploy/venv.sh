#!/bin/sh
# Makes the virtual environment in the folder $1 from the newest fitting Python of this machine.
# PYTHON=… names another one.
set -eu
venv=$1
needs='import sys; sys.exit(sys.version_info < (3, 11))'

found=
for python in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    # A name may be there and not start: a shim for a version that is not switched on.
    version=$("$python" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
    found="$found $python=$version"
    "$python" -c "$needs" || continue
    if ! "$python" -c 'import venv; from ensurepip import version' 2>/dev/null; then
        without=${without:-$python}
        continue
    fi
    echo "Making $venv with $python ($version) …"
    rm -rf "$venv"
    exec "$python" -m venv "$venv"
done

if [ -n "${without:-}" ]; then
    package=$("$without" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    echo "$without has no module venv (or its part ensurepip)." >&2
    echo "On Debian and Ubuntu it is the package python3-venv ($package):" >&2
    echo "    sudo apt-get install $package" >&2
elif [ -n "$found" ]; then
    echo "Python 3.11 or later is needed; found only:$found." >&2
    echo "Another one can be named: make setup PYTHON=/path/to/python3" >&2
else
    echo "No Python was found. On Debian: sudo apt-get install python3 python3-venv" >&2
fi
exit 1
