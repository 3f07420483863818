"""Is everything in the cache exactly what was stored?"""

from __future__ import annotations

from collections.abc import Iterator

from egg.cache.errors import DamagedError
from egg.cache.layout import Layout
from egg.cache.store import Entry, entries


def faults(layout: Layout) -> Iterator[tuple[Entry, list[DamagedError]]]:
    """Yield each entry of the cache with all that is wrong with it.

    Reads every file. An entry that somebody removes in the meantime has no faults.
    """
    for entry in entries(layout):
        found = list(entry_faults(entry))
        yield entry, found if entry.exists() else []


def entry_faults(entry: Entry) -> Iterator[DamagedError]:
    """Yield every difference between an entry and its manifest."""
    return entry.faults()
