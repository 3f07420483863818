"""What happens to an entry that is not what was stored?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from egg.cache.common.errors import CacheError, DamagedError
from egg.cache.stats.recorder import Recorder
from egg.cache.store.store import Entry, Store

logger = logging.getLogger('egg.cache')


class DamagedEntries:
    """The damage that one run finds: one warning for each entry."""

    def __init__(self, store: Store, recorder: Recorder, writes: Callable[[], bool]) -> None:
        self._store = store
        self._writes = writes
        self._recorder = recorder
        self._seen: set[Path] = set()

    def set_aside(self, entry: Entry, fault: DamagedError) -> None:
        """Move a damaged entry to `trash/` if this run writes to the cache; say so."""
        # Looked at twice: somebody may have removed it while it was read, or built it anew.
        again = Entry(entry.path)
        if not again.exists() or next(again.faults(), None) is None:
            logger.debug('The entry of %s was removed or replaced by somebody else.', entry)
            return
        level = logging.DEBUG if entry.path in self._seen else logging.WARNING
        self._recorder.damaged(entry, fault.path)
        self._seen.add(entry.path)
        logger.log(
            level,
            'The entry of %s in the egg cache is damaged: %s.\n'
            '%s\nThe egg is built anew.',
            entry,
            fault,
            self._moved(again) if self._writes() else f'It stays where it is: {entry.path}.',
        )

    def _moved(self, entry: Entry) -> str:
        try:
            target = self._store.set_aside(entry) or entry.path
        except CacheError as error:
            # Behind a link is something else: nobody is told to remove that.
            return f'It stays where it is: {entry.path}. {error}'
        except OSError as error:
            return f'{entry.path} can\'t be set aside: {error}. Please remove it.'
        return f'It was set aside: {target}.'
