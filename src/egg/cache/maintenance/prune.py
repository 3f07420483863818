"""Which entries are worth their place?

`choose` decides, and touches nothing; `run` removes. The least valuable go first: those that save
the fewest seconds for their size, and among equals those whose last use is the longest ago.
"""

from __future__ import annotations

import math
import os
import random
import stat
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from egg.cache.common import files, units
from egg.cache.common.errors import CacheError
from egg.cache.maintenance import manifest_summary
from egg.cache.store.layout import MANIFEST, Layout, version_name
from egg.cache.store.store import Entry, Store, entries

#: Seconds that a run spends at its end to prune. What is left then is left to the next run.
RUN_TIME = 2.0

#: Seconds for which a used entry is safe from that: other buildouts may be about to copy it.
GRACE = 15 * 60.0

#: What an egg saves at the least: a request, a download and a process. Of adopted eggs, nobody
#: knows more.
LEAST_SECONDS = 1.0


@dataclass(frozen=True)
class Candidate:
    """An entry as it is weighed.

    `size` is that of all its files in bytes, `seconds` what fetching and building took (nothing
    for a damaged one), `last_use` in seconds since the epoch, `egg` the name of the egg.
    """

    entry: Entry
    egg: str
    size: int
    seconds: float
    last_use: float
    #: Project and version as the egg spells them, and as `egg-cache list` has them.
    spelling: tuple[str, str] = field(default=('', ''), compare=False)

    @property
    def group(self) -> tuple[str, str]:
        """What is compared with each other by version: a project in an environment."""
        return self.entry.environment_key, self.entry.path.parent.parent.name

    @cached_property
    def version(self) -> Version | None:
        try:
            return Version(self.entry.path.parent.name)
        except InvalidVersion:
            return None

    @property
    def value(self) -> int:
        """The seconds saved for each byte, as a power of two.

        The same build takes twice as long on a busy machine, so a finer scale would measure
        noise, and the last use would never count.
        """
        if self.seconds <= 0:
            return -1000
        return math.floor(math.log2(max(self.seconds, LEAST_SECONDS) / max(self.size, 1)))


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
    ranked = sorted(candidates, key=_worth)
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
    return sorted(victims, key=_worth)


def run(layout: Layout, limits: Limits, now: float, is_dry: bool = False) -> Report:
    """Remove what `limits` say, and return what went.

    An entry that is used after it was chosen stays.
    """
    candidates = list(survey(layout))
    report = Report(count=len(candidates), size=sum(one.size for one in candidates))
    victims = choose(candidates, limits, now)
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


def survey(layout: Layout) -> Iterator[Candidate]:
    """Yield all entries, as they are weighed."""
    for entry in entries(layout):
        candidate = weigh(entry)
        if candidate is not None:
            yield candidate


def weigh(entry: Entry) -> Candidate | None:
    """Return an entry as it is weighed, None if it is gone.

    Its manifest is believed: at worst, the wrong egg is built again.
    """
    path = str(entry.path)
    try:
        info = os.lstat(path)
    except OSError:
        return None
    try:
        if not stat.S_ISDIR(info.st_mode):
            raise ValueError('not a directory')
        with files.opened(f'{path}/{MANIFEST}') as descriptor:
            text = files.content(descriptor)
        found = manifest_summary.read(text)
        [egg] = {*os.listdir(path)} - {MANIFEST}
    except (OSError, ValueError):
        names = _spelling(entry)
        return Candidate(entry, '', files.tree_size(path), 0.0, info.st_mtime, names)
    seconds = max(found.seconds, LEAST_SECONDS)
    return Candidate(
        entry, egg, found.size + len(text), seconds, info.st_mtime, _spelling(entry, found)
    )


def _spelling(entry: Entry, found: manifest_summary.Outline | None = None) -> tuple[str, str]:
    """Return project and version as the manifest of an entry has them, if it is about them."""
    names = entry.path.parent.parent.name, entry.path.parent.name
    with suppress(CacheError):
        if found and names == (canonicalize_name(found.project), version_name(found.version)):
            return found.project, found.version
    return names


def _worth(candidate: Candidate) -> tuple[int, float, str]:
    return candidate.value, candidate.last_use, str(candidate.entry.path)


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
