"""How does buildout's installer ask the egg cache before it asks the network?

`CachingInstaller` is what zc.buildout's own installer is, but for where it looks. For each
distribution that buildout gets there is an `Installation`, which the wrapped functions that make
eggs of archives (`egg_making`) look at. All else stays buildout's own: which distribution is
taken, renaming, collisions, log lines, the order of the working set.
"""

from __future__ import annotations

import glob
import logging
import os
import sys
import time
from typing import Any

from zc.buildout import easy_install

from egg.cache.buildout.hooks import state, unanswered
from egg.cache.buildout.installation import Installation
from egg.cache.buildout.session import Session
from egg.cache.common import disk_space
from egg.cache.configuration import local_archives
from egg.cache.eggs import site_packages
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin
from egg.cache.store.entry import Entry

pkg_resources: Any = getattr(easy_install, 'pkg_resources', None)
logger = logging.getLogger('egg.cache')


# mypy can't know a base that may be missing: `lacking` tells if it is.
class Environment(getattr(easy_install, 'Environment', object)):  # type: ignore[misc]
    """What there is for an installer: of the eggs directory, eggs of this Python alone.

    Where metadata have the name that they have in a wheel, only the egg's own name tells. And
    zc.buildout takes the temporary directory that it left when it was killed for an egg.
    """

    def can_add(self, dist: Any) -> Any:
        directory, name = os.path.split(dist.location or '')
        is_left = directory == state.current.eggs_directory and not name.endswith('.egg')
        return (
            super().can_add(dist)
            and not is_left
            and not site_packages.is_for_other_python(name)
        )


# Here, too.
class CachingInstaller(getattr(easy_install, 'Installer', object)):  # type: ignore[misc]
    """buildout's installer, which asks the egg cache before it asks the network."""

    def _get_dist(self, requirement: Any, ws: Any) -> Any:
        run = state.current
        if run.session is None or self._dest is None:
            return super()._get_dist(requirement, ws)
        if run.follow is not None:
            run.session = run.follow()
        before, installation = run.installation, Installation(run.session, self._dest)
        run.installation = installation
        specifier = str(requirement.specifier)
        installation.is_open = '+' not in specifier and '===' not in specifier
        try:
            dists = super()._get_dist(requirement, ws)
            installation.remember()
            return dists
        finally:
            installation.close()
            run.installation = before

    def _satisfied(self, req: Any, source: Any = None) -> Any:
        session, installation = state.current.session, state.current.installation
        if session is None or installation is None or source:
            return super()._satisfied(req, source)
        if not any(dist in req for dist in self._env[req.project_name]):
            cached = self._pinned(session, installation, req)
            if cached is not None:
                return None, cached
        found, available = super()._satisfied(req, source)
        if found is None and available is None:
            available = self._fallback(session, installation, req)
        return found, available

    def _obtain(self, requirement: Any, source: Any = None) -> Any:
        unanswered.watch(self._index)
        return super()._obtain(requirement, source)

    def _fetch(self, dist: Any, tmp: str, download_cache: str | None) -> Any:
        session, installation = state.current.session, state.current.installation
        if session is None or installation is None:
            return super()._fetch(dist, tmp, download_cache)
        if installation.copy is None:
            with session.trouble('look up'):
                self._learn(installation, dist)
                if not installation.resolve(dist.project_name, dist.version, dist.location):
                    installation.await_others(dist.location)
        if installation.copy is not None:
            # There will never be such a file: who makes an egg of it finds the copy.
            name = installation.copy.manifest.archive.name
            return dist.clone(location=os.path.join(tmp, name))
        started = time.monotonic()
        try:
            fetched = super()._fetch(dist, tmp, download_cache)
        except OSError as error:
            found = disk_space.of_build(error, self._dest)
            if found is None:
                raise
            raise found from error
        installation.fetch_seconds = time.monotonic() - started
        return fetched

    def _env_rescan_dest(self) -> None:
        """Take note of the egg that arrived, without a look at all the others.

        buildout scans the whole eggs directory after each egg: a third of a warm run.
        """
        installation = state.current.installation
        if installation is None or installation.egg_name is None:
            super()._env_rescan_dest()
            return
        location = os.path.join(self._dest, installation.egg_name)
        self._env.scan([location])
        for arrived in pkg_resources.find_distributions(location):
            for dist in self._env[arrived.project_name]:
                if os.path.dirname(dist.location) == self._dest:
                    dist.precedence = pkg_resources.EGG_DIST

    def _make_env(self) -> Any:
        """See eggs with `.dist-info` offline, too.

        Without an eggs directory of its own (`buildout -o`) an installer gets it as a part of
        its path, and zc.buildout 5 and 6 don't see there what they have made themselves. Nor do
        they see custom builds in the directory of develop eggs, but that is so online, too.
        """
        env = super()._make_env()
        if self._dest is None:
            for directory in self._path:
                if directory == state.current.options.get('develop-eggs-directory'):
                    continue
                for location in sorted(glob.glob(os.path.join(glob.escape(directory), '*.egg'))):
                    for dist in pkg_resources.find_distributions(location):
                        dist.precedence = pkg_resources.EGG_DIST
                        env.add(dist)
        return env

    def _pinned(self, session: Session, installation: Installation, req: Any) -> Any:
        """Return a distribution for an exact pin that this origin resolved before."""
        pin = origins.exact_pin(req.specifier)
        if pin is None:
            return None
        with session.trouble('look up'):
            origin = self._origin
            if not origin.has_pointers:
                return None
            local = self._local(req)
            installation.ask(origin, req.project_name, pin, local)
            entry = session.pinned(origin, req.project_name, pin, local)
            if entry is not None and installation.stage(entry):
                return _distribution(entry)
        return None

    def _learn(self, installation: Installation, dist: Any) -> None:
        """Note that a later pin to the version of `dist`, which an index chose, stands for it.

        buildout would choose the same archive for the pin, but for two cases: a local version of
        it was excluded, or an index that didn't answer has a better archive.
        """
        origin = self._origin
        if (
            not installation.is_open
            or not origin.has_pointers
            or unanswered.urls(self._index, dist.project_name)
        ):
            return
        pin = dist.as_requirement()
        installation.learn(origin, dist.project_name, dist.version, self._local(pin))

    def _fallback(self, session: Session, installation: Installation, req: Any) -> Any:
        """Return the best cached distribution, if nobody could tell what there is."""
        silent = unanswered.urls(self._index, req.project_name)
        if not silent:
            return None

        def allows(url: str) -> bool:
            if not url:  # It came before the egg cache was loaded, from wherever it was allowed.
                return tuple(self._allow_hosts) == ('*',)
            return not origins.is_remote(url) or bool(self._index.url_ok(url))

        def accepts(version: str) -> bool:
            return bool(req.specifier.contains(version, prereleases=True))

        with session.trouble('look up'):
            for entry in session.ranked(req.project_name, accepts, allows, self._prefer_final):
                if installation.stage(entry, 'fallback'):
                    is_pin = origins.exact_pin(req.specifier) is not None
                    other = 'another archive of that version' if is_pin else 'another one'
                    logger.warning(
                        'No answer from %s.\nFor %r the best that is in the egg cache is used, '
                        '%s; with an answer it could be %s.',
                        origins.public_url(silent[0]), str(req), entry, other,
                    )  # fmt: skip
                    return _distribution(entry)
        return None

    @property
    def _origin(self) -> Origin:
        return Origin(self._index.index_url, tuple(self._links), tuple(self._allow_hosts))

    def _local(self, req: Any) -> tuple[str, ...]:
        """Return the sha256 of the local archives that satisfy `req`.

        buildout's index has what is on `sys.path`, too, which is no archive.
        """
        found = (dist.location for dist in self._index[req.project_name] if dist in req)
        local = {place for place in found if not origins.is_remote(place)} - set(sys.path)
        return local_archives.digests(list(local), self._download_cache)


def _distribution(entry: Entry) -> Any:
    """Return a distribution that buildout takes for one that can be fetched."""
    manifest = entry.manifest
    return pkg_resources.Distribution(
        manifest.archive.name,
        project_name=manifest.project,
        version=manifest.version,
        precedence=pkg_resources.EGG_DIST,
    )
