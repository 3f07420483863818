"""Who builds this archive? The others wait, and then take what was built.

Locks save work; integrity never depends on them. A filesystem that has none costs a warning
and nothing else.

Buildouts that share a cache have releases of filelock of their own. Those from 3.20.4 to 3.29.4
remove the file when they give up a lock, and look whether they hold one that was removed; earlier
ones don't look. So a lock counts here only if the path still leads to the file that is locked.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from egg.cache.common import files
from egg.cache.common.errors import printable

logger = logging.getLogger('egg.cache')

#: Seconds of silence before a waiting buildout says for whom it waits.
PATIENCE = 3.0


class LockTimeout(Exception):
    """Somebody else holds the lock for too long."""


@contextmanager
def hold(path: Path, purpose: str, timeout: float, mode: int = 0o644) -> Iterator[None]:
    """Hold the lock `path` during the block; `purpose` is what is said to those who wait.

    A lock dies with its process. `mode` is that of the lock file, whatever the umask: who shares a
    cache needs to write to it. Raises `LockTimeout` after `timeout` seconds, and `OSError` where
    the filesystem has no locks.
    """
    _probe(path, mode)
    lock = FileLock(str(path), timeout=timeout, mode=mode)
    _acquire(lock, path, timeout)
    try:
        _sign(path, purpose, mode)
        yield
    finally:
        # Removed before the lock is given up: it must not outlive what it says.
        with suppress(OSError):
            os.unlink(_signature(path))
        with suppress(OSError):
            lock.release()


def _probe(path: Path, mode: int) -> None:
    """Raise `OSError` if `path` can't be locked, whoever holds it.

    Some versions of filelock wait for ever then, others make do with a file that outlives its
    process. Sharing the lock for a moment is what keeps others out least.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, mode)
    _set_mode(descriptor, mode)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK):
            raise
    finally:
        os.close(descriptor)


def _acquire(lock: FileLock, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        remaining = max(0.0, deadline - time.monotonic())
        try:
            _wait(lock, path, remaining)
        except FileNotFoundError:
            # The file was there when an early filelock looked, and was gone when it opened it.
            if not remaining or not os.path.isdir(path.parent):
                raise
            continue
        try:
            if _is_at(lock, path):
                return
        except OSError:
            lock.release()
            raise
        lock.release()


def _wait(lock: FileLock, path: Path, timeout: float) -> None:
    try:
        lock.acquire(timeout=min(PATIENCE, timeout), poll_interval=0.05)
        return
    except Timeout:
        logger.info('Waiting for %s.', _read_signature(path))
    try:
        lock.acquire(timeout=max(0.0, timeout - PATIENCE), poll_interval=0.2)
    except Timeout as error:
        raise LockTimeout(_read_signature(path)) from error


def _is_at(lock: FileLock, path: Path) -> bool:
    """Tell whether `path` leads to the file that is locked: who finds another one won't wait."""
    # A private name; nothing public of filelock tells which file it has locked. Releases before
    # 3.11 don't have it.
    descriptor = getattr(getattr(lock, '_context', None), 'lock_file_fd', None)
    if descriptor is None:
        return True
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _signature(path: Path) -> Path:
    return path.with_suffix('.json')


def _set_mode(descriptor: int, mode: int) -> None:
    with suppress(OSError):  # It is somebody else's.
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            os.fchmod(descriptor, mode)


def _sign(path: Path, purpose: str, mode: int) -> None:
    """Say who holds the lock, in a file of its own: lockers truncate the lock file."""
    text = json.dumps(
        {
            'purpose': purpose,
            'host': socket.gethostname(),
            'pid': os.getpid(),
            'since': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        }
    )
    with suppress(OSError):
        os.unlink(_signature(path))
    with suppress(OSError):
        files.create(_signature(path), text.encode(), lambda file: _set_mode(file, mode))


def _read_signature(path: Path) -> str:
    try:
        who = json.loads(files.read(_signature(path)))
        return printable('{purpose} on {host}, process {pid}, since {since}'.format(**who))
    except (OSError, ValueError, KeyError, TypeError):
        return f'another buildout that holds {path}'
