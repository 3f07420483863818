"""What is an entry made of, and where does it come from?

The manifest, `entry.json`, is described by `entry.schema.json`. It is read as if a stranger had
written it: whatever is not exactly as the schema says is damage.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from egg.cache.errors import DamagedError
from egg.cache.layout import FORMAT, MANIFEST

FILE, DIRECTORY, LINK = 'file', 'directory', 'link'

_SHA256 = re.compile(r'[0-9a-f]{64}')
_MODE = re.compile(r'0[0-7]{3}')
_KINDS = ('wheel', 'egg', 'sdist')
_MAXIMUM = 2**63 - 1
# Of what is found in a text that a stranger wrote, not more is repeated.
_LONGEST_REMARK = 120


@dataclass(frozen=True)
class Archive:
    """A wheel, source distribution or zipped egg as it was downloaded.

    `url` is without user name, password, query and fragment; `sha256` is in hexadecimal digits;
    `seconds` is how long fetching it took.
    """

    name: str
    sha256: str
    url: str = ''
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        for suffix, kind in (('.whl', 'wheel'), ('.egg', 'egg')):
            if self.name.endswith(suffix):
                return kind
        return 'sdist'


@dataclass(frozen=True)
class Item:
    """One file, directory or link of an egg.

    `path` is relative to the egg, with slashes; '.' is the egg's own directory. `mode` holds the
    permission bits, `size` is in bytes, `mtime_ns` in nanoseconds since the epoch.
    """

    path: str
    kind: str
    mode: int = 0
    mtime_ns: int = 0
    size: int = 0
    sha256: str = ''
    target: str = ''


@dataclass(frozen=True)
class Build:
    """How an egg came to be: `seconds` of fetching and building, `at` in ISO 8601, UTC."""

    seconds: float
    at: str
    buildout: str
    python: str
    pip: str


@dataclass(frozen=True)
class Manifest:
    """Everything about one entry. `umask` is that of the user who built the egg."""

    project: str
    version: str
    egg: str
    archive: Archive
    build: Build
    umask: int
    items: tuple[Item, ...]
    #: Fields that this version does not know: kept as they are.
    unknown: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(item.size for item in self.items)

    @property
    def files(self) -> Iterable[Item]:
        return (item for item in self.items if item.kind == FILE)


def dump(manifest: Manifest) -> bytes:
    """Return the text of `entry.json`: one line a file, with a checksum of all the rest."""
    lines = [json.dumps(_item_to_json(item)) for item in manifest.items]
    head = json.dumps(_head_to_json(manifest), indent=2)
    body = f'{head[:-2]},\n  "files": [\n    ' + ',\n    '.join(lines) + '\n  ]'
    return f'{body},\n  "checksum": "{_checksum(body.encode())}"\n}}\n'.encode()


def load(data: bytes) -> Manifest:
    """Return the manifest in the text `data`, or raise `DamagedError`."""
    body, _, rest = data.rpartition(b',\n  "checksum": "')
    if rest != f'{_checksum(body)}"\n}}\n'.encode():
        raise DamagedError(MANIFEST, 'a text with its own checksum', 'another text')
    try:
        return _from_json(json.loads(data))
    except (
        ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError
    ) as error:  # fmt: skip
        remark = f'{type(error).__name__}: {error}'[:_LONGEST_REMARK]
        raise DamagedError(MANIFEST, 'a manifest', remark) from error


def _checksum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _head_to_json(manifest: Manifest) -> dict[str, Any]:
    archive, build = manifest.archive, manifest.build
    return {
        'format': FORMAT,
        'project': manifest.project,
        'version': manifest.version,
        'egg': manifest.egg,
        'archive': {
            'name': archive.name,
            'kind': archive.kind,
            'url': archive.url,
            'sha256': archive.sha256,
        },
        'build': {
            'seconds': build.seconds,
            'at': build.at,
            'zc.buildout': build.buildout,
            'python': build.python,
            'pip': build.pip,
        },
        'umask': f'{manifest.umask:04o}',
        **manifest.unknown,
    }


def _item_to_json(item: Item) -> dict[str, Any]:
    row: dict[str, Any] = {'path': item.path, 'kind': item.kind}
    if item.kind == LINK:
        row['target'] = item.target
        return row
    row.update(mode=f'{item.mode:04o}', mtime_ns=item.mtime_ns)
    if item.kind == FILE:
        row.update(size=item.size, sha256=item.sha256)
    return row


def _from_json(head: Any) -> Manifest:
    if _number(head.pop('format')) != FORMAT:
        raise ValueError(f'the format is not {FORMAT}')
    archive, build = head.pop('archive'), head.pop('build')
    if archive['kind'] not in _KINDS:
        raise ValueError(f'{archive["kind"]!r:.40} is not a kind of archive')
    items = tuple(map(_item_from_json, head.pop('files')))
    _check_tree(items)
    head.pop('checksum')
    return Manifest(
        project=_filled(head.pop('project')),
        version=_filled(head.pop('version')),
        egg=_name(head.pop('egg')),
        archive=Archive(
            name=_name(archive['name']),
            sha256=_digest(archive['sha256']),
            url=_text(archive['url']),
        ),
        build=Build(
            seconds=_seconds(build['seconds']),
            at=_text(build['at']),
            buildout=_text(build['zc.buildout']),
            python=_text(build['python']),
            pip=_text(build['pip']),
        ),
        umask=_mode(head.pop('umask')),
        items=items,
        unknown=head,
    )


def _item_from_json(row: Any) -> Item:
    path, kind = _path(row['path']), row['kind']
    if kind == LINK:
        return Item(path, kind, target=_path(row['target']))
    item = Item(path, kind, _mode(row['mode']), _number(row['mtime_ns']))
    if kind == DIRECTORY:
        return item
    if kind != FILE:
        raise ValueError(f'{path:.40} is of the unknown kind {kind!r:.40}')
    size, sha256 = _number(row['size']), _digest(row['sha256'])
    if size < 0:
        raise ValueError(f'{path:.40} has less than no bytes')
    return Item(path, kind, item.mode, item.mtime_ns, size, sha256)


def _check_tree(items: tuple[Item, ...]) -> None:
    """Refuse paths that leave the egg: every parent must be a directory that is listed before."""
    seen: set[str] = set()
    directories: set[str] = set()
    for item in items:
        parent, slash, name = item.path.rpartition('/')
        is_root = item.path == '.'
        if item.path in seen or (is_root and item.kind != DIRECTORY):
            raise ValueError(f'{item.path!r:.40} is listed twice or is not a directory')
        above = parent if slash else '.'
        if not is_root and (name in ('', '.', '..') or parent == '.' or above not in directories):
            raise ValueError(f'{item.path!r:.40} is not below a directory of the egg')
        seen.add(item.path)
        if item.kind == DIRECTORY:
            directories.add(item.path)
    if '.' not in directories:
        raise ValueError('the egg itself is not listed')


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r:.40} is not a text')
    return value


def _filled(value: Any) -> str:
    if not _text(value):
        raise ValueError('a text is empty')
    return str(value)


def _path(value: Any) -> str:
    """Return a text that a file system can have as a path."""
    os.fsencode(_filled(value))
    if '\0' in value:
        raise ValueError(f'{value!r:.40} is not a path')
    return str(value)


def _name(value: Any) -> str:
    if _path(value) in ('.', '..') or '/' in value:
        raise ValueError(f'{value!r:.40} is not the name of a file')
    return str(value)


def _digest(value: Any) -> str:
    if _SHA256.fullmatch(_text(value)) is None:
        raise ValueError(f'{value!r:.40} is not a sha256')
    return str(value)


def _number(value: Any) -> int:
    if type(value) is not int or not -_MAXIMUM <= value <= _MAXIMUM:
        raise ValueError(f'{value!r:.40} is not a number')
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= float(value) < math.inf:
        raise ValueError(f'{value!r:.40} is not a number of seconds')
    return float(value)


def _mode(value: Any) -> int:
    if _MODE.fullmatch(_text(value)) is None:
        raise ValueError(f'{value!r:.40} is not a mode')
    return int(value, 8)
