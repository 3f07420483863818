"""Which entries are worth their place?

`choose` decides, and touches nothing; `run` removes. The least valuable go first: those that save
the fewest seconds for their size, and among equals those whose last use is the longest ago.
"""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from packaging.version import Version

from egg.cache.common import units
from egg.cache.common.errors import CacheError
from egg.cache.maintenance.candidates import Candidate, survey, weigh, worth
from egg.cache.store.layout import Layout
from egg.cache.store.store import Store, entries

#: Seconds that a run spends at its end to prune. What is left then is left to the next run.
RUN_TIME = 2.0

#: Seconds for which a used entry is safe from that: other buildouts may be about to copy it.
GRACE = 15 * 60.0

@dataclass(frozen=True)
class Limits:
    """What is asked for; the last three rules always win.

    Entries that weren't used for `unused_for` seconds go, and then as many as it takes until
    the others have `max_size` bytes. The `keep_latest` newest versions of each project in each
    environment stay; with no other limit, all older ones go. What is called like one of the
    `used_eggs`, or was used after `used_since`, stays.
    """

    max_size: int | None = None
    unused_for: float | None = None
    keep_latest: int | None = None
    used_eggs: Collection[str] = frozenset()
    used_since: float = math.inf

    @property
    def are_any(self) -> bool:
        return (self.max_size, self.unused_for, self.keep_latest) != (None, None, None)


@dataclass
class Report:
    """What was removed, or would be; sizes in bytes.

    `failures` are what could not be removed, each with its reason. `is_complete` is false where
    time ran out.
    """

    removed: list[Candidate] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    count: int = 0
    size: int = 0
    is_complete: bool = True

    @property
    def freed(self) -> int:
        return sum(victim.size for victim in self.removed)

    @property
    def size_left(self) -> int:
        return self.size - self.freed

    def summary(self) -> str:
        """Return what went, such as `3 eggs (12 MB)`."""
        count = len(self.removed)
        return f'{count} {"egg" if count == 1 else "eggs"} ({units.size(self.freed)})'


def choose(candidates: Iterable[Candidate], limits: Limits, now: float) -> list[Candidate]:
    """Return the entries that go, the least valuable first."""
    ranked = sorted(candidates, key=worth)
    latest = _latest(ranked, limits.keep_latest)
    size = sum(candidate.size for candidate in ranked)
    only_latest = limits.keep_latest is not None and (
        limits.unused_for, limits.max_size
    ) == (None, None)  # fmt: skip
    free, victims = [], []
    for candidate in ranked:
        if (
            candidate in latest
            or candidate.egg in limits.used_eggs
            or candidate.last_use >= limits.used_since
        ):
            continue
        is_old = limits.unused_for is not None and now - candidate.last_use > limits.unused_for
        if only_latest or is_old:
            victims.append(candidate)
            size -= candidate.size
        else:
            free.append(candidate)
    for candidate in free:
        if limits.max_size is None or size <= limits.max_size:
            break
        victims.append(candidate)
        size -= candidate.size
    return sorted(victims, key=worth)


def run(layout: Layout, limits: Limits, now: float, is_dry: bool = False) -> Report:
    """Remove what `limits` say, and return what went.

    An entry that is used after it was chosen stays.
    """
    found = list(survey(layout))
    report = Report(count=len(found), size=sum(one.size for one in found))
    victims = choose(found, limits, now)
    if is_dry:
        report.removed = victims
    else:
        _remove(layout, victims, report, math.inf)
    return report


def after_run(layout: Layout, max_size: int, started: float) -> Report:
    """Prune at the end of a run that began at `started`, in bounded time.

    What this run used stays, and what others did lately. In half of the time, as many entries
    are weighed as possible; if those are not all, they are a sample, which has to shrink as much
    as the whole would have to.
    """
    now, begin = time.time(), time.monotonic()
    found = list(entries(layout))
    random.shuffle(found)
    candidates = []
    weighed = 0
    for entry in found:
        if time.monotonic() > begin + RUN_TIME / 2:
            break
        weighed += 1
        candidate = weigh(entry)
        if candidate is not None:
            candidates.append(candidate)
    limits = Limits(
        max_size=max_size * weighed // max(len(found), 1), used_since=min(started, now - GRACE)
    )
    report = Report(count=len(candidates), size=sum(one.size for one in candidates))
    report.is_complete = weighed == len(found)
    _remove(layout, choose(candidates, limits, now), report, begin + RUN_TIME)
    return report


def remove(layout: Layout, victims: Sequence[Candidate]) -> Report:
    """Remove these entries, used or not, and return what went."""
    report = Report(count=len(victims), size=sum(victim.size for victim in victims))
    _remove(layout, victims, report, math.inf, is_careful=False)
    return report


def _latest(candidates: Iterable[Candidate], count: int | None) -> set[Candidate]:
    """Return those of the `count` newest versions of each project in each environment."""
    if count is None:
        return set()
    groups: dict[tuple[str, str], dict[Version, list[Candidate]]] = defaultdict(dict)
    for candidate in candidates:
        if candidate.version is not None and candidate.seconds > 0:
            groups[candidate.group].setdefault(candidate.version, []).append(candidate)
    return {
        candidate
        for versions in groups.values()
        for version in sorted(versions, reverse=True)[:count]
        for candidate in versions[version]
    }


def _remove(
    layout: Layout, victims: Iterable[Candidate], report: Report, until: float,
    is_careful: bool = True,
) -> None:  # fmt: skip
    stores: dict[str, Store] = {}
    for victim in victims:
        if time.monotonic() > until:
            report.is_complete = False
            break
        key = victim.entry.environment_key
        store = stores.setdefault(key, Store(layout, key))
        try:
            if is_careful and victim.entry.last_use > victim.last_use:
                continue
            if store.remove(victim.entry):
                report.removed.append(victim)
        except FileNotFoundError:
            continue  # Somebody else was faster.
        except (OSError, CacheError) as error:
            report.failures.append(f'{" ".join(victim.spelling)}: {error}')
