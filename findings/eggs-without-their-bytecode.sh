#!/usr/bin/env bash
# Which eggs of zc.buildout 6.0.1 have the bytecode that their RECORD lists?
#
# A good guess: all or none, as pip has compiled every one of them when zc.buildout makes the egg.
# What happens: it depends on top_level.txt, an optional file of setuptools. Packages that it names
# keep their __pycache__; modules that it names lose theirs; without the file (hatchling, flit,
# poetry-core and others don't write it) every .pyc is lost. RECORD goes on listing all of them.
# Seen with zc.buildout 6.0.1, pip 26.3, setuptools 84.2.1, CPython 3.11 (.pyc listed, .pyc there):
#     iniconfig 2.3.1 (top_level.txt names a package): 4 4
#     six 1.17.0 (top_level.txt names a module): 1 0
#     pathspec 1.1.1 (no top_level.txt): 31 0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH PYTHONDONTWRITEBYTECODE

"${PYTHON:-python3}" -m venv venv
venv/bin/pip install -q pip==26.3 zc.buildout==6.0.1 setuptools==84.2.1 wheel==0.48.0 \
    packaging==26.4 platformdirs==4.14.9
mkdir links eggs empty
venv/bin/pip download -q --no-deps -d links iniconfig==2.3.1 six==1.17.0 pathspec==1.1.1
venv/bin/python - <<'PYTHON'
import logging, pathlib
from zc.buildout import easy_install
logging.disable(logging.CRITICAL)
base = pathlib.Path.cwd()
easy_install.install(['iniconfig', 'six', 'pathspec'], str(base / 'eggs'), path=[],
                     links=[str(base / 'links')], index=(base / 'empty').as_uri() + '/')
PYTHON

count() {
    local listed there
    listed=$(grep -c '\.pyc,' eggs/"$1"-*/*.dist-info/RECORD)
    there=$(find eggs/"$1"-* -name '*.pyc' | wc -l)
    echo "$listed $there"
}
iniconfig=$(count iniconfig) six=$(count six) pathspec=$(count pathspec)
echo "iniconfig 2.3.1 (top_level.txt names a package): $iniconfig"
echo "six 1.17.0 (top_level.txt names a module): $six"
echo "pathspec 1.1.1 (no top_level.txt): $pathspec"
[ "$iniconfig" = '4 4' ] && [ "$six" = '1 0' ] && [ "$pathspec" = '31 0' ]
