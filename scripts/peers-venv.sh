#!/bin/sh
# Makes target/peers-venv, a Python environment with aiortc for the tests, examples/ and benches/peers; does nothing when it is there
# and up to date.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
wanted=$root/examples/requirements.txt
venv=$root/target/peers-venv

die() { printf 'peers-venv: %s\n' "$1" >&2; exit 1; }

cmp -s "$wanted" "$venv/installed.txt" && exit 0
echo "peers-venv: installing aiortc from PyPI into $venv"
mkdir -p "$root/target"
python3 -m venv --clear "$venv" || die "python3 makes no virtual environment: install python3-venv (scripts/install-deps.sh --test)"
"$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --requirement "$wanted" \
    || die "PyPI cannot be reached, or has no wheels for this machine; without them the tests against aiortc fail, nothing else"
cp "$wanted" "$venv/installed.txt"
