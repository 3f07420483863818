"""What did the egg cache do, and what did it save?"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

from egg.cache.common import units
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError
from egg.cache.stats import history
from egg.cache.stats.run_record import HITS, MISSES
from egg.cache.stats.totals import Account, Book
from egg.cache.store.layout import Layout
from egg.cache.store.store import entries

NAME = 'stats'
HELP = 'tell what the cache did: hits, misses and their reasons, seconds saved'
EXAMPLE = 'egg-cache stats\negg-cache stats --by-buildout\negg-cache stats --reset'

# Of the projects that cost most, so many are shown.
_DEAREST = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--by-buildout', action='store_true', help='one line for each buildout directory'
    )
    parser.add_argument('--reset', action='store_true', help='forget all that, and begin anew')


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    if options.reset:
        return _reset(layout, console)
    history.fold_many(layout)
    book = history.book(layout)
    count, size, spelling = _contents(layout)
    dearest = [(spelling.get(name, name), cost) for name, cost in book.dearest(_DEAREST)]
    console.answer({
        'directory': str(layout.root),
        'since': units.moment(book.since) if book.since else None,
        **_document(book.total),
        'dearest': [
            {'project': name, 'builds': cost.builds, 'seconds': round(cost.seconds, 3)}
            for name, cost in dearest
        ],
        'entries': count,
        'size': size,
        **({'by_buildout': _by_buildout(book)} if options.by_buildout else {}),
    })
    if options.by_buildout:
        _show_buildouts(book, console)
    else:
        _show(book, count, size, console)
        if dearest:
            console.line()
            rows = [[printable(name), str(cost.builds), units.duration(cost.seconds)]
                    for name, cost in dearest]  # fmt: skip
            console.table(['costs most', 'builds', 'took'], rows, right=('builds', 'took'))
    if not book.accounts:
        console.remark(f'No buildout has used {layout.root} since it keeps statistics.')
    return 0


def _reset(layout: Layout, console: Console) -> int:
    try:
        count = history.reset(layout, time.time())
    except BlockingIOError as error:
        raise CacheError(
            f'Somebody else is at the statistics in {layout.stats}. Try again.'
        ) from error
    runs = 'run' if count == 1 else 'runs'
    console.answer({'directory': str(layout.root), 'forgotten_runs': count})
    console.line(f'The statistics begin anew: {count} {runs} forgotten. No egg was removed.')
    return 0


def _contents(layout: Layout) -> tuple[int, int, dict[str, str]]:
    """Return how many entries there are, their size, and how eggs spell their projects."""
    count, size = 0, 0
    spelling: dict[str, str] = {}
    for entry in entries(layout):
        count += 1
        try:
            size += entry.manifest.size
            spelling[entry.path.parent.parent.name] = entry.manifest.project
        except (CacheError, OSError):
            continue  # Damaged, or removed in the meantime.
    return count, size, spelling


def _show(book: Book, count: int, size: int, console: Console) -> None:
    total = book.total
    hits, misses = sum(total.hits.values()), sum(total.misses.values())
    rate = f' ({100 * hits / (hits + misses):.0f} %)' if hits + misses else ''
    eggs = '1 egg' if count == 1 else f'{count} eggs'
    for name, text in (
        ('since', units.moment(book.since) if book.since else 'never'),
        ('buildouts run', str(total.runs)),
        ('hits', f'{hits}{rate}'),
        *_kinds(total.hits, HITS),
        ('misses', str(misses)),
        *_kinds(total.misses, MISSES),
        ('stored', str(total.stored)),
        ('damaged', str(total.damaged)),
        ('trouble', str(total.troubles)),
        ('copied', units.size(total.bytes_copied)),
        ('saved', units.duration(total.seconds_saved)),
        ('in the cache', f'{eggs}, {units.size(size)}'),
    ):
        console.line(f'{name:14} {text}')


def _kinds(counts: Mapping[str, int], table: Mapping[str, str]) -> list[tuple[str, str]]:
    return [('', f'{counts[name]:5} {text}') for name, text in table.items() if counts.get(name)]


def _show_buildouts(book: Book, console: Console) -> None:
    titles = ['buildout', 'runs', 'hits', 'misses', 'copied', 'saved', 'last run']
    now = time.time()
    rows = [
        [
            printable(name) or '(others)',
            str(account.runs),
            str(sum(account.hits.values())),
            str(sum(account.misses.values())),
            units.size(account.bytes_copied),
            units.duration(account.seconds_saved),
            f'{units.age(now - account.last)} ago',
        ]
        for name, account in sorted(book.accounts.items())
    ]
    console.table(titles, rows, right=titles[1:])


def _by_buildout(book: Book) -> list[dict[str, Any]]:
    return [
        {
            'buildout': name,
            **_document(account),
            'last_run_at': units.moment(account.last),
            'environment': account.environment,
        }
        for name, account in sorted(book.accounts.items())
    ]


def _document(account: Account) -> dict[str, Any]:
    return {
        'runs': account.runs,
        'hits': _fields(account.hits, HITS),
        'misses': _fields(account.misses, MISSES),
        'stored': account.stored,
        'damaged': account.damaged,
        'troubles': account.troubles,
        'bytes_copied': account.bytes_copied,
        'seconds_saved': round(account.seconds_saved, 3),
        'seconds_building': round(account.seconds_building, 3),
    }


def _fields(counts: Mapping[str, int], table: Mapping[str, str]) -> dict[str, int]:
    return {name.replace('-', '_'): counts.get(name, 0) for name in table}
