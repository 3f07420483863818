"""Which eggs are in the cache?

An entry is one directory, staged in `tmp/` and renamed into place with its manifest: a visible
entry is complete. A lookup reads one small directory, so it costs the same in a cache of any size.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from egg.cache import files, transfer
from egg.cache import manifest as manifests
from egg.cache.errors import DamagedError
from egg.cache.layout import CACHEDIR_TAG, DIGEST_LENGTH, MANIFEST, Layout
from egg.cache.manifest import Archive, Manifest

#: Seconds after which something in `tmp/` belongs to no living process, or in `trash/` has been
#: there for long enough to be looked at.
TMP_AGE = 24 * 3600.0
TRASH_AGE = 7 * 24 * 3600.0

_ENTRY_NAME = re.compile(f'[0-9a-f]{{{DIGEST_LENGTH}}}')


@dataclass(frozen=True)
class Entry:
    """One egg in the cache. The manifest is read when it is first asked for."""

    path: Path

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest; raises `DamagedError` for what is not a manifest of this entry."""
        try:
            manifest = manifests.load(_read(self.path / MANIFEST))
        except OSError as error:
            raise DamagedError(MANIFEST, 'a readable file', error.strerror or '') from error
        if not manifest.archive.sha256.startswith(self.path.name):
            raise DamagedError(MANIFEST, f'an archive {self.path.name}', manifest.archive.sha256)
        return manifest

    def exists(self) -> bool:
        """Tell whether the entry is there, without reading it."""
        return os.path.lexists(self.path)

    @property
    def egg(self) -> Path:
        return self.path / self.manifest.egg

    @property
    def environment_key(self) -> str:
        return self.path.parents[3].name

    def __str__(self) -> str:
        return f'{self.path.parent.parent.name} {self.path.parent.name}'


class Store:
    """The entries below one cache directory; `key` is the environment that is stored for."""

    def __init__(self, layout: Layout, key: str) -> None:
        self.layout = layout
        self.key = key

    def prepare(self) -> None:
        """Create what is missing of the cache directory, or raise `OSError`."""
        layout = self.layout
        for path in (layout.eggs(self.key), layout.tmp, layout.locks, layout.trash):
            path.mkdir(parents=True, exist_ok=True)
        if not self.layout.tag.exists():
            self.layout.tag.write_text(CACHEDIR_TAG, encoding='utf-8')

    def entry(self, project: str, version: str, sha256: str) -> Entry:
        """Return the entry that an archive has or would have."""
        return Entry(self.layout.entry(self.key, project, version, sha256))

    def find(self, project: str, version: str, archive: Archive) -> Entry | None:
        """Return the entry that was built from `archive`, if there is one.

        The name of the archive must be the same too: the names of some eggs come from it.
        Raises `DamagedError` if the entry's manifest is no manifest.
        """
        entry = self.entry(project, version, archive.sha256)
        if not entry.exists():
            return None
        found = entry.manifest.archive
        return entry if (found.sha256, found.name) == (archive.sha256, archive.name) else None

    def versions(self, project: str) -> Iterator[Entry]:
        """Yield the entries of all versions of `project` in this environment, unsorted."""
        return _entries_below(self.layout.project(self.key, project))

    def add(self, manifest: Manifest, egg: Path, replaces: bool = False) -> Entry:
        """Copy the directory `egg` into the cache and return its entry.

        If the archive's entry is there already, that one stays and the copy is dropped, unless
        it `replaces` it. `manifest` is completed with what the egg is made of.
        """
        entry = self.entry(manifest.project, manifest.version, manifest.archive.sha256)
        with self.staging() as stage:
            items = transfer.copy_in(egg, stage / manifest.egg)
            text = manifests.dump(replace(manifest, items=items))
            (stage / MANIFEST).write_bytes(text)
            os.chmod(stage / MANIFEST, 0o444)
            entry.path.parent.mkdir(parents=True, exist_ok=True)
            if replaces:
                self.remove(entry)
            # Rename last: a reader must never see an entry without its manifest.
            _rename_if_free(stage, entry.path)
        return entry

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a new directory in `tmp/`; what is still there at the end is removed."""
        path = files.unique(self.layout.tmp)
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def set_aside(self, entry: Entry) -> Path | None:
        """Move `entry` to `trash/` and return its path there; None if it is gone already."""
        target = self.layout.trash / f'{entry.path.name}-{secrets.token_hex(8)}'
        try:
            os.rename(entry.path, target)
        except FileNotFoundError:
            return None
        os.utime(target)  # The time since which it lies there.
        return target

    def remove(self, entry: Entry) -> None:
        """Remove `entry`: renamed first, so that nobody sees a part of it."""
        target = self.set_aside(entry)
        if target is not None:
            shutil.rmtree(target, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what killed processes left in `tmp/`, and what was set aside long ago."""
        now = time.time()
        for directory, age in ((self.layout.tmp, TMP_AGE), (self.layout.trash, TRASH_AGE)):
            with suppress(OSError), os.scandir(directory) as scan:
                for leftover in scan:
                    if now - leftover.stat(follow_symlinks=False).st_mtime > age:
                        _remove_tree(leftover)


def entries(layout: Layout) -> Iterator[Entry]:
    """Yield all entries of all environments, sorted by environment, project and version."""
    for key in _names(layout.environments):
        for project in _names(layout.eggs(key)):
            yield from _entries_below(layout.project(key, project))


def _entries_below(project: Path) -> Iterator[Entry]:
    for version in _names(project):
        for name in _names(project / version):
            if _ENTRY_NAME.fullmatch(name):
                yield Entry(project / version / name)


def _names(directory: Path) -> list[str]:
    """Return the sorted names in `directory`, none if it isn't there."""
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read(path: Path) -> bytes:
    with transfer.opened(str(path)) as descriptor, open(descriptor, 'rb', closefd=False) as file:
        return file.read()


def _rename_if_free(source: Path, target: Path) -> None:
    """Rename a directory, unless something is there already."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _remove_tree(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        os.unlink(entry.path)
