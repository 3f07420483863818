"""In which environment are eggs that others made?"""

from __future__ import annotations

from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import index_options
from egg.cache.configuration.settings import Settings
from egg.cache.environment import environment, source_builds
from egg.cache.environment.environment import Environment


def environments(
    key: str | None, wanted: list[Settings]
) -> tuple[Environment, Environment, str]:
    """Return the environment of wheels, that of what may be built from source, and the version
    of zc.buildout.

    `key` is the `egg-cache-key` that was named, None for that of the buildouts with the settings
    `wanted`. Raises `SettingError` if these differ, and `CacheError` if nobody knows how eggs are
    built here.
    """
    keys = {one.key for one in wanted} if key is None else {key}
    if len(keys) > 1:
        raise SettingError(
            'These buildouts have different values of egg-cache-key, so they never share an '
            'egg.\nName one of them at a time.'
        )
    buildout = index_options.buildout_version()
    if buildout is None:
        raise CacheError(
            'zc.buildout is not installed beside egg-cache, so nobody knows what its eggs look '
            'like.\nInstall it there, or use the egg-cache that is beside it.'
        )
    builds = source_builds.current(index_options.pip_version())
    if builds.obstacle:
        raise CacheError(
            f'{builds.obstacle}.\nSo nobody knows how pip would build these eggs from source.'
        )
    main = environment.current(buildout, ''.join(keys))
    # Nobody knows which of them were built from source.
    return main, main.for_sources(builds.options), buildout
