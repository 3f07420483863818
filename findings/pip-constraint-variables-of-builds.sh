#!/usr/bin/env bash
# PIP_CONSTRAINT and PIP_BUILD_CONSTRAINT: which of them decides about the setuptools of a build?
#
# A good guess: the newer variable replaces the older one where it appears, or 26.0 makes the cut.
# What happens: pip 25.2 knows only PIP_CONSTRAINT, 25.3 to 26.1.2 take both, and from 26.2 on only
# PIP_BUILD_CONSTRAINT counts for isolated builds. So the same environment and the same archive give
# two different wheels with two releases of pip, silently: the variable of the other one is ignored.
# Seen with CPython 3.11 and a setup.py that writes setuptools.__version__ into its summary, the file
# of constraints naming setuptools 80.9.0:
#     pip 25.2: PIP_CONSTRAINT counts, PIP_BUILD_CONSTRAINT is ignored
#     pip 25.3: PIP_CONSTRAINT counts, PIP_BUILD_CONSTRAINT counts
#     pip 26.1.2: PIP_CONSTRAINT counts, PIP_BUILD_CONSTRAINT counts
#     pip 26.2.1: PIP_CONSTRAINT is ignored, PIP_BUILD_CONSTRAINT counts
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH PYTHONDONTWRITEBYTECODE

mkdir demo
echo 'setuptools==80.9.0' >constraints.txt
touch demo/demo.py
cat >demo/setup.py <<'PYTHON'
import setuptools
setuptools.setup(name='demo', version='1.0', py_modules=['demo'],
                 description='built by setuptools ' + setuptools.__version__)
PYTHON

"${PYTHON:-python3}" -m venv venv
seen=
for version in 25.2 25.3 26.1.2 26.2.1; do
    venv/bin/python -m pip install -q "pip==$version"
    line=
    for variable in PIP_CONSTRAINT PIP_BUILD_CONSTRAINT; do
        rm -rf wheels demo/build demo/*.egg-info
        env "$variable=$work/constraints.txt" \
            venv/bin/python -m pip wheel -q --no-deps -w wheels ./demo 2>/dev/null
        if venv/bin/python -m zipfile -e wheels/demo-1.0-py3-none-any.whl wheels/out &&
            grep -q 'built by setuptools 80.9.0' wheels/out/demo-1.0.dist-info/METADATA
        then line="$line, $variable counts"; else line="$line, $variable is ignored"; fi
    done
    echo "pip $version: ${line#, }"
    seen="$seen$version: ${line#, }
"
done
[ "$seen" = '25.2: PIP_CONSTRAINT counts, PIP_BUILD_CONSTRAINT is ignored
25.3: PIP_CONSTRAINT counts, PIP_BUILD_CONSTRAINT counts
26.1.2: PIP_CONSTRAINT counts, PIP_BUILD_CONSTRAINT counts
26.2.1: PIP_CONSTRAINT is ignored, PIP_BUILD_CONSTRAINT counts
' ]
