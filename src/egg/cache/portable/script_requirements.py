"""Which distributions does a script take from a `site-packages`?"""

from __future__ import annotations

import configparser
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from egg.cache.portable.buildout_paths import INSTALLED, BuildoutPaths

# The name of a distribution as it spells it, and what it requires.
_Known = tuple[str, tuple[str, ...]]

_QUOTED = re.compile(r"""(['"])(?P<path>[^'"\n]*/[^'"\n]*)\1""")


def names(places: BuildoutPaths, script: str, packages: str) -> list[str]:
    """Return the names of the distributions in `packages` that `script` needs and no egg has.

    `script` is relative to the buildout, or absolute. What its part asks for, and what the eggs
    on its path require, is looked for; what a program imports without requiring it is not known.
    """
    path = places.directory / script
    own: dict[str, _Known] = {}
    for place in _path(path, places.directory):
        if place != packages:
            own.update(_distributions(place))
    beside = _distributions(packages)
    waiting = [*_asked(places, str(path)), *_requirements(own, ())]
    seen, found = set(), set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        known = own.get(name) or beside.get(name)
        if known is None or (name, extras) in seen:
            continue
        seen.add((name, extras))
        spelling, requires = known
        if name not in own:
            found.add(spelling)
        waiting += _requirements(requires, extras)
    return sorted(found, key=str.lower)


def _path(script: Path, directory: Path) -> Iterator[str]:
    """Yield the directories that a script has in quotes; some are relative to the buildout."""
    with suppress(OSError):
        for match in _QUOTED.finditer(script.read_text('utf-8', 'surrogateescape')):
            with suppress(OSError, ValueError):
                place = directory / match['path']
                if place.is_dir():
                    yield str(place)


@functools.cache
def _distributions(place: str) -> Mapping[str, _Known]:
    """Return {normalised name: (name, what it requires)} of what is in a directory or an egg."""
    found: dict[str, _Known] = {}
    for distribution in distributions(path=[place]):
        # What has no metadata, or broken ones, answers no requirement.
        with suppress(OSError, ValueError, KeyError):
            metadata = distribution.metadata
            if metadata and 'Name' in metadata:
                name = metadata['Name']
                found[canonicalize_name(name)] = name, tuple(distribution.requires or ())
    return found


def _asked(places: BuildoutPaths, script: str) -> list[Requirement]:
    """Return the `eggs` of the parts that installed a script."""
    parser = configparser.RawConfigParser(strict=False, delimiters=('=',), allow_no_value=True)
    texts: list[str] = []
    with suppress(OSError, configparser.Error):
        text = (places.directory / INSTALLED).read_text('utf-8', 'surrogateescape')
        parser.read_string(text)
        for section in parser.values():
            if script in (section.get('__buildout_installed__') or '').split('\n'):
                texts += (section.get('eggs') or '').split('\n')
    return _requirements(texts, ())


def _requirements(texts: Iterable[str], extras: Iterable[str]) -> list[Requirement]:
    """Return those requirements that hold here, with these extras; others are passed over."""
    found = []
    for text in texts:
        with suppress(InvalidRequirement):
            one = Requirement(text)
            if one.marker is None or any(
                one.marker.evaluate({'extra': extra}) for extra in ('', *extras)
            ):
                found.append(one)
    return found
