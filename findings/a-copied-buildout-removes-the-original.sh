#!/usr/bin/env bash
# What does zc.buildout do in a copy of a buildout's directory?
#
# A good guess: it works on the copy; cp -a of a project is a harmless thing to do.
# What happens: .installed.cfg is copied, too, and lists what was installed by absolute paths. The
# options of the parts hold absolute paths as well, so each part counts as changed and zc.buildout
# 6.0.1 uninstalls it before it installs it anew: there, in the ORIGINAL, with no word of it.
# Seen with zc.buildout 6.0.1, zc.recipe.egg 6.0.0, setuptools 84.2.1, pip 26.3, CPython 3.11, after
# cp -a and a first run of buildout in the copy:
#     scripts of the original: none
#     scripts of the copy: iniconfig-python
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH PYTHONDONTWRITEBYTECODE

"${PYTHON:-python3}" -m venv venv
venv/bin/pip install -q pip==26.3 zc.buildout==6.0.1 setuptools==84.2.1 wheel==0.48.0 \
    packaging==26.4 platformdirs==4.14.9 zc.recipe.egg==6.0.0
mkdir original links
venv/bin/pip download -q --no-deps -d links iniconfig==2.3.1
cat >original/buildout.cfg <<CFG
[buildout]
parts = demo
index = file://$work/links/
find-links = $work/links
[demo]
recipe = zc.recipe.egg
eggs = iniconfig
interpreter = iniconfig-python
CFG
(cd original && ../venv/bin/buildout >/dev/null 2>&1)
cp -a original copy
(cd copy && ../venv/bin/buildout >/dev/null 2>&1)
original=$(ls original/bin | xargs) copy=$(ls copy/bin | xargs)
echo "scripts of the original: ${original:-none}"
echo "scripts of the copy: ${copy:-none}"
[ -z "$original" ] && [ "$copy" = iniconfig-python ]
