#!/usr/bin/env bash
# Whether the lock file of filelock is still there after release() depends on the release of filelock.
#
# A good guess: it stays, as with flock(1). Who removes it lets a second process lock the old file
# while a third one locks a new one.
# What happens: filelock keeps it up to 3.20.3, deletes it from 3.20.4 to 3.29.4, and keeps it again
# from 3.29.5 on. The turns come in the third number of a version.
# Seen with CPython 3.11 on Linux, one FileLock acquired and released:
#     filelock 3.20.3: kept
#     filelock 3.20.4: deleted
#     filelock 3.29.4: deleted
#     filelock 3.29.5: kept
#     filelock 4.3.1: kept
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export HOME=$work PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONPATH PYTHONDONTWRITEBYTECODE

"${PYTHON:-python3}" -m venv venv
seen=
for version in 3.20.3 3.20.4 3.29.4 3.29.5 4.3.1; do
    venv/bin/pip install -q --target "lib-$version" "filelock==$version"
    answer=$(PYTHONPATH=lib-$version venv/bin/python -c "
import os, filelock
lock = filelock.FileLock('at-$version.lock')
lock.acquire()
assert os.path.exists('at-$version.lock')
lock.release()
print('kept' if os.path.exists('at-$version.lock') else 'deleted')")
    echo "filelock $version: $answer"
    seen="$seen $version=$answer"
done
[ "$seen" = ' 3.20.3=kept 3.20.4=deleted 3.29.4=deleted 3.29.5=kept 4.3.1=kept' ]
