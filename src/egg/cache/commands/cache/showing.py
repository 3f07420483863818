"""Where does an egg in the cache come from, what is it made of, and who used it?"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from typing import Any

from egg.cache.common import units
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError, DamagedError
from egg.cache.maintenance import selection
from egg.cache.stats import history
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout
from egg.cache.store.manifest import LINK, Item

NAME = 'show'
HELP = 'show where eggs come from, what they are made of, and who used them'
EXAMPLE = 'egg-cache show lxml\negg-cache show "lxml>=5" --files'

_TAG = re.compile(r'cp(?P<major>\d)(?P<minor>\d+)(?P<flags>[a-z]*)')
_LIBC = re.compile(r'(?P<libc>many|musl)linux_(?P<version>\d+_\d+)_(?P<machine>\w+)')
_MACOS = re.compile(r'macosx_(?P<version>\d+_\d+)_(?P<machine>\w+)')
_FLAGS = {'t': 'free-threaded', 'd': 'debug'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'requirement', metavar='REQUIREMENT', help='a project, with or without a version specifier'
    )
    parser.add_argument('--files', action='store_true', help='list every file, too')


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    wanted = selection.requirement(options.requirement)
    documents, damaged = [], []
    for entry in selection.select(layout, wanted):
        try:
            documents.append(_document(entry, layout, options.files))
        except FileNotFoundError:  # Removed in the meantime.
            continue
        except DamagedError as fault:
            damaged.append({'path': str(entry.path), 'message': str(fault)})
            console.remark(f'{entry} is damaged: {printable(str(fault))}')
    console.answer({'directory': str(layout.root), 'entries': documents, 'damaged': damaged})
    now = time.time()
    for number, document in enumerate(documents):
        if number:
            console.line()
        title = f'{document["project"]} {document["version"]}'
        console.line(console.styled(printable(title), 'bold'))
        for name, text in _rows(document, now):
            console.line(f'  {name:12} {printable(text)}')
        for row in document.get('files', ()):
            console.line(f'    {_file_size(row):>8}  {printable(row["path"])}')
    if not documents and not damaged:
        raise CacheError(f'Nothing in {options.location} satisfies {options.requirement}.')
    return 1 if damaged else 0


def _document(entry: Entry, layout: Layout, with_files: bool) -> dict[str, Any]:
    manifest = entry.manifest
    archive, build = manifest.archive, manifest.build
    is_known = archive.is_known
    # Of the version, whatever archive it was built from: no record says more.
    uses = history.uses(layout, manifest.project, manifest.version)
    parts = environment_parts(selection.environment(layout, entry.environment_key))
    items = [item for item in manifest.items if item.kind != 'directory']
    document: dict[str, Any] = {
        'project': manifest.project,
        'version': manifest.version,
        'egg': manifest.egg,
        'path': str(entry.path),
        'environment': entry.environment_key,
        'environment_parts': parts,
        'archive': {
            'name': archive.name if is_known else None,
            'kind': archive.kind,
            'url': archive.url,
            'sha256': archive.sha256,
        },
        'build': {
            'at': build.at,
            'seconds': build.seconds if is_known else None,
            'buildout': build.buildout or None,
            'python': build.python or None,
            'pip': build.pip or None,
        },
        'size': manifest.size,
        'file_count': len(items),
        'last_used_at': units.moment(entry.last_use),
        'uses': [
            {'buildout': buildout, 'last_at': units.moment(when)}
            for buildout, when in sorted(uses.items(), key=lambda pair: -pair[1])
        ],
    }
    if with_files:
        document['files'] = list(map(_file, items))
    return document


def _rows(document: dict[str, Any], now: float) -> Iterator[tuple[str, str]]:
    """Yield what is shown of an entry: name and text of each line."""
    archive, build = document['archive'], document['build']
    is_installed = archive['kind'] == 'installed'
    is_known = archive['kind'] != 'unknown'
    if is_installed:
        yield 'archive', 'none: the egg was made of what is installed beside zc.buildout'
    elif is_known:
        yield 'archive', f'{archive["name"]} ({archive["kind"]})'
    else:
        yield 'archive', 'not known: the egg was taken over as it was'
    yield 'from', archive['url'] or 'not known'
    of_what = ' (of what is installed)' * is_installed or ' (of the egg)' * (not is_known)
    yield 'sha256', f'{archive["sha256"]}{of_what}'
    yield 'built' if is_known else 'taken over', _moment(build['at'], now)
    if is_known:
        yield 'took', units.duration(build['seconds'])
        yield 'with', (
            f'zc.buildout {build["buildout"]}, Python {build["python"]}, pip {build["pip"]}'
        )
    yield 'environment', document['environment']
    parts = document['environment_parts']
    if parts:
        yield '', in_words(parts)
    files = 'file' if document['file_count'] == 1 else 'files'
    yield 'size', f'{units.size(document["size"])}, {document["file_count"]} {files}'
    yield 'last use', _moment(document['last_used_at'], now)
    for number, use in enumerate(document['uses']):
        name = '' if number else 'used by'
        yield name, f'{use["buildout"]}, {units.since(use["last_at"], now)} ago'
    yield 'entry', document['path']


def _moment(text: str, now: float) -> str:
    return f'{text} ({units.since(text, now)} ago)'


def in_words(parts: dict[str, Any]) -> str:
    """Return what an environment is, as people say it."""
    words = [_interpreter(parts['tag']), _platform(parts['platform'])]
    if parts['egg_format'] is not None:
        releases = '5 or later' if parts['egg_format'] >= 5 else 'before 5'
        words.append(f'zc.buildout {releases}')
    words += [f'{name}={value}' for name, value in sorted(parts['variables'].items())]
    if parts['egg_cache_key']:
        words.append(f'egg-cache-key = {parts["egg_cache_key"]}')
    return ', '.join(words)


def environment_parts(found: dict[str, object]) -> dict[str, Any] | None:
    """Return the parts of an environment, None unless they are all as they should be."""
    egg_format, variables = found.get('egg-format'), found.get('variables')
    return {
        'tag': str(found['tag']),
        'platform': str(found.get('platform', '')),
        'egg_format': egg_format if isinstance(egg_format, int) else None,
        'variables': variables if isinstance(variables, dict) else {},
        'egg_cache_key': str(found.get('egg-cache-key', '')),
    } if 'tag' in found else None  # fmt: skip


def _interpreter(tag: str) -> str:
    match = _TAG.fullmatch(tag)
    if match is None:
        return tag
    flags = [_FLAGS[flag] for flag in match['flags'] if flag in _FLAGS]
    return ' '.join([f'CPython {match["major"]}.{match["minor"]}', *flags])


def _platform(name: str) -> str:
    match = _LIBC.fullmatch(name)
    if match:
        libc = 'glibc' if match['libc'] == 'many' else 'musl'
        return f'Linux {match["machine"]} with {libc} {match["version"].replace("_", ".")}'
    match = _MACOS.fullmatch(name)
    if match:
        return f'macOS {match["version"].replace("_", ".")} {match["machine"]}'
    return name


def _file(item: Item) -> dict[str, Any]:
    if item.kind == LINK:
        return {'path': item.path, 'target': item.target}
    return {
        'path': item.path, 'size': item.size, 'mode': f'{item.mode:04o}', 'sha256': item.sha256,
    }  # fmt: skip


def _file_size(row: dict[str, Any]) -> str:
    return units.size(row['size']) if 'size' in row else 'link'
