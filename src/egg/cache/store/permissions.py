"""With which permissions is something made in the cache directory, and who mends them?

Where the group may write to the cache directory, its members share it. One of them with the umask
022 would close it to the others, so what is made there has the group's permissions from it,
whatever the umask, as with git's `core.sharedRepository`. In any other cache the umask decides.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from egg.cache.common import files
from egg.cache.store.layout import Layout

# Directories belong to the group with all that is made in them later: setgid.
_DIRECTORY_BITS = stat.S_ISGID | stat.S_IRWXG
_FILE_BITS = stat.S_IRGRP | stat.S_IWGRP
_REFUSALS = (errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class Permissions:
    """What the members of `group` get in a cache directory, None where they share none."""

    group: int | None = None

    def open_directory(self, path: Path | str) -> None:
        """Open a directory that was just made to the group."""
        if self.group is not None:
            # Where that can't be done, the umask decides; nothing here follows a link.
            with suppress(OSError), files.opened(str(path)) as descriptor:
                self._open(descriptor, _DIRECTORY_BITS)

    def open_file(self, descriptor: int) -> None:
        """Open a file to the group, unless everybody can only read it."""
        if self.group is not None:
            with suppress(OSError):
                self._open(descriptor, _FILE_BITS)

    def file_mode(self, umask: int) -> int:
        """Return the mode of a small file for a user with `umask`."""
        return files.FILE_MODE & ~umask | (0 if self.group is None else _FILE_BITS)

    def _open(self, descriptor: int, bits: int) -> None:
        info = os.fstat(descriptor)
        if info.st_gid != self.group and self.group is not None:
            os.chown(descriptor, -1, self.group)
        mode = stat.S_IMODE(info.st_mode)
        if mode | bits != mode:
            os.chmod(descriptor, mode | bits)


def of(root: Path) -> Permissions:
    """Return the permissions that members get in the cache directory `root`, if it is there."""
    with suppress(OSError):
        info = os.stat(root)
        if info.st_mode & stat.S_IWGRP:
            return Permissions(info.st_gid)
    return Permissions()


def make_directories(root: Path, path: Path) -> None:
    """Create the directory `path`, at or below `root`, and those above it."""
    try:
        os.mkdir(path, files.DIRECTORY_MODE)
    except FileNotFoundError:
        make_directories(root, path.parent)
        make_directories(root, path)
    except OSError:
        if not os.path.isdir(path):
            raise
    else:
        if root in path.parents:
            of(root).open_directory(path)


def remedy(root: Path, error: BaseException) -> str:
    """Return who closed the cache to its group, and what he has to do, if `error` came of that.

    An empty text otherwise. What can only be read is an egg, or the manifest of one: it stays so,
    as its mode is a part of what is verified.
    """
    group = of(root).group
    if group is None or not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return ''
    paths = [path for path in (error.filename, error.filename2) if isinstance(path, str)]
    closed = next(filter(None, (_closed(root, Path(path)) for path in paths)), None)
    return '' if closed is None else _remedy(root, closed, group)


def remedy_of(root: Path) -> str:
    """Return the same for the first directory of the cache that is closed to its group."""
    group = of(root).group
    if group is None:
        return ''
    for own in _own(root):
        for path, _, _ in os.walk(own):
            closed = _closed(root, Path(path))
            if closed is not None:
                return _remedy(root, closed, group)
    return ''


def _remedy(root: Path, closed: Path, group: int) -> str:
    with suppress(OSError):
        owner = _name(pwd.getpwuid, os.lstat(closed).st_uid)
        own = ' '.join(quote(str(one)) for one in _own(root) if os.path.lexists(one))
        members = _name(grp.getgrgid, group)
        return (
            f'{closed} belongs to {owner} and is closed to the group {members}. '
            f'{owner} or root opens what is there of the cache with:\n'
            f'  find {own} -user {owner} ! -type l -perm -u=w -exec chmod g+rwX {{}} +'
        )
    return ''


def _name(find: Callable[[int], tuple[Any, ...]], number: int) -> str:
    """Return the name of a user or group, or its number, which all programs understand, too."""
    try:
        return str(find(number)[0])
    except (KeyError, OSError):
        return str(number)


def _own(root: Path) -> list[Path]:
    layout = Layout(root)
    return [
        layout.environments, layout.tmp, layout.locks, layout.stats, layout.trash, layout.tag
    ]  # fmt: skip


def _closed(root: Path, path: Path) -> Path | None:
    """Return the first on the way from `root` to `path` that the group may not use."""
    if root not in path.parents:
        return None
    with suppress(OSError):
        for one in [*reversed([p for p in path.parents if root in p.parents]), path]:
            info = os.lstat(one)
            bits = stat.S_IRWXG if stat.S_ISDIR(info.st_mode) else _FILE_BITS
            if not stat.S_ISLNK(info.st_mode) and info.st_mode & bits != bits:
                return one
    return None
