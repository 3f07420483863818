"""Which archives does a build of a source need, as far as an earlier build of its like has told?

A build that pip isolates gets what it requires from pip's own indexes, and for a requirement such
as `setuptools>=40.8` the newest that they have. What it got is kept: the archives as entries of
an environment of their own, `archives`, and for each kind of build an origin with a pointer to
each of them. They are no eggs, and nothing but such a build gets them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from egg.cache.common.errors import CacheError, DamagedError
from egg.cache.environment import build_options, build_system, pip_config
from egg.cache.environment.build_system import BuildSystem
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.store import inventory
from egg.cache.store.entry import Entry
from egg.cache.store.layout import ARCHIVES, ORIGIN, Layout
from egg.cache.store.manifest import Archive
from egg.cache.store.store import Store

# Options of pip that are places.
_PLACES = ('index-url', 'extra-index-url', 'find-links', 'no-index')


@dataclass(frozen=True)
class BuildOrigin(Origin):
    """A kind of build: where pip looks, what it is told, what the source says, and for whom.

    `options` are those of pip, as `{'index-url': '...'}`; `environment` is the environment key.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    build_system: BuildSystem = BuildSystem()
    environment: str = ''

    @cached_property
    def key(self) -> str:
        text = json.dumps(self.describe(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def has_pointers(self) -> bool:
        return True

    def describe(self) -> dict[str, object]:
        return {
            'index': origins.public_url(self.index),
            'options': dict(sorted(self.options.items())),
            'build-system': self.build_system.describe(),
            'environment': self.environment,
            'python': self.python,
        }


def origin(
    directory: str, index: str, environment: str, pip: str,
    environ: Mapping[str, str] = os.environ,
) -> BuildOrigin | None:  # fmt: skip
    """Return the origin of a build of the source in `directory`; None if it isn't isolated.

    `index` is that of the buildout, `environment` the environment key, `pip` its release. Raises
    `CacheError` if the options of pip can't be read.
    """
    options = build_options.read(pip, environ)
    # It is said of builds: `PIP_NO_BUILD_ISOLATION=0` means that there is none.
    if options.get('PIP_NO_BUILD_ISOLATION') == 'no':
        return None
    given = pip_config.options(environ)
    for name in _PLACES:
        if name in given:
            options[name] = ' '.join(map(origins.public_url, given[name].split()))
    return BuildOrigin(
        index=index,
        options=options,
        build_system=build_system.read(directory),
        environment=environment,
    )


def find(layout: Layout, origin: BuildOrigin) -> list[Entry]:
    """Return the entries of the archives that such a build needs; empty if not all are there.

    Raises `CacheError` for what can't be trusted, and `DamagedError` for damage.
    """
    store = Store(layout, ARCHIVES)
    found = []
    for project, pointer in _pointers(layout, store, origin):
        entry = store.entry(project, pointer.version, pointer.sha256)
        if not store.holds(entry, Archive(pointer.name, pointer.sha256)):
            return []
        found.append(entry)
    return found


def remember(layout: Layout, origin: BuildOrigin, entries: Iterable[Entry]) -> None:
    """Keep that such a build needs these archives. Raises `OSError`."""
    for entry in entries:
        manifest = entry.manifest
        archive = manifest.archive
        pointer = Pointer(archive.name, archive.sha256, manifest.version)
        origins.write(layout, ARCHIVES, origin, manifest.project, manifest.version, pointer)


def _pointers(layout: Layout, store: Store, origin: Origin) -> list[tuple[str, Pointer]]:
    directory = layout.origin(ARCHIVES, origin.key)
    store.check_once(directory)
    found = []
    for name in inventory.names(directory):
        project, _, pin = name.rpartition('-')
        if name != ORIGIN and project:
            with suppress(CacheError):
                pointer = origins.read(layout, ARCHIVES, origin, project, pin)
                if pointer is None:
                    raise DamagedError(name, 'a pointer', 'something else')
                found.append((project, pointer))
    return found
