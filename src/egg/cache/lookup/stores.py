"""Which store has the eggs of which archives?

What is built from source depends on more than other eggs do, so it may have an environment of its
own (`Environment.for_sources`); where it has none, both stores are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from egg.cache.common.errors import DamagedError
from egg.cache.environment.environment import Environment
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout
from egg.cache.store.manifest import Archive
from egg.cache.store.store import Store


@dataclass(frozen=True)
class Stores:
    """The stores of an environment, and what decides about builds from source in it."""

    layout: Layout
    environment: Environment
    builds: SourceBuilds

    @cached_property
    def main(self) -> Store:
        """The store of wheels and zipped eggs, and of all pointers to known archives."""
        return Store(self.layout, self.environment.key)

    @cached_property
    def sources(self) -> Store:
        """The store of what is built from source, and of adopted eggs, which may be."""
        key = self.environment.for_sources(self.builds.options).key
        return self.main if key == self.main.key else Store(self.layout, key)

    def of(self, archive: Archive) -> Store:
        return self.sources if may_be_built(archive) else self.main

    def serve(self, archive: Archive) -> bool:
        """Tell whether the egg of such an archive is shared at all."""
        return not (self.builds.obstacle and may_be_built(archive))

    def environment_of(self, entry: Entry) -> Environment:
        """Return the environment in which the archive of an entry would be looked up here."""
        try:
            is_built = may_be_built(entry.manifest.archive)
        except DamagedError:
            is_built = False
        return self.environment.for_sources(self.builds.options) if is_built else self.environment

    def versions(self, project: str) -> Iterator[Entry]:
        """Yield the entries of all versions of `project` that could be served, unsorted.

        Of a damaged one nobody knows the archive. What was made of something installed answers
        nothing. Raises `CacheError` as `Store.versions`.
        """
        for store in dict.fromkeys((self.main, self.sources)):
            for entry in store.versions(project):
                try:
                    archive = entry.manifest.archive
                    is_here = (
                        archive.kind != 'installed'
                        and self.of(archive) is store
                        and self.serve(archive)
                    )
                except DamagedError:
                    is_here = True
                if is_here:
                    yield entry


def may_be_built(archive: Archive) -> bool:
    """Tell whether an archive is, or may be, a source distribution: of adopted eggs nobody
    knows it."""
    return archive.kind in ('sdist', 'unknown')
