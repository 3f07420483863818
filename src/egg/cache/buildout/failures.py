"""What is said when the cache can't help?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from egg.cache.common.errors import UnwritableError
from egg.cache.store import permissions

logger = logging.getLogger('egg.cache')


def _encodable(record: logging.LogRecord) -> bool:
    """Let no stream lose a message because of bytes in a path that are no text (PEP 383)."""
    message = record.getMessage()
    encodable = message.encode('utf-8', 'backslashreplace').decode()
    if encodable != message:
        record.msg, record.args = encodable, None
    return True


# All modules log here, and all that they do goes through a `Failures`.
logger.addFilter(_encodable)


class Failures:
    """What goes wrong with the cache in `directory` in one run: one warning, and then silence."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._was_told = False

    def during(self, verb: str, react: Callable[[Exception], None] | None = None) -> Guard:
        """Turn any exception in a block into that warning; `react` gets it, too."""

        def handle(error: Exception) -> None:
            if react is not None:
                react(error)
            self._tell(verb, error)

        return Guard(handle)

    def _tell(self, verb: str, error: Exception) -> None:
        level = logging.DEBUG if self._was_told else logging.WARNING
        self._was_told = True
        # One lock, file or directory that a member of the group closed is all of the trouble.
        remedy = permissions.remedy(self._directory, error)
        logger.log(
            level,
            "Can't %s the egg cache in %s: %s: %s\n"
            'The buildout goes on without its help. %s',
            verb,
            self._directory,
            type(error).__name__,
            error,
            remedy or 'Mend that, or choose another directory with the option egg-cache.',
        )


class Guard:
    """A context that gives what the cache, or the disk below it, raises to `handle`."""

    def __init__(self, handle: Callable[[Exception], None]) -> None:
        self._handle = handle

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, traceback: object) -> bool:
        # Whatever it is, a build must not fail because of its cache; of what is its own, it does.
        if not isinstance(error, Exception) or isinstance(error, UnwritableError):
            return False
        self._handle(error)
        return True
