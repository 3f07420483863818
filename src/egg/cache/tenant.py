"""Whose is this directory: is there an egg cache in it, or something else?"""

from __future__ import annotations

import os
from contextlib import suppress

from egg.cache.errors import UntrustedError
from egg.cache.layout import CACHEDIR_TAG, Layout

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
    if layout.environments.name in names or _has_tag(layout):
        return CACHE
    own = {path.name for path in (layout.tmp, layout.locks, layout.trash, layout.stats)}
    others = {name for name in names - own if not name.startswith('.')}
    return FOREIGN if others.difference(_IGNORED) else EMPTY


def check(layout: Layout) -> None:
    """Raise `UntrustedError` for a directory of somebody else, in which no cache should be made."""
    # What can't be read can't be written to either: that is told when it is tried.
    with suppress(OSError):
        if state(layout) == FOREIGN:
            raise UntrustedError(
                f'egg-cache = {layout.root} is not an egg cache: it holds other things.\n'
                'Choose an empty directory, or one that is not there yet.'
            )


def _has_tag(layout: Layout) -> bool:
    try:
        return layout.tag.read_bytes() == CACHEDIR_TAG.encode()
    except OSError:
        return False
