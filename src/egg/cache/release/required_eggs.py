"""Which eggs does a buildout need, so that buildout runs, and its parts do?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from egg.cache.eggs import metadata


@dataclass(frozen=True)
class Egg:
    """An egg: `name` is that of its file, `project` the normalised name of what is `title`."""

    name: str
    title: str
    version: str
    requires: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        return canonicalize_name(self.title)


def available(directory: Path) -> list[Egg]:
    """Return the eggs in an eggs directory, sorted by their names; what is no egg is left out."""
    found = []
    for path in sorted(directory.glob('*.egg')):
        egg = read(path)
        if egg is not None:
            found.append(egg)
    return found


def read(path: Path) -> Egg | None:
    """Return what the egg at `path` says of itself, None if it says nothing."""
    for distribution in distributions(path=[str(path)]):
        with suppress(OSError, ValueError, KeyError):
            said = distribution.metadata
            if said and said['Name'] and said['Version']:
                return Egg(
                    path.name,
                    said['Name'],
                    said['Version'],
                    tuple(distribution.requires or ()),
                )
    return None


def choose(
    eggs: Iterable[Egg],
    needed: Collection[str],
    requirements: Iterable[str],
    pins: Mapping[str, str],
    without: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
) -> frozenset[str]:
    """Return the names of the eggs that are `needed`, and of those that these require.

    `requirements` are wanted, too. Where several eggs of a project do, one that is needed is
    taken, else the pinned one, else the newest. Projects in `without` come from elsewhere.
    """
    by_project: dict[str, list[Egg]] = {}
    for egg in eggs:
        by_project.setdefault(egg.project, []).append(egg)
    pinned: dict[str, str] = {
        canonicalize_name(name): version for name, version in pins.items()
    }
    chosen = {egg.name: egg for group in by_project.values() for egg in group
              if egg.name in needed}  # fmt: skip
    elsewhere = {canonicalize_name(project) for project in without}
    waiting = [(text, '') for egg in chosen.values() for text in egg.requires]
    waiting += [(text, '') for text in requirements]
    seen = set()
    while waiting:
        item = waiting.pop()
        if item in seen:
            continue
        seen.add(item)
        text, extra = item
        for requirement in metadata.applying([text], extra, environment or {}):
            project = canonicalize_name(requirement.name)
            if project in elsewhere:
                continue
            best = _best(by_project.get(project, ()), requirement, chosen, pinned)
            if best is not None:
                chosen[best.name] = best
                waiting += [(text, extra) for text in best.requires
                            for extra in ('', *requirement.extras)]  # fmt: skip
    return frozenset(chosen)


def _best(
    eggs: Iterable[Egg], requirement: Requirement, chosen: Collection[str], pins: Mapping[str, str]
) -> Egg | None:
    pinned = pins.get(canonicalize_name(requirement.name))

    def worth(egg: Egg) -> tuple[bool, bool, Version]:
        return egg.name in chosen, egg.version == pinned, _version(egg.version)

    allows = requirement.specifier.contains
    fitting = [egg for egg in eggs if allows(_version(egg.version), prereleases=True)]
    return max(fitting, key=worth, default=None)


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version('0')
