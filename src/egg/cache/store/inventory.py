"""Which of the names in the cache directory did the egg cache make?

What somebody else put there stays, and links are not followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from egg.cache.store.layout import DIGEST_LENGTH, Layout, is_component

#: The record of a run in `stats/`, as `recorder` calls it.
RECORD = re.compile(r'[0-9]{8}T[0-9]{6}-[0-9]+-[0-9a-f]{16}\.jsonl')
SUMMARY = 'summary.json'
STATS_LOCK = 'lock'

# As `files.unique`, `Store.set_aside`, and `Layout.lock` with `locks` call them.
_TMP = re.compile('[0-9]+-[0-9a-f]{16}')
_TRASH = re.compile(f'[0-9a-f]{{{DIGEST_LENGTH}}}-[0-9a-f]{{16}}')
_LOCK = re.compile(rf'.+-[0-9a-f]{{{DIGEST_LENGTH}}}\.(lock|json)')


def environment_keys(layout: Layout) -> list[str]:
    """Return the sorted keys of all environments."""
    keys = names(layout.environments)
    return [key for key in keys if not os.path.islink(layout.environments / key)]


def left_overs(layout: Layout) -> list[Path]:
    """Return what is in `tmp/`, in use or not."""
    return _matching(layout.tmp, _TMP)


def set_aside(layout: Layout) -> list[Path]:
    """Return what is in `trash/`."""
    return _matching(layout.trash, _TRASH)


def locks(layout: Layout) -> list[Path]:
    """Return what is in `locks/`: the locks, and who held them."""
    return _matching(layout.locks, _LOCK)


def stats(layout: Layout) -> list[Path]:
    """Return what is in `stats/`."""
    others = [layout.stats / name for name in (SUMMARY, STATS_LOCK)]
    return [*_matching(layout.stats, RECORD), *others]


def names(directory: Path, unreadable: Callable[[OSError], object] | None = None) -> list[str]:
    """Return the sorted names in `directory` that can be ours, none if it isn't one.

    For one that may not be read: none, if `unreadable` is there to be told, else it raises.
    """
    if os.path.islink(directory):
        return []
    try:
        return sorted(filter(is_component, os.listdir(directory)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        if unreadable is None:
            raise
        unreadable(error)
        return []


def _matching(directory: Path, pattern: re.Pattern[str]) -> list[Path]:
    return [directory / name for name in filter(pattern.fullmatch, names(directory))]
