"""Which component requires which?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from egg.cache.eggs import metadata
from egg.cache.sbom.components import EGG, Component, Key

_SYSTEMS = {'linux': ('linux', 'Linux'), 'macosx': ('darwin', 'Darwin')}
_IMPLEMENTATIONS = {'cpython': 'CPython', 'pypy': 'PyPy'}


def markers(environment: Mapping[str, Any], eggs: Iterable[str] = ()) -> dict[str, str]:
    """Return the values of environment markers where the buildout was made.

    `environment` is that of `.buildinfo.json`, which may be empty: then the names of the eggs
    tell the Python, and all else is as here.
    """
    found = {name: str(value) for name, value in default_environment().items()}
    pythons = {match['python'] for match in map(EGG.fullmatch, eggs) if match}
    python = environment.get('python') or (min(pythons) if len(pythons) == 1 else '')
    if python and python != found['python_version']:
        found.update(python_version=str(python), python_full_version=f'{python}.0')
    implementation = environment.get('implementation')
    if implementation in _IMPLEMENTATIONS:
        found.update(
            implementation_name=implementation,
            platform_python_implementation=_IMPLEMENTATIONS[implementation],
        )
    system, _, machine = str(environment.get('platform') or '').partition('-')
    if system in _SYSTEMS and machine:
        sys_platform, platform_system = _SYSTEMS[system]
        found.update(
            sys_platform=sys_platform, platform_system=platform_system, os_name='posix',
            platform_machine=machine.rpartition('-')[2],
        )  # fmt: skip
    return found


def graph(
    components: Iterable[Component], asked: Iterable[str], environment: Mapping[str, str]
) -> tuple[list[Key], dict[Key, list[Key]]]:
    """Return what the whole requires itself, and what each component requires of the others.

    An extra counts if it is in one of the requirements that are `asked` for, or in that of a
    component. The whole requires what is asked for, and what nothing else would lead to.
    """
    known: dict[str, list[Component]] = {}
    edges: dict[Key, set[Key]] = {}
    waiting: list[tuple[Component, str]] = []
    for component in components:
        known.setdefault(canonicalize_name(component.name), []).append(component)
        edges[component.key] = set()
        waiting.append((component, ''))
    direct: set[Key] = set()
    for requirement in metadata.applying(asked, '', environment):
        for target in _satisfying(requirement, known):
            direct.add(target.key)
            waiting += ((target, extra) for extra in requirement.extras)
    seen = set()
    while waiting:
        component, extra = waiting.pop()
        if (component.key, extra) in seen:
            continue
        seen.add((component.key, extra))
        for requirement in metadata.applying(component.requires, extra, environment):
            for target in _satisfying(requirement, known):
                waiting += ((target, name) for name in requirement.extras)
                if target.key != component.key:
                    edges[component.key].add(target.key)
    return _complete(direct, edges), {key: sorted(edges[key]) for key in sorted(edges)}


def _complete(direct: set[Key], edges: Mapping[Key, set[Key]]) -> list[Key]:
    """Return `direct`, and what else has to be there so that everything is led to."""
    required = {target for targets in edges.values() for target in targets}
    direct = direct | (edges.keys() - required)
    reached: set[Key] = set()
    waiting = sorted(direct)
    # What only requires each other is reached from the first of them.
    for first in [None, *sorted(edges)]:
        if first is not None and first not in reached:
            direct.add(first)
            waiting.append(first)
        while waiting:
            key = waiting.pop()
            if key not in reached:
                reached.add(key)
                waiting += edges[key]
    return sorted(direct)


def _satisfying(requirement: Requirement, known: Mapping[str, list[Component]]) -> list[Component]:
    """Return the components of that name: where there are several versions, those that do."""
    found = known.get(canonicalize_name(requirement.name), [])
    if len(found) > 1:
        fit = [one for one in found if _contains(requirement, one.version)]
        return fit or found
    return found


def _contains(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False
