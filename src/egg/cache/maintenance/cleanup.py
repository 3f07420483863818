"""What lies in the cache and is of no use?

What killed processes left in `tmp/`, what was set aside in `trash/`, pointers to entries that are
gone, and directories without an entry. Files in `locks/` stay: nobody can tell, without a race,
that no process is about to lock one of them, and then two would hold the same lock. They are
empty. Directories of origins and environments stay, too: they are few.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.lookup import origins
from egg.cache.store.inventory import environment_keys, left_overs, names, set_aside
from egg.cache.store.layout import ORIGIN, Layout, is_component
from egg.cache.store.manifest import UNKNOWN
from egg.cache.store.store import TMP_AGE, Store, remove_tree

LEFT_OVER, TRASH, POINTER, DIRECTORY = 'left over', 'trash', 'pointer', 'directory'


@dataclass(frozen=True)
class Leftover:
    """Something useless; `size` in bytes."""

    path: Path
    kind: str
    size: int


def find(layout: Layout) -> Iterator[Leftover]:
    """Yield all that is useless. What is in `tmp/` for less than a day may be in use.

    Raises `CacheError` if the way there can't be trusted.
    """
    now = time.time()
    for directory, paths, kind, age in (
        (layout.tmp, left_overs, LEFT_OVER, TMP_AGE), (layout.trash, set_aside, TRASH, 0.0),
    ):  # fmt: skip
        Store(layout, '').check(directory)
        for path in paths(layout):
            with suppress(FileNotFoundError):
                if not age or now - os.lstat(path).st_mtime > age:
                    yield Leftover(path, kind, files.tree_size(path))
    for key in environment_keys(layout):
        for path in _dangling(layout, key):
            yield Leftover(path, POINTER, files.tree_size(path))
        for path in _empty(layout.eggs(key)):
            yield Leftover(path, DIRECTORY, 0)


def remove(leftover: Leftover) -> None:
    """Remove it; whoever was faster did as well. Raises `OSError`.

    A pointer that was written anew a moment ago is lost: its origin asks its index once more.
    """
    with suppress(FileNotFoundError):
        if leftover.kind == POINTER:
            os.unlink(leftover.path)
        elif leftover.kind == DIRECTORY:
            try:
                os.rmdir(leftover.path)
            except OSError as error:
                # An entry arrived in the meantime.
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        else:
            os.lstat(leftover.path)
            remove_tree(leftover.path)
            if os.path.lexists(leftover.path):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(leftover.path))


def _dangling(layout: Layout, key: str) -> Iterator[Path]:
    top = layout.environment(key) / 'origins'
    for name in _names(top):
        for pin in _names(top / name):
            path = top / name / pin
            if pin != ORIGIN and not _points(layout, key, path) and not _is_needed(layout, path):
                yield path


def _is_needed(layout: Layout, path: Path) -> bool:
    """Tell whether a pointer keeps an adopted egg from answering: its origin has answered.

    The pointer to that egg is one of all origins, or of the same one but in the environment of
    what is built from source. Which environment that is, is not known here.
    """
    everywhere = origins.EVERYWHERE.key
    if path.parent.name == everywhere:
        return False
    rivals = [everywhere] if _is_adopted(path) else [everywhere, path.parent.name]
    return any(
        _is_adopted(layout.environment(key) / 'origins' / name / path.name)
        for key in environment_keys(layout) for name in rivals
    )


def _is_adopted(path: Path) -> bool:
    """Tell whether a pointer leads to an adopted egg; of one that can't be read, nobody knows."""
    if path.parent.name == origins.EVERYWHERE.key:
        return os.path.lexists(path)
    try:
        return str(json.loads(files.read(path))['name']).endswith(UNKNOWN)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, RecursionError, CacheError):
        return True


def _points(layout: Layout, key: str, path: Path) -> bool:
    """Tell whether a pointer leads to an entry; what is none of ours counts as if it did."""
    project, dash, _ = path.name.rpartition('-')
    try:
        row = json.loads(files.read(path))
        # What is built from source may be kept in another environment than the pointer.
        version, sha256 = row['version'], row['sha256']
        is_wheel = str(row.get('name', '')).endswith(('.whl', '.egg'))
        keys = [key] if is_wheel else [key, *environment_keys(layout)]
        entries = [layout.entry(one, project, version, sha256) for one in keys]
        return not dash or not all(map(_is_gone, entries))
    except FileNotFoundError:
        return True
    except (ValueError, KeyError, TypeError, RecursionError, CacheError):
        return not _is_ours(path)
    except OSError:
        return True


def _is_gone(path: Path) -> bool:
    """Tell whether nothing is there; of what can't be looked at, nobody knows."""
    try:
        os.lstat(path)
        return False
    except OSError as error:
        return isinstance(error, (FileNotFoundError, NotADirectoryError))


def _is_ours(path: Path) -> bool:
    """Tell whether something that can't be read was a pointer: a crash may empty a file."""
    with suppress(OSError):
        return is_component(path.name) and os.lstat(path).st_size == 0
    return False


def _empty(eggs: Path) -> Iterator[Path]:
    """Yield directories of versions and projects without an entry, the inner ones first."""
    for project in _names(eggs):
        top = eggs / project
        empty = [top / version for version in _names(top) if _is_empty(top / version)]
        with suppress(OSError):
            # Counted before they are removed.
            if not top.is_symlink() and len(os.listdir(top)) == len(empty):
                empty.append(top)
        yield from empty


def _is_empty(path: Path) -> bool:
    with suppress(OSError):
        return not path.is_symlink() and not os.listdir(path)
    return False


def _names(directory: Path) -> list[str]:
    """Return the names in `directory`, none if it can't be read: `store.entries` says so."""
    return names(directory, lambda error: None)
