"""Is every egg in the cache what was stored, and what becomes of those that are not?"""

from __future__ import annotations

import argparse

from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError, DamagedError
from egg.cache.maintenance import selection, verify
from egg.cache.store import ownership, trust
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout

NAME = 'verify'
HELP = 'check each file of each egg; exit status 1 if any is damaged'
EXAMPLE = 'egg-cache verify\negg-cache verify --repair'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--repair', action='store_true',
        help='set damaged eggs aside, so that they are built anew; exit status 1 only if that '
        'fails for any',
    )  # fmt: skip


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    chosen = list(selection.select(layout))
    checked = console.progress(verify.faults(layout, chosen), len(chosen), 'Verifying')
    damaged = {entry: faults for entry, faults in list(checked) if faults}
    for entry, faults in damaged.items():
        for fault in faults:
            title = printable(selection.title(entry))
            text = console.styled(f'{title}: ', 'red') + printable(str(fault))
            console.line(f'{text} ({printable(str(entry.path))})')
    failed = _repair(layout, damaged, console) if options.repair else {}
    unsafe = _unsafe(layout)
    console.answer({
        'directory': str(layout.root),
        'unsafe': unsafe,
        'checked': len(chosen),
        'damaged': len(damaged),
        'repaired': len(damaged) - len(failed) if options.repair else 0,
        'faults': [
            _document(entry, fault) for entry, faults in damaged.items() for fault in faults
        ],
        'not_repaired': [
            {'path': str(entry.path), 'message': message} for entry, message in failed.items()
        ],
    })
    eggs = 'egg' if len(chosen) == 1 else 'eggs'
    text = f'{len(chosen)} {eggs} checked in {layout.root}, {len(damaged)} damaged'
    if options.repair and damaged:
        text += f', {len(damaged) - len(failed)} set aside'
        them = 'it' if len(damaged) == 1 else 'them'
        text += '' if failed else f': whoever wants {them} builds {them} anew'
    console.remark(f'{text}.')
    if unsafe:
        console.remark(unsafe)
    # Whoever asks whether a cache is sound doesn't expect that there is none.
    is_missing = ownership.state(layout) == ownership.MISSING
    return 1 if is_missing or unsafe or (failed if options.repair else damaged) else 0


def _unsafe(layout: Layout) -> str:
    """Return why no buildout would use this cache, an empty text if nothing is wrong."""
    try:
        trust.check(layout.root)
    except CacheError as error:
        return str(error)
    return ''


def _repair(
    layout: Layout, damaged: dict[Entry, list[DamagedError]], console: Console
) -> dict[Entry, str]:
    """Set the damaged entries aside; return why that was not possible."""
    failed = {}
    for entry in damaged:
        try:
            verify.set_aside(layout, entry)
        except CacheError as error:
            failed[entry] = str(error)
            console.remark(f'Not repaired: {printable(str(error))}')
    return failed


def _document(entry: Entry, fault: DamagedError) -> dict[str, str]:
    project, version = selection.spelling(entry)
    return {
        'project': project,
        'version': version,
        'environment': entry.environment_key,
        'path': str(entry.path),
        'file': fault.path,
        'expected': fault.expected,
        'found': fault.found,
    }
