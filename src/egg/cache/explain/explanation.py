"""Would this buildout hit, and if not, what is the nearest that the cache has?

Nobody is asked: where only an index knows the archive, the answer holds if it is the one that
the cache has.
"""

from __future__ import annotations

import os
from contextlib import suppress

from packaging.version import Version

from egg.cache.common.errors import CacheError, DamagedError, UntrustedError
from egg.cache.explain.answers import HIT, MISS, Explanation, Question
from egg.cache.explain.comparison import Difference
from egg.cache.explain.nearest import miss, origin_differences, version_of
from egg.cache.lookup import origins, pins
from egg.cache.lookup.stores import Stores
from egg.cache.store import trust
from egg.cache.store.entry import Entry
from egg.cache.store.layout import DIGEST_LENGTH, Layout
from egg.cache.store.manifest import Archive


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
    excluding = question.excluding(None)
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
        excluding = question.excluding(pointer.version)
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
        excluding = question.excluding(pin)
        if excluding:
            return Explanation(MISS, 'excluded', detail=excluding)
        return miss(stores, question, obstacle)
    if fault:
        return Explanation(MISS, fault[0], best, fault[1])
    if pointer is not None:
        # The index would have to offer another archive than it did; nobody knows.
        found = best.manifest.archive
        archives = [_archive(name, sha256) for name, sha256 in
                    ((pointer.name, pointer.sha256), (found.name, found.sha256))]  # fmt: skip
        return Explanation(HIT, 'archive', best, differences=(Difference('archive', *archives),))
    return Explanation(HIT, obstacle, best, differences=origin_differences(stores, question, pin))


def _best(stores: Stores, question: Question) -> tuple[Entry | None, tuple[str, str] | None]:
    """Return the best entry of a known archive that satisfies what is asked for, and its fault.

    Of one version that is one without a fault, then the last that was built.
    """
    ranked = []
    for entry in stores.versions(question.project):
        version, at = version_of(entry), ''
        allows = question.specifier.contains(version, prereleases=True)
        if not allows or question.excluding(version):
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


def _archive(name: str, sha256: str) -> str:
    return f'{name} (sha256 {sha256[:DIGEST_LENGTH]})'
