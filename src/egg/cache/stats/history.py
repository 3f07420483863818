"""What did the runs do that used this cache?

    <egg-cache>/stats/
      20240506T070809-4711-0f1e2d3c4b5a6978.jsonl    the record of one run (`recorder`)
      summary.json                                    the sums of runs whose records are gone

For other modules: `book(layout)` has the sums of all that is known, `runs(layout)` yields the
runs whose records are still there, and `uses(layout, project, version)` tells which buildouts
got an egg, and when last.

Many records are folded into the summary. It names those that it holds, which are then removed;
whoever reads passes over those that are named. So whenever a process is killed, each run is
counted, once. Who folds holds a lock; where there are no locks, nobody folds.
"""

from __future__ import annotations

import fcntl
import math
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from packaging.utils import canonicalize_name

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.stats import run_record, totals
from egg.cache.stats.run_record import Run
from egg.cache.stats.totals import Book
from egg.cache.store import inventory, permissions, trust
from egg.cache.store.inventory import STATS_LOCK, SUMMARY
from egg.cache.store.layout import Layout, version_name

#: A run that sees many records folds some, but not for more seconds than that.
SECONDS = 0.5
#: Seconds of silence after which a run that never came to its end was killed.
SILENCE = 24 * 3600.0

_LARGEST_RECORD = 16_000_000
_LARGEST_SUMMARY = 8_000_000


def runs(layout: Layout) -> list[Run]:
    """Return the runs whose records are there, oldest first. Reads what can be trusted only."""
    return _all(layout)[1]


def book(layout: Layout) -> Book:
    """Return the sums of all that is known."""
    result, recent = _all(layout)
    for run in recent:
        result.add(run)
    return result


def uses(layout: Layout, project: str, version: str) -> dict[str, float]:
    """Return {buildout directory: seconds since the epoch} of those that got this egg.

    An egg that a buildout has already is no news: the time is that of its arrival.
    """
    wanted = canonicalize_name(project), version_name(version)
    found: dict[str, float] = {}
    stamp = _identity(layout.stats), _identity(layout.stats / SUMMARY)
    for (name, number), by_buildout in _book_as_of(layout, stamp).uses.items():
        with suppress(CacheError):
            if name == wanted[0] and version_name(number) == wanted[1]:
                for buildout, when in by_buildout.items():
                    found[buildout] = max(when, found.get(buildout, 0.0))
    return found


def last_run(layout: Layout, buildout: str) -> totals.Account | None:
    """Return the account of one buildout directory, None if nothing is known of it."""
    return book(layout).accounts.get(run_record.text_of(buildout))


def fold(layout: Layout, seconds: float | None = None) -> int:
    """Put the records of runs that are over into the summary; return how many.

    Stops after so many `seconds`; the rest is for the next one. Where that can't be done, or
    somebody else does it, nothing is.
    """
    with suppress(OSError, CacheError), _alone(layout):
        limit = time.monotonic() + seconds if seconds is not None else math.inf
        summary, held = _summary(layout)
        _remove(path for path in _records(layout) if path.name in held)
        folded = []
        for path in _records(layout):
            if time.monotonic() > limit:
                break
            if path.name not in held and _is_over(path, layout, summary):
                folded.append(path)
        if folded:
            summary.shorten()
            _replace(layout, summary, folded, held)
        return len(folded)
    return 0


def fold_many(layout: Layout) -> None:
    """Fold, in bounded time, if there are many records."""
    if run_record.are_many(layout.stats):
        fold(layout, SECONDS)


def reset(layout: Layout, now: float) -> int:
    """Forget everything; return how many runs that were. Raises `OSError` and `CacheError`.

    A run that is on its way counts from now on.
    """
    if not os.path.isdir(layout.stats):
        return 0
    with _alone(layout):
        count = book(layout).total.runs
        _replace(layout, Book(since=now), _records(layout), _summary(layout)[1])
        return count


def _is_over(path: Path, layout: Layout, summary: Book) -> bool:
    """Tell whether a record is complete, and add it to `summary` if it is."""
    is_silent = time.time() - os.lstat(path).st_mtime > SILENCE
    data = _read(path, layout, _LARGEST_RECORD)
    if not is_silent and not run_record.is_finished(data):
        return False
    run = run_record.load(data)
    if run is not None:
        summary.add(run)
    return True


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Let nobody else change the summary. Raises `OSError` and `CacheError`."""
    _check(layout)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(layout.stats / STATS_LOCK, flags, files.FILE_MODE)
    try:
        permissions.of(layout.root).open_file(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _check(layout: Layout) -> trust.Owners:
    """Return whose records are read; raise `CacheError` if the directory can't be trusted."""
    owners = trust.owners(layout.root)
    trust.check_directory(layout.stats, owners)
    return owners


@lru_cache(maxsize=1)
def _book_as_of(layout: Layout, stamp: object) -> Book:
    """Return the book, read once for many questions; runs on their way may be told late."""
    return book(layout)


def _all(layout: Layout) -> tuple[Book, list[Run]]:
    """Return what was folded, and the other runs."""
    # Somebody may fold at this moment: what was removed meanwhile is in the next summary.
    for _ in range(10):
        before = _identity(layout.stats / SUMMARY)
        summary, held = _summary(layout)
        found = [_run(path, layout) for path in _records(layout) if path.name not in held]
        if _identity(layout.stats / SUMMARY) == before:
            break
    there = [run for run in found if run is not None]
    return summary, sorted(there, key=lambda run: run.time)


def _identity(path: Path) -> tuple[int, ...]:
    with suppress(OSError):
        info = os.lstat(path)
        return info.st_ino, info.st_ctime_ns
    return ()


def _records(layout: Layout) -> list[Path]:
    with suppress(OSError, CacheError):
        _check(layout)
        names = sorted(filter(inventory.RECORD.fullmatch, os.listdir(layout.stats)))
        return [layout.stats / name for name in names]
    return []


def _run(path: Path, layout: Layout) -> Run | None:
    return run_record.load(_read(path, layout, _LARGEST_RECORD))


def _summary(layout: Layout) -> tuple[Book, set[str]]:
    """Return what was folded, and the names of the records that it holds."""
    row = run_record.row_of(_read(layout.stats / SUMMARY, layout, _LARGEST_SUMMARY)) or {}
    held = row.get('holds')
    names = held if isinstance(held, list) else []
    return totals.load(row), {name for name in names if isinstance(name, str)}


def _read(path: Path, layout: Layout, most: int) -> bytes:
    """Return the content of a file of ours, nothing for any other one."""
    with suppress(OSError, CacheError):
        owners = _check(layout)
        with files.opened(str(path)) as descriptor:
            info = os.fstat(descriptor)
            is_ours = owners.have(info) and not info.st_mode & stat.S_IWOTH
            if stat.S_ISREG(info.st_mode) and is_ours and info.st_size <= most:
                return b''.join(files.chunks(descriptor))
    return b''


def _replace(layout: Layout, summary: Book, folded: list[Path], held: set[str]) -> None:
    """Write the summary, which holds the records `folded` and those `held`; remove the former."""
    trust.check_directory(layout.tmp, trust.owners(layout.root))
    # Those that couldn't be removed are still held.
    there = {path.name for path in _records(layout)}
    names = {path.name for path in folded} | held & there
    row = {**totals.dump(summary), 'holds': sorted(names)}
    open_file = permissions.of(layout.root).open_file
    files.replace(layout.stats / SUMMARY, run_record.line(row), layout.tmp, open_file)
    _remove(folded)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)
