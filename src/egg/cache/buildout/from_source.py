"""What does a run know of its builds from source?"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from egg.cache.buildout.failures import Guard
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.store.manifest import Archive


class FromSource:
    """What `find` knows of them, asked late: a run that builds nothing doesn't pay for it."""

    def __init__(self, find: Callable[[], SourceBuilds], trouble: Callable[[str], Guard]) -> None:
        self._find = find
        self._trouble = trouble

    @cached_property
    def builds(self) -> SourceBuilds:
        with self._trouble('look up'):
            return self._find()
        return SourceBuilds(obstacle='how pip would build it is not known')

    def withholds(self, archive: Archive, path: str, is_stored: bool) -> str:
        """Return why what is built of `archive`, the file at `path`, is nobody else's.

        The text is empty if it is like that of everybody, or would not be stored anyway.
        """
        if archive.kind == 'sdist' and (is_stored or self.builds.obstacle):
            with self._trouble('look up'):
                return self.builds.withholds(path)
            return 'whether it lacks something is not known'
        return ''
