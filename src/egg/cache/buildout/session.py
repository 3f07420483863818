"""What happens with one egg, in the run of one buildout?

A `Session` answers what the installer asks, and keeps the promise that a cache in trouble never
breaks a build: its methods return None, after one warning, where the cache can't help.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from egg.cache.buildout import copying, storing
from egg.cache.buildout.copying import Copy
from egg.cache.buildout.damaged_entries import DamagedEntries
from egg.cache.buildout.failures import Guard
from egg.cache.buildout.from_source import FromSource
from egg.cache.buildout.storing import Builder, Storing
from egg.cache.common.errors import DamagedError
from egg.cache.common.linking import Linker
from egg.cache.configuration.settings import Settings
from egg.cache.environment.environment import Environment
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.lookup import pins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.lookup.stores import may_be_built
from egg.cache.stats.counters import Counters
from egg.cache.stats.recorder import Recorder
from egg.cache.store import ownership, trust
from egg.cache.store.layout import Layout
from egg.cache.store.manifest import Archive
from egg.cache.store.store import Entry, Store

logger = logging.getLogger('egg.cache')


class Session:
    """The egg cache as one run of buildout uses it."""

    def __init__(
        self, settings: Settings, directory: Path, environment: Environment, builder: Builder,
        source_builds: Callable[[], SourceBuilds] = SourceBuilds,
        header: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.layout = Layout(directory)
        self.store = Store(self.layout, environment.key)
        self.counters = Counters()
        self.started = time.time()
        self.recorder = Recorder(self.store, settings, header or {})
        self._environment = environment
        self.builder = builder
        self._from_source = FromSource(source_builds, self.trouble)
        self._umask = storing.umask()
        self._linker = Linker(settings.link_mode)
        self._damaged = DamagedEntries(self.store, self.recorder, lambda: self._storing.is_on)
        self._storing = Storing(self.store, settings, builder, self.recorder, self._umask)

    def trouble(self, verb: str) -> Guard:
        """Turn any trouble with the cache inside a block into one warning."""
        return self._storing.trouble(verb)

    def idle(self) -> Session:
        """Return a session of the same run that neither reads nor writes."""
        settings = replace(self.settings, mode='off')
        other = Session(settings, self.layout.root, self._environment, self.builder)
        other.join(self)
        return other

    def join(self, other: Session) -> None:
        """Belong to the same run as `other`."""
        self.counters = other.counters
        self.started = other.started
        self._storing.join(other._storing)
        self.recorder.join(other.recorder)

    @cached_property
    def _sources(self) -> Session:
        """The session for what is, or may be, built from source: perhaps this one."""
        if not self.settings.reads and not self._storing.is_on:
            return self
        builds = self._from_source.builds
        current = self._environment.for_sources(builds.options)
        if current == self._environment and not builds.obstacle:
            return self
        settings = replace(self.settings, mode='off') if builds.obstacle else self.settings
        other = Session(settings, self.layout.root, current, self.builder, lambda: builds)
        other.join(self)
        other._storing.is_on = self._storing.is_on and settings.writes
        other._storing.prepare(current)
        return other

    def _for(self, archive: Archive) -> Session:
        """Return the session for what is made of `archive`. Of adopted eggs nobody knows it."""
        return self._sources if may_be_built(archive) else self

    def open(self) -> bool:
        """Prepare the cache directory; tell whether it can be used at all.

        Raises `SettingError` for a directory that can't be trusted.
        """
        trust.check(self.layout.root)
        if not self._storing.is_on:
            if not os.path.isdir(self.layout.environments):
                logger.info('There is no egg cache in %s to read from.', self.layout.root)
            return True
        ownership.check(self.layout)
        self._storing.prepare(self._environment, self.store.sweep, self.recorder.start)
        # Once more: now it is there, whoever made it.
        trust.check(self.layout.root)
        is_there = os.path.isdir(self.layout.environments)
        return self._storing.is_on or (self.settings.reads and is_there)

    def pinned(self, origin: Origin, project: str, pin: str, local: Sequence[str]) -> Entry | None:
        """Return the entry that the pin `project == pin` stands for in `origin`.

        `local` are the sha256 of archives for it that lie in local directories now.
        """
        if not self.settings.reads:
            return None
        with self.trouble('look up'):
            pointer, obstacle = pins.resolve(
                self.store, origin, project, pin, local, lambda: self._sources.store
            )
            if pointer is None:
                logger.debug('%s %s was not resolved before from %s: %s.', project, pin,
                             origin.describe(), pins.OBSTACLES[obstacle])  # fmt: skip
                return None
            return self.find(project, pointer.version, Archive(pointer.name, pointer.sha256))
        return None

    def find(self, project: str, version: str, archive: Archive) -> Entry | None:
        """Return the entry that was built from `archive` in this environment."""
        if not self.settings.reads:
            return None
        if self.settings.excludes(project, version):
            logger.debug('%s %s is excluded from the egg cache.', project, version)
            return None
        session = self._for(archive)
        entry = session._found(project, version, archive) if session.settings.reads else None
        if entry is None:
            logger.debug('%s (sha256 %s) was not built before in the environment %s.',
                         archive.name, archive.sha256, session.store.key)  # fmt: skip
        return entry

    def lock(self, project: str, version: str, archive: Archive) -> AbstractContextManager[None]:
        """Hold the lock of `archive`: who builds from it takes the same."""
        return self._for(archive)._storing.lock(project, version, archive)

    def ranked(
        self, project: str, accepts: Callable[[str], bool], allows: Callable[[str], bool],
        prefers_final: bool,
    ) -> list[Entry]:  # fmt: skip
        """Return the entries of `project` whose version and URL are accepted, best first."""
        from egg.cache.buildout import fallback  # Late: where an index answers, nobody needs it.

        def fits(entry: Entry) -> bool:
            manifest = entry.manifest
            session = self._for(manifest.archive)
            return (
                manifest.archive.is_known
                and session.settings.reads
                and session.store.key == entry.environment_key
                and accepts(manifest.version)
                and allows(manifest.archive.url)
                and not self.settings.excludes(project, manifest.version)
            )

        sessions = (one for one in dict.fromkeys((self, self._sources)) if one.settings.reads)
        entries = chain.from_iterable(one.store.versions(project) for one in sessions)
        return fallback.best(entries, fits, prefers_final, self._damaged.set_aside, self.trouble)

    def copy(self, entry: Entry, directory: Path) -> Copy | None:
        """Copy the egg of `entry` into `directory`; None if it is damaged or gone.

        Raises `UnwritableError` if there is no room for it in `directory`.
        """
        if entry.environment_key != self.store.key and self._sources is not self:
            return self._sources.copy(entry, directory)
        with self.trouble('read'):
            try:
                return copying.copy(entry, directory, self._umask, self._linker)
            except DamagedError as fault:
                self._damaged.set_aside(entry, fault)
        return None

    def arrived(self, copy: Copy, how: str, origin: str = '') -> None:
        """Tell that a copy is used; `how` is one of `run_record.HITS`."""
        manifest = copy.manifest
        self.counters.copy(manifest.build.seconds, copy.seconds)
        self._for(manifest.archive).recorder.hit(manifest, how, copy.seconds, origin)
        logger.info('Copied %s %s from the egg cache.', manifest.project, manifest.version)

    def build(
        self, project: str, version: str, archive: Archive, directory: Path,
        make: Callable[[], Path], origin: str = '', path: str = '',
    ) -> Path:
        """Return the egg of `archive` in `directory`: copied, or built by `make` and stored.

        Of all that want it at the same time one builds it. What `make` raises is not caught.
        The file at `path` is the archive: an sdist that may lack something is not stored.
        """
        session = self._for(archive)
        if session is not self:
            return session.build(project, version, archive, directory, make, origin, path)
        if self.settings.excludes(project, version):
            return self._made(project, version, archive, make, origin)[0]
        with self._storing.lock(project, version, archive):
            entry = self._found(project, version, archive) if self.settings.reads else None
            copy = self.copy(entry, directory) if entry is not None else None
            if copy is not None:
                self.arrived(copy, 'archive', origin)
                return copy.egg
            reason = self._from_source.withholds(archive, path, self._storing.is_on)
            egg, seconds = self._made(project, version, archive, make, origin, not reason)
            seconds += archive.seconds
            if reason:
                logger.info('%s %s is not stored in the egg cache: %s.', project, version, reason)
            else:
                self._storing.add(project, version, archive, egg, seconds, self.counters)
            return egg

    def keep(self, project: str, version: str, archive: Archive, egg: Path) -> None:
        """Store an egg that was made before this session was there."""
        builds = self._from_source.builds if archive.kind == 'sdist' else SourceBuilds()
        if not builds.missing and not builds.obstacle:
            self._for(archive)._storing.add(project, version, archive, egg, 0.0, Counters())

    def remember(self, origin: Origin, project: str, pin: str, pointer: Pointer) -> None:
        """Keep what the pin `project == pin` resolved to in `origin`, if its egg is stored."""
        self._storing.remember(origin, project, pin, pointer, lambda one: self._for(one).store)

    def finish(self) -> None:
        """Prune what is more than `egg-cache-max-size`, if something was stored."""
        self._storing.prune(self.started, self.counters.stored + self.counters.early)

    def _found(self, project: str, version: str, archive: Archive) -> Entry | None:
        with self.trouble('look up'):
            entry = self.store.entry(project, version, archive.sha256)
            try:
                return entry if self.store.holds(entry, archive) else None
            except DamagedError as fault:
                self._damaged.set_aside(entry, fault)
        return None

    def _made(
        self, project: str, version: str, archive: Archive, make: Callable[[], Path], origin: str,
        is_stored: bool = True,
    ) -> tuple[Path, float]:  # fmt: skip
        started = time.monotonic()
        egg, seconds = make(), time.monotonic() - started
        self.counters.built += 1
        self.recorder.miss(project, version, archive, seconds, origin, is_stored)
        return egg, seconds
