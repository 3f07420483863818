"""What happens with one egg, in the run of one buildout?

A `Session` answers the questions that the installer asks, and keeps the promise that a cache in
trouble never breaks a build: its methods return None, after one warning, where the cache can't
help.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from errno import ENAMETOOLONG
from functools import cached_property
from pathlib import Path

from packaging.version import Version

from egg.cache.buildout.damaged_entries import DamagedEntries
from egg.cache.buildout.failures import Failures, Guard
from egg.cache.common.errors import DamagedError, UnwritableError
from egg.cache.common.linking import Linker
from egg.cache.configuration.settings import Settings
from egg.cache.eggs import metadata
from egg.cache.environment.environment import Environment
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.lookup import origins, pins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.lookup.stores import may_be_built
from egg.cache.stats.counters import Counters
from egg.cache.stats.recorder import Recorder
from egg.cache.store import ownership, permissions, transfer, trust
from egg.cache.store.layout import Layout
from egg.cache.store.manifest import Archive, Build, Manifest
from egg.cache.store.store import Entry, Store

logger = logging.getLogger('egg.cache')


@dataclass(frozen=True)
class Builder:
    """With what eggs are built: the versions of zc.buildout, Python and pip."""

    buildout: str
    python: str
    pip: str


@dataclass(frozen=True)
class Copy:
    """A verified copy of an egg, at the path `egg`; copying took `seconds`."""

    egg: Path
    manifest: Manifest
    seconds: float


class Session:
    """The egg cache as one run of buildout uses it."""

    def __init__(
        self,
        settings: Settings,
        directory: Path,
        environment: Environment,
        builder: Builder,
        source_builds: Callable[[], SourceBuilds] = SourceBuilds,
        header: Mapping[str, object] | None = None,
    ) -> None:
        self.settings = settings
        self.layout = Layout(directory)
        self.store = Store(self.layout, environment.key)
        self.counters = Counters()
        self.started = time.time()
        self.recorder = Recorder(self.store, settings, header or {})
        self._environment = environment
        self._builder = builder
        self._find_source_builds = source_builds
        self._umask = _umask()
        self._linker = Linker(settings.link_mode)
        self._trouble = Failures(directory)
        self._damage = DamagedEntries(self.store, self.recorder)
        self._writes = settings.writes

    def idle(self) -> Session:
        """Return a session of the same run that neither reads nor writes."""
        settings = replace(self.settings, mode='off')
        other = Session(settings, self.layout.root, self._environment, self._builder)
        other.join(self)
        return other

    def join(self, other: Session) -> None:
        """Belong to the same run as `other`."""
        self.counters = other.counters
        self.started = other.started
        self._trouble = other._trouble
        self.recorder.join(other.recorder)

    @cached_property
    def _source_builds(self) -> SourceBuilds:
        # Late: a run that gets nothing from source doesn't pay for it.
        with self.trouble('look up'):
            return self._find_source_builds()
        return SourceBuilds(obstacle='how pip would build it is not known')

    @cached_property
    def _sources(self) -> Session:
        """The session for what is, or may be, built from source: perhaps this one."""
        if not self.settings.reads and not self._writes:
            return self
        builds = self._source_builds
        current = self._environment.for_sources(builds.options)
        if current == self._environment and not builds.obstacle:
            return self
        settings = replace(self.settings, mode='off') if builds.obstacle else self.settings
        other = Session(settings, self.layout.root, current, self._builder, lambda: builds)
        other.join(self)
        other._writes = False
        if self._writes and settings.writes:
            with self.trouble('prepare'):
                other.store.prepare()
                other.store.describe(current.describe())
                other._writes = True
        return other

    def _for(self, archive: Archive) -> Session:
        """Return the session for what is made of `archive`. Of adopted eggs nobody knows it."""
        return self._sources if may_be_built(archive) else self

    def open(self) -> bool:
        """Prepare the cache directory; tell whether it can be used at all.

        Raises `SettingError` for a directory that can't be trusted.
        """
        trust.check(self.layout.root)
        if not self._writes:
            if not os.path.isdir(self.layout.environments):
                logger.info('There is no egg cache in %s to read from.', self.layout.root)
            return True
        ownership.check(self.layout)
        self._writes = False
        with self.trouble('prepare'):
            self.store.prepare()
            self.store.sweep()
            self.store.describe(self._environment.describe())
            self._writes = True
            self.recorder.start()
        # Once more: now it is there, whoever made it.
        trust.check(self.layout.root)
        return self._writes or (self.settings.reads and os.path.isdir(self.layout.environments))

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
            logger.debug(
                '%s (sha256 %s) was not built before in the environment %s.',
                archive.name,
                archive.sha256,
                session.store.key,
            )
        return entry

    def ranked(
        self,
        project: str,
        accepts: Callable[[str], bool],
        allows: Callable[[str], bool],
        prefers_final: bool,
    ) -> list[Entry]:
        """Return the entries of `project` whose version and URL are accepted, best first.

        The newest version is the best, final ones first if asked for, and among the archives of
        one version the one that was built last.
        """
        ranked = []
        with self.trouble('look up'):
            for entry in self._versions(project):
                try:
                    manifest = entry.manifest
                except DamagedError as fault:
                    self._damage.set_aside(entry, fault, self._writes)
                    continue
                if (
                    manifest.archive.is_known
                    and self._for(manifest.archive).store.key == entry.environment_key
                    and self._for(manifest.archive).settings.reads
                    and accepts(manifest.version)
                    and allows(manifest.archive.url)
                    and not self.settings.excludes(project, manifest.version)
                ):
                    version = Version(manifest.version)
                    is_final = prefers_final and not version.is_prerelease
                    ranked.append(((is_final, version, manifest.build.at), entry))
        ranked.sort(key=lambda pair: pair[0], reverse=True)
        return [entry for _, entry in ranked]

    def _versions(self, project: str) -> Iterator[Entry]:
        for session in dict.fromkeys((self, self._sources)):
            if session.settings.reads:
                yield from session.store.versions(project)

    def copy(self, entry: Entry, directory: Path) -> Copy | None:
        """Copy the egg of `entry` into `directory`; None if it is damaged or gone.

        Raises `UnwritableError` if there is no room for it in `directory`.
        """
        if entry.environment_key != self.store.key and self._sources is not self:
            return self._sources.copy(entry, directory)
        started = time.monotonic()
        with self.trouble('read'):
            try:
                manifest = entry.manifest
                target = directory / manifest.egg
                try:
                    transfer.copy_out(manifest, entry.egg, target, self._umask, self._linker)
                except UnwritableError:
                    # Somebody may make room at this moment; a build would take longer.
                    transfer.copy_out(manifest, entry.egg, target, self._umask, self._linker)
            except DamagedError as fault:
                self._damage.set_aside(entry, fault, self._writes)
                return None
            return Copy(target, manifest, time.monotonic() - started)
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

        Of all buildouts that want it at the same time one builds it, and the others wait.
        What `make` raises is not caught. The file of the archive is at `path`: a source
        distribution of which something may be missing is not stored.
        """
        if self._for(archive) is not self:
            return self._for(archive).build(
                project, version, archive, directory, make, origin, path
            )
        if self.settings.excludes(project, version):
            return self._made(project, version, archive, make, origin)[0]
        with self._lock(project, version, archive):
            entry = self._found(project, version, archive) if self.settings.reads else None
            copy = self.copy(entry, directory) if entry is not None else None
            if copy is not None:
                self.arrived(copy, 'archive', origin)
                return copy.egg
            reason = self._withheld(archive, path)
            egg, seconds = self._made(project, version, archive, make, origin, not reason)
            if reason:
                logger.info('%s %s is not stored in the egg cache: %s.', project, version, reason)
            else:
                self._add(project, version, archive, egg, seconds + archive.seconds)
            return egg

    def remember(self, origin: Origin, project: str, pin: str, pointer: Pointer) -> None:
        """Keep what the pin `project == pin` resolved to in `origin`, if its egg is stored."""
        if not self._writes or not origins.can_be_pinned(pin):
            return
        if not origins.can_be_pinned(pointer.version) or not origin.has_pointers:
            return
        with self.trouble('write to'):
            store = self._for(Archive(pointer.name, pointer.sha256)).store
            if store.entry(project, pointer.version, pointer.sha256).exists():
                self.store.check(self.layout.origin(self.store.key, origin.key))
                origins.write(self.layout, self.store.key, origin, project, pin, pointer)

    def finish(self) -> None:
        """Prune what is more than `egg-cache-max-size`, if something was stored."""
        limit = self.settings.max_size
        if limit is None or not self.counters.stored or not self._writes:
            return
        # Imported late, here and below: a run that builds nothing doesn't pay for it.
        from egg.cache.maintenance import prune

        with self.trouble('prune'):
            report = prune.after_run(self.layout, limit, self.started)
            if report.removed:
                logger.info('Removed %s from the egg cache.', report.summary())

    def _found(self, project: str, version: str, archive: Archive) -> Entry | None:
        with self.trouble('look up'):
            entry = self.store.entry(project, version, archive.sha256)
            try:
                return entry if self.store.holds(entry, archive) else None
            except DamagedError as fault:
                self._damage.set_aside(entry, fault, self._writes)
        return None

    def _withheld(self, archive: Archive, path: str) -> str:
        """Return why what is built of `archive` here is nobody else's, '' if it may be."""
        if archive.kind == 'sdist' and (self._writes or self._source_builds.obstacle):
            with self.trouble('look up'):
                return self._source_builds.withholds(path)
            return 'whether it lacks something is not known'
        return ''

    def _made(
        self, project: str, version: str, archive: Archive, make: Callable[[], Path], origin: str,
        is_stored: bool = True,
    ) -> tuple[Path, float]:  # fmt: skip
        started = time.monotonic()
        egg, seconds = make(), time.monotonic() - started
        self.counters.built += 1
        self.recorder.miss(project, version, archive, seconds, origin, is_stored)
        return egg, seconds

    def _add(
        self, project: str, version: str, archive: Archive, egg: Path, seconds: float
    ) -> None:
        if not self._writes:
            return
        with self.trouble('write to', stops_writing=True):
            name, egg_version = metadata.name_and_version(egg)
            manifest = Manifest(
                project=name,
                version=egg_version,
                egg=egg.name,
                archive=archive,
                build=Build(
                    seconds=round(seconds, 3),
                    at=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
                    buildout=self._builder.buildout,
                    python=self._builder.python,
                    pip=self._builder.pip,
                ),
                umask=self._umask,
                items=(),
            )
            if self.store.entry(name, egg_version, archive.sha256) != self.store.entry(
                project, version, archive.sha256
            ):
                logger.debug('%s is not %s %s, so it is not stored.', egg.name, project, version)
                return
            entry = self.store.add(manifest, egg, self.settings.replaces)
            self.counters.stored += 1
            self.recorder.stored(entry)

    @contextmanager
    def _lock(self, project: str, version: str, archive: Archive) -> Iterator[None]:
        """Hold the lock of `archive` as well as the filesystem can."""
        from egg.cache.store import locks

        timeout = self.settings.lock_timeout
        with ExitStack() as stack:
            if self._writes:
                with self.trouble('lock'):
                    path = self.layout.lock(self.store.key, archive.sha256)
                    purpose = f'the build of {project} {version}'
                    mode = permissions.of(self.layout.root).file_mode(self._umask)
                    try:
                        stack.enter_context(locks.hold(path, purpose, timeout, mode))
                    except locks.LockTimeout as error:
                        logger.warning(
                            'Waited %g s in vain for %s.\nNow it is done here, too. The option '
                            'egg-cache-lock-timeout tells how long to wait.', timeout, error,
                        )  # fmt: skip
            yield

    def trouble(self, verb: str, stops_writing: bool = False) -> Guard:
        """Turn any trouble with the cache inside a block into one warning."""

        def react(error: Exception) -> None:
            self.recorder.trouble(verb, error)
            # One egg that can't be kept says nothing about the next one.
            if stops_writing and isinstance(error, OSError) and error.errno != ENAMETOOLONG:
                self._writes = False

        return self._trouble.during(verb, react)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
