"""Which eggs are in the cache?"""

from __future__ import annotations

import argparse
import time

from egg.cache.common import units
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import DamagedError
from egg.cache.maintenance import selection
from egg.cache.store import ownership
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout
from egg.cache.store.manifest import Manifest

NAME = 'list'
HELP = 'list the eggs: project, version, environment, size, age and last use'
EXAMPLE = 'egg-cache list\negg-cache list "zope.*"\negg-cache list "lxml >= 5"'

_NUMBERS = ('size', 'age', 'last use')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'pattern', metavar='PATTERN', nargs='?',
        help='only these: a name with the wildcards * and ?, with or without a version specifier',
    )  # fmt: skip


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    wanted = selection.pattern(options.pattern) if options.pattern is not None else None
    found, damaged = {}, []
    for entry in selection.select(layout, wanted):
        try:
            found[entry] = entry.manifest, entry.last_use
        except FileNotFoundError:  # Removed in the meantime.
            continue
        except DamagedError as fault:
            damaged.append((entry, str(fault)))
    marks, now = selection.marks(found), time.time()
    titles = ['project', 'version', 'environment', 'size', 'age', 'last use', 'archive']
    rows = [[*_row(entry, *about, now), marks.get(entry, '')] for entry, about in found.items()]
    end = len(titles) if marks else -1
    console.table(
        titles[:end], [row[:end] for row in rows], right=_NUMBERS, wide='environment'
    )
    console.answer({
        'directory': str(layout.root),
        'entries': [_document(entry, *about) for entry, about in found.items()],
        'damaged': [{'path': str(entry.path), 'message': text} for entry, text in damaged],
    })
    for entry, text in damaged:
        console.remark(f'{entry} is damaged: {printable(text)}')
    if not found and ownership.state(layout) != ownership.MISSING:
        which = 'no eggs' if wanted is None else f'no eggs like {options.pattern}'
        console.remark(f'There are {which} in {options.location}.')
    return 0


def _row(entry: Entry, manifest: Manifest, last_use: float, now: float) -> list[str]:
    return [
        printable(manifest.project),
        printable(manifest.version),
        entry.environment_key,
        units.size(manifest.size),
        units.since(manifest.build.at, now),
        units.age(now - last_use),
    ]


def _document(entry: Entry, manifest: Manifest, last_use: float) -> dict[str, object]:
    return {
        'project': manifest.project,
        'version': manifest.version,
        'environment': entry.environment_key,
        'sha256': manifest.archive.sha256,
        'size': manifest.size,
        'built_at': manifest.build.at,
        'last_used_at': units.moment(last_use),
        'path': str(entry.path),
    }
