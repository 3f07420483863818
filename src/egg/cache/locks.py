"""Who builds this archive? The others wait, and then take what was built.

Locks save work; integrity never depends on them. A filesystem that has none costs a warning
and nothing else.

A lock is a `flock` of a file that the cache never removes, and is held only if the path still
leads to that file. Releases of filelock don't agree about either: those before 3.20 take a file
that was removed in the meantime for the lock, and some later ones remove it when they are done.
So two buildouts, each with a filelock of its own, could build the same archive at once.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from egg.cache import files

logger = logging.getLogger('egg.cache')

#: Seconds of silence before a waiting buildout says for whom it waits.
PATIENCE = 3.0


class LockTimeout(Exception):
    """Somebody else holds the lock for too long."""


@contextmanager
def hold(path: Path, purpose: str, timeout: float, mode: int = 0o644) -> Iterator[None]:
    """Hold the lock `path` during the block; `purpose` is what is said to those who wait.

    A lock dies with its process. `mode` is that of the lock file: who shares a cache needs to
    write to it. Raises `LockTimeout` after `timeout` seconds, and `OSError` where the filesystem
    has no locks.
    """
    descriptor = _acquire(path, timeout, mode)
    try:
        _sign(path, purpose)
        yield
    finally:
        # Removed before the lock is given up: it must not outlive what it says.
        with suppress(OSError):
            os.unlink(_signature(path))
        with suppress(OSError):
            os.close(descriptor)


def _acquire(path: Path, timeout: float, mode: int) -> int:
    """Return the descriptor that holds the lock."""
    started = time.monotonic()
    is_told = False
    while True:
        descriptor = _try(path, mode)
        if descriptor is not None:
            return descriptor
        waited = time.monotonic() - started
        if waited >= timeout:
            raise LockTimeout(_read_signature(path))
        if waited >= PATIENCE and not is_told:
            logger.info('Waiting for %s.', _read_signature(path))
            is_told = True
        time.sleep(min(0.2 if is_told else 0.05, timeout - waited))


def _try(path: Path, mode: int) -> int | None:
    """Return a descriptor that holds the lock, None if somebody else does."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, mode)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who finds another file at the path, or none, would not wait for this one.
        if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            held, descriptor = descriptor, -1
            return held
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK):
            raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return None


def _signature(path: Path) -> Path:
    return path.with_suffix('.json')


def _sign(path: Path, purpose: str) -> None:
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
        files.create(_signature(path), text.encode())


def _read_signature(path: Path) -> str:
    try:
        who = json.loads(files.read(_signature(path)))
        return '{purpose} on {host}, process {pid}, since {since}'.format(**who)
    except (OSError, ValueError, KeyError, TypeError):
        return f'another buildout that holds {path}'
