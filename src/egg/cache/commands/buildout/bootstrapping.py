"""Where does the bootstrap.py of a buildout come from?"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from egg.cache.common import files
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError
from egg.cache.configuration import location
from egg.cache.standalone import bootstrap
from egg.cache.store.layout import Layout

NAME = 'bootstrap-script'
HELP = 'write bootstrap.py, which makes bin/buildout of a buildout that was moved or copied'
EXAMPLE = 'egg-cache bootstrap-script\negg-cache bootstrap-script -o /srv/shop/bootstrap.py'
CACHE = location.UNUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '-o', '--output', metavar='FILE', default='bootstrap.py',
        help='the file (default: bootstrap.py, here); - is standard output',
    )  # fmt: skip
    parser.add_argument(
        '--force', action='store_true', help='replace a file that says something else'
    )


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    script = Path(bootstrap.__file__).read_bytes()
    if options.output == '-':
        if console.is_json:
            raise CacheError('--json and "-o -" both want standard output; name a file.')
        sys.stdout.write(script.decode())
        return 0
    path = Path(os.path.abspath(options.output))
    is_new = not (path.is_file() and path.read_bytes() == script)
    if is_new:
        _write(path, script, options.force)
    console.answer({'path': str(path), 'is_new': is_new})
    console.line(
        f'{printable(str(path))} {"is written" if is_new else "is there already"}. '
        'Run it with the interpreter that bin/buildout shall have.'
    )
    return 0


def _write(path: Path, script: bytes, is_forced: bool) -> None:
    if not path.parent.is_dir():
        raise CacheError(f'{path.parent} is not a directory. Name a file with -o FILE.')
    if os.path.lexists(path) and not (is_forced and path.is_file()):
        raise CacheError(
            f'{path} is there, and is something else, so it is left alone.\n'
            'Replace it with --force, or name another file with -o FILE.'
        )
    files.replace(path, script, path.parent)
