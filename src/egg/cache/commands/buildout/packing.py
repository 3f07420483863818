"""How does a buildout become an archive that can be installed elsewhere?"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from egg.cache.commands.buildout import check
from egg.cache.common import units
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import location
from egg.cache.portable import modified_eggs
from egg.cache.portable.findings import Report
from egg.cache.release import packing, preflight, release
from egg.cache.release.packing import Packed, Wish
from egg.cache.release.preflight import Built
from egg.cache.standalone import install
from egg.cache.store.layout import Layout

NAME = 'pack'
HELP = 'write an archive of a buildout that can be installed elsewhere'
EXAMPLE = (
    'egg-cache pack --version 1.4\n'
    'egg-cache pack -o shop-1.4.tar.zst --include etc --include parts/nginx\n'
    'egg-cache pack --version 1.5 --since shop-1.4.tar.gz'
)
CACHE = location.UNUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'buildout', metavar='DIR', nargs='?', default='.', help='the buildout (default: here)'
    )
    parser.add_argument(
        '-o', '--output', metavar='FILE',
        help='the archive, .tar.gz or .tar.zst (default: NAME-VERSION.tar.gz in this directory)',
    )  # fmt: skip
    parser.add_argument(
        '--include', metavar='PATH', action='append', default=[],
        help='a file or directory of the buildout that comes along, relative to it; may be '
        'repeated. A part of which everything comes along is not built again',
    )  # fmt: skip
    parser.add_argument(
        '--without', metavar='PART', action='append', default=[],
        help='a part that does not come along, nor do the eggs that only it needs, such as one '
        'that makes a test runner; may be repeated',
    )  # fmt: skip
    parser.add_argument(
        '--allow', metavar='PATH', action='append', default=[],
        help='a place outside of the buildout that is there wherever the release is installed, '
        'such as a directory for data; may be repeated',
    )  # fmt: skip
    parser.add_argument(
        '--allow-changed', action='store_true',
        help='take eggs as they are here, even if files in them were changed since they were '
        'built; RELEASE.json names these files',
    )  # fmt: skip
    parser.add_argument(
        '--name', default='', help='what it is called (default: as the directory of the buildout)'
    )
    parser.add_argument(
        '--version', metavar='V', dest='release', default='',
        help='its version (default: a digest of what is in it)',
    )  # fmt: skip
    parser.add_argument(
        '--since', metavar='OLD',
        help='only what changed since that release: its full archive, or its RELEASE.json',
    )


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    relative = [place for place in options.allow if not Path(place).is_absolute()]
    if relative:
        raise SettingError(
            f'--allow {relative[0]} is not an absolute path.\nWhat is in the buildout and has to '
            'come along is named with --include.'
        )
    built = preflight.without(preflight.look(Path(options.buildout)), options.without)
    report = preflight.faults(built, options.allow)
    if not report.is_self_contained:
        raise CacheError(
            f'{printable(str(built.where.directory))} is not self-contained, so it was not '
            f'packed:\n{_explained(report)}\n'
            'What is there wherever the release is installed can be named with --allow.'
        )
    output = Path(options.output) if options.output else None
    since = release.read(Path(options.since)) if options.since else None
    wish = Wish(
        options.include, options.name, options.release, since, options.allow,
        options.allow_changed,
    )  # fmt: skip
    with _orderly():
        packed = packing.pack(
            built, wish, output, _explained, _cache(options, built), console.remark
        )  # fmt: skip
    console.answer(_document(packed))
    console.line(printable(str(packed.path)))
    _remark(packed, console)
    _remark_eggs(packed, options.allow_changed, console)
    if packed.inside:
        console.remark(printable(install.told_inside(packed.inside)))
    return 0


@contextmanager
def _orderly() -> Iterator[None]:
    """Let signals that end the process end it so that nothing temporary is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _cache(options: argparse.Namespace, built: Built) -> Layout | None:
    """Return the cache that may know from which archives the eggs were made."""
    path = options.cache or built.info.egg_cache
    return Layout(Path(path)) if path else None


def _explained(report: Report) -> str:
    unread = [f'Not looked at: {printable(path)}: {reason}.'
              for path, reason in report.unread.items()]  # fmt: skip
    return '\n'.join(f'    {line}' for line in (*check.explained(report), *unread))


def _remark(packed: Packed, console: Console) -> None:
    if packed.dropped_passwords:
        console.remark(
            f'Without its password in the release: {", ".join(packed.dropped_passwords)}.'
        )
    if packed.passwords:
        console.remark(
            f'With a password in the release: {", ".join(packed.passwords)}. Whoever has the '
            'archive can read it.'
        )
    one = packed.release
    count = f'{len(one.eggs)} egg{"s" * (len(one.eggs) != 1)}'
    since = ''
    if packed.base is not None:
        since = f', {packed.file_count} changed since {packed.base}'
    console.remark(
        f'{one}: {count}, {len(one.files)} files{since}; {units.size(packed.size)}, '
        f'digest {one.digest}.'
    )


def _remark_eggs(packed: Packed, allows_changed: bool, console: Console) -> None:
    what = 'In the release as it is here' if allows_changed else 'Not in the release'
    for one in packed.eggs:
        for fault in one.faults:
            console.remark(f'{what}: {printable(f"{one.egg}/{fault}")} since it was built.')
    if modified_eggs.remark(packed.eggs):
        console.remark(printable(modified_eggs.remark(packed.eggs)))


def _document(packed: Packed) -> dict[str, object]:
    one, base = packed.release, packed.base
    return {
        'path': str(packed.path),
        'name': one.name,
        'version': one.version,
        'digest': one.digest,
        'size': packed.size,
        'egg_count': len(one.eggs),
        'file_count': len(one.files),
        'packed_file_count': packed.file_count,
        'base': None if base is None else {
            'name': base.name, 'version': base.version, 'digest': base.digest,
        },
        'dropped_passwords': list(packed.dropped_passwords),
        'passwords': list(packed.passwords),
        **modified_eggs.document(packed.eggs),
        'inside': [{'path': path, 'named_by': source} for path, source in packed.inside],
    }  # fmt: skip
