"""What does a distribution say of itself, for a bill of materials?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from importlib.metadata import Distribution, PathDistribution, distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

#: The name of an egg; what a recipe is called may end with .egg, too.
EGG = re.compile(r'(?P<name>.+)-(?P<version>[^-]+)-py(?P<python>\d+\.\d+)(-[^/]+)?\.egg')

#: What tells components from each other: the normalised name, and the version.
Key = tuple[str, str]

_LICENSE = re.compile(r'License :: (?:OSI Approved :: )?(?P<name>.+)')


@dataclass(frozen=True)
class Component:
    """A distribution as its metadata have it; `archive` is as in `Provenance.archive`.

    `expression` is a licence expression (PEP 639), `license` what distributions had before,
    `classifiers` are the names of licences in theirs. `requires` are requirements (PEP 508).
    What was made of a source is developed: no index need have it. `modified` says in a sentence
    which files are not as they were built, '' if all are.
    """

    name: str
    version: str = ''
    archive: Mapping[str, str] = field(default_factory=dict)
    expression: str = ''
    license: str = ''
    classifiers: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    is_developed: bool = False
    modified: str = ''

    @property
    def key(self) -> Key:
        return canonicalize_name(self.name), self.version


def of(egg: Path, remarks: list[str]) -> Component:
    """Return what the directory `egg` says of itself, else what its name does, with a remark."""
    return _component(next(iter(distributions(path=[str(egg)])), None), egg.name, remarks)


def developed(directory: Path, remarks: list[str]) -> Iterator[Component]:
    """Yield what the develop eggs in `directory` say of themselves."""
    seen = set()
    for path in sorted(directory.glob('*.dist-info')):
        component = _component(PathDistribution(path), path.name, remarks)
        seen.add(canonicalize_name(component.name))
        yield replace(component, is_developed=True)
    for link in sorted(directory.glob('*.egg-link')):
        name = canonicalize_name(link.stem)
        if name in seen:
            continue
        source = ''
        with suppress(OSError, ValueError):
            source = link.read_text('utf-8').partition('\n')[0].strip()
        found = sorted(Path(source).glob('*.egg-info')) if source else []
        mine = (
            one for one in map(PathDistribution, found)
            if canonicalize_name(_header(one, 'Name')) == name
        )  # fmt: skip
        component = _component(next(mine, None), link.stem, remarks)
        yield replace(component, is_developed=True)


def unique(components: Iterable[Component]) -> tuple[Component, ...]:
    """Return each distribution once, with its archive if any of them knows it."""
    found: dict[Key, Component] = {}
    for component in components:
        known = found.get(component.key)
        if known is None or (component.archive and not known.archive):
            found[component.key] = component
    return tuple(found[key] for key in sorted(found))


def _component(distribution: Distribution | None, stem: str, remarks: list[str]) -> Component:
    """Return what a distribution says of itself, else what its `stem` says, a file's name."""
    name = version = ''
    if distribution is not None:
        name, version = _header(distribution, 'Name'), _header(distribution, 'Version')
    if distribution is None or not name or not version:
        remarks.append(f"{stem} is listed by its name, as its metadata can't be read.")
        match = EGG.fullmatch(stem)
        return Component(match['name'], match['version']) if match else Component(stem)
    classifiers = (_LICENSE.fullmatch(text) for text in _headers(distribution, 'Classifier'))
    return Component(
        name,
        version,
        expression=_header(distribution, 'License-Expression'),
        license=_header(distribution, 'License'),
        classifiers=tuple(match['name'] for match in classifiers if match),
        requires=tuple(_requires(distribution)),
    )


def _headers(distribution: Distribution, name: str) -> list[str]:
    """Return the values of a header, none if there are no metadata."""
    with suppress(OSError, ValueError):
        metadata: Any = distribution.metadata
        if isinstance(metadata, Message):
            return [str(value).strip() for value in metadata.get_all(name) or ()]
    return []


def _header(distribution: Distribution, name: str) -> str:
    """Return the first line of a header that has any; some have a whole licence in it."""
    lines = [line.strip() for value in _headers(distribution, name) for line in value.splitlines()]
    return next(filter(None, lines), '')


def _requires(distribution: Distribution) -> list[str]:
    with suppress(OSError, ValueError):
        return list(distribution.requires or ())
    return []
