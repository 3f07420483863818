"""Which eggs are to be removed, whatever they are worth?"""

from __future__ import annotations

import argparse
import sys

from egg.cache.commands.cache.pruning import eggs, tell_failures, victim_document
from egg.cache.common import units
from egg.cache.common.console import Console, is_terminal, printable
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.maintenance import prune, selection
from egg.cache.maintenance.candidates import Candidate, weigh
from egg.cache.store.layout import Layout

NAME = 'remove'
HELP = 'remove the eggs that satisfy a requirement'
EXAMPLE = 'egg-cache remove "lxml<5" foo==1.0 --dry-run\negg-cache remove --yes lxml'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'requirements', metavar='REQUIREMENT', nargs='+',
        help='a project, with or without a version specifier',
    )  # fmt: skip
    parser.add_argument('--yes', action='store_true', help='do not ask')
    parser.add_argument('--dry-run', action='store_true', help='change nothing')


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    victims, missing = _victims(options.requirements, layout)
    for text in missing:
        console.remark(f'Nothing in {layout.root} satisfies {printable(text)}.')
    if not victims:
        console.answer(_document(layout, options.dry_run, [], missing, []))
        return 1
    size = sum(victim.size for victim in victims)
    for victim in victims:
        console.line(
            f'{printable(" ".join(victim.spelling))}  {units.size(victim.size)}  '
            f'({victim.entry.environment_key})'
        )
    if options.dry_run:
        removed, failures = victims, []
        console.remark(f'Would remove {eggs(len(victims))}, and free {units.size(size)}.')
    else:
        ask(f'Remove {eggs(len(victims))} ({units.size(size)})?', options.yes, console)
        report = prune.remove(layout, victims)
        removed, failures = report.removed, report.failures
        console.remark(f'Removed {eggs(len(removed))}, and freed {units.size(report.freed)}.')
    console.answer(_document(layout, options.dry_run, removed, missing, failures))
    tell_failures(failures, layout, console)
    return 1 if missing or failures else 0


def ask(question: str, is_sure: bool, console: Console) -> None:
    """Return if the answer is yes; raise `CacheError` if it is no, `SettingError` if nobody
    can be asked."""
    if is_sure or console.confirm(question):
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise SettingError('Nobody is here to be asked. Say --yes to go on without a question.')
    raise CacheError('Nothing was removed.')


def _victims(requirements: list[str], layout: Layout) -> tuple[list[Candidate], list[str]]:
    """Return the entries that satisfy any requirement, and those that nothing satisfies."""
    wanted = [(text, selection.requirement(text)) for text in requirements]
    found: dict[str, Candidate] = {}
    missing = []
    for text, requirement in wanted:
        weighed = [weigh(entry) for entry in selection.select(layout, requirement)]
        candidates = [candidate for candidate in weighed if candidate is not None]
        found.update((str(candidate.entry.path), candidate) for candidate in candidates)
        if not candidates:
            missing.append(text)
    return list(found.values()), missing


def _document(
    layout: Layout, is_dry: bool, removed: list[Candidate], missing: list[str],
    failures: list[str],
) -> dict[str, object]:  # fmt: skip
    return {
        'directory': str(layout.root),
        'dry_run': is_dry,
        'freed': sum(victim.size for victim in removed),
        'removed': [victim_document(victim) for victim in removed],
        'missing': missing,
        'failures': failures,
    }
