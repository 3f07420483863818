"""How does buildout start and end with the egg cache?"""

from __future__ import annotations

import atexit
import logging
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import zc.buildout

from egg.cache.buildout.hooks import activation, compatibility, extension_eggs, installed_pins
from egg.cache.buildout.session import Session
from egg.cache.buildout.storing import Builder
from egg.cache.common.errors import SettingError, UntrustedError
from egg.cache.configuration import index_options, settings
from egg.cache.configuration.settings import Settings, is_listed
from egg.cache.environment import environment, source_builds
from egg.cache.portable.buildout_paths import DIRECTORIES
from egg.cache.stats import run_record

logger = logging.getLogger('egg.cache')

# As they were when buildout began.
_chosen: Settings | None = None


def load(buildout: Any) -> None:
    """Let `buildout` use its egg cache, if it lists this extension.

    buildout calls every extension that is installed as soon as one is listed. Raises
    `zc.buildout.UserError` for an option with a wrong value.
    """
    global _chosen
    activation.deactivate()
    _chosen = None
    options = buildout['buildout']
    if not is_listed(options.get('extensions', '')):
        return
    lacking = compatibility.lacking()
    if lacking:
        logger.warning(
            'The egg cache is switched off: it does not know this version of zc.buildout (%s), '
            'where these differ: %s.\nIs there a newer egg.cache?',
            index_options.buildout_version(),
            ', '.join(lacking),
        )
        return
    try:
        chosen = _settings(options)
        _keep_from_others(options, chosen)
        session = _session(options, chosen)
        if session is not None and not session.open():
            session = None
    except UntrustedError as error:
        if 'egg-cache' in options:
            raise zc.buildout.UserError(str(error)) from error
        # Nobody chose the default directory, so nobody is to be stopped because of it.
        logger.warning('%s\nThe buildout goes on without an egg cache.', error)
        session = None
    except SettingError as error:
        raise zc.buildout.UserError(str(error)) from error
    if session is None and chosen.self_contained == 'no':
        return
    _chosen = chosen
    follow = None if session is None else _follow(options, session)
    activation.activate(session, follow, options, chosen.self_contained == 'yes')
    if session is not None:
        # After an error nobody unloads extensions.
        atexit.register(session.recorder.leave)
        _remark_on_layout(options)
        _look_at_extensions(session, options)


def unload(buildout: Any) -> None:
    """Say what the egg cache did, and let go of buildout.

    buildout does not come here after an error.
    """
    global _chosen
    if _chosen is not None and _chosen.self_contained != 'no':
        _end_on_its_own(buildout['buildout'], _chosen)
    _chosen = None
    session = activation.deactivate()
    if session is not None:
        session.finish()
        session.recorder.end()
        if run_record.are_many(session.layout.stats):
            # Imported late: hundreds of runs don't need it.
            from egg.cache.stats import history

            history.fold_many(session.layout)
    summary = session.counters.summary() if session is not None else None
    if summary is not None:
        logger.info(summary)


def _keep_from_others(options: Any, chosen: Settings) -> None:
    """Never let buildout act upon what another directory's `.installed.cfg` says.

    It would remove what was installed there.
    """
    directory, installed = options['directory'], options['installed']
    if chosen.self_contained == 'no' or not os.path.exists(installed):
        return
    # Imported late: a new buildout has no use for it.
    from egg.cache.standalone import bootstrap

    # Where these are elsewhere, they are so in every copy.
    places = tuple(options[name] for name in DIRECTORIES)
    try:
        root = bootstrap.set_aside(directory, installed, places)
    except OSError as error:
        raise zc.buildout.UserError(
            f"{installed} may be that of another directory, and can't be set aside: {error}."
        ) from error
    if root is not None:
        name = os.path.basename(installed)
        logger.warning(
            'The %s in %s is that of %s, from where this buildout was copied or '
            'moved.\nIt is kept as %s.foreign, and all parts are installed anew.',
            name, os.path.dirname(installed), root, name,
        )  # fmt: skip


def _end_on_its_own(options: Any, chosen: Settings) -> None:
    """Let the buildout have all that it needs, and say what still leads out of it."""
    # Imported late: with egg-cache-self-contained = no, nobody needs it.
    from egg.cache.portable import relocation

    try:
        if chosen.self_contained == 'yes':
            relocation.complete(options, '' if chosen.is_off else str(chosen.directory))
        relocation.report(options, chosen.self_contained == 'check')
    # Whatever it is: the parts are installed, and that is what the run was for.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        logger.warning('Whether the buildout is self-contained is not known: %s', error)


def _remark_on_layout(options: Any) -> None:
    """Say it if the eggs are not in the buildout, so that it can't be shipped as it is."""
    directory, eggs = (os.path.realpath(options[n]) for n in ('directory', 'eggs-directory'))
    if os.path.commonpath([directory, eggs]) != directory:
        logger.info(
            'The eggs directory %s is outside of the buildout: the buildout is not '
            'self-contained.', options['eggs-directory'],
        )  # fmt: skip


def _look_at_extensions(session: Session, options: Any) -> None:
    """Take care of what buildout had to fetch before it loaded extensions."""
    with session.trouble('look up'):
        installed_pins.remark(options.get('extensions', ''))
        extension_eggs.note(session, options)


def _follow(options: Any, session: Session) -> Callable[[], Session]:
    """Return a function that returns the session for the build variables of that moment.

    A recipe or another extension may set some at any time.
    """
    sessions = {environment.inputs(): session}

    def follow() -> Session:
        variables = environment.inputs()
        if variables not in sessions:
            # What is wrong with the cache by now must not stop a build that has begun.
            sessions[variables] = session.idle()
            with session.trouble('open'):
                other = _session(options, _settings(options))
                if other is not None:
                    other.join(session)
                    other.open()
                    sessions[variables] = other
        return sessions[variables]

    return follow


def _settings(options: Any) -> Settings:
    given = {name: options[name] for name in settings.OPTIONS if name in options}
    return settings.parse(given, options['directory'])


def _session(options: Any, chosen: Settings) -> Session | None:
    if chosen.directory is None or chosen.is_off:
        return None
    release = index_options.buildout_version()
    if release is None:
        logger.warning('The egg cache is switched off: zc.buildout does not tell its version.')
        return None
    builder = Builder(release, platform.python_version(), version('pip'))
    current = environment.current(builder.buildout, chosen.key)
    return Session(
        chosen,
        chosen.directory,
        current,
        builder,
        source_builds=lambda: source_builds.current(builder.pip),
        header={
            'buildout': os.path.realpath(options['directory']),
            'description': current.describe(),
            'versions': {'zc.buildout': builder.buildout, 'python': builder.python,
                         'pip': builder.pip},
        },
    )
