"""What is installed beside zc.buildout, and what is the buildout's own?

zc.buildout takes whatever is installed where it is itself, such as setuptools in a virtual
environment, for a candidate for every requirement, and prefers it to eggs.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from egg.cache.common import files
from egg.cache.eggs import wheel_rebuild
from egg.cache.common.errors import CacheError

_EGG = re.compile(r'(?P<name>[^-]+)-(?P<version>[^-]+)(-py(?P<python>\d+\.\d+)(-.*)?)?\.egg')
_INFO = re.compile(r'(?P<plain>[^-]+-[^-]+)-.*\.dist-info')


class SitePackages:
    """Tells what is beside zc.buildout: what is at one of `locations`, and no egg in
    `eggs_directory` and no source of a develop egg."""

    def __init__(
        self, locations: Iterable[str], eggs_directory: str, develop_eggs_directory: str
    ) -> None:
        self.eggs_directory = eggs_directory
        self._locations = frozenset(map(os.path.realpath, locations))
        self._eggs = os.path.realpath(eggs_directory)
        self._develop_eggs_directory = develop_eggs_directory

    def holds(self, location: str) -> bool:
        """Tell whether a distribution at `location` is beside zc.buildout."""
        real = os.path.realpath(location)
        return (
            real in self._locations
            and not self.is_egg(location)
            and real not in set(self._developed())
        )

    def is_egg(self, location: str) -> bool:
        """Tell whether `location` is an egg of the buildout."""
        return os.path.dirname(os.path.realpath(location)) == self._eggs

    def _developed(self) -> Iterator[str]:
        directory = Path(self._develop_eggs_directory)
        for link in directory.glob('*.egg-link'):
            with suppress(OSError):
                line = link.read_text('utf-8', 'surrogateescape').partition('\n')[0].strip()
                yield os.path.realpath(directory / line)


def metadata_directory(dist: Any) -> Path:
    """Return the `.dist-info` of a distribution (of pkg_resources) in a directory of many.

    Raises `CacheError` if it has none, as what the operating system's packages install.
    """
    wanted = key(dist.project_name, dist.version)
    for path in Path(dist.location).glob('*.dist-info'):
        name, _, version = path.name[: -len('.dist-info')].partition('-')
        if key(name, version) == wanted:
            return path
    raise CacheError(f'{dist.location} has no metadata that tell what was installed')


def is_editable(dist: Any) -> bool:
    """Tell whether a distribution is only a pointer to its source."""
    try:
        return wheel_rebuild.is_editable(metadata_directory(dist))
    except CacheError:
        return False


def is_from_index(dist: Any) -> bool:
    """Tell whether an index may have what is installed: pip says where else it came from.

    In eggs it always says so, since buildout lets it install what was downloaded before.
    """
    if dist.location.endswith('.egg'):
        return True
    try:
        return wheel_rebuild.is_from_index(metadata_directory(dist))
    except CacheError:
        return True


def egg_names(eggs_directory: str) -> dict[tuple[str, str], str]:
    """Return the names of this Python's eggs by normalised name and version."""
    found = {}
    with suppress(FileNotFoundError):
        for name in sorted(os.listdir(eggs_directory)):
            match = _EGG.fullmatch(name)
            if match and not is_for_other_python(name):
                found[key(match['name'], match['version'])] = name
    return found


def is_for_other_python(egg: str) -> bool:
    """Tell whether the name of an egg says that it is none of this Python's."""
    match = _EGG.fullmatch(os.path.basename(egg))
    python = match['python'] if match else None
    return python is not None and python != f'{sys.version_info[0]}.{sys.version_info[1]}'


def key(project: str, version: str) -> tuple[str, str]:
    """Return what two spellings of a distribution have in common."""
    return canonicalize_name(project), version.replace('-', '_')


def restore_metadata_name(egg: Path) -> None:
    """Call the metadata of an egg `<project>-<version>.dist-info`, as its wheel did.

    zc.buildout 5 and 6 add the version of Python and the platform. pip 24.1 and later refuses to
    run beside a distribution whose version looks like that, and it runs beside the eggs that
    buildout itself runs from.
    """
    for path in egg.glob('*.dist-info'):
        match = _INFO.fullmatch(path.name)
        if match:
            # Another buildout in the same directory may have done it in the meantime.
            with suppress(FileNotFoundError):
                os.rename(path, egg / f'{match["plain"]}.dist-info')


def forget_archive(egg: Path) -> None:
    """Take away from an egg of which archive it was made: of one that nobody else has."""
    for path in egg.glob('*.dist-info/direct_url.json'):
        path.unlink()
        record = path.with_name('RECORD')
        with suppress(FileNotFoundError):
            lines = record.read_text('utf-8').splitlines(keepends=True)
            kept = [line for line in lines if f'/{path.name},' not in line]
            # A hard link of it may be in an egg cache.
            files.replace(record, ''.join(kept).encode(), egg)
