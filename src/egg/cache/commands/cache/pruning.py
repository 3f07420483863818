"""Which eggs are not worth their place, and how much does it free to remove them?"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from egg.cache.common import units
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import SettingError
from egg.cache.maintenance import cleanup, prune
from egg.cache.maintenance.candidates import Candidate
from egg.cache.maintenance.cleanup import Leftover
from egg.cache.maintenance.prune import Limits, Report
from egg.cache.portable import used_eggs
from egg.cache.stats import history
from egg.cache.store import permissions
from egg.cache.store.layout import Layout

NAME = 'prune'
HELP = 'remove the least valuable eggs, and what is of no use'
EXAMPLE = (
    'egg-cache prune --max-size 10G --unused-for 90d\n'
    'egg-cache prune --keep-latest 2 --keep-used-by /srv/app1 /srv/app2 --dry-run'
)

#: So many failures are told one by one.
_MANY = 5

_KINDS = {
    cleanup.LEFT_OVER: ('left-over of a killed process', 'left-overs of killed processes'),
    cleanup.TRASH: ('thing in the trash', 'things in the trash'),
    cleanup.POINTER: ('pointer to an egg that is gone', 'pointers to eggs that are gone'),
    cleanup.DIRECTORY: ('empty directory', 'empty directories'),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--max-size', metavar='SIZE',
        help='remove until the eggs that are left have this size: those first that save the '
        'fewest seconds for their size, and then those whose last use is the longest ago; '
        'G is 1000 MB, Gi is 1024 Mi',
    )  # fmt: skip
    parser.add_argument(
        '--unused-for', metavar='TIME', help='remove what was not used for so long, such as 90d'
    )
    parser.add_argument(
        '--keep-latest', metavar='N', type=int,
        help='keep the N newest versions of each project in each environment; with no other '
        'limit, remove all older ones',
    )  # fmt: skip
    parser.add_argument(
        '--keep-used-by', metavar='DIR', nargs='+', action='extend', default=[],
        help='keep what the buildouts in these directories use',
    )  # fmt: skip
    parser.add_argument('--dry-run', action='store_true', help='change nothing')


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    limits = _limits(options)
    now = time.time()
    report = prune.run(layout, limits, now, options.dry_run)
    rubbish, failures = _sweep(layout, options.dry_run)
    if not options.dry_run:
        history.fold(layout)
    failures = report.failures + failures
    is_too_large = limits.max_size is not None and report.size_left > limits.max_size
    console.answer(_document(layout, options.dry_run, report, rubbish, failures))
    for victim in report.removed:
        console.line(_line(victim, now))
    _say(layout, options.dry_run, report, rubbish, console)
    tell_failures(failures, layout, console)
    if is_too_large and not failures:
        console.remark(
            f'That is more than {units.size(limits.max_size or 0)}: what is left is to be kept.'
        )
    if not limits.are_any:
        console.remark('Only --max-size, --unused-for or --keep-latest remove eggs.')
    return 1 if failures or is_too_large else 0


def tell_failures(failures: list[str], layout: Layout, console: Console) -> None:
    """Say what could not be removed, the first of many only, and who can mend that."""
    for text in failures[:_MANY]:
        console.remark(f'Not removed: {printable(text)}')
    if len(failures) > _MANY:
        console.remark(f'... and {len(failures) - _MANY} more.')
    remedy = permissions.remedy_of(layout.root) if failures else ''
    if remedy:
        console.remark(remedy)


def eggs(count: int) -> str:
    return '1 egg' if count == 1 else f'{count} eggs'


def victim_document(victim: Candidate) -> dict[str, Any]:
    """Return an entry that goes, as --json has it."""
    project, version = victim.spelling
    return {
        'project': project,
        'version': version,
        'environment': victim.entry.environment_key,
        'size': victim.size,
        'seconds': victim.seconds,
        'last_used_at': units.moment(victim.last_use),
        'path': str(victim.entry.path),
    }


def _limits(options: argparse.Namespace) -> Limits:
    size, latest = None, options.keep_latest
    if options.max_size is not None:
        size = units.parse_size(options.max_size)
        if not size:
            raise SettingError('--max-size 0 would remove every egg: egg-cache clear does that.')
    if latest is not None and latest < 1:
        raise SettingError(f'--keep-latest {latest}: allowed is 1 or more.')
    used: set[str] = set()
    for directory in options.keep_used_by:
        used |= used_eggs.eggs(Path(directory).absolute())
    unused = None
    if options.unused_for is not None:
        unused = units.parse_age(options.unused_for)
        if not unused:
            raise SettingError('--unused-for 0 would remove every egg: egg-cache clear does that.')
    return Limits(size, unused, latest, frozenset(used))


def _sweep(layout: Layout, is_dry: bool) -> tuple[list[Leftover], list[str]]:
    rubbish, failures = [], []
    for piece in cleanup.find(layout):
        try:
            if not is_dry:
                cleanup.remove(piece)
            rubbish.append(piece)
        except OSError as error:
            failures.append(str(error))
    return rubbish, failures


def _line(victim: Candidate, now: float) -> str:
    return (
        f'{printable(" ".join(victim.spelling))}  {units.size(victim.size)}, '
        f'built in {units.duration(victim.seconds)}, '
        f'unused for {units.age(max(0.0, now - victim.last_use))}  '
        f'({victim.entry.environment_key})'
    )


def _say(
    layout: Layout, is_dry: bool, report: Report, rubbish: list[Leftover], console: Console
) -> None:
    would = 'Would remove' if is_dry else 'Removed'
    for kind, (one, many) in _KINDS.items():
        found = [piece for piece in rubbish if piece.kind == kind]
        if found:
            size = sum(piece.size for piece in found)
            name = one if len(found) == 1 else many
            console.remark(f'{would} {len(found)} {name}, {units.size(size)}.')
    freed = report.freed + sum(piece.size for piece in rubbish)
    console.remark(
        f'{would} {eggs(len(report.removed))} of {report.count} in {layout.root}, '
        f'{"which would free" if is_dry else "and freed"} {units.size(freed)}; '
        f'{units.size(report.size_left)} left.'
    )


def _document(
    layout: Layout, is_dry: bool, report: Report, rubbish: list[Leftover], failures: list[str]
) -> dict[str, Any]:
    return {
        'directory': str(layout.root),
        'dry_run': is_dry,
        'eggs': report.count,
        'size': report.size,
        'size_left': report.size_left,
        'freed': report.freed + sum(piece.size for piece in rubbish),
        'removed': [victim_document(victim) for victim in report.removed],
        'swept': [
            {'path': str(piece.path), 'kind': piece.kind, 'size': piece.size}
            for piece in rubbish
        ],
        'failures': failures,
    }
