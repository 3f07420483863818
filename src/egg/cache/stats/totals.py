"""What do many runs add up to?

Pure sums: a `Book` is what is left of runs whose records were removed, and what those that are
still there are added to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.utils import canonicalize_name

from egg.cache.stats import run_record
from egg.cache.stats.run_record import HITS, MISSES, Run

#: A book doesn't grow for ever: the buildouts that ran most recently have an account of their
#: own, all others are one, named ''. And so many eggs are known with their buildouts.
MOST_BUILDOUTS = 1000
MOST_USES = 100_000


@dataclass
class Account:
    """What happened in the runs of one buildout, or of all.

    `last` is the time of its last run, which had that `environment`, made of `description`.
    """

    runs: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    damaged: int = 0
    troubles: int = 0
    bytes_copied: int = 0
    seconds_saved: float = 0.0
    seconds_building: float = 0.0
    last: float = 0.0
    environment: str = ''
    description: Mapping[str, Any] = field(default_factory=dict)

    def add(self, other: Account) -> None:
        """Add what happened in other runs."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.hits.update(other.hits)
        self.misses.update(other.misses)
        if other.last >= self.last:
            self.last, self.environment = other.last, other.environment
            self.description = other.description


_NUMBERS = ('runs', 'stored', 'damaged', 'troubles', 'bytes_copied', 'seconds_saved',
            'seconds_building')  # fmt: skip


@dataclass
class Cost:
    """What one project cost: how often it was built, and for how many seconds in all."""

    builds: int = 0
    seconds: float = 0.0


@dataclass
class Book:
    """The sums of all runs `since` a time: by buildout directory, and by project.

    `uses` tells when a buildout last got an egg: {(project, version): {buildout: time}}.
    """

    since: float = 0.0
    accounts: dict[str, Account] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    uses: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)

    @property
    def total(self) -> Account:
        """The sum of all accounts."""
        total = Account()
        for account in self.accounts.values():
            total.add(account)
        return total

    def dearest(self, most: int) -> list[tuple[str, Cost]]:
        """Return the projects that cost most seconds, dearest first."""
        ranked = sorted(self.costs.items(), key=lambda item: (-item[1].seconds, item[0]))
        return ranked[:most]

    def add(self, run: Run) -> None:
        """Add what happened in a run."""
        if run.time and not 0 < self.since <= run.time:
            self.since = run.time
        account = _account(run)
        self.accounts.setdefault(run.buildout, Account()).add(account)
        for event in run.events:
            project = canonicalize_name(event.project)
            if event.kind == run_record.MISS:
                cost = self.costs.setdefault(project, Cost())
                cost.builds += 1
                cost.seconds += event.build_seconds
            if event.kind in (run_record.HIT, run_record.MISS):
                uses = self.uses.setdefault((project, event.version), {})
                uses[run.buildout] = max(uses.get(run.buildout, 0.0), event.time)

    def shorten(self) -> None:
        """Forget the details of what was long ago, but none of the sums."""
        by_age = sorted((name for name in self.accounts if name),
                        key=lambda name: self.accounts[name].last)  # fmt: skip
        for name in by_age[: max(0, len(by_age) - MOST_BUILDOUTS)]:
            self.accounts.setdefault('', Account()).add(self.accounts.pop(name))
        times = sorted((time for uses in self.uses.values() for time in uses.values()),
                       reverse=True)  # fmt: skip
        oldest = times[MOST_USES] if len(times) > MOST_USES else -1.0
        for egg, uses in list(self.uses.items()):
            kept = {name: time for name, time in uses.items() if time > oldest}
            self.uses[egg] = kept
            if not kept:
                del self.uses[egg]


def dump(book: Book) -> dict[str, object]:
    """Return a book as it is written to a file."""
    return {
        'since': book.since,
        'buildouts': {
            name: {
                **{field: getattr(account, field) for field in _NUMBERS},
                'hits': dict(account.hits),
                'misses': dict(account.misses),
                'last': account.last,
                'environment': account.environment,
                'description': dict(account.description),
            }
            for name, account in book.accounts.items()
        },
        'projects': {name: [cost.builds, cost.seconds] for name, cost in book.costs.items()},
        'uses': [[*egg, uses] for egg, uses in book.uses.items()],
    }


def load(row: Mapping[str, Any]) -> Book:
    """Return the book in `row`, which may be anything: what isn't right is passed over."""
    book = Book(since=run_record.number(row.get('since')))
    for name, account in _items(row.get('buildouts')):
        if isinstance(account, dict):
            book.accounts[run_record.text_of(name)] = _load_account(account)
    for name, cost in _items(row.get('projects')):
        if isinstance(cost, list) and len(cost) == 2:
            book.costs[run_record.text_of(name)] = Cost(
                run_record.count(cost[0]), run_record.number(cost[1])
            )
    uses = row.get('uses')
    for use in uses if isinstance(uses, list) else ():
        if isinstance(use, list) and len(use) == 3:
            book.uses[run_record.text_of(use[0]), run_record.text_of(use[1])] = {
                run_record.text_of(name): run_record.number(time) for name, time in _items(use[2])
            }
    return book


def _account(run: Run) -> Account:
    account = Account(
        runs=0 if run.continues else 1,
        last=run.time,
        environment=run.environment,
        description=run.description,
    )
    for event in run.events:
        if event.kind == run_record.HIT:
            account.hits[event.detail if event.detail in HITS else 'archive'] += 1
            account.bytes_copied += event.bytes
            account.seconds_saved += event.seconds_saved
        elif event.kind == run_record.MISS:
            account.misses[event.detail if event.detail in MISSES else 'never-built'] += 1
            account.seconds_building += event.build_seconds
        elif event.kind == run_record.STORED:
            account.stored += 1
        elif event.kind == run_record.DAMAGED:
            account.damaged += 1
        elif event.kind == run_record.TROUBLE:
            account.troubles += 1
    return account


def _load_account(row: Mapping[str, Any]) -> Account:
    account = Account(
        hits=_counts(row.get('hits'), HITS),
        misses=_counts(row.get('misses'), MISSES),
        last=run_record.number(row.get('last')),
        environment=run_record.text_of(row.get('environment')),
        description=run_record.description(row.get('description')),
    )
    for name in _NUMBERS:
        read = run_record.number if name.startswith('seconds') else run_record.count
        setattr(account, name, read(row.get(name)))
    return account


def _counts(value: Any, known: Mapping[str, str]) -> Counter[str]:
    return Counter({name: run_record.count(n) for name, n in _items(value) if name in known})


def _items(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, dict) else []
