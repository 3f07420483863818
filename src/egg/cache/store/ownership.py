"""Whose is this directory: is there an egg cache in it, or something else?"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from egg.cache.common import files
from egg.cache.common.errors import UntrustedError
from egg.cache.store import inventory
from egg.cache.store.layout import CACHEDIR_TAG, ENVIRONMENT, Layout

#: What can be where the cache should be.
MISSING, EMPTY, FOREIGN, CACHE = 'missing', 'empty', 'foreign', 'cache'

# Of filesystems, and of those who mount or mirror them.
_IGNORED = ('lost+found',)


def state(layout: Layout) -> str:
    """Return what is where the cache should be: MISSING, EMPTY, FOREIGN or CACHE.

    Hidden files don't count, nor does what a killed process can leave of a new cache. Raises
    `OSError` for a directory that can't be read.
    """
    try:
        names = set(os.listdir(layout.root))
    except FileNotFoundError:
        return MISSING
    if _has_tag(layout) or _has_environment(layout):
        return CACHE
    own = _own(layout)
    if _has_files(layout.environments):
        own.discard(layout.environments.name)
    return FOREIGN if _others(names, own) else EMPTY


def has_others(layout: Layout) -> bool:
    """Tell whether there is anything but a cache in the directory, or if nobody knows."""
    try:
        others = _others(set(os.listdir(layout.root)), {*_own(layout), layout.tag.name})
        return bool(others) or state(layout) == FOREIGN
    except OSError:
        return True


def _own(layout: Layout) -> set[str]:
    own = layout.environments, layout.tmp, layout.locks, layout.trash, layout.stats
    return {path.name for path in own}


def _others(names: set[str], own: set[str]) -> set[str]:
    return {name for name in names - own if not name.startswith('.')}.difference(_IGNORED)


def check(layout: Layout) -> None:
    """Raise `UntrustedError` for a directory of somebody else, in which no cache should be."""
    # What can't be read can't be written to either: that is told when it is tried.
    with suppress(OSError):
        if state(layout) == FOREIGN:
            raise UntrustedError(
                f'egg-cache = {layout.root} is not an egg cache: it holds other things.\n'
                'Choose an empty directory, or one that is not there yet.'
            )


def _has_environment(layout: Layout) -> bool:
    return any(
        os.path.isdir(layout.eggs(key)) or os.path.isfile(layout.environment(key) / ENVIRONMENT)
        for key in inventory.environment_keys(layout)
    )


def _has_files(directory: Path) -> bool:
    """Tell whether there is anything but a directory in `directory`, or if it is none itself."""
    if os.path.islink(directory) or not os.path.isdir(directory):
        return os.path.lexists(directory)
    return any(_has_files(directory / name) for name in os.listdir(directory))


def _has_tag(layout: Layout) -> bool:
    try:
        return files.read(layout.tag) == CACHEDIR_TAG.encode()
    except OSError:
        return False
