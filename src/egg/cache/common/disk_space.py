"""Which directory of the buildout is full, or can't be written to?

Eggs are copied and built in the eggs directory, and pip works below TMPDIR. If there is no room,
plain buildout fails, too: that is no trouble with the cache.
"""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress

from egg.cache.common.errors import UnwritableError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
# A filesystem with less is full: what was written at last did not fit.
_LEAST = 1 << 16


def unwritable(error: OSError, directory: str) -> UnwritableError | None:
    """Return what to raise if `error` came of writing below `directory`, None if it didn't.

    Reading needs no room, so only in the other cases the path has to be looked at.
    """
    path = error.filename if isinstance(error.filename, str) else ''
    if error.errno in _FULL or (
        error.errno in _REFUSED and os.path.join(path, '').startswith(os.path.join(directory, ''))
    ):
        return _error(directory, error.errno)
    return None


def of_build(error: BaseException, eggs_directory: str) -> UnwritableError | None:
    """Return what to raise if a build failed as a directory is full, None if there is room.

    What pip said is on standard error, and seldom in the text of the error: whatever it is, there
    is a reason if a directory is full.
    """
    texts = [os.strerror(number) for number in _FULL]
    is_told = getattr(error, 'errno', None) in _FULL or any(text in str(error) for text in texts)
    places = [eggs_directory, tempfile.gettempdir()]
    for place in places:
        if _is_full(place):
            return _error(place, errno.ENOSPC)
    # pip has tidied up where it works; in the eggs directory nobody has yet.
    return _error(places[1], errno.ENOSPC) if is_told else None


def _is_full(directory: str) -> bool:
    with suppress(OSError):
        found = os.statvfs(directory)
        has_no_inodes = found.f_files > 0 and found.f_favail == 0
        return found.f_bavail * found.f_frsize < _LEAST or has_no_inodes
    return False


def _error(directory: str, number: int) -> UnwritableError:
    what = 'There is no room in {}' if number in _FULL else "{} can't be written to"
    other = ' or name another one with TMPDIR,' if directory == tempfile.gettempdir() else ''
    return UnwritableError(
        f'{what.format(directory)}: {os.strerror(number)}.\n'
        'The buildout needs that directory, with or without the egg cache. Mend that,'
        f'{other} and run buildout again.'
    )
