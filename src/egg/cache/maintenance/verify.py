"""Is everything in the cache exactly what was stored?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from egg.cache.common.errors import CacheError, DamagedError
from egg.cache.store.layout import Layout
from egg.cache.store.store import Entry, Store, entries


def faults(
    layout: Layout, chosen: Iterable[Entry] | None = None
) -> Iterator[tuple[Entry, list[DamagedError]]]:
    """Yield each entry of the cache, or each `chosen` one, with all that is wrong with it.

    Reads every file. An entry that somebody removes in the meantime has no faults.
    """
    for entry in entries(layout) if chosen is None else chosen:
        found = list(entry_faults(entry))
        yield entry, found if entry.exists() else []


def entry_faults(entry: Entry) -> Iterator[DamagedError]:
    """Yield every difference between an entry and its manifest."""
    return entry.faults()


def set_aside(layout: Layout, entry: Entry) -> Path | None:
    """Move a damaged entry to `trash/`, as a hit on it would; return its path there.

    Whoever wants that egg next builds it anew. None if somebody did so already. Raises
    `CacheError` if it can't be done.
    """
    try:
        return Store(layout, entry.environment_key).set_aside(entry)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CacheError(f"{entry.path} can't be moved to {layout.trash}: {reason}.") from error
