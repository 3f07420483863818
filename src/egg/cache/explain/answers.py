"""What is asked of the cache, and what does it answer?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from packaging.specifiers import SpecifierSet

from egg.cache.configuration.settings import Settings
from egg.cache.environment.environment import Environment
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.explain.comparison import Difference
from egg.cache.lookup import pins
from egg.cache.lookup.origins import Origin
from egg.cache.store.entry import Entry

HIT, MISS = 'hit', 'miss'
#: Nobody is asked, as the buildout has it.
THERE = 'there'

#: Why it would be a miss, in the order in which these are looked at.
REASONS = {
    'off': 'the egg cache is switched off',
    'unsafe': 'buildout refuses this egg cache',
    'offline': 'buildout is offline, and installs nothing, be it in the egg cache or not',
    'contradiction': 'buildout stops, as [versions] do not allow it',
    'refresh': 'egg-cache-mode = refresh copies nothing',
    'excluded': 'it is excluded by egg-cache-exclude',
    'stranger': 'the entry belongs to a stranger',
    'damaged': 'the entry is damaged',
    'adopted': 'the egg that is there was taken over, and does not answer this',
    'unshared': 'nobody knows how it would be built here, so what is built from source is not '
                'shared',
    'environment': 'it was built in another environment only',
    'version': 'there are other versions only',
    'never-built': 'it was never built',
}

#: Those after which buildout builds the egg, if it is one of a source distribution, and would
#: store it.
BUILT = ('adopted', 'environment', 'version', 'never-built')

#: Why an index is asked for what would be a hit.
OBSTACLES = {**pins.OBSTACLES, 'archive': 'the egg of the archive that the pin stood for is gone'}


@dataclass(frozen=True)
class Question:
    """What is asked for: a `specifier` of a project, by a buildout.

    `local` are the sha256 of local archives for it, as in `origins.Pointer`. `contradiction` is
    the line of [versions] that does not allow it, '' if none does.
    """

    project: str
    specifier: SpecifierSet
    settings: Settings
    environment: Environment
    origin: Origin
    local: Sequence[str] = ()
    prefers_final: bool = True
    is_offline: bool = False
    contradiction: str = ''
    source_builds: SourceBuilds = SourceBuilds()

    def excluding(self, version: str | None) -> str:
        """Return the pattern that excludes a version, or all (None), '' if none does."""
        for exclusion in self.settings.exclusions:
            is_meant = version is not None or not exclusion.specifier
            if is_meant and exclusion.matches(self.project, version or ''):
                return f'{exclusion.name}{exclusion.specifier}'
        return ''


@dataclass(frozen=True)
class Explanation:
    """What the cache would answer.

    `reason` is one of `REASONS` for a miss, `develop` for a develop egg; for a hit it is one of
    `OBSTACLES` if an index is asked first, else ''. `entry` is the one that would be copied, or
    else the nearest one.
    """

    outcome: str
    reason: str = ''
    entry: Entry | None = None
    detail: str = ''
    differences: tuple[Difference, ...] = field(default=())

    @property
    def asks_index(self) -> bool:
        # Where buildout installs nothing, it asks nobody.
        return bool(self.reason) and self.reason not in ('offline', 'contradiction', 'develop')
