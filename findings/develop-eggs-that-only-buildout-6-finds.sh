#!/usr/bin/env bash
# Does zc.buildout find a develop egg that another backend than setuptools builds?
#
# A good guess: yes, since zc.buildout 5 lets pip make the editable installation, whatever the backend.
# What happens: zc.buildout 5.2.0 builds it, and keeps nothing but an .egg-link to the source. Metadata
# are looked for there: setuptools leaves an .egg-info, hatchling leaves nothing. So the run says
# "Develop", then asks the index for a distribution of that name, and fails, or gets that of somebody
# else. zc.buildout 6.0.1 keeps the .dist-info, too, and finds it.
# Seen with hatchling 1.33.0, setuptools 80.9.0, pip 26.3, CPython 3.11, an index that has no `shop`:
#     zc.buildout 5.2.0: Error: Couldn't find a distribution for 'shop'.
#     zc.buildout 6.0.1: shop
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH PYTHONDONTWRITEBYTECODE

mkdir -p shop/shop index
echo 'print("shop")' >shop/shop/__init__.py
cat >shop/pyproject.toml <<'TOML'
[build-system]
requires = ["hatchling==1.33.0"]
build-backend = "hatchling.build"
[project]
name = "shop"
version = "1.0"
TOML

try() {  # zc.buildout, zc.recipe.egg
    "${PYTHON:-python3}" -m venv "venv-$1"
    "venv-$1/bin/pip" install -q pip==26.3
    "venv-$1/bin/pip" install -q "zc.buildout==$1" setuptools==80.9.0 wheel==0.45.1
    "venv-$1/bin/pip" download -q --no-deps -d wheels "zc.recipe.egg==$2"
    mkdir "site-$1"
    cp -a shop "site-$1"
    cat >"site-$1/buildout.cfg" <<CFG
[buildout]
index = $work/index
find-links = $work/wheels
develop = shop
parts = app
[app]
recipe = zc.recipe.egg
eggs = shop
interpreter = py
[versions]
zc.recipe.egg = $2
CFG
    if (cd "site-$1" && "../venv-$1/bin/buildout" >log 2>&1); then
        "site-$1/bin/py" -c 'import shop'
    else
        grep '^Error: ' "site-$1/log"
    fi
}
five=$(try 5.2.0 3.0.0)
six=$(try 6.0.1 6.0.0)
echo "zc.buildout 5.2.0: $five"
echo "zc.buildout 6.0.1: $six"
[ "$five" = "Error: Couldn't find a distribution for 'shop'." ] && [ "$six" = shop ]
