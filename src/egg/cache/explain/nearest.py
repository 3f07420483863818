"""Which entry, of those that don't do, is the nearest, and in what does it differ?"""

from __future__ import annotations

from contextlib import suppress

from packaging.utils import canonicalize_name
from packaging.version import Version

from egg.cache.common import files
from egg.cache.common.errors import CacheError, DamagedError
from egg.cache.configuration.settings import Exclusion
from egg.cache.explain.answers import MISS, Explanation, Question
from egg.cache.explain.comparison import Difference, compare
from egg.cache.lookup import origins, pins
from egg.cache.lookup.stores import Stores
from egg.cache.maintenance import selection
from egg.cache.stats import run_record
from egg.cache.store.entry import Entry
from egg.cache.store.layout import ARCHIVES, ORIGIN

# Of other versions, so many are named.
_NEAREST = 3


def miss(stores: Stores, question: Question, obstacle: str) -> Explanation:
    """Return which entry, of those that don't do, is the nearest."""
    wanted = Exclusion(canonicalize_name(question.project), question.specifier)
    compared = []
    for entry in selection.select(stores.layout, wanted):
        if entry.environment_key == ARCHIVES or _is_of_installed(entry):
            continue  # Nobody gets these for a requirement.
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
    allows = question.specifier.contains
    taken_over = [entry for entry in others if allows(version_of(entry), True)]
    for entry in taken_over:
        excluding = question.excluding(version_of(entry))
        if excluding:
            return Explanation(MISS, 'excluded', entry, excluding)
    if taken_over:
        return _adopted(stores, question, obstacle, taken_over[0])
    nearest = _nearest(others, question)
    there = ', '.join(dict.fromkeys(version_of(entry) for entry in nearest))
    version = Difference('version', str(question.specifier), there)
    return Explanation(MISS, 'version', nearest[0], differences=(version,))


def _is_of_installed(entry: Entry) -> bool:
    with suppress(DamagedError):
        return entry.manifest.archive.kind == 'installed'
    return False


def _adopted(stores: Stores, question: Question, obstacle: str, entry: Entry) -> Explanation:
    """Return why an egg that was taken over does not do: it answers pins in its own origins."""
    pin = origins.exact_pin(question.specifier)
    differences = origin_differences(stores, question, pin)
    if pin is None:
        differences = (Difference('pin', str(question.specifier), f'=={version_of(entry)}'),)
    elif obstacle == 'local-archives':
        differences = ()
    detail = pins.OBSTACLES.get(obstacle, 'nobody knows from which archive it was built')
    return Explanation(MISS, 'adopted', entry, detail, differences)


def _nearest(others: list[Entry], question: Question) -> list[Entry]:
    """Return the versions beside the one that is pinned, else the newest ones."""
    pin = origins.exact_pin(question.specifier)
    ordered = sorted(others, key=lambda entry: Version(version_of(entry)), reverse=True)
    if pin is not None:
        with suppress(ValueError):
            wanted = Version(pin)
            above = [entry for entry in ordered if Version(version_of(entry)) > wanted]
            below = [entry for entry in ordered if Version(version_of(entry)) < wanted]
            return [*below[:1], *above[-1:]] or ordered[:1]
    return ordered[:_NEAREST]


def origin_differences(
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


def version_of(entry: Entry) -> str:
    return entry.path.parent.name
