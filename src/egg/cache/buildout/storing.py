"""What does a run write to the cache: eggs that it built, and what pins stand for?"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from errno import ENAMETOOLONG
from pathlib import Path

from egg.cache.buildout.failures import Failures, Guard
from egg.cache.configuration.settings import Settings
from egg.cache.eggs import metadata
from egg.cache.environment.environment import Environment
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.stats.counters import Counters
from egg.cache.stats.recorder import Recorder
from egg.cache.store import permissions
from egg.cache.store.manifest import Archive, Build, Manifest
from egg.cache.store.store import Store

logger = logging.getLogger('egg.cache')


@dataclass(frozen=True)
class Builder:
    """With what eggs are built: the versions of zc.buildout, Python and pip."""

    buildout: str
    python: str
    pip: str


class Storing:
    """What one run writes to its cache; `is_on` tells whether it still does."""

    def __init__(
        self, store: Store, settings: Settings, builder: Builder, recorder: Recorder,
        umask: int,
    ) -> None:  # fmt: skip
        self.is_on = settings.writes
        self._store = store
        self._settings = settings
        self._builder = builder
        self._recorder = recorder
        self._umask = umask
        self._failures = Failures(store.layout.root)
        # The sha256 of the archives whose locks this process holds, or has tried to.
        self._locked: set[str] = set()

    def join(self, other: Storing) -> None:
        """Warn once together with `other`, of the same run."""
        self._failures = other._failures

    def trouble(self, verb: str, stops_writing: bool = False) -> Guard:
        """Turn any trouble with the cache inside a block into one warning."""

        def react(error: Exception) -> None:
            self._recorder.trouble(verb, error)
            # One egg that can't be kept says nothing about the next one.
            if stops_writing and isinstance(error, OSError) and error.errno != ENAMETOOLONG:
                self.is_on = False

        return self._failures.during(verb, react)

    def prepare(self, environment: Environment, *others: Callable[[], object]) -> None:
        """Make the directories of `environment`, if this run stores; after that, call `others`.

        If that fails, nothing is stored.
        """
        if not self.is_on:
            return
        self.is_on = False
        with self.trouble('prepare'):
            self._store.prepare()
            self._store.describe(environment.describe())
            self.is_on = True
            for other in others:
                other()

    def add(
        self, project: str, version: str, archive: Archive, egg: Path, seconds: float,
        counters: Counters,
    ) -> None:  # fmt: skip
        """Store an egg that was built from `archive`, if this run does; add it to `counters`."""
        if not self.is_on:
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
            if self._store.entry(name, egg_version, archive.sha256) != self._store.entry(
                project, version, archive.sha256
            ):
                logger.debug('%s is not %s %s, so it is not stored.', egg.name, project, version)
                return
            entry = self._store.add(manifest, egg, self._settings.replaces)
            counters.stored += 1
            self._recorder.stored(entry)

    def remember(
        self, origin: Origin, project: str, pin: str, pointer: Pointer,
        find: Callable[[Archive], Store],
    ) -> None:
        """Keep what the pin `project == pin` resolved to in `origin`, if its egg is stored.

        `find` returns the store that has the eggs of such an archive.
        """
        if not self.is_on or not origins.can_be_pinned(pin):
            return
        if not origins.can_be_pinned(pointer.version) or not origin.has_pointers:
            return
        with self.trouble('write to'):
            layout, key = self._store.layout, self._store.key
            store = find(Archive(pointer.name, pointer.sha256))
            if store.entry(project, pointer.version, pointer.sha256).exists():
                self._store.check(layout.origin(key, origin.key))
                origins.write(layout, key, origin, project, pin, pointer)

    def prune(self, started: float, stored: int) -> None:
        """Prune what is more than `egg-cache-max-size`, at the end of a run since `started`.

        One that has `stored` nothing leaves the cache as small as it was.
        """
        limit = self._settings.max_size
        if limit is None or not self.is_on or not stored:
            return
        # Imported late, here and below: a run that builds nothing doesn't pay for it.
        from egg.cache.maintenance import prune

        with self.trouble('prune'):
            report = prune.after_run(self._store.layout, limit, started)
            if report.removed:
                logger.info('Removed %s from the egg cache.', report.summary())

    @contextmanager
    def lock(self, project: str, version: str, archive: Archive) -> Iterator[None]:
        """Hold the lock of `archive` as well as the filesystem can, once in this process."""
        from egg.cache.store import locks

        timeout = self._settings.lock_timeout
        with ExitStack() as stack:
            if self.is_on and archive.sha256 not in self._locked:
                self._locked.add(archive.sha256)
                stack.callback(self._locked.discard, archive.sha256)
                with self.trouble('lock'):
                    path = self._store.layout.lock(self._store.key, archive.sha256)
                    purpose = f'the build of {project} {version}'
                    mode = permissions.of(self._store.layout.root).file_mode(self._umask)
                    try:
                        stack.enter_context(locks.hold(path, purpose, timeout, mode))
                    except locks.LockTimeout as error:
                        logger.warning(
                            'Waited %g s in vain for %s.\nNow it is done here, too. The option '
                            'egg-cache-lock-timeout tells how long to wait.', timeout, error,
                        )  # fmt: skip
            yield


def umask() -> int:
    """Return the umask of this process."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
