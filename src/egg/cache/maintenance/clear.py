"""What in this directory did the egg cache make?

All that it made can be removed, and nothing else: what somebody put there stays, and so does
what a link leads to.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from egg.cache.common import files
from egg.cache.store import inventory
from egg.cache.store.inventory import environment_keys, names
from egg.cache.store.layout import CACHEDIR_TAG, ENVIRONMENT, ORIGIN, Layout
from egg.cache.store.store import entries, remove_tree


@dataclass(frozen=True)
class Plan:
    """What goes: `trees` with all that is in them, then `files`, then `directories`, from the
    inside, if nothing else is in them."""

    trees: tuple[Path, ...]
    files: tuple[Path, ...]
    directories: tuple[Path, ...]

    @property
    def is_anything(self) -> bool:
        return bool(self.trees or self.files or self.directories)

    @property
    def size(self) -> int:
        return sum(map(files.tree_size, (*self.trees, *self.files)))


def plan(layout: Layout) -> Plan:
    """Return what the egg cache made in its directory, entries aside; nothing is changed.

    Another format version than ours is another one's, and stays.
    """
    trees = [*inventory.left_overs(layout), *inventory.set_aside(layout)]
    small = [*inventory.locks(layout), *inventory.stats(layout)]
    directories = [layout.tmp, layout.trash, layout.locks, layout.stats]
    for key in environment_keys(layout):
        environment = layout.environments / key
        small += [environment / ENVIRONMENT]
        for origin in _names(environment / 'origins'):
            directory = environment / 'origins' / origin
            small += [directory / name for name in _names(directory) if _is_ours(directory / name)]
            directories.append(directory)
        eggs = environment / 'eggs'
        for project in _names(eggs):
            directories += [eggs / project / version for version in _names(eggs / project)]
            directories.append(eggs / project)
        directories += [eggs, environment / 'origins', environment]
    directories.append(layout.environments)
    with suppress(OSError):
        if files.read(layout.tag) == CACHEDIR_TAG.encode():
            small.append(layout.tag)
    return Plan(
        tuple(trees),
        tuple(path for path in small if _is(stat.S_ISREG, path)),
        tuple(path for path in directories if _is(stat.S_ISDIR, path)),
    )


def carry_out(plan: Plan) -> Iterator[str]:
    """Remove what is planned; yield what could not be removed, each with its reason."""
    for path in plan.trees:
        remove_tree(path)
        if os.path.lexists(path):
            yield f'{path}: not all of it can be removed'
    for path in plan.files:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            yield f'{path}: {error.strerror}'
    for path in plan.directories:
        with suppress(OSError):
            os.rmdir(path)


def left(layout: Layout) -> list[Path]:
    """Return what is in the cache directory and not the cache's: the uppermost paths, sorted."""
    ours = plan(layout)
    made = {*ours.trees, *ours.files, *(entry.path for entry in entries(layout))}
    directories = set(ours.directories)

    def is_ours(path: Path) -> bool:
        if path in made:
            return True
        if path not in directories:
            return False
        with suppress(OSError):
            return all(is_ours(path / name) for name in os.listdir(path))
        return True

    with suppress(OSError):
        found = sorted(layout.root / name for name in os.listdir(layout.root))
        return [path for path in found if not is_ours(path)]
    return []


def _names(directory: Path) -> list[str]:
    """Return the names in `directory`, none if it can't be read: `store.entries` says so."""
    return names(directory, lambda error: None)


def _is_ours(path: Path) -> bool:
    """Tell whether this is a pointer, or says of which origin the others are."""
    with suppress(OSError):
        return path.name == ORIGIN or b'"sha256"' in files.read(path)
    return False


def _is(test: Callable[[int], bool], path: Path) -> bool:
    with suppress(OSError):
        return test(os.lstat(path).st_mode)
    return False
