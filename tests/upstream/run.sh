#!/usr/bin/env bash
# Run the tests of zc.buildout and zc.recipe.egg themselves, with the egg cache active in every
# buildout that they start, and without it. README.rst tells what to expect.
#
#     tests/upstream/run.sh DIRECTORY [CHECKOUT] [-- TEST RUNNER OPTIONS]
#
# DIRECTORY is a new one for everything that is needed. CHECKOUT is a git repository of
# buildout/buildout; without it, it is cloned. Takes about 20 minutes for each of the two.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=${1:?"which directory?"}
shift
repository=https://github.com/buildout/buildout
if [ $# -gt 0 ] && [ "$1" != -- ]; then
    repository=$1
    shift
fi
if [ "${1:-}" = -- ]; then
    shift
fi

buildout_version=6.0.1
recipe_version=6.0.0
export PYTHON_VERSION=${PYTHON_VERSION:-3.13} SETUPTOOLS_VERSION=${SETUPTOOLS_VERSION:-84.0.0}
export PIP_CONFIG_FILE=/dev/null PYTHONWARNINGS=ignore
# runsetup.txt expects bytecode to be written.
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONDONTWRITEBYTECODE

mkdir -p "$work"
work=$(cd "$work" && pwd)
python=python$PYTHON_VERSION

# The scaffolding of the repository around the sources of the releases, which hold the tests.
prepare() {
    git clone -q "$repository" "$work/buildout"
    $python -m venv "$work/fetch"
    "$work/fetch/bin/pip" -q install -U pip setuptools wheel
    "$work/fetch/bin/pip" -q download --no-deps --no-build-isolation --no-binary :all: \
        -d "$work" "zc.buildout==$buildout_version" "zc.recipe.egg==$recipe_version"
    cd "$work/buildout"
    rm -rf src zc.recipe.egg_
    tar xzf "$work/zc_buildout-$buildout_version.tar.gz" --strip-components 1
    mkdir zc.recipe.egg_
    tar xzf "$work/zc_recipe_egg-$recipe_version.tar.gz" --strip-components 1 -C zc.recipe.egg_
    ./prepare.sh
    bin/buildout
}

# Only the packages: a distribution with metadata would be seen by the buildouts.
install_hook() {
    local target=$work/hook
    rm -rf "$target"
    mkdir -p "$target/egg"
    cp -r "$here/../../src/egg/cache" "$target/egg/"
    cp "$here/egg_cache_upstream.py" "$target/"
    "$work/fetch/bin/pip" -q install --no-deps --target "$target/filelock-only" filelock
    mv "$target/filelock-only/filelock" "$target/"
    rm -rf "$target/filelock-only"
    "$work/buildout/venvs/$python/bin/python" - "$target" <<'PYTHON'
import pathlib, site, sys
hook = f"""if 'EGG_CACHE_UPSTREAM_LOG' in os.environ:
    sys.path.append({sys.argv[1]!r})
    import egg_cache_upstream
"""
path = pathlib.Path(site.getsitepackages()[0], 'egg_cache_upstream.pth')
path.write_text(f'import os, sys; exec({hook!r})\n')
PYTHON
}

# The names of the tests that fail, one a line.
failures() {
    sed -nE 's/^(Failure|Error) in test (.*)$/\2/p' "$1" | sed "s|$work/buildout/||g" | sort -u
}

[ -x "$work/buildout/bin/test" ] || prepare
cd "$work/buildout"
install_hook
for kind in cached plain; do
    if [ $kind = cached ]; then
        export EGG_CACHE_UPSTREAM_LOG=$work/events.log
        : > "$EGG_CACHE_UPSTREAM_LOG"
    else
        unset EGG_CACHE_UPSTREAM_LOG
    fi
    [ "${ONLY:-$kind}" = $kind ] || continue
    bin/test -pvv "$@" > "$work/$kind.log" 2>&1 || true
    failures "$work/$kind.log" > "$work/$kind.failures"
    tail -n 3 "$work/$kind.log"
done
sort "$work/events.log" | uniq -c
echo 'Tests that fail with the cache alone (<) or without it alone (>):'
diff "$work/cached.failures" "$work/plain.failures" && echo none
