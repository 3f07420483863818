"""Which cached egg is the best, where nobody can tell what else there is?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from packaging.version import Version

from egg.cache.common.errors import DamagedError
from egg.cache.store.entry import Entry

#: Whether a version is final where that counts, the version, and when it was built.
Rank = tuple[bool, Version, str]


def ranked(
    entries: Iterable[Entry],
    fits: Callable[[Entry], bool],
    prefers_final: bool,
    set_aside: Callable[[Entry, DamagedError], None],
) -> Iterator[tuple[Rank, Entry]]:
    """Yield the entries that fit, and how good each is; the greatest rank is the best.

    The newest version is the best, final ones first if asked for, and among the archives of one
    version the one that was built last. Damaged entries are `set_aside`.
    """
    for entry in entries:
        try:
            manifest = entry.manifest
        except DamagedError as fault:
            set_aside(entry, fault)
            continue
        if fits(entry):
            version = Version(manifest.version)
            is_final = prefers_final and not version.is_prerelease
            yield (is_final, version, manifest.build.at), entry
