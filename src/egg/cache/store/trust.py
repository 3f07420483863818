"""Can this cache directory be trusted, and what is in it?

Whoever can write to an egg cache runs code in every buildout that uses it. These checks find
mistakes in permissions; against somebody who may write to the cache there is no help.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shlex import quote

from egg.cache.common import files
from egg.cache.common.errors import CacheError, UntrustedError
from egg.cache.store import ownership
from egg.cache.store.layout import Layout

# As many as Linux follows.
_MAXIMUM_LINKS = 40


@dataclass(frozen=True)
class Owners:
    """Whose entries are served: those of the user, of root and of the owner of the cache.

    Where the group of the cache may write to it, this is a cache that its members share: then
    what belongs to that group is served, too, whoever of them made it.
    """

    users: frozenset[int]
    group: int | None = None

    def have(self, info: os.stat_result) -> bool:
        """Tell whether a file is one of theirs."""
        return info.st_uid in self.users or info.st_gid == self.group


def owners(root: Path) -> Owners:
    """Return the owners of the cache directory `root`, which may be a link. Raises `OSError`."""
    info = os.stat(root)
    group = info.st_gid if info.st_mode & stat.S_IWGRP else None
    return Owners(_roots() | {os.geteuid(), info.st_uid}, group)


def check(directory: Path) -> None:
    """Raise `UntrustedError` if others could put something of theirs into the cache `directory`.

    They could if they may write to it, or rename one of the directories above it. Groups may
    do both: a cache for a group is a recipe of the manual.
    """
    with suppress(OSError, ValueError):
        info = os.stat(directory)
        if info.st_mode & stat.S_IWOTH:
            raise UntrustedError(
                f'egg-cache = {directory} can be written to by everybody, '
                'so anybody could put code into your buildouts.\n'
                + _advice(directory, info)
            )
        mine = _roots() | {os.geteuid()}
        for parent, child in _steps(os.path.abspath(directory)):
            reason = _replaceable(os.lstat(parent), child, mine, info.st_uid)
            if reason is not None:
                raise UntrustedError(
                    f'egg-cache = {directory} is not safe: {parent} {reason}, so somebody else '
                    'could put another directory in its place, and code into your buildouts.\n'
                    'Choose another directory: below your home, or where only you, root or a '
                    'group can write.'
                )


def _advice(directory: Path, info: os.stat_result) -> str:
    """Return what to do about a directory that everybody can write to.

    Only from a directory of the user's own that has nothing but an egg cache in it, if anything,
    it does no harm to take that away. A sticky one, such as /tmp, is there for everybody.
    """
    if info.st_mode & stat.S_ISVTX:
        return f'Choose a directory below it, such as {directory / "eggs"}, or another one.'
    if info.st_uid != os.geteuid():
        return f'It belongs to the user {info.st_uid}: choose another directory.'
    if ownership.has_others(Layout(directory)):
        return 'It holds other things: choose a directory that is for the egg cache alone.'
    return f'Take that away (chmod o-w {quote(str(directory))}), or choose another directory.'


def check_directory(path: Path, owners: Owners, info: os.stat_result | None = None) -> None:
    """Raise `CacheError` if `path`, below a cache directory, can't be trusted, or `OSError`.

    `info` is what is known of it, if anything is.
    """
    info = info or os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        raise CacheError(f'{path} is a link; those inside of an egg cache are not followed.')
    if not stat.S_ISDIR(info.st_mode):
        raise CacheError(f'{path} is not a directory.')
    if info.st_mode & stat.S_IWOTH:
        raise CacheError(f'{path} can be written to by everybody.')
    if not owners.have(info):
        raise CacheError(
            f'{path} belongs to the user {info.st_uid}, '
            'who is neither you nor root nor the owner of the cache.'
        )


def _replaceable(
    parent: os.stat_result, child: str, mine: frozenset[int], cache_owner: int
) -> str | None:
    """Return why a stranger could replace `child`, which is in the directory `parent`."""
    if parent.st_uid not in mine | {cache_owner}:
        return f'belongs to the user {parent.st_uid}'
    if not parent.st_mode & stat.S_IWOTH:
        return None
    # In a sticky directory, such as /tmp, everybody may only rename what is his own. The owner
    # of the cache may be anybody there.
    if not parent.st_mode & stat.S_ISVTX:
        return 'can be written to by everybody'
    owner = os.lstat(child).st_uid
    if owner in mine:
        return None
    return f'can be written to by everybody, and {child} belongs to the user {owner}'


def _steps(path: str) -> Iterator[tuple[str, str]]:
    """Yield (directory, path in it) for all that is looked up on the way to the absolute `path`.

    Directories are without links. Each link on the way is a step, and so is its target.
    """
    current, parts, links = '/', path.split('/'), 0
    while parts:
        name = parts.pop(0)
        if name == '..':
            current = os.path.dirname(current)
        elif name not in ('', '.'):
            child = os.path.join(current, name)
            yield current, child
            if os.path.islink(child) and links < _MAXIMUM_LINKS:
                links += 1
                target = os.readlink(child)
                parts[:0] = target.split('/')
                current = '/' if target.startswith('/') else current
            else:
                current = child


@cache
def _roots() -> frozenset[int]:
    """Return the users that are root.

    In a user namespace (a container without root) the real one has no number there, and all that
    has none is shown with the same.
    """
    roots = {0}
    with suppress(OSError, ValueError, IndexError):
        count = files.read(Path('/proc/self/uid_map')).split()[2]
        if int(count) < 2**32 - 1:
            roots.add(int(files.read(Path('/proc/sys/kernel/overflowuid'))))
    return frozenset(roots)
