"""Where does the egg cache hook into zc.buildout?

This is the only module that uses private names of zc.buildout (`compatibility` lists them).
`Installer` replaces the class of the same name while the extension is loaded. For each
distribution that buildout gets there is an `Installation`, which the wrapped functions that make
eggs of archives (`call_pip_install` and the unpackers) look at. All else stays buildout's own:
which distribution is taken, renaming, collisions, log lines, the order of the working set. One
thing is not: what a part would take of those that are beside zc.buildout becomes an egg.

A custom build (`easy_install.build`) and a develop egg have no arrival, so they never read from
or write to the cache.
"""

from __future__ import annotations

import glob
import logging
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zc.buildout import UserError, easy_install
from zc.buildout.buildout import Buildout

from egg.cache.buildout.installation import Installation
from egg.cache.buildout.session import Session
from egg.cache.common import disk_space
from egg.cache.common.errors import UnwritableError
from egg.cache.configuration import local_archives
from egg.cache.eggs import site_packages, wheel_rebuild
from egg.cache.eggs.site_packages import SitePackages
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin
from egg.cache.store.store import Entry

pkg_resources: Any = getattr(easy_install, 'pkg_resources', None)
logger = logging.getLogger('egg.cache')

_session: Session | None = None
_arrival: Installation | None = None
_follow: Callable[[], Session] | None = None
_options: Mapping[str, str] = {}
_eggs_directory = ''
_beside: SitePackages | None = None
_is_upgrading = False
_refused: set[str] = set()
_has_no_room = False
_originals: dict[tuple[Any, str], Any] = {}


# mypy can't know a base that may be missing: `lacking` tells if it is.
class Environment(getattr(easy_install, 'Environment', object)):  # type: ignore[misc]
    """What there is for an installer: of the eggs directory, eggs of this Python alone.

    Where metadata have the name that they have in a wheel, only the egg's own name tells. And
    zc.buildout takes the temporary directory that it left when it was killed for an egg.
    """

    def can_add(self, dist: Any) -> Any:
        directory, name = os.path.split(dist.location or '')
        is_left = directory == _eggs_directory and not name.endswith('.egg')
        return (
            super().can_add(dist)
            and not is_left
            and not site_packages.is_for_other_python(name)
        )


# Here, too.
class Installer(getattr(easy_install, 'Installer', object)):  # type: ignore[misc]
    """buildout's installer, which asks the egg cache before it asks the network."""

    _is_for_part = False
    # What is beside zc.buildout and should become an egg now, and what has become one.
    _wanted: Any = None
    _owned: frozenset[tuple[str, str]] = frozenset()

    def install(self, specs: Any, working_set: Any = None) -> Any:
        self._is_for_part = working_set is None and not _is_upgrading
        return super().install(specs, working_set)

    def _get_dist(self, requirement: Any, ws: Any) -> Any:
        try:
            return self._get_with_cache(requirement, ws)
        except UnwritableError as error:
            if self._wanted is None:
                raise UserError(str(error)) from error
            _do_without(error)
            return self._get_with_cache(requirement, ws)
        except (Exception, SystemExit) as error:
            if self._wanted is None:
                raise
            # Once more, and then without an archive: it is installed, so no build may fail.
            logger.debug('There is no archive of %s: %s', self._wanted, error)
            return self._get_with_cache(requirement, ws)
        finally:
            self._wanted = None

    def _get_with_cache(self, requirement: Any, ws: Any) -> Any:
        global _arrival, _session
        if _session is None or self._dest is None:
            return super()._get_dist(requirement, ws)
        if _follow is not None:
            _session = _follow()
        before, _arrival = _arrival, Installation(_session, self._dest)
        try:
            dists = super()._get_dist(requirement, ws)
            _arrival.remember()
            return dists
        finally:
            _arrival.close()
            _arrival = before

    def _satisfied(self, req: Any, source: Any = None) -> Any:
        found, available = self._satisfied_with_cache(req, source)
        if found is None or not self._is_for_part or _beside is None:
            return found, available
        return self._own(found, _beside) if _beside.holds(found.location) else (found, None)

    def _satisfied_with_cache(self, req: Any, source: Any) -> Any:
        if _session is None or _arrival is None or source:
            return super()._satisfied(req, source)
        if not any(dist in req for dist in self._env[req.project_name]):
            cached = self._pinned(_session, _arrival, req)
            if cached is not None:
                return None, cached
        found, available = super()._satisfied(req, source)
        if found is None and available is None:
            available = self._fallback(_session, _arrival, req)
        return found, available

    def _own(self, found: Any, own: SitePackages) -> tuple[Any, Any]:
        """Return what `_satisfied` does, for an egg of what was `found` beside zc.buildout.

        It has the same version: what parts get is what they get without us.
        """
        if found.precedence == pkg_resources.DEVELOP_DIST:
            self._owned |= {site_packages.key(found.project_name, found.version)}
        for dist in self._env[found.project_name]:
            if dist.version == found.version and own.is_egg(dist.location):
                return dist, None
        if _has_no_room:
            return found, None
        if (
            self._dest is not None
            and self._wanted is None
            and not site_packages.is_editable(found)
        ):
            self._wanted = found
            exact = found.as_requirement()
            available = self._pinned(_session, _arrival, exact) if _session and _arrival else None
            available = available or self._archive(exact)
            if available is not None:
                return None, available
        return _egg_of_installed(found, self._dest or own.eggs_directory) or found, None

    def _archive(self, exact: Any) -> Any:
        """Return the archive that the index or a find-link has for an exact requirement.

        Plain buildout would not even ask: of an index that is silent nobody asks twice.
        """
        # What is not in the index would be looked for in the list of all that is.
        self._index.not_found_in_index = lambda requirement: None
        if _is_silent(self._index):
            self._index.find_packages = lambda requirement: None
        try:
            available = self._obtain(exact)
        finally:
            del self._index.not_found_in_index
            self._index.__dict__.pop('find_packages', None)
        # The index has what is on sys.path, too.
        return None if available is None or os.path.isdir(available.location) else available

    def _check_picked_requirement_versions(self, requirement: Any, dists: Any) -> None:
        """Don't say of what buildout took as it was that its version was picked."""
        others = [
            dist for dist in dists
            if site_packages.key(dist.project_name, dist.version) not in self._owned
        ]  # fmt: skip
        super()._check_picked_requirement_versions(requirement, others)

    def _obtain(self, requirement: Any, source: Any = None) -> Any:
        _watch(self._index)
        return super()._obtain(requirement, source)

    def _fetch(self, dist: Any, tmp: str, download_cache: str | None) -> Any:
        if _session is None or _arrival is None:
            return super()._fetch(dist, tmp, download_cache)
        if _arrival.copy is None:
            with _session.trouble('look up'):
                _arrival.resolve(dist.project_name, dist.version, dist.location)
        if _arrival.copy is not None:
            # There will never be such a file: who makes an egg of it finds the copy.
            name = _arrival.copy.manifest.archive.name
            return dist.clone(location=os.path.join(tmp, name))
        started = time.monotonic()
        try:
            fetched = super()._fetch(dist, tmp, download_cache)
        except OSError as error:
            found = disk_space.of_build(error, self._dest)
            if found is None:
                raise
            raise found from error
        _arrival.fetch_seconds = time.monotonic() - started
        return fetched

    def _env_rescan_dest(self) -> None:
        """Take note of the egg that arrived, without a look at all the others.

        buildout scans the whole eggs directory after each egg: a third of a warm run.
        """
        if _arrival is None or _arrival.egg_name is None:
            super()._env_rescan_dest()
            return
        location = os.path.join(self._dest, _arrival.egg_name)
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
                if directory == _options.get('develop-eggs-directory'):
                    continue
                for location in sorted(glob.glob(os.path.join(glob.escape(directory), '*.egg'))):
                    for dist in pkg_resources.find_distributions(location):
                        dist.precedence = pkg_resources.EGG_DIST
                        env.add(dist)
        return env

    def _pinned(self, session: Session, arrival: Installation, req: Any) -> Any:
        """Return a distribution for an exact pin that this origin resolved before."""
        pin = origins.exact_pin(req.specifier)
        if pin is None:
            return None
        with session.trouble('look up'):
            origin = self._origin
            if not origin.has_pointers:
                return None
            local = self._local(req)
            arrival.ask(origin, req.project_name, pin, local)
            entry = session.pinned(origin, req.project_name, pin, local)
            if entry is not None and arrival.stage(entry):
                return _distribution(entry)
        return None

    def _fallback(self, session: Session, arrival: Installation, req: Any) -> Any:
        """Return the best cached distribution, if nobody could tell what there is."""
        silent = _silent_urls(self._index, req.project_name)
        if not silent:
            return None

        def allows(url: str) -> bool:
            return not origins.is_remote(url) or bool(self._index.url_ok(url))

        def accepts(version: str) -> bool:
            return bool(req.specifier.contains(version, prereleases=True))

        with session.trouble('look up'):
            for entry in session.ranked(req.project_name, accepts, allows, self._prefer_final):
                if arrival.stage(entry, 'fallback'):
                    logger.warning(
                        'No answer from %s.\nFor %r the best that is in the egg cache is used, '
                        '%s; with an answer it could be another one.',
                        origins.public_url(silent[0]),
                        str(req),
                        entry,
                    )
                    return _distribution(entry)
        return None

    @property
    def _origin(self) -> Origin:
        return Origin(self._index.index_url, tuple(self._links), tuple(self._allow_hosts))

    def _local(self, req: Any) -> tuple[str, ...]:
        """Return the sha256 of the local archives that satisfy `req`."""
        dists = (dist for dist in self._index[req.project_name] if dist in req)
        return local_archives.digests(
            [dist.location for dist in dists if not origins.is_remote(dist.location)],
            self._download_cache,
        )


def activate(
    session: Session | None,
    follow: Callable[[], Session] | None = None,
    options: Mapping[str, str] | None = None,
    is_self_contained: bool = False,
) -> None:
    """Let buildout use the egg cache of `session`, if there is one.

    `follow` returns the session to be used from now on, and is called for each distribution;
    `options` are those of the section [buildout]. If the buildout is to be self-contained, parts
    get eggs instead of what is beside zc.buildout.
    """
    global _session, _follow, _options, _eggs_directory, _beside, _has_no_room
    deactivate()
    _has_no_room = False
    _session, _follow, _options = session, follow, options or {}
    _eggs_directory = os.path.realpath(_options.get('eggs-directory', os.devnull))
    if is_self_contained:
        _beside = SitePackages(
            easy_install.buildout_and_setuptools_path,
            _options['eggs-directory'],
            _options['develop-eggs-directory'],
        )
    _refused.clear()
    _replace('Environment', Environment)
    _replace('Installer', Installer)
    _replace('call_pip_install', _caching_pip_install(easy_install.call_pip_install))
    _replace(
        '_maybe_copy_and_rename_wheel', _careful_rename(easy_install._maybe_copy_and_rename_wheel)
    )
    # zc.buildout 4 unpacks wheels itself, and its unpackers get the directory to unpack into;
    # those of later versions get the path of the egg.
    unpackers = easy_install.UNPACKERS
    wrap = _caching_unpacker_into if '.whl' in unpackers else _caching_unpacker_to
    _replace('UNPACKERS', {suffix: wrap(unpack) for suffix, unpack in unpackers.items()})
    # After an error nobody unloads extensions, and another buildout in the same process may
    # list none, so that nobody loads them either.
    _replace('__init__', _deactivating(Buildout.__init__), Buildout)
    _replace('_maybe_upgrade', _noting_upgrades(Buildout._maybe_upgrade), Buildout)


def deactivate() -> Session | None:
    """Give buildout its own names back; return the session that was active."""
    global _session, _follow, _options, _beside
    session, _session = _session, None
    _follow, _options, _beside = None, {}, None
    if _originals:
        # Settings that buildout made on the class in the meantime stay.
        original = _originals[easy_install, 'Installer']
        for name in _settings_of(original) & vars(Installer).keys():
            setattr(original, name, vars(Installer)[name])
            delattr(Installer, name)
    for (owner, name), value in _originals.items():
        setattr(owner, name, value)
    _originals.clear()
    return session


def _replace(name: str, value: Any, owner: Any = easy_install) -> None:
    _originals[owner, name] = getattr(owner, name)
    setattr(owner, name, value)


def _deactivating(original: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        deactivate()
        original(self, *args, **kwargs)

    return __init__


def _noting_upgrades(original: Any) -> Any:
    """Upgrades of zc.buildout are not for parts, and compare with what is beside it."""

    def _maybe_upgrade(self: Any) -> Any:
        global _is_upgrading
        _is_upgrading = True
        try:
            return original(self)
        finally:
            _is_upgrading = False

    return _maybe_upgrade


def _egg_of_installed(found: Any, directory: str) -> Any:
    """Return an egg made of what is installed, in the eggs directory; None if that can't be."""
    global _arrival
    # Nobody knows the archive, so the egg cache is not for it.
    before, _arrival = _arrival, None
    try:
        if os.path.isdir(found.location) and found.location.endswith('.egg'):
            return easy_install._move_to_eggs_dir_and_compile(
                found.clone(precedence=pkg_resources.EGG_DIST), directory
            )
        with tempfile.TemporaryDirectory() as temporary:
            wheel = wheel_rebuild.rebuild(site_packages.metadata_directory(found), Path(temporary))
            made = easy_install._move_to_eggs_dir_and_compile(
                found.clone(location=str(wheel), precedence=pkg_resources.EGG_DIST), directory
            )
        site_packages.forget_archive(Path(made.location))
        logger.info('Made an egg of %s, which is installed beside zc.buildout.', found)
        return made
    # Whatever it is: plain buildout would go on.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        full = disk_space.of_build(error, directory)
        if full is not None:
            _do_without(full)
        elif str(found) not in _refused:
            _refused.add(str(found))
            logger.warning(
                '%s is used as it is installed beside zc.buildout: no archive of it was found, '
                'and no egg can be made of what is installed: %s.\n'
                'So the buildout is not self-contained. Is there an index that has this version, '
                'or can another one be pinned?', found, str(error).rstrip('.'),
            )  # fmt: skip
        return None
    finally:
        _arrival = before


def _do_without(error: UnwritableError) -> None:
    """Take what is installed beside zc.buildout from now on, as plain buildout would."""
    global _has_no_room
    if not _has_no_room:
        _has_no_room = True
        logger.warning('%s\nUntil then the buildout is not self-contained.', error)


def _settings_of(cls: type) -> set[str]:
    """Return the names of the data that buildout keeps on its installer class."""
    return {
        name
        for name, value in vars(cls).items()
        if not name.startswith('__') and not callable(value) and not hasattr(value, '__get__')
    }


def _distribution(entry: Entry) -> Any:
    """Return a distribution that buildout takes for one that can be fetched."""
    manifest = entry.manifest
    return pkg_resources.Distribution(
        manifest.archive.name,
        project_name=manifest.project,
        version=manifest.version,
        precedence=pkg_resources.EGG_DIST,
    )


def _egg_of(path: str, directory: str, make: Callable[[], Path]) -> Path:
    if _arrival is None:
        return make()
    try:
        return _arrival.egg(path, directory, make)
    except (Exception, SystemExit) as error:
        found = disk_space.of_build(error, os.path.dirname(directory))
        if found is None or isinstance(error, UnwritableError):
            raise
        raise found from error


def _caching_pip_install(original: Any) -> Any:
    def call_pip_install(spec: str, dest: str, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or os.path.isdir(spec):
            return original(spec, dest, *args, **kwargs)

        def make() -> Path:
            [egg] = original(spec, dest)
            return Path(egg)

        return [str(_egg_of(spec, dest, make))]

    return call_pip_install


def _caching_unpacker_to(original: Any) -> Any:
    def unpack(location: str, egg: str) -> None:
        def make() -> Path:
            original(location, egg)
            return Path(egg)

        _egg_of(location, os.path.dirname(egg), make)

    return unpack


def _caching_unpacker_into(original: Any) -> Any:
    def unpack(location: str, directory: str) -> None:
        def make() -> Path:
            original(location, directory)
            [name] = os.listdir(directory)
            return Path(directory) / name

        _egg_of(location, directory, make)

    return unpack


def _careful_rename(original: Any) -> Any:
    def rename(dist: Any, dest: str) -> Any:
        """Look into a wheel for its name, but not into one that was never downloaded."""
        if _arrival is not None and _arrival.copy is not None:
            return None
        return original(dist, dest)

    return rename


def _watch(index: Any) -> None:
    """Take note of the URLs that `index` gets no answer from."""
    if 'open_url' in vars(index):
        return
    silent: set[str] = set()
    original = index.open_url

    def open_url(url: str, warning: Any = None) -> Any:
        answer = original(url, warning)
        if answer is None or (getattr(answer, 'code', None) or 200) >= 500:
            silent.add(url)
        return answer

    # A function may have attributes; mypy doesn't let it.
    open_url.silent = silent  # type: ignore[attr-defined]
    index.open_url = open_url


def _is_silent(index: Any) -> bool:
    silent = getattr(vars(index).get('open_url'), 'silent', ())
    return any(url.startswith(index.index_url) for url in silent)


def _silent_urls(index: Any, project: str) -> list[str]:
    """Return the URLs that gave no answer, but for the pages of other projects."""
    silent = getattr(vars(index).get('open_url'), 'silent', ())
    return sorted(url for url in silent if origins.concerns(url, index.index_url, project))
