"""What is in an egg that isn't in the cache yet?"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import stat
from collections.abc import Iterable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.store.manifest import DIRECTORY, FILE, LINK, Item

_EXTENSION = re.compile(r'\.(cpython|cp[0-9]|pypy)[^./]*\.(so|pyd)$')

# Directories in each other; all functions that walk through an egg can do as many.
_DEEPEST = 100


def identity(items: Iterable[Item]) -> str:
    """Return a sha256 that is the same for eggs of the same content."""
    rows = [
        (item.path, item.kind, item.sha256, item.target, bool(item.mode & 0o111))
        for item in sorted(items, key=lambda item: item.path)
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def contents(egg: Path, below: str = '.') -> list[Item]:
    """Return all that is in the egg, parents first, with the digests of the files.

    Raises `CacheError` for what must not be in an egg of the cache.
    """
    path = egg if below == '.' else egg / below
    info = os.lstat(path)
    mode = stat.S_IMODE(info.st_mode) & 0o777
    if stat.S_ISLNK(info.st_mode):
        target = os.readlink(path)
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(below), target))
        if os.path.isabs(target) or inside.split('/')[0] == '..':
            raise CacheError(f'{below} is a link out of the egg, to {target}')
        # Through another link '..' leads anywhere.
        way = os.path.dirname(os.path.join(os.path.realpath(path.parent), target))
        if os.path.realpath(way) != os.path.normpath(way):
            raise CacheError(f'{below} is a link through another link, to {target}')
        return [Item(below, LINK, target=target)]
    if mode & stat.S_IWOTH:
        raise CacheError(f'everybody can write to {below}')
    if stat.S_ISREG(info.st_mode):
        extension = _EXTENSION.search(below)
        if extension is not None and extension[0] not in EXTENSION_SUFFIXES:
            raise CacheError(f'{below} is for another Python or platform')
        return [Item(below, FILE, mode, info.st_mtime_ns, info.st_size, _sha256(path))]
    if not stat.S_ISDIR(info.st_mode):
        raise CacheError(f'{below} is neither a file nor a directory nor a link')
    if below.count('/') > _DEEPEST:
        raise CacheError('its directories are too deep')
    items = [Item(below, DIRECTORY, mode, info.st_mtime_ns)]
    for name in sorted(os.listdir(path)):
        items += contents(egg, name if below == '.' else f'{below}/{name}')
    return items


def _sha256(path: Path) -> str:
    with files.opened(str(path)) as descriptor:
        digest = hashlib.sha256()
        for chunk in files.chunks(descriptor):
            digest.update(chunk)
    return digest.hexdigest()
