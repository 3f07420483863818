#!/usr/bin/env bash
# From packaging 26.3 on, the first tag of a Linux no longer names the libc.
#
# A good guess: the first of packaging.tags.sys_tags() is the most specific one, so its platform is
# manylinux_X_Y or musllinux_X_Y with the version of the libc, and may serve as the key of a cache.
# What happens: 26.2 begins with manylinux_X_Y, 26.3 with linux_ARCH, which says nothing of the libc:
# eggs of two machines with different libcs would share a key.
# Seen on x86_64 with glibc 2.36, CPython 3.11:
#     packaging 26.2: manylinux_2_36_x86_64
#     packaging 26.3: linux_x86_64
#     packaging 26.4: linux_x86_64
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH

"${PYTHON:-python3}" -m venv venv
seen=
for version in 26.2 26.3 26.4; do
    venv/bin/pip install -q --target "lib-$version" "packaging==$version"
    tag=$(PYTHONPATH=lib-$version venv/bin/python -c \
        'from packaging import tags; print(next(tags.sys_tags()).platform)')
    echo "packaging $version: $tag"
    seen="$seen ${tag%%_*}"
done
[ "$seen" = ' manylinux linux linux' ]
