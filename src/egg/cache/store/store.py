"""Which eggs are in the cache?

An entry is one directory, staged in `tmp/` and renamed into place with its manifest: a visible
entry is complete. A lookup reads one small directory, so it costs the same in a cache of any size.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.store import manifest as manifests
from egg.cache.store import permissions, transfer, trust
from egg.cache.store.entry import Entry as Entry
from egg.cache.store.inventory import environment_keys, left_overs, names, set_aside
from egg.cache.store.layout import (
    ARCHIVES,
    CACHEDIR_TAG,
    DIGEST_LENGTH,
    ENVIRONMENT,
    MANIFEST,
    Layout,
)
from egg.cache.store.manifest import Archive, Manifest

#: Seconds after which something in `tmp/` belongs to no living process, or in `trash/` has been
#: there for long enough to be looked at.
TMP_AGE = 24 * 3600.0
TRASH_AGE = 7 * 24 * 3600.0

logger = logging.getLogger('egg.cache')

_ENTRY_NAME = re.compile(f'[0-9a-f]{{{DIGEST_LENGTH}}}')


class Store:
    """The entries below one cache directory; `key` is the environment that is stored for."""

    def __init__(self, layout: Layout, key: str) -> None:
        self.layout = layout
        self.key = key
        self._checked: set[Path] = set()

    def prepare(self) -> None:
        """Create what is missing of the cache directory, or raise `OSError`.

        Raises `CacheError` for what is there, but can't be trusted.
        """
        layout = self.layout
        for path in (layout.tmp, layout.eggs(self.key), layout.locks, layout.trash):
            self.check(path)
            permissions.make_directories(layout.root, path)
        if _is_torn(layout.tag):
            open_file = permissions.of(layout.root).open_file
            files.replace(layout.tag, CACHEDIR_TAG.encode(), layout.tmp, open_file)

    def describe(self, environment: Mapping[str, object]) -> None:
        """Keep what the environment key was made of. Raises `OSError`."""
        path = self.layout.environment(self.key) / ENVIRONMENT
        open_file = permissions.of(self.layout.root).open_file
        files.ensure(path, files.to_json(dict(environment)), self.layout.tmp, open_file)

    def check(self, path: Path) -> None:
        """Raise `CacheError` if something on the way from the cache directory to `path` is wrong.

        What isn't there is not wrong.
        """
        with suppress(FileNotFoundError):
            directory, owners = self.layout.root, trust.owners(self.layout.root)
            for name in path.relative_to(directory).parts:
                directory /= name
                trust.check_directory(directory, owners)

    def entry(self, project: str, version: str, sha256: str) -> Entry:
        """Return the entry that an archive has or would have."""
        return Entry(self.layout.entry(self.key, project, version, sha256))

    def holds(self, entry: Entry, archive: Archive) -> bool:
        """Tell whether `entry` is there and was built from `archive`.

        Raises `DamagedError` if its manifest is no manifest, and `CacheError` if the way to it
        can't be trusted.

        The name of the archive must be the same too: the names of some eggs come from it.
        """
        if not entry.exists():
            return False
        self.check_once(self.layout.eggs(self.key))
        for directory in (entry.path.parent.parent, entry.path.parent):
            trust.check_directory(directory, entry.owners)
        found = entry.manifest.archive
        return (found.sha256, found.name) == (archive.sha256, archive.name)

    def versions(self, project: str) -> Iterator[Entry]:
        """Yield the entries of all versions of `project` in this environment, unsorted.

        Raises `CacheError` if the way to them can't be trusted.
        """
        path = self.layout.project(self.key, project)
        if os.path.lexists(path):
            self.check(path)
        return _entries_below(path)

    def add(self, manifest: Manifest, egg: Path, replaces: bool = False,
            wanted: Collection[str] | None = None) -> Entry:  # fmt: skip
        """Copy the directory `egg` into the cache and return its entry.

        If the archive's entry is there already, that one stays and the copy is dropped, unless
        it `replaces` it. `manifest` is completed with what is copied: all, or the `wanted` paths.
        """
        entry = self.entry(manifest.project, manifest.version, manifest.archive.sha256)
        self.check(self.layout.tmp)
        with self.staging() as stage:
            shared = permissions.of(self.layout.root)
            items = transfer.copy_in(egg, stage / manifest.egg, shared.open_directory, wanted)
            text = manifests.dump(replace(manifest, items=items))
            files.create(stage / MANIFEST, text)
            os.chmod(stage / MANIFEST, 0o444)
            self.check(entry.path.parent)
            if replaces:
                self.remove(entry)
            # Rename last: a reader must never see an entry without its manifest.
            make = partial(permissions.make_directories, self.layout.root)
            files.rename_if_free(stage, entry.path, make)
        return entry

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a new directory in `tmp/`; what is still there at the end is removed."""
        path = files.unique(self.layout.tmp)
        permissions.make_directories(self.layout.root, path)
        try:
            yield path
        finally:
            files.remove_tree(path)

    def set_aside(self, entry: Entry) -> Path | None:
        """Move `entry` to `trash/` and return its path there.

        None if it is gone already, or is no longer what was read. Raises `CacheError` rather
        than going through a link.
        """
        for directory in (entry.path.parent, self.layout.trash):
            self.check(directory)
        permissions.make_directories(self.layout.root, self.layout.trash)
        target = self.layout.trash / f'{entry.path.name}-{secrets.token_hex(8)}'
        if not entry.exists() or not entry.is_current():
            return None
        try:
            os.rename(entry.path, target)
        except FileNotFoundError:
            return None
        with suppress(OSError):
            os.utime(target, follow_symlinks=False)  # The time since which it lies there.
        return target

    def remove(self, entry: Entry) -> bool:
        """Remove `entry`: renamed first, so that nobody sees a part of it.

        Tells whether it was still there.
        """
        target = self.set_aside(entry)
        if target is None:
            return False
        remove_tree(target)
        return True

    def sweep(self) -> None:
        """Remove what killed processes left in `tmp/`, and what was set aside long ago."""
        now = time.time()
        layout = self.layout
        for directory, paths, age in (
            (layout.tmp, left_overs, TMP_AGE), (layout.trash, set_aside, TRASH_AGE),
        ):  # fmt: skip
            with suppress(OSError, CacheError):
                self.check(directory)
                for path in paths(layout):
                    with suppress(OSError):
                        if now - os.lstat(path).st_mtime > age:
                            remove_tree(path)

    def check_once(self, path: Path) -> None:
        """Check what many entries or pointers have above them; later hits rely on it."""
        if path not in self._checked:
            self.check(path)
            if os.path.lexists(path):
                self._checked.add(path)


def entries(layout: Layout) -> Iterator[Entry]:
    """Yield all entries of all environments, sorted by environment, project and version.

    Links are not followed; an entry that is one itself is damaged. Names that are not ours are
    passed over, and so are directories that can't be read, with a warning.
    """
    for key in environment_keys(layout):
        eggs = layout.environments / key / 'eggs'
        for project in names(eggs, _warn):
            yield from _entries_below(eggs / project, _warn)


def siblings(layout: Layout, project: str, version: str) -> Iterator[Entry]:
    """Yield the entries of one version in all environments; sorted, and named as by `entries`.

    Archives that no egg was made of are left out.

    Raises `CacheError` for a name or version that can't be kept.
    """
    for key in environment_keys(layout):
        if key == ARCHIVES:
            continue
        path = layout.entry(key, project, version, '0').parent
        if not any(map(os.path.islink, (layout.eggs(key), path.parent))):
            for name in names(path):
                if _ENTRY_NAME.fullmatch(name):
                    yield Entry(path / name)


def _entries_below(
    project: Path, unreadable: Callable[[OSError], object] | None = None
) -> Iterator[Entry]:
    for version in names(project, unreadable):
        for name in names(project / version, unreadable):
            if _ENTRY_NAME.fullmatch(name):
                yield Entry(project / version / name)


def _warn(error: OSError) -> None:
    logger.warning('Passed over, as you may not read it: %s.', error.filename)


def _is_torn(tag: Path) -> bool:
    """Tell whether a tag is missing, or what a crash left of ours; any other one stays."""
    try:
        data = files.read(tag).rstrip(b'\0')
    except OSError:
        return not os.path.lexists(tag)
    return data != CACHEDIR_TAG.encode() and CACHEDIR_TAG.encode().startswith(data)


def remove_tree(path: Path) -> None:
    """Remove as much of `path` as possible; links are removed, never followed."""
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            os.unlink(path)
    else:
        files.remove_tree(path)
