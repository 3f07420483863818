"""How do parts get eggs instead of what is installed beside zc.buildout?

zc.buildout takes what is beside it for a candidate, and prefers it. So `Installer` lets it choose,
and answers with an egg of the same version: one that is there, or from the cache, from an index,
or made of the files that are installed.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zc.buildout import UserError, easy_install

from egg.cache.buildout.hooks import state, unanswered
from egg.cache.buildout.hooks.installer import CachingInstaller, pkg_resources
from egg.cache.buildout.installation import Installation
from egg.cache.buildout.session import Session
from egg.cache.common import disk_space
from egg.cache.common.errors import UnwritableError
from egg.cache.eggs import site_packages, wheel_rebuild
from egg.cache.eggs.site_packages import SitePackages
from egg.cache.store.manifest import INSTALLED, Archive

logger = logging.getLogger('egg.cache')


class Installer(CachingInstaller):
    """An installer that asks the cache, and gives parts eggs alone where that is wanted."""

    _is_for_part = False
    # What is beside zc.buildout and should become an egg now, and what has become one.
    _wanted: Any = None
    _owned: frozenset[tuple[str, str]] = frozenset()

    def install(self, specs: Any, working_set: Any = None) -> Any:
        self._is_for_part = working_set is None and not state.current.is_upgrading
        return super().install(specs, working_set)

    def _get_dist(self, requirement: Any, ws: Any) -> Any:
        try:
            return super()._get_dist(requirement, ws)
        except UnwritableError as error:
            if self._wanted is None:
                raise UserError(str(error)) from error
            _do_without(error)
            return super()._get_dist(requirement, ws)
        except (Exception, SystemExit) as error:
            if self._wanted is None:
                raise
            # Once more, and then without an archive: it is installed, so no build may fail.
            logger.debug('There is no archive of %s: %s', self._wanted, error)
            return super()._get_dist(requirement, ws)
        finally:
            self._wanted = None

    def _satisfied(self, req: Any, source: Any = None) -> Any:
        found, available = super()._satisfied(req, source)
        beside = state.current.site_packages
        if found is None or not self._is_for_part or beside is None:
            return found, available
        return self._own(found, beside) if beside.holds(found.location) else (found, None)

    def _own(self, found: Any, beside: SitePackages) -> tuple[Any, Any]:
        """Return what `_satisfied` does, for an egg of what was `found` beside zc.buildout.

        It has the same version: what parts get is what they get without us.
        """
        if found.precedence == pkg_resources.DEVELOP_DIST:
            self._owned |= {site_packages.key(found.project_name, found.version)}
        for dist in self._env[found.project_name]:
            if dist.version == found.version and beside.is_egg(dist.location):
                return dist, None
        if state.current.has_no_room:
            return found, None
        if (
            self._dest is not None
            and self._wanted is None
            and not site_packages.is_editable(found)
        ):
            self._wanted = found
            copied, available = self._copied(found, self._dest)
            if copied is not None or available is not None:
                return copied, available
        return _egg_of_installed(found, self._dest or beside.eggs_directory) or found, None

    def _copied(self, found: Any, directory: str) -> tuple[Any, Any]:
        """Return what `_satisfied` does, for an egg that need not be made of what is installed.

        What was installed from a directory or a repository is on no index.
        """
        exact = found.as_requirement()
        session, installation = state.current.session, state.current.installation
        is_from_index = site_packages.is_from_index(found)
        if session and installation and is_from_index:
            available = self._pinned(session, installation, exact)
            if available is not None:
                return None, available
        copied = _egg_of_installed(found, directory, is_made=False) if session else None
        if copied is not None or not is_from_index:
            return copied, None
        return None, self._archive(exact)

    def _archive(self, exact: Any) -> Any:
        """Return the archive that the index or a find-link has for an exact requirement.

        Plain buildout would not even ask: of an index that is silent nobody asks twice.
        """
        # What is not in the index would be looked for in the list of all that is.
        self._index.not_found_in_index = lambda requirement: None
        if unanswered.is_silent(self._index):
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


class _FromInstalled(Installation):
    """The egg of what is installed: identified by its files, as nobody knows its archive."""

    def __init__(self, session: Session, eggs_directory: str, found: Any, identity: str) -> None:
        super().__init__(session, eggs_directory)
        self.project, self.version = found.project_name, found.version
        self._installed = Archive(f'{found.egg_name()}{INSTALLED}', identity)
        self.archive = self._installed

    def look_up(self) -> bool:
        """Stage the egg that was made of the same files before; tell whether there is one."""
        entry = self._session.find(self.project, self.version, self._installed)
        return entry is not None and self.stage(entry, 'installed')

    def egg(self, path: str, directory: str, make: Callable[[], Path]) -> Path:
        def make_without_archive() -> Path:
            egg = make()
            site_packages.forget_archive(egg)
            return egg

        return super().egg(path, directory, make_without_archive)


def _egg_of_installed(found: Any, directory: str, is_made: bool = True) -> Any:
    """Return an egg of what is installed, in the eggs directory; None if that can't be.

    Unless it `is_made`, it can only be a copy from the egg cache.
    """
    run = state.current
    is_egg = os.path.isdir(found.location) and found.location.endswith('.egg')
    if is_egg and not is_made:
        return None
    before, run.installation = run.installation, None
    try:
        if is_egg:
            return easy_install._move_to_eggs_dir_and_compile(
                found.clone(precedence=pkg_resources.EGG_DIST), directory
            )
        info = site_packages.metadata_directory(found)
        if run.session is not None:
            identity = wheel_rebuild.identity(info)
            run.installation = _FromInstalled(run.session, directory, found, identity)
            if run.installation.look_up():
                # There is no such wheel: who makes an egg of it finds the copy.
                return _egg_of_wheel(found, Path(directory, f'{info.name}.whl'), directory)
        return _made(found, info, directory) if is_made else None
    # Whatever it is: plain buildout would go on.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        full = disk_space.of_build(error, directory)
        if full is not None:
            _do_without(full)
        elif is_made and str(found) not in run.refused:
            run.refused.add(str(found))
            logger.warning(
                '%s is used as it is installed beside zc.buildout: no archive of it was found, '
                'and no egg can be made of what is installed: %s.\n'
                'So the buildout is not self-contained. Is there an index that has this version, '
                'or can another one be pinned?', found, str(error).rstrip('.'),
            )  # fmt: skip
        return None
    finally:
        if run.installation is not None:
            run.installation.close()
        run.installation = before


def _made(found: Any, info: Path, directory: str) -> Any:
    """Return an egg of the files that the metadata directory `info` lists, in `directory`."""
    with tempfile.TemporaryDirectory() as temporary:
        made = _egg_of_wheel(found, wheel_rebuild.rebuild(info, Path(temporary)), directory)
    if state.current.installation is None:
        site_packages.forget_archive(Path(made.location))
    logger.info('Made an egg of %s, which is installed beside zc.buildout.', found)
    return made


def _egg_of_wheel(found: Any, wheel: Path, directory: str) -> Any:
    return easy_install._move_to_eggs_dir_and_compile(
        found.clone(location=str(wheel), precedence=pkg_resources.EGG_DIST), directory
    )


def _do_without(error: UnwritableError) -> None:
    """Take what is installed beside zc.buildout from now on, as plain buildout would."""
    if not state.current.has_no_room:
        state.current.has_no_room = True
        logger.warning('%s\nUntil then the buildout is not self-contained.', error)
