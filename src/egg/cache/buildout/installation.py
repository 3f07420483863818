"""What is known of a distribution on its way into the eggs directory?"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from egg.cache.buildout.copying import Copy
from egg.cache.buildout.session import Session
from egg.cache.common import disk_space, files
from egg.cache.common.errors import UnwritableError
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.store.manifest import Archive
from egg.cache.store.store import Entry

_Question = tuple[Origin, str, str, tuple[str, ...]]
_ANNOUNCED = re.compile(r'sha256=([0-9a-f]{64})')


class Installation:
    """One distribution, from the question what there is to its egg.

    `copy` is a verified copy from the cache, in a directory of its own beside the other eggs;
    `archive` is what the egg is or will be built from. `is_resolved` tells that an index or a
    local directory was asked for it, `fetch_seconds` how long its download took. `is_open` tells
    that whatever version was chosen, nothing was said against its local versions.
    """

    def __init__(self, session: Session, eggs_directory: str) -> None:
        self.copy: Copy | None = None
        self.archive: Archive | None = None
        self.egg_name: str | None = None
        self.is_resolved = False
        self.is_local = False
        self.is_open = False
        self.fetch_seconds = 0.0
        self.project = self.version = ''
        self._url = self._how = ''
        self._question: _Question | None = None
        self._lesson: _Question | None = None
        self._session = session
        self._eggs_directory = eggs_directory
        self._stage: str | None = None
        self._locks = ExitStack()

    def ask(self, origin: Origin, project: str, pin: str, local: tuple[str, ...]) -> None:
        """Note which pin is wanted from where; `local` is as in `Pointer`.

        Later is too late: the origin of what comes next has the links of this egg, too.
        """
        self._question = origin, project, pin, local

    def learn(self, origin: Origin, project: str, pin: str, local: tuple[str, ...]) -> None:
        """Note which pin will be known, though nobody asked for it: as for `ask`."""
        self._lesson = origin, project, pin, local

    def stage(self, entry: Entry, how: str = 'pin') -> bool:
        """Copy the egg of `entry`, so that nothing can go wrong when it is needed.

        `how` it was found is one of `run_record.HITS`.
        """
        self._how = how
        if self._stage is None:
            try:
                self._stage = self._new_stage()
            except UnwritableError:
                self._stage = self._new_stage()
        self.copy = self._session.copy(entry, Path(self._stage))
        if self.copy is None:
            return False
        self.archive = self.copy.manifest.archive
        return True

    def _new_stage(self) -> str:
        try:
            os.makedirs(self._eggs_directory, exist_ok=True)
            return tempfile.mkdtemp(dir=self._eggs_directory)
        except OSError as error:
            found = disk_space.unwritable(error, self._eggs_directory)
            if found is None:
                raise
            raise found from error

    def resolve(self, project: str, version: str, location: str) -> bool:
        """Note that `location` was chosen; tell whether its egg could be staged.

        That needs a URL which announces the sha256 of the archive (PEP 503).
        """
        self.project, self.version = project, version
        self.is_resolved = True
        self.is_local = not origins.is_remote(location)
        self._url = origins.public_url(location)
        return self._look_up(announced_archive(location))

    def await_others(self, location: str) -> None:
        """Let one process at a time download and build what is at `location`.

        Looks once more, as another one may have done it. Where neither the URL tells which
        archive it is nor a pin was asked for, that wouldn't help.
        """
        shares = self._session.settings.shares
        if not origins.is_remote(location) or not shares(self.project, self.version):
            return
        announced = announced_archive(location)
        if announced is not None:
            archive = announced
        elif self._question is not None:
            archive = Archive('', hashlib.sha256(self._url.encode()).hexdigest())
        else:
            return
        lock = self._session.lock(self.project, self.version, archive)
        self._locks.enter_context(lock)
        if not self._look_up(announced) and self._question is not None:
            entry = self._session.pinned(*self._question)
            if entry is not None:
                self.stage(entry)

    def _look_up(self, announced: Archive | None) -> bool:
        if announced is None:
            return False
        entry = self._session.find(self.project, self.version, announced)
        return entry is not None and self.stage(entry, 'announced')

    def egg(self, path: str, directory: str, make: Callable[[], Path]) -> Path:
        """Return the egg of the archive at `path`, in `directory`: copied, or made by `make`."""
        if self.copy is not None:
            egg = _moved(self.copy.egg, Path(directory))
            self._session.arrived(self.copy, self._how, self._origin_key)
        elif (archive := self._identify(path)) is not None:
            egg = self._session.build(
                self.project, self.version, archive, Path(directory), make, self._origin_key,
                path,
            )  # fmt: skip
        else:
            egg = make()
        self.egg_name = egg.name
        return egg

    @property
    def _origin_key(self) -> str:
        # Nobody is told: that was done when the pin was looked up.
        with suppress(Exception):
            return self._question[0].key if self._question is not None else ''
        return ''

    def _identify(self, path: str) -> Archive | None:
        """Return the archive at `path`; None if nothing is known of it, or it can't be read."""
        if not self.project or not os.path.isfile(path):
            return None
        if self.archive is None:
            with self._session.trouble('look up'):
                name = os.path.basename(path)
                self.archive = Archive(name, files.sha256(path), self._url, self.fetch_seconds)
        return self.archive

    def remember(self) -> None:
        """Keep that this archive is what the origin has for the pin that was asked for."""
        question = self._question or self._lesson
        if question is None or not self.is_resolved or self.archive is None:
            return
        origin, project, pin, local = question
        pointer = Pointer(
            self.archive.name, self.archive.sha256, self.version, local, self.is_local
        )
        # A local archive that only a remote page tells of can't be looked at without that page.
        if pointer.was_seen:
            self._session.remember(origin, project, pin, pointer)

    def close(self) -> None:
        """Remove what was staged and not used, and let others go on."""
        self._locks.close()
        if self._stage is None:
            return
        try:
            os.rmdir(self._stage)
        except OSError:
            files.remove_tree(self._stage)


def _moved(egg: Path, directory: Path) -> Path:
    """Move `egg` into `directory`, and return its new path."""
    target = directory / egg.name
    try:
        os.rename(egg, target)
    except OSError:
        # There is no archive to build it from, so the other way is tried, too.
        shutil.copytree(egg, target, symlinks=True)
    return target


def announced_archive(location: str) -> Archive | None:
    """Return the archive at a URL with a `#sha256=`, None for any other location."""
    match = _ANNOUNCED.search(urlsplit(location).fragment) if origins.is_remote(location) else None
    if match is None:
        return None
    name = unquote(urlsplit(location).path.rpartition('/')[2])
    return Archive(name, match[1], origins.public_url(location))
