"""How do several threads do the same work faster than one?

Copying many small files is mostly the kernel's work, for which Python lets other threads run. On
two cores, two threads copied the 27,000 files of Plone's eggs in 0.72 of the time of one where
the disk had to be read first (0.80 with hard links), and in as much time where it had not.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

Job = TypeVar('Job')

#: More don't pay, as only one of them at a time can be in Python itself.
THREADS = 2

#: What is less than that is done before another thread has begun.
MANY = 64


def share(jobs: Iterable[Job], do: Callable[[Job], None]) -> None:
    """Do all jobs, in no certain order; raise what the first one that failed raised.

    After a failure no other job is begun. When this returns or raises, no job is on its way.
    """
    waiting = deque(jobs)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            while not errors:
                try:
                    job = waiting.popleft()
                except IndexError:
                    break
                do(job)
        except BaseException as error:  # noqa: BLE001 - it is raised again, in `share`
            errors.append(error)

    helpers = _helpers(work) if len(waiting) >= MANY else []
    work()
    for helper in helpers:
        while helper.is_alive():
            try:
                helper.join()
            except KeyboardInterrupt as error:  # Nobody waits for long from now on.
                errors.append(error)
    if errors:
        raise errors[0]


def _helpers(work: Callable[[], None]) -> list[threading.Thread]:
    """Return the threads that have begun to `work`: no more than there are cores for."""
    helpers = []
    with suppress(RuntimeError):  # This process has as many threads as it may.
        for _ in range(min(THREADS, _core_count()) - 1):
            helper = threading.Thread(target=work, name='egg.cache', daemon=True)
            helper.start()
            helpers.append(helper)
    return helpers


def _core_count() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
