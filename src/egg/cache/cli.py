"""What is in this egg cache, and is it sound?

Data goes to stdout, remarks to stderr. Exit status: 0 done, 1 faults found, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from egg.cache import settings, verify
from egg.cache.errors import DamagedError
from egg.cache.layout import Layout
from egg.cache.store import entries


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `egg-cache`, the command; return its exit status."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    directory = _directory(chosen.cache)
    if os.path.exists(directory) and not os.path.isdir(directory):
        parser.error(f'{directory} is not a directory. Name the egg cache with --cache DIR.')
    commands = {'dir': _dir, 'list': _list, 'verify': _verify}
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files may be anything.
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        status = commands[chosen.command](Layout(directory))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever reads has seen enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"Can't read the egg cache in {directory}: {error}", file=sys.stderr)
        return 1


def size(count: int) -> str:
    """Return a number of bytes as people read it: `512 B`, `1.4 MB`."""
    if count < 1000:
        return f'{count} B'
    number, units = count / 1000, ['kB', 'MB', 'GB', 'TB']
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        del units[0]
    return f'{number:.0f} {units[0]}' if number >= 9.95 else f'{number:.1f} {units[0]}'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='egg-cache', description='Look into the egg cache of zc.buildout.'
    )
    parser.add_argument(
        '--cache', metavar='DIR', help='the cache directory (default: %(default)s)',
        default=str(settings.default_directory()),
    )  # fmt: skip
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name, text in (
        ('dir', 'print the cache directory'),
        ('list', 'list the eggs: project, version, size, environment'),
        ('verify', 'check each file of each egg; exit status 1 if any is damaged'),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            '--cache', metavar='DIR', default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
    return parser


def _directory(text: str) -> Path:
    return settings.expand(text, os.getcwd())


def _dir(layout: Layout) -> int:
    print(layout.root)
    return 0


def _list(layout: Layout) -> int:
    rows = []
    for entry in entries(layout):
        try:
            manifest = entry.manifest
        except DamagedError as fault:
            print(f'{entry} is damaged: {fault}', file=sys.stderr)
            continue
        rows.append(
            (manifest.project, manifest.version, size(manifest.size), entry.environment_key)
        )
    widths = [max(map(len, column)) for column in zip(*rows)]
    for project, version, size_, key in rows:
        print(
            f'{project:{widths[0]}}  {version:{widths[1]}}  {size_:>{widths[2]}}  {key}'
        )
    if not rows:
        print(f'There are no eggs in {layout.root}.', file=sys.stderr)
    return 0


def _verify(layout: Layout) -> int:
    count = damaged = 0
    for entry, faults in verify.faults(layout):
        count += 1
        damaged += bool(faults)
        for fault in faults:
            print(f'{entry}: {fault} ({entry.path})')
    eggs = 'egg' if count == 1 else 'eggs'
    print(f'{count} {eggs} checked in {layout.root}, {damaged} damaged.', file=sys.stderr)
    return 1 if damaged else 0
