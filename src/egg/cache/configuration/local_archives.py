"""Which archives lie in local directories, and what are they?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from packaging import tags
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from egg.cache.common import files
from egg.cache.lookup import origins

_SDIST = re.compile(r'\.(tgz|tar\.bz2|tar\.xz|tbz)$')


def find(links: Iterable[str], project: str, specifier: SpecifierSet) -> list[str]:
    """Return the archives in local find-links that satisfy a requirement, and fit this Python.

    They are spelled as zc.buildout spells them.
    """
    found = []
    for link in links:
        if origins.is_remote(link):
            continue
        path = origins.local_path(link)
        for location in _files(path):
            name, version = _name_and_version(os.path.basename(location))
            is_wanted = name == canonicalize_name(project) and version is not None
            if is_wanted and specifier.contains(str(version), prereleases=True):
                found.append(location if path == link else f'file://{location}')
    return found


def digests(places: Sequence[str], download_cache: str | None = None) -> tuple[str, ...]:
    """Return the sha256 of the archives at local paths or `file:` URLs, in the order of those.

    One in the download cache, which buildout prefers to all others, is marked.
    """
    return tuple(
        _place(place, download_cache) + _content(origins.local_path(place))
        for place in sorted(places)
    )


def _place(place: str, download_cache: str | None) -> str:
    in_cache = os.path.realpath(os.path.dirname(place)) == download_cache
    return 'download-cache ' if in_cache else ''


def _content(path: str) -> str:
    try:
        return files.sha256(path)
    except OSError:
        return path  # A directory, or it can't be read.


def _files(path: str) -> Iterator[str]:
    if os.path.isdir(path):
        for name in os.listdir(path):
            yield os.path.realpath(os.path.join(path, name))
    elif os.path.exists(path):
        yield os.path.realpath(path)


def _name_and_version(filename: str) -> tuple[str, Version | None]:
    """Return the project and version of an archive; no version if it can't be installed here."""
    try:
        if filename.endswith('.whl'):
            name, version, _, supported = parse_wheel_filename(filename)
            return name, None if supported.isdisjoint(tags.sys_tags()) else version
        if filename.endswith('.egg'):
            project, number = filename[: -len('.egg')].split('-')[:2]
            return canonicalize_name(project), Version(number)
        return parse_sdist_filename(_SDIST.sub('.tar.gz', filename))
    except ValueError:  # Also the base of what packaging raises.
        return '', None
