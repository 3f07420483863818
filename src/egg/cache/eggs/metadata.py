"""What does an egg say of itself?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from email.parser import HeaderParser
from importlib.metadata import distributions
from pathlib import Path

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from egg.cache.common import files
from egg.cache.common.errors import CacheError


def name_and_version(egg: Path) -> tuple[str, str]:
    """Return the project name and version in the metadata of the directory `egg`.

    Raises `CacheError` where there is none. Eggs made by pip hold a `.dist-info` directory,
    those unpacked from eggs, or from wheels by zc.buildout 4, hold `EGG-INFO`.
    """
    for directory in sorted(os.listdir(egg)):
        if directory.endswith('.dist-info'):
            return _parse(egg / directory / 'METADATA')
    return _parse(egg / 'EGG-INFO' / 'PKG-INFO')


def requires(egg: Path) -> tuple[str, ...]:
    """Return the requirements of the directory `egg`, as it says them; an extra is a marker.

    Empty if it says nothing.
    """
    for distribution in distributions(path=[str(egg)]):
        with suppress(OSError, ValueError, KeyError):
            return tuple(distribution.requires or ())
    return ()


def applying(
    texts: Iterable[str], extra: str, environment: Mapping[str, str]
) -> Iterator[Requirement]:
    """Yield the requirements that hold with these markers and that extra; others are passed over.

    Markers that are not in `environment` are those of this process.
    """
    for text in texts:
        with suppress(InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName):
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({**environment, 'extra': extra}):
                yield one


def _parse(path: Path) -> tuple[str, str]:
    try:
        headers = HeaderParser().parsestr(files.read(path).decode('utf-8', 'replace'))
    except OSError as error:
        raise CacheError(f'{path.parent.parent} has no metadata: {error}') from error
    if not headers['Name'] or not headers['Version']:
        raise CacheError(f'{path} does not tell name and version.')
    return headers['Name'], headers['Version']
