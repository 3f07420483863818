"""May an egg that nobody saw being made be adopted, and if not, why?

What is adopted has to be what this environment would have made of the archive, as far as an egg
tells: by its name, its metadata, the tags of its wheel, the names of its shared objects, and the
digests in its `RECORD`.
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging import tags
from packaging.utils import canonicalize_name

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.eggs import contents, metadata, record_check
from egg.cache.eggs.record_check import ADDED, EGG_INFO, Egg, Row
from egg.cache.environment.environment import abi_tag
from egg.cache.lookup import origins
from egg.cache.store.layout import component, version_name
from egg.cache.store.manifest import FILE, UNKNOWN, Archive

_NAME = re.compile(
    r'(?P<project>[^-]+)-(?P<version>[^-]+)-py(?P<python>[0-9.]+)(-(?P<platform>.+))?\.egg'
)
# The directories of `abi-tag-eggs`, such as cp312, cp27mu or pypy310_pp73.
_ABI = re.compile(r'cp[0-9]+[a-z]*|(pypy|graalpy)[0-9]+_[a-z0-9_]+')


@dataclass(frozen=True)
class AdoptableEgg:
    """An egg that can be adopted; `archive` stands for what it was built from.

    `wanted` are the paths that make it, `left_out` files that its `RECORD` doesn't have: programs
    write into eggs, too.
    """

    path: Path
    project: str
    version: str
    archive: Archive
    umask: int
    wanted: frozenset[str]
    left_out: tuple[str, ...]


def inspect(egg: Path, egg_format: int) -> AdoptableEgg:
    """Return what the egg at the absolute path `egg` is; reads every file.

    The environment is that of this process, the format `egg_format`. Raises `CacheError` with
    the reason why the egg can't be adopted.
    """
    _check_name(egg)
    project, version = metadata.name_and_version(egg)
    _check_metadata(egg, project, version)
    items = {item.path: item for item in contents.contents(egg)}
    info = next((name for name in sorted(items) if re.fullmatch(r'[^/]+\.dist-info', name)), None)
    _check_tags(egg / (info or EGG_INFO) / 'WHEEL')
    about = Egg(egg, info, items)
    listed = record_check.record(egg, info)
    faults = [] if listed is None else list(record_check.faults(about, listed, egg_format))
    own = f'{info or EGG_INFO}/'
    left_out = tuple(fault.path for fault in faults
                     if fault.kind == ADDED and not fault.path.startswith(own))  # fmt: skip
    items = record_check.without(items, left_out)
    about = Egg(egg, info, items)
    _check_format(about, listed, egg_format)
    for fault in faults:
        if fault.path not in left_out:
            raise CacheError(str(fault))
    _check_modes(about)
    name = f'{component(canonicalize_name(project))}-{version_name(version)}{UNKNOWN}'
    archive = Archive(name, contents.identity(items.values()), egg.as_uri())
    umask = 0o777 & ~items['.'].mode
    return AdoptableEgg(egg, project, version, archive, umask, frozenset(items), left_out)


def offered(egg: Path) -> tuple[str, str] | None:
    """Return project and version if `egg` is for this Python and platform, by its name alone."""
    with suppress(CacheError):
        _check_name(egg)
        match = _NAME.fullmatch(egg.name)
        if match is not None:
            return canonicalize_name(match['project']), match['version'].replace('_', '-')
    return None


def _check_name(egg: Path) -> None:
    if egg.name.endswith('.egg-link'):
        raise CacheError('it is a link to a develop egg')
    if _ABI.fullmatch(egg.name) and egg.is_dir():
        raise CacheError(
            f'it holds eggs of {egg.name}, and this is {abi_tag()}: run the egg-cache of that '
            'interpreter'
        )
    if not egg.name.endswith('.egg'):
        raise CacheError('it is not an egg')
    if egg.is_symlink():
        raise CacheError('it is a link')
    if egg.is_file():
        raise CacheError('it is a zipped egg, and zc.buildout unpacks those')
    if not egg.is_dir():
        raise CacheError('it is not there')
    match = _NAME.fullmatch(egg.name)
    if match is None:
        raise CacheError('its name does not tell project, version and Python')
    python = '.'.join(map(str, sys.version_info[:2]))
    if match['python'] != python:
        raise CacheError(f'it is for Python {match["python"]}, and this is {python}')
    platform = sysconfig.get_platform()
    if match['platform'] not in (None, platform) and not _is_same_mac(match['platform'], platform):
        raise CacheError(f'it is for {match["platform"]}, and this is {platform}')


def _is_same_mac(one: str, other: str) -> bool:
    """Tell whether both are macOS on the same processor; the tags of the wheel tell the rest."""
    (system, _, machine), (other_system, _, other_machine) = (
        (name.partition('-')[0], '', name.rpartition('-')[2]) for name in (one, other)
    )
    return system == other_system == 'macosx' and machine == other_machine


def _check_metadata(egg: Path, project: str, version: str) -> None:
    name, said = (part.replace('_', '-') for part in egg.name.split('-')[:2])
    if canonicalize_name(name) != canonicalize_name(project) or said != version.replace('_', '-'):
        raise CacheError(f'its metadata is that of {project} {version}')
    version_name(version)
    if not origins.can_be_pinned(version):
        raise CacheError('development versions are rebuilt under their names')


def _check_tags(wheel: Path) -> None:
    """Refuse the egg of a wheel that could not be installed here."""
    with suppress(FileNotFoundError):
        lines = files.read(wheel).decode('utf-8', 'replace').splitlines()
        names = [line.partition(':')[2].strip() for line in lines if line.startswith('Tag:')]
        try:
            found = {tag for name in names for tag in tags.parse_tag(name)}
        except ValueError as error:
            raise CacheError(f'the tags of its wheel are no tags: {" ".join(names)}') from error
        if names and found.isdisjoint(_tags_of_here()):
            raise CacheError(f'it was a wheel for {" ".join(names)}, which is not for here')


@cache
def _tags_of_here() -> frozenset[tags.Tag]:
    return frozenset(tags.sys_tags())


def _check_format(egg: Egg, listed: Mapping[str, Row] | None, egg_format: int) -> None:
    """Refuse what another zc.buildout made: namespace packages break when both are mixed.

    Releases 5 and later make every egg with pip, and remove what declares a namespace; release
    4 adds it, and lets setuptools make the eggs of wheels, with `EGG-INFO`.
    """
    info, items = egg.info, egg.items
    came_from = _direct_url(egg.metadata) if info else None
    if info is None and egg_format >= 5:
        raise CacheError('it holds EGG-INFO: zc.buildout 4 made it, or it was a zipped egg')
    if egg_format < 5 and info and (came_from is None or came_from.endswith('.whl')):
        raise CacheError('zc.buildout 5 or later made it of a wheel')
    counts = egg.file_counts()
    for path in sorted({*items, *(listed or {})}):
        if posixpath.basename(path) != '__init__.py':
            continue
        if egg_format >= 5 and counts[posixpath.dirname(path)] == 1 and path in items:
            if record_check.declares_namespace(egg.path / path):
                raise CacheError(f'zc.buildout 4 made it: {path} declares a namespace')
        elif egg_format < 5 and path not in items and not path.startswith('..'):
            raise CacheError(f'zc.buildout 5 or later made it: it has removed {path}')
    if egg_format < 5 and info:
        for directory in egg.namespaces:
            if f'{directory}/__init__.py' not in items:
                raise CacheError(
                    f'zc.buildout 5 or later made it: {directory} declares nothing'
                )


def _direct_url(info: Path) -> str | None:
    """Return the URL from which pip installed it; refuse what was no archive."""
    try:
        row = json.loads(files.read(info / 'direct_url.json'))
        if 'archive_info' not in row:
            raise CacheError('it was made from a directory, not from an archive')
        return str(row['url'])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_modes(egg: Egg) -> None:
    """Refuse what has the modes of cached files: nobody knows those that it had before.

    Where the directory is read-only, too, somebody has protected the egg, and its umask tells.
    """
    modes = {path: item.mode for path, item in egg.items.items() if item.kind == FILE}
    if egg.info is None:  # setuptools gives files the modes that they have in the archive.
        is_linked = not any(mode & 0o200 for mode in modes.values())
    else:
        is_linked = bool(egg.items['.'].mode & 0o200)
    for path, mode in modes.items():
        if is_linked and mode in (0o444, 0o555):
            raise CacheError(f'{path} is read-only, as hard links to an egg cache are')
