"""Which cached egg is the best, where nobody can tell what else there is?"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from packaging.version import Version

from egg.cache.buildout.failures import Guard
from egg.cache.common.errors import DamagedError
from egg.cache.store.entry import Entry


def best(
    entries: Iterable[Entry],
    fits: Callable[[Entry], bool],
    prefers_final: bool,
    set_aside: Callable[[Entry, DamagedError], None],
    trouble: Callable[[str], Guard],
) -> list[Entry]:
    """Return the entries that fit, best first.

    The newest version is the best, final ones first if asked for, and among the archives of one
    version the one that was built last. Damaged entries are `set_aside`. `trouble` ends the look
    at entries that can't be read, and those before count.
    """
    found = []
    with trouble('look up'):
        for entry in entries:
            try:
                manifest = entry.manifest
            except DamagedError as fault:
                set_aside(entry, fault)
                continue
            if fits(entry):
                version = Version(manifest.version)
                is_final = prefers_final and not version.is_prerelease
                found.append(((is_final, version, manifest.build.at), entry))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [entry for _, entry in found]
