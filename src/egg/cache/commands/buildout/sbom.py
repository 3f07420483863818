"""Of which distributions does this buildout consist, for those who have to know?"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path

from egg.cache.common import files
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import location
from egg.cache.sbom import composition, cyclonedx_json
from egg.cache.store.layout import Layout

NAME = 'sbom'
HELP = 'write the bill of materials of a buildout, or of an unpacked release (CycloneDX, JSON)'
EXAMPLE = 'egg-cache sbom > sbom.json\negg-cache sbom /srv/shop/current -o shop.cdx.json'
CACHE = location.UNUSED

#: When the document was made, where that should be known (https://reproducible-builds.org).
VARIABLE = 'SOURCE_DATE_EPOCH'

# The end of the year 9999: what has more digits is no time.
_LATEST = 253402300799


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'directory', metavar='DIR', nargs='?', default='.',
        help='a buildout that has run, or an unpacked release (default: here)',
    )  # fmt: skip
    parser.add_argument(
        '-o', '--output', metavar='FILE', help='the file to write (default: standard output)'
    )


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    directory = Path(os.path.abspath(options.directory))
    seconds = _seconds(os.environ.get(VARIABLE))
    remarks: list[str] = []
    known = None if composition.is_release(directory) else _layout(options, directory, remarks)
    found = composition.read(directory, known)
    text = cyclonedx_json.document(found, seconds)
    for remark in (*remarks, *found.remarks):
        console.remark('\n'.join(map(printable, remark.splitlines())))
    if options.output:
        _write(Path(os.path.abspath(options.output)), text)
    if console.is_json:
        console.answer(json.loads(text))
    elif options.output:
        console.line(f'{printable(options.output)} lists {_count(len(found.components))}.')
    else:
        console.line(text.rstrip('\n'))
    return 0


def _layout(options: argparse.Namespace, directory: Path, remarks: list[str]) -> Layout | None:
    """Return where the egg cache of the buildout is; without one, what it knows is left out."""
    if options.cache or os.environ.get(location.VARIABLE):
        found = location.find(options.cache, os.getcwd())
        location.check(found)
        return found.layout
    path = composition.egg_cache(directory)
    if path is not None:
        return Layout(path)
    try:
        found = location.find(None, str(directory))
        location.check(found)
        return found.layout
    except CacheError as error:
        remarks.append(f'What the egg cache knows is left out. {error}')
        return None


def _seconds(text: str | None) -> int | None:
    if not text:
        return None
    if not re.fullmatch('[0-9]{1,12}', text) or int(text) > _LATEST:
        raise SettingError(
            f'{VARIABLE} = {text!r} is no time.\n'
            'Allowed are seconds since 1970, such as 1767225600.'
        )
    return int(text)


def _write(path: Path, text: str) -> None:
    try:
        files.replace(path, text.encode(), path.parent)
    except OSError as error:
        raise CacheError(
            f"{path} can't be written: {error.strerror or error}.\nName another file with -o."
        ) from error


def _count(number: int) -> str:
    return '1 component' if number == 1 else f'{number} components'
