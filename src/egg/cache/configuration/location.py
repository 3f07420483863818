"""Which directory is the egg cache, and who says so?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import buildout_cfg, settings
from egg.cache.store import ownership
from egg.cache.store.layout import Layout

#: What a verb wants of the cache directory: that it is an egg cache (or isn't there yet), that
#: it is known, or nothing at all.
CHECKED, NAMED, UNUSED = 'checked', 'named', 'unused'

VARIABLE = 'EGG_CACHE'
ARGUMENT = '--cache'
DEFAULT = 'default'


@dataclass(frozen=True)
class Location:
    """The cache directory, and who says so: ARGUMENT, VARIABLE, the path of a file, or DEFAULT."""

    directory: Path
    source: str

    @property
    def layout(self) -> Layout:
        return Layout(self.directory)

    def __str__(self) -> str:
        by = 'the default' if self.source == DEFAULT else f'named by {self.source}'
        return f'{self.directory} ({by})'


def find(argument: str | None, directory: str) -> Location:
    """Return where the cache is, for somebody in `directory`.

    In this order: the argument of `--cache`, the environment variable `EGG_CACHE`, the
    configuration of buildout, the default. Raises `SettingError` for one that can't be.
    """
    if argument == '':
        raise SettingError('The argument of --cache is empty.')
    for text, source in ((argument, ARGUMENT), (os.environ.get(VARIABLE), VARIABLE)):
        if text:
            return Location(_directory(text, directory, source), source)
    path = buildout_cfg.find(directory)
    return default() if path is None else _configured(buildout_cfg.read(directory))


def default() -> Location:
    """Return the directory that is used where nobody names one."""
    return Location(settings.default_directory(), DEFAULT)


def _configured(found: buildout_cfg.Configuration) -> Location:
    text = found.options.get('egg-cache')
    if text is None:
        return default()
    if '${' in text:
        raise CacheError(
            f'egg-cache = {text} in {found.cache_source}: that is known in a run only.\n'
            'Name the egg cache with --cache DIR.'
        )
    path = settings.parse({'egg-cache': text}, found.directory).directory
    if path is None:
        raise CacheError(
            f'The egg cache is switched off: egg-cache is empty in {found.cache_source}.\n'
            'Name one with --cache DIR.'
        )
    return Location(path, found.cache_source)


def _directory(text: str, base: str, source: str) -> Path:
    path = settings.expand(text, base)
    if os.path.exists(path) and not os.path.isdir(path):
        raise SettingError(
            f'{path} ({source}) is not a directory. Name the egg cache with --cache DIR.'
        )
    return path


def check(location: Location) -> str:
    """Return the state of the cache directory; raise `CacheError` for one of somebody else."""
    found = ownership.state(location.layout)
    if found == ownership.FOREIGN:
        raise CacheError(
            f'{location} is not an egg cache: it holds other things, which are left alone.\n'
            'Name the egg cache with --cache DIR.'
        )
    return found
