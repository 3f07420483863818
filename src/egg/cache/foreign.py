"""May an egg that nobody saw being made be adopted, and if not, why?

What is adopted has to be what this environment would have made of the archive, as far as an egg
tells: by its name, its metadata, the tags of its wheel, the names of its shared objects, and the
digests in its `RECORD`.
"""

from __future__ import annotations

import base64
import csv
import json
import posixpath
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging import tags
from packaging.utils import canonicalize_name

from egg.cache import census, files, metadata, origins
from egg.cache.errors import CacheError
from egg.cache.layout import version_name
from egg.cache.manifest import DIRECTORY, UNKNOWN, Archive, Item

EGG_INFO = 'EGG-INFO'

_NAME = re.compile(
    r'(?P<project>[^-]+)-(?P<version>[^-]+)-py(?P<python>[0-9.]+)(-(?P<platform>.+))?\.egg'
)
_NAMESPACE = re.compile(rb'declare_namespace|extend_path')


@dataclass(frozen=True)
class ForeignEgg:
    """An egg that can be adopted; `archive` stands for what it was built from."""

    path: Path
    project: str
    version: str
    archive: Archive
    umask: int


def inspect(egg: Path, egg_format: int) -> ForeignEgg:
    """Return what the egg at the absolute path `egg` is; reads every file.

    The environment is that of this process, the format `egg_format`. Raises `CacheError` with
    the reason why the egg can't be adopted.
    """
    _check_name(egg)
    project, version = metadata.name_and_version(egg)
    _check_metadata(egg, project, version)
    items = {item.path: item for item in census.contents(egg)}
    info = next((name for name in sorted(items) if re.fullmatch(r'[^/]+\.dist-info', name)), None)
    _check_tags(egg / (info or EGG_INFO) / 'WHEEL')
    listed = _record(egg, info)
    _check_format(egg, info, items, listed, egg_format)
    _check_record(info, items, listed)
    name = f'{canonicalize_name(project)}-{version_name(version)}{UNKNOWN}'
    archive = Archive(name, census.identity(items.values()), egg.as_uri())
    return ForeignEgg(egg, project, version, archive, 0o777 & ~items['.'].mode)


def _check_name(egg: Path) -> None:
    if egg.name.endswith('.egg-link'):
        raise CacheError('it is a link to a develop egg')
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


def _record(egg: Path, info: str | None) -> dict[str, str] | None:
    """Return {path in the egg: digest} as `RECORD` has it, None if there is none."""
    path = egg / (info or EGG_INFO) / 'RECORD'
    try:
        rows = list(csv.reader(files.read(path).decode('utf-8', 'replace').splitlines()))
    except (FileNotFoundError, csv.Error):
        return None
    return {_in_egg(row[0], info): row[1] if len(row) > 1 else '' for row in rows if row}


def _in_egg(path: str, info: str | None) -> str:
    """Return where a file that `RECORD` has at `path` lies in the egg.

    zc.buildout renames the directory of the metadata, setuptools makes `EGG-INFO` of it.
    """
    top, slash, rest = path.partition('/')
    if not slash or not top.endswith('.dist-info'):
        return path
    if info is None:
        return f'{EGG_INFO}/{"PKG-INFO" if rest == "METADATA" else rest}'
    return f'{info}/{rest}'


def _check_format(
    egg: Path, info: str | None, items: Mapping[str, Item], listed: Mapping[str, str] | None,
    egg_format: int,
) -> None:  # fmt: skip
    """Refuse what another zc.buildout made: namespace packages break when both are mixed.

    Releases 5 and later make every egg with pip, and remove what declares a namespace; release
    4 adds it, and lets setuptools make the eggs of wheels, with `EGG-INFO`.
    """
    came_from = _direct_url(egg / info) if info else None
    if info is None and egg_format >= 5:
        raise CacheError('it holds EGG-INFO: zc.buildout 4 made it, or it was a zipped egg')
    if egg_format < 5 and info and (came_from is None or came_from.endswith('.whl')):
        raise CacheError('zc.buildout 5 or later made it of a wheel')
    counts = _file_counts(items)
    for path in sorted({*items, *(listed or {})}):
        if posixpath.basename(path) != '__init__.py':
            continue
        if egg_format >= 5 and counts[posixpath.dirname(path)] == 1 and path in items:
            if _declares_namespace(egg / path):
                raise CacheError(f'zc.buildout 4 made it: {path} declares a namespace')
        elif egg_format < 5 and path not in items and not path.startswith('..'):
            raise CacheError(f'zc.buildout 5 or later made it: it has removed {path}')
    if egg_format < 5 and info:
        for package in _lines(egg / info / 'namespace_packages.txt'):
            if f'{package.replace(".", "/")}/__init__.py' not in items:
                raise CacheError(f'zc.buildout 5 or later made it: {package} declares nothing')


def _direct_url(info: Path) -> str | None:
    """Return the URL from which pip installed it; refuse what was no archive."""
    try:
        row = json.loads(files.read(info / 'direct_url.json'))
        if 'archive_info' not in row:
            raise CacheError('it was made from a directory, not from an archive')
        return str(row['url'])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _declares_namespace(path: Path) -> bool:
    """Tell whether a file that is alone in its directory is nothing but a declaration."""
    lines = [line.strip() for line in files.read(path).splitlines()]
    code = [line for line in lines if line and not line.startswith(b'#')]
    return 0 < len(code) <= 6 and any(map(_NAMESPACE.search, code))


def _file_counts(items: Mapping[str, Item]) -> Counter[str]:
    """Return how many files are in each directory."""
    found = (path for path, item in items.items() if item.kind != DIRECTORY)
    return Counter(map(posixpath.dirname, found))


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return files.read(path).decode('utf-8', 'replace').split()
    return []


def _check_record(
    info: str | None, items: Mapping[str, Item], listed: Mapping[str, str] | None
) -> None:
    """Refuse what was changed after it was installed, as far as `RECORD` tells.

    zc.buildout 5 and later remove an `__init__.py` that is alone and declares a namespace; with
    release 4, one may be added, and setuptools writes into `EGG-INFO`.
    """
    if listed is None:
        return
    counts = _file_counts(items)
    for path, digest in listed.items():
        is_elsewhere = path.startswith(('..', '/', 'bin/')) or '.data/' in path
        if is_elsewhere or not digest.startswith('sha256='):
            continue
        directory, name = posixpath.split(path)
        if path not in items:
            if name != '__init__.py' or counts[directory]:
                raise CacheError(f'{path} is missing')
        elif items[path].sha256 != _hexadecimal(digest[7:]):
            raise CacheError(f'{path} was changed')
    for path, item in items.items():
        directory, name = posixpath.split(path)
        if not (
            item.kind == DIRECTORY
            or path in listed
            or directory.endswith('__pycache__')
            or (info is None and directory.startswith(EGG_INFO))
            or (name == '__init__.py' and counts[directory] == 1)
        ):
            raise CacheError(f'{path} was added')


def _hexadecimal(digest: str) -> str:
    with suppress(ValueError):
        return base64.urlsafe_b64decode(digest + '=' * (-len(digest) % 4)).hex()
    return ''
