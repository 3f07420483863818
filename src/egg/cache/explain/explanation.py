"""Would this buildout hit, and if not, what is the nearest that the cache has?

Nobody is asked: where only an index knows the archive, the answer holds if it is the one that
the cache has.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from egg.cache.common import files
from egg.cache.common.errors import CacheError, DamagedError, UntrustedError
from egg.cache.configuration.settings import Exclusion, Settings
from egg.cache.environment.environment import Environment
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.explain.comparison import Difference, compare
from egg.cache.lookup import origins, pins
from egg.cache.lookup.origins import Origin
from egg.cache.lookup.stores import Stores
from egg.cache.maintenance import selection
from egg.cache.stats import run_record
from egg.cache.store import trust
from egg.cache.store.entry import Entry
from egg.cache.store.layout import DIGEST_LENGTH, ORIGIN, Layout
from egg.cache.store.manifest import Archive

HIT, MISS = 'hit', 'miss'

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

# Of other versions, so many are named.
_NEAREST = 3


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


@dataclass(frozen=True)
class Explanation:
    """What the cache would answer.

    `reason` is one of `REASONS` for a miss; for a hit it is one of `OBSTACLES` if an index
    is asked first, else ''. `entry` is the one that would be copied, or else the nearest one.
    """

    outcome: str
    reason: str = ''
    entry: Entry | None = None
    detail: str = ''
    differences: tuple[Difference, ...] = field(default=())

    @property
    def asks_index(self) -> bool:
        # Where buildout installs nothing, it asks nobody.
        return bool(self.reason) and self.reason not in ('offline', 'contradiction')


def explain(question: Question, layout: Layout) -> Explanation:
    """Return what the cache would answer; reads every file of the entry that would be copied.

    Raises `CacheError` if what is in the cache can't be trusted, which helps nobody.
    """
    settings = question.settings
    if settings.is_off:
        return Explanation(MISS, 'off', detail='egg-cache-mode = off' * bool(settings.directory))
    try:
        trust.check(layout.root)
    except UntrustedError as error:
        return Explanation(MISS, 'unsafe', detail=str(error))
    if question.is_offline:
        return Explanation(MISS, 'offline')
    if question.contradiction:
        return Explanation(MISS, 'contradiction', detail=question.contradiction)
    if not settings.reads:
        return Explanation(MISS, 'refresh')
    stores = Stores(layout, question.environment, question.source_builds)
    pin = origins.exact_pin(question.specifier)
    pointer, obstacle = None, 'no-pin'
    excluding = _excluding(settings, question.project, None)
    if excluding:
        return Explanation(MISS, 'excluded', detail=excluding)
    if pin is not None:
        pointer, obstacle = pins.resolve(
            stores.main, question.origin, question.project, pin, question.local,
            lambda: stores.sources,
        )  # fmt: skip
    if pointer is not None:
        archive = Archive(pointer.name, pointer.sha256)
        if not stores.serve(archive):
            return Explanation(MISS, 'unshared', detail=question.source_builds.obstacle)
        store = stores.of(archive)
        entry = store.entry(question.project, pointer.version, pointer.sha256)
        excluding = _excluding(settings, question.project, pointer.version)
        if excluding:
            return Explanation(MISS, 'excluded', entry, excluding)
        fault = _fault(entry)
        if fault:
            return Explanation(MISS, fault[0], entry, fault[1])
        if store.holds(entry, archive):
            return Explanation(HIT, '', entry)
    best, fault = _best(stores, question)
    if best is None:
        # Only now: the pin `1.0` may stand for `1.0+local`, which `===1.0` doesn't exclude.
        excluding = _excluding(settings, question.project, pin)
        if excluding:
            return Explanation(MISS, 'excluded', detail=excluding)
        return _miss(stores, question, obstacle)
    if fault:
        return Explanation(MISS, fault[0], best, fault[1])
    if pointer is not None:
        # The index would have to offer another archive than it did; nobody knows.
        found = best.manifest.archive
        archives = [_archive(name, sha256) for name, sha256 in
                    ((pointer.name, pointer.sha256), (found.name, found.sha256))]  # fmt: skip
        return Explanation(HIT, 'archive', best, differences=(Difference('archive', *archives),))
    return Explanation(HIT, obstacle, best, differences=_origin_differences(stores, question, pin))


def _miss(stores: Stores, question: Question, obstacle: str) -> Explanation:
    """Return which entry, of those that don't do, is the nearest."""
    wanted = Exclusion(canonicalize_name(question.project), question.specifier)
    compared = []
    for entry in selection.select(stores.layout, wanted):
        mine = stores.environment_of(entry)
        if entry.environment_key != mine.key:
            other = selection.environment(stores.layout, entry.environment_key)
            differing = compare(mine.describe(), other) or (
                Difference('environment key', mine.key, entry.environment_key),
            )
            compared.append((differing, entry))
            continue
        with suppress(DamagedError):
            if not stores.serve(entry.manifest.archive):
                return Explanation(MISS, 'unshared', entry, question.source_builds.obstacle)
    if compared:
        differences, entry = min(compared, key=lambda pair: (len(pair[0]), str(pair[1].path)))
        return Explanation(MISS, 'environment', entry, differences=differences)
    others = list(stores.versions(question.project))
    if not others:
        return Explanation(MISS, 'never-built')
    taken_over = [entry for entry in others if question.specifier.contains(_version(entry), True)]
    for entry in taken_over:
        excluding = _excluding(question.settings, question.project, _version(entry))
        if excluding:
            return Explanation(MISS, 'excluded', entry, excluding)
    if taken_over:
        return _adopted(stores, question, obstacle, taken_over[0])
    nearest = _nearest(others, question)
    there = ', '.join(dict.fromkeys(_version(entry) for entry in nearest))
    version = Difference('version', str(question.specifier), there)
    return Explanation(MISS, 'version', nearest[0], differences=(version,))


def _adopted(stores: Stores, question: Question, obstacle: str, entry: Entry) -> Explanation:
    """Return why an egg that was taken over does not do: it answers pins in its own origins."""
    pin = origins.exact_pin(question.specifier)
    differences = _origin_differences(stores, question, pin)
    if pin is None:
        differences = (Difference('pin', str(question.specifier), f'=={_version(entry)}'),)
    elif obstacle == 'local-archives':
        differences = ()
    detail = pins.OBSTACLES.get(obstacle, 'nobody knows from which archive it was built')
    return Explanation(MISS, 'adopted', entry, detail, differences)


def _best(stores: Stores, question: Question) -> tuple[Entry | None, tuple[str, str] | None]:
    """Return the best entry of a known archive that satisfies what is asked for, and its fault.

    Of one version that is one without a fault, then the last that was built.
    """
    ranked = []
    for entry in stores.versions(question.project):
        version, at = _version(entry), ''
        if not question.specifier.contains(version, prereleases=True) or _excluding(
            question.settings, question.project, version
        ):
            continue
        with suppress(DamagedError):
            if not entry.manifest.archive.is_known:
                continue
            at = entry.manifest.build.at
        is_final = question.prefers_final and not Version(version).is_prerelease
        ranked.append(((is_final, Version(version), at), entry))
    ranked.sort(key=lambda pair: pair[0], reverse=True)
    same = [entry for rank, entry in ranked if rank[:2] == ranked[0][0][:2]]
    faults = [(_fault(entry), entry) for entry in same]
    for fault, entry in sorted(faults, key=lambda pair: bool(pair[0])):
        return entry, fault
    return None, None


def _nearest(others: list[Entry], question: Question) -> list[Entry]:
    """Return the versions beside the one that is pinned, else the newest ones."""
    pin = origins.exact_pin(question.specifier)
    ordered = sorted(others, key=lambda entry: Version(_version(entry)), reverse=True)
    if pin is not None:
        with suppress(ValueError):
            wanted = Version(pin)
            above = [entry for entry in ordered if Version(_version(entry)) > wanted]
            below = [entry for entry in ordered if Version(_version(entry)) < wanted]
            return [*below[:1], *above[-1:]] or ordered[:1]
    return ordered[:_NEAREST]


def _origin_differences(
    stores: Stores, question: Question, pin: str | None
) -> tuple[Difference, ...]:
    """Return how this origin differs from the nearest one that resolved the pin."""
    if pin is None:
        return ()
    here = question.origin.describe()
    found = []
    for key in dict.fromkeys((stores.main.key, stores.sources.key)):
        directory = stores.layout.environment(key) / 'origins'
        for path in sorted(directory.iterdir()) if directory.is_dir() else ():
            with suppress(OSError, CacheError):
                if stores.layout.pin(key, path.name, question.project, pin).exists():
                    row = run_record.row_of(files.read(path / ORIGIN)) or {}
                    if 'index' in row and path.name != question.origin.key:
                        found.append(compare(here, row))
    return min(found, key=len) if found else ()


def _fault(entry: Entry) -> tuple[str, str] | None:
    """Return the reason why an entry is not copied, and what is wrong with it; None if it is
    sound, or isn't there."""
    if not entry.exists():
        return None
    if not entry.owners.have(os.lstat(entry.path)):
        try:
            trust.check_directory(entry.path, entry.owners)
        except CacheError as error:
            return 'stranger', str(error)[:-1]
    fault = next(entry.faults(), None)
    return None if fault is None else ('damaged', str(fault))


def _excluding(settings: Settings, project: str, version: str | None) -> str:
    """Return the pattern that excludes a version, or all (None), '' if none does."""
    for exclusion in settings.exclusions:
        is_meant = version is not None or not exclusion.specifier
        if is_meant and exclusion.matches(project, version or ''):
            return f'{exclusion.name}{exclusion.specifier}'
    return ''


def _version(entry: Entry) -> str:
    return entry.path.parent.name


def _archive(name: str, sha256: str) -> str:
    return f'{name} (sha256 {sha256[:DIGEST_LENGTH]})'
