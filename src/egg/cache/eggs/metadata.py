"""What does an egg say of itself?"""

from __future__ import annotations

import os
from email.parser import HeaderParser
from pathlib import Path

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


def _parse(path: Path) -> tuple[str, str]:
    try:
        headers = HeaderParser().parsestr(files.read(path).decode('utf-8', 'replace'))
    except OSError as error:
        raise CacheError(f'{path.parent.parent} has no metadata: {error}') from error
    if not headers['Name'] or not headers['Version']:
        raise CacheError(f'{path} does not tell name and version.')
    return headers['Name'], headers['Version']
