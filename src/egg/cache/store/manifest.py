"""What is an entry made of, and where does it come from?

The manifest, `entry.json`, is described by `entry.schema.json`. It is read as if a stranger had
written it: whatever is not exactly as the schema says is damage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from egg.cache.common import validation
from egg.cache.common.errors import DamagedError
from egg.cache.store.layout import FORMAT, MANIFEST

FILE, DIRECTORY, LINK = 'file', 'directory', 'link'

#: How the name of an archive ends that nobody knows. No archive is called so.
UNKNOWN = '.unknown'
#: How it ends where there was no archive: the egg was made of what is installed.
INSTALLED = '.installed'

_STAND_INS = {UNKNOWN: 'unknown', INSTALLED: 'installed'}
_SUFFIXES = {'.whl': 'wheel', '.egg': 'egg', **_STAND_INS}
_KINDS = (*_SUFFIXES.values(), 'sdist')
_NO_NAMES = ('', '.', '..')
# Of what is found in a text that a stranger wrote, not more is repeated.
_LONGEST_REMARK = 120


@dataclass(frozen=True)
class Archive:
    """A wheel, source distribution or zipped egg as it was downloaded.

    `url` is without user name, password, query and fragment; `sha256` is in hexadecimal digits;
    `seconds` is how long fetching it took. Of an adopted egg nobody knows the archive: its name
    ends with `.unknown`, `url` and `sha256` are those of the egg itself. Of one that was made of
    what is installed it ends with `.installed`, and `sha256` is the identity of that
    (`wheel_rebuild.identity`).
    """

    name: str
    sha256: str
    url: str = ''
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        found = (kind for suffix, kind in _SUFFIXES.items() if self.name.endswith(suffix))
        return next(found, 'sdist')

    @property
    def is_known(self) -> bool:
        """Whether this is an archive, and not what stands for one."""
        return not self.name.endswith(tuple(_STAND_INS))


class Item(NamedTuple):
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
    if validation.number(head.pop('format')) != FORMAT:
        raise ValueError(f'the format is not {FORMAT}')
    archive, build = head.pop('archive'), head.pop('build')
    kind = archive['kind']
    if kind not in _KINDS or any(
        (kind == stand_in) != archive['name'].endswith(suffix)
        for suffix, stand_in in _STAND_INS.items()
    ):
        raise ValueError(f'{kind!r:.40} is not the kind of this archive')
    items = _items(head.pop('files'))
    head.pop('checksum')
    return Manifest(
        project=validation.filled(head.pop('project')),
        version=validation.filled(head.pop('version')),
        egg=validation.name(head.pop('egg')),
        archive=Archive(
            name=validation.name(archive['name']),
            sha256=validation.digest(archive['sha256']),
            url=validation.text(archive['url']),
        ),
        build=Build(
            seconds=validation.seconds(build['seconds']),
            at=validation.text(build['at']),
            buildout=validation.text(build['zc.buildout']),
            python=validation.text(build['python']),
            pip=validation.text(build['pip']),
        ),
        umask=validation.mode(head.pop('umask')),
        items=items,
        unknown=head,
    )


def _items(rows: Any) -> tuple[Item, ...]:
    """Return what is listed, parents first.

    A warm run reads tens of thousands of rows, so what is cheap is checked here, in one loop.
    """
    items = []
    seen = set()
    modes: dict[str, int] = {}  # There are few of them.
    # With a slash at the end, or empty for the egg itself: what a path below has before its name.
    directories: set[str] = set()
    for row in rows:
        path, kind = row['path'], row['kind']
        if not (type(path) is str and path.isascii() and path.isprintable() and path):
            validation.path(path)
        above = path[: path.rfind('/') + 1]
        if path != '.' and (above not in directories or path[len(above) :] in _NO_NAMES):
            raise ValueError(f'{path!r:.40} is not below a directory of the egg')
        if path in seen or (path == '.' and kind != DIRECTORY):
            raise ValueError(f'{path!r:.40} is listed twice or is not a directory')
        seen.add(path)
        if kind == LINK:
            items.append(Item(path, kind, target=validation.path(row['target'])))
            continue
        mode, mtime_ns = row['mode'], validation.number(row['mtime_ns'])
        if mode not in modes:
            modes[mode] = validation.mode(mode)
        if kind == FILE:
            size, sha256 = validation.number(row['size']), validation.digest(row['sha256'])
            if size < 0:
                raise ValueError(f'{path:.40} has less than no bytes')
            items.append(Item(path, kind, modes[mode], mtime_ns, size, sha256))
        elif kind == DIRECTORY:
            directories.add('' if path == '.' else f'{path}/')
            items.append(Item(path, kind, modes[mode], mtime_ns))
        else:
            raise ValueError(f'{path:.40} is of the unknown kind {kind!r:.40}')
    if '' not in directories:
        raise ValueError('the egg itself is not listed')
    return tuple(items)
