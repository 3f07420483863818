#!/usr/bin/env bash
# zc.buildout 6.0.1 takes the wheel without a build tag, and orders the others as text.
#
# A good guess: the binary distribution format says of the build tag that it is "a tie-breaker", that
# no build tag sorts before any, and that the digits at its beginning compare as a number. pip 26.3
# takes demo-1.0-10, then demo-1.0-2, then demo-1.0.
# What happens: of the three, zc.buildout takes demo-1.0; of the two with a tag it takes 2 before 10.
# So a rebuilt wheel never replaces the first one, and a tenth rebuild never replaces the second.
# Seen with zc.buildout 6.0.1, setuptools 84.2.1, pip 26.3, CPython 3.11:
#     pip, all three: BUILD = "10"
#     buildout, all three: BUILD = "none"
#     buildout, without the untagged one: BUILD = "2"
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH

"${PYTHON:-python3}" -m venv venv
venv/bin/pip install -q pip==26.3 zc.buildout==6.0.1 setuptools==84.2.1 wheel==0.48.0 \
    packaging==26.4 platformdirs==4.14.9

venv/bin/python - <<'PYTHON'
import zipfile, pathlib
pathlib.Path('links').mkdir()
for build in ('', '-2', '-10'):
    with zipfile.ZipFile(f'links/demo-1.0{build}-py3-none-any.whl', 'w') as wheel:
        wheel.writestr('demo.py', f'BUILD = "{build[1:] or "none"}"\n')
        wheel.writestr('demo-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n')
        wheel.writestr('demo-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
        wheel.writestr('demo-1.0.dist-info/top_level.txt', 'demo\n')
        wheel.writestr('demo-1.0.dist-info/RECORD', '')
PYTHON
mkdir empty

by_buildout() {
    rm -rf out; mkdir out
    venv/bin/python - "$1" <<'PYTHON'
import logging, pathlib, sys
from zc.buildout import easy_install
logging.disable(logging.CRITICAL)
base = pathlib.Path.cwd()
easy_install.install(['demo'], str(base / 'out'), links=[sys.argv[1]],
                     index=(base / 'empty').as_uri() + '/', path=[])
PYTHON
    cat out/*/demo.py
}

venv/bin/pip install -q --no-index --find-links links --target by-pip demo
pip_all=$(cat by-pip/demo.py)
all=$(by_buildout "$work/links")
rm links/demo-1.0-py3-none-any.whl
tagged=$(by_buildout "$work/links")
printf "pip, all three: %s\nbuildout, all three: %s\nbuildout, without the untagged one: %s\n" "$pip_all" "$all" "$tagged"
[ "$pip_all" = 'BUILD = "10"' ] && [ "$all" = 'BUILD = "none"' ] && [ "$tagged" = 'BUILD = "2"' ]
