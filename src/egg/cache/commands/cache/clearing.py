"""How does a cache become empty, without anything else being lost?"""

from __future__ import annotations

import argparse

from egg.cache.commands.cache.pruning import eggs, tell_failures
from egg.cache.commands.cache.removal import ask
from egg.cache.common import units
from egg.cache.common.console import Console, printable
from egg.cache.maintenance import clear, prune
from egg.cache.maintenance.candidates import Candidate, survey
from egg.cache.maintenance.clear import Plan
from egg.cache.store import ownership
from egg.cache.store.layout import Layout

NAME = 'clear'
HELP = 'remove all that the egg cache has made in its directory, and nothing else'
EXAMPLE = 'egg-cache clear --dry-run\negg-cache clear --yes'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--yes', action='store_true', help='do not ask')
    parser.add_argument('--dry-run', action='store_true', help='change nothing')


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    victims, plan, size = _contents(layout)
    # A directory called tmp, in one without any other sign of a cache, may be anybody's.
    is_cache = ownership.state(layout) == ownership.CACHE
    failures: list[str] = []
    left: list[str] = []
    if not is_cache:
        victims, size = [], 0
    if options.dry_run or not is_cache or not (victims or plan.is_anything):
        console.remark(
            f'Would remove {eggs(len(victims))} from {layout.root}, and free {units.size(size)}.'
            if options.dry_run else f'There is nothing to remove in {layout.root}.'
        )  # fmt: skip
    else:
        ask(f'Remove {eggs(len(victims))} ({units.size(size)}) from {layout.root}?',
            options.yes, console)  # fmt: skip
        report = prune.remove(layout, victims)
        failures = [*report.failures, *clear.carry_out(clear.plan(layout))]
        left = [str(path) for path in clear.left(layout)]
        # What could not be removed may lie in the trash now: look again.
        size = max(0, size - _contents(layout)[2])
        console.remark(
            f'Removed {eggs(len(report.removed))} from {layout.root}, '
            f'and freed {units.size(size)}.'
        )
        for path in left:
            console.remark(f'Left alone: {printable(path)}')
    console.answer({
        'directory': str(layout.root),
        'dry_run': options.dry_run,
        'eggs': len(victims),
        'freed': size,
        'left': left,
        'failures': failures,
    })
    tell_failures(failures, layout, console)
    return 1 if failures else 0


def _contents(layout: Layout) -> tuple[list[Candidate], Plan, int]:
    """Return the entries, all else that the cache made, and the size of both."""
    victims, plan = list(survey(layout)), clear.plan(layout)
    return victims, plan, sum(victim.size for victim in victims) + plan.size
