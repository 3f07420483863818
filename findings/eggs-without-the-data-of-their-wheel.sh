#!/usr/bin/env bash
# Where do the data files of a wheel go when zc.buildout makes an egg of it?
#
# A good guess: into share/ of the egg, as pip install --target does; zc.buildout 4.2.0 does so, and
# its successors call just that pip.
# What happens: 5.2.0 and 6.0.1 move only what is importable out of pip's directory, and the data files
# are lost without a word. RECORD of the egg still lists them, by paths that lead out of the egg.
# Seen with jupyterlab-pygments 0.3.0, setuptools 80.9.0, pip 26.3, CPython 3.11:
#     zc.buildout 4.2.0: 7 data files in the egg
#     zc.buildout 5.2.0: 0 data files in the egg, 7 in RECORD
#     zc.buildout 6.0.1: 0 data files in the egg, 7 in RECORD
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH PYTHONDONTWRITEBYTECODE

mkdir links empty
seen=
for version in 4.2.0 5.2.0 6.0.1; do
    "${PYTHON:-python3}" -m venv "venv-$version"
    pip=venv-$version/bin/pip
    $pip install -q pip==26.3 "zc.buildout==$version" setuptools==80.9.0 wheel==0.45.1 packaging==26.4
    [ -e links/done ] || { $pip download -q --no-deps -d links jupyterlab-pygments==0.3.0; touch links/done; }
    mkdir "eggs-$version"
    "venv-$version/bin/python" - "$version" <<'PYTHON' 2>/dev/null
import logging, pathlib, sys
from zc.buildout import easy_install
logging.disable(logging.CRITICAL)
base = pathlib.Path.cwd()
easy_install.install(['jupyterlab-pygments'], str(base / f'eggs-{sys.argv[1]}'), path=[],
                     links=[str(base / 'links')], index=(base / 'empty').as_uri() + '/')
PYTHON
    there=$(find "eggs-$version" -path '*/share/jupyter/*' -type f | wc -l)
    listed=$(cat eggs-"$version"/*/*/RECORD | grep -c '^\.\./\.\./share/jupyter/' || true)
    line="zc.buildout $version: $there data files in the egg"
    [ "$version" = 4.2.0 ] || line="$line, $listed in RECORD"
    echo "$line"
    seen="$seen $version=$there/$listed"
done
[ "$seen" = ' 4.2.0=7/0 5.2.0=0/7 6.0.1=0/7' ]
