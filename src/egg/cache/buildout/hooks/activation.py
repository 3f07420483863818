"""How does zc.buildout get its hooks, and how does it get rid of them?

Names in `zc.buildout.easy_install`, and methods of `Buildout`, are replaced, and kept so that they
can be put back. Loading twice, or ending without `unload`, does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zc.buildout import easy_install
from zc.buildout.buildout import Buildout

from egg.cache.buildout.hooks import egg_making, state
from egg.cache.buildout.hooks.installer import Environment
from egg.cache.buildout.hooks.self_contained import Installer
from egg.cache.buildout.hooks.state import RunState
from egg.cache.buildout.session import Session
from egg.cache.eggs.site_packages import SitePackages


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
    deactivate()
    run = RunState(session, follow, options or {})
    if is_self_contained:
        run.site_packages = SitePackages(
            easy_install.buildout_and_setuptools_path,
            run.options['eggs-directory'],
            run.options['develop-eggs-directory'],
        )
    state.current = run
    _replace('Environment', Environment)
    _replace('Installer', Installer)
    _replace('call_pip_install', egg_making.pip_install(easy_install.call_pip_install))
    rename = easy_install._maybe_copy_and_rename_wheel
    _replace('_maybe_copy_and_rename_wheel', egg_making.wheel_rename(rename))
    _replace('develop', _developing(easy_install.develop))
    _replace('UNPACKERS', egg_making.unpackers(easy_install.UNPACKERS))
    # After an error nobody unloads extensions, and another buildout in the same process may
    # list none, so that nobody loads them either.
    _replace('__init__', _deactivating(Buildout.__init__), Buildout)
    _replace('_maybe_upgrade', _noting_upgrades(Buildout._maybe_upgrade), Buildout)


def deactivate() -> Session | None:
    """Give buildout its own names back; return the session that was active."""
    run, state.current = state.current, RunState()
    if run.originals:
        # Settings that buildout made on the class in the meantime stay.
        original = run.originals[easy_install, 'Installer']
        for name in _settings_of(original) & vars(Installer).keys():
            setattr(original, name, vars(Installer)[name])
            delattr(Installer, name)
    for (owner, name), value in run.originals.items():
        setattr(owner, name, value)
    return run.session


def _replace(name: str, value: Any, owner: Any = easy_install) -> None:
    state.current.originals[owner, name] = getattr(owner, name)
    setattr(owner, name, value)


def _developing(original: Any) -> Any:
    def develop(*args: Any, **kwargs: Any) -> Any:
        # Imported late: most buildouts develop nothing.
        from egg.cache.buildout.hooks import developing

        return developing.developing(original)(*args, **kwargs)

    return develop


def _deactivating(original: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        deactivate()
        original(self, *args, **kwargs)

    return __init__


def _noting_upgrades(original: Any) -> Any:
    """Upgrades of zc.buildout are not for parts, and compare with what is beside it."""

    def _maybe_upgrade(self: Any) -> Any:
        run = state.current
        run.is_upgrading = True
        try:
            return original(self)
        finally:
            run.is_upgrading = False

    return _maybe_upgrade


def _settings_of(cls: type) -> set[str]:
    """Return the names of the data that buildout keeps on its installer class."""
    return {
        name
        for name, value in vars(cls).items()
        if not name.startswith('__') and not callable(value) and not hasattr(value, '__get__')
    }
