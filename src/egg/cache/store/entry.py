"""Is this directory an entry of the cache, and of which egg?"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from egg.cache.common import files
from egg.cache.common.errors import CacheError, DamagedError
from egg.cache.store import integrity, trust
from egg.cache.store import manifest as manifests
from egg.cache.store.layout import MANIFEST, version_name
from egg.cache.store.manifest import Manifest

# What says that an entry is not as it was; other errors are trouble of the moment.
_DAMAGE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EFBIG)


@dataclass(frozen=True)
class Entry:
    """One egg in the cache. The manifest is read when it is first asked for."""

    path: Path

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest; raises `DamagedError` for what is not a manifest of this entry.

        An entry that can't be trusted counts as damaged: a link, or one that a stranger owns.
        """
        try:
            self._check()
            manifest = manifests.load(_read(self.path / MANIFEST))
        except OSError as error:
            if error.errno not in _DAMAGE:
                raise
            raise DamagedError(MANIFEST, 'a readable file', error.strerror or '') from error
        _compare(self.path, manifest)
        return manifest

    def exists(self) -> bool:
        """Tell whether the entry is there, without reading it."""
        return os.path.lexists(self.path)

    def is_current(self) -> bool:
        """Tell whether what is there is still what was read, if anything was."""
        return self._identity == _identity(self.path)

    @property
    def last_use(self) -> float:
        """When the egg was last copied to a buildout, else stored: seconds since the epoch.

        That is the time of the entry's own directory. Raises `OSError` if it is gone.
        """
        return os.lstat(self.path).st_mtime

    def touch(self) -> None:
        """Note that the egg is used now; who may not write to the cache leaves no trace."""
        with suppress(OSError):
            os.utime(self.path, follow_symlinks=False)

    def faults(self) -> Iterator[DamagedError]:
        """Yield every difference between the entry and its manifest; reads every file."""
        try:
            manifest = self.manifest
            strangers = sorted(set(os.listdir(self.path)) - {MANIFEST, manifest.egg})
        except DamagedError as fault:
            yield fault
            return
        except OSError as error:
            yield DamagedError(MANIFEST, 'to be readable', error.strerror or str(error))
            return
        for name in strangers:
            yield DamagedError(f'../{name}', 'nothing', 'something')
        yield from integrity.faults(manifest, self.egg)

    @property
    def egg(self) -> Path:
        return self.path / self.manifest.egg

    @property
    def environment_key(self) -> str:
        return self.path.parents[3].name

    @cached_property
    def owners(self) -> trust.Owners:
        """Whose entries are served from this cache."""
        above = self.path.parents
        return trust.owners(above[min(5, len(above) - 1)])

    @cached_property
    def _identity(self) -> tuple[int, ...]:
        return _identity(self.path)

    def _check(self) -> None:
        vars(self)['_identity'] = _identity(self.path)
        try:
            trust.check_directory(self.path, self.owners)
        except CacheError as error:
            raise DamagedError('.', 'a directory that can be trusted', str(error)[:-1]) from error

    def __str__(self) -> str:
        return f'{self.path.parent.parent.name} {self.path.parent.name}'


def _read(path: Path) -> bytes:
    with files.opened(str(path)) as descriptor:
        if os.fstat(descriptor).st_mode & stat.S_IWOTH:
            raise DamagedError(path.name, 'a file of its owner', 'one that everybody can write to')
        return files.content(descriptor)


def _compare(path: Path, manifest: Manifest) -> None:
    """Raise `DamagedError` unless `manifest` belongs to the entry at `path`."""
    if not manifest.archive.sha256.startswith(path.name):
        raise DamagedError(MANIFEST, f'an archive {path.name}', manifest.archive.sha256)
    expected = f'{path.parent.parent.name} {path.parent.name}'
    try:
        found = f'{canonicalize_name(manifest.project)} {version_name(manifest.version)}'
    except CacheError as error:
        raise DamagedError(MANIFEST, expected, str(error)) from error
    if found != expected:
        raise DamagedError(MANIFEST, expected, found)


def _status(path: Path) -> os.stat_result | None:
    with suppress(OSError):
        return os.lstat(path)
    return None


def _identity(path: Path) -> tuple[int, ...]:
    """Return what tells an entry from another one that took its place.

    The number of an inode may be used again, so the time at which the manifest changed counts,
    too. Not that of the directory: everybody who uses the entry changes it.
    """
    identity: tuple[int, ...] = ()
    for info in (_status(path), _status(path / MANIFEST)):
        if info is not None:
            changed = 0 if stat.S_ISDIR(info.st_mode) else info.st_ctime_ns
            identity += info.st_dev, info.st_ino, changed
    return identity
