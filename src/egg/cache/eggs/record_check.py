"""Is an egg still what was installed, as far as its `RECORD` tells?

zc.buildout 5 and later remove an `__init__.py` that is alone in its directory and declares a
namespace; release 4 writes those that `namespace_packages.txt` names, and lets setuptools write
into `EGG-INFO`. All that differs otherwise was done by somebody else.
"""

from __future__ import annotations

import base64
import csv
import os
import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from importlib.util import source_hash
from pathlib import Path
from typing import NamedTuple

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.store.manifest import DIRECTORY, Item

EGG_INFO = 'EGG-INFO'

_NAMESPACE = re.compile(rb'declare_namespace|extend_path')
# What zc.buildout 4 and the releases of setuptools that go with it write.
_DECLARATIONS = (
    b"__import__('pkg_resources').declare_namespace(__name__)",
    b"""\
try:
    __import__('pkg_resources').declare_namespace(__name__)
except ImportError:
    __path__ = __import__('pkgutil').extend_path(__path__, __name__)""",
)
# How many bytes such a file has that nobody can look at any more.
_DECLARATION_SIZES = range(50, 300)
_DATA = re.compile(r'[^/]+\.data/(scripts|data|headers|purelib|platlib)/(.+)')
# importlib doesn't know the sources of those whose names begin with a dot.
_COMPILED = re.compile(r'(|.+/)__pycache__/([^/]+?)\.[a-z]+-?[0-9]+(?:\.opt-[0-9]+)?\.pyc')

#: What may be wrong with a file of an egg.
CHANGED, MISSING, ADDED, UNFIT = 'changed', 'missing', 'added', 'unfit'

_WORDS = {
    CHANGED: 'was changed',
    MISSING: 'is missing',
    ADDED: 'was added',
    UNFIT: 'was not compiled from its source as it is now',
}


class Fault(NamedTuple):
    """One file that is not as it was installed, and what is wrong with it."""

    path: str
    kind: str

    def __str__(self) -> str:
        return f'{self.path} {_WORDS[self.kind]}'


class Row(NamedTuple):
    """What `RECORD` has for a file; `digest` is empty, or a name, '=' and the digest."""

    digest: str
    size: str


class Egg(NamedTuple):
    """An egg with what is in it; `info` is the name of its `.dist-info`, if it has one."""

    path: Path
    info: str | None
    items: Mapping[str, Item]

    @property
    def metadata(self) -> Path:
        return self.path / (self.info or EGG_INFO)

    def file_counts(self, listed: Collection[str] | None = None) -> Counter[str]:
        """Return how many files are in each directory; only those that are `listed`, if given."""
        found = (path for path, item in self.items.items()
                 if item.kind != DIRECTORY and (listed is None or path in listed))  # fmt: skip
        return Counter(map(posixpath.dirname, found))

    @property
    def namespaces(self) -> list[str]:
        """The packages in `namespace_packages.txt`, as directories."""
        with suppress(OSError):
            text = files.read(self.metadata / 'namespace_packages.txt').decode('utf-8', 'replace')
            return [package.replace('.', '/') for package in text.split()]
        return []


def record(egg: Path, info: str | None) -> dict[str, Row] | None:
    """Return what `RECORD` has, by path in the egg; None if there is none."""
    try:
        text = files.read(egg / (info or EGG_INFO) / 'RECORD').decode('utf-8', 'replace')
        rows = [(*row, '', '')[:3] for row in csv.reader(text.splitlines()) if row]
    except FileNotFoundError:
        return None
    except csv.Error as error:
        raise CacheError(f'its RECORD is none: {error}') from error
    return {_in_egg(egg, path, info): Row(digest, size) for path, digest, size in rows}


def declares_namespace(path: Path) -> bool:
    """Tell whether a file that is alone in its directory is nothing but a declaration."""
    lines = [line.strip() for line in files.read(path).splitlines()]
    code = [line for line in lines if line and not line.startswith(b'#')]
    return 0 < len(code) <= 6 and any(map(_NAMESPACE.search, code))


def faults(egg: Egg, listed: Mapping[str, Row], egg_format: int) -> Iterator[Fault]:
    """Yield each file that was changed, removed or added.

    Raises `CacheError` where `RECORD` doesn't tell. What zc.buildout itself writes can't have
    been added: if it says anything else, it was changed.
    """
    declarations = {f'{directory}/__init__.py' for directory in egg.namespaces}
    written = declarations if egg_format < 5 else set()
    counts = egg.file_counts(listed)
    for path, row in listed.items():
        if path not in egg.items:
            if not _may_be_missing(egg, path, row, declarations, counts):
                yield Fault(path, MISSING)
        elif not (
            _is_as_listed(path, row, egg.items[path])
            or (path in written and _is_declaration(egg.path / path))
            or _is_compiled(egg, path, listed)
        ):
            yield Fault(path, UNFIT if _COMPILED.fullmatch(path) else CHANGED)
    for path, item in egg.items.items():
        if not (
            item.kind == DIRECTORY
            or path in listed
            or (egg.info is None and path == f'{EGG_INFO}/requires.txt')
            or (path in written and _is_declaration(egg.path / path))
            or _is_compiled(egg, path, listed)
        ):
            kind = UNFIT if _COMPILED.fullmatch(path) else ADDED
            yield Fault(path, CHANGED if path in written else kind)


def without(items: Mapping[str, Item], paths: Collection[str]) -> dict[str, Item]:
    """Return what is in an egg but for these files, and for directories that hold nothing else.

    Left there, an empty directory could be imported as a namespace.
    """
    kept = {path for path, item in items.items() if item.kind != DIRECTORY and path not in paths}
    emptied = {above for path in paths for above in _above(path)}
    emptied.difference_update(above for path in kept for above in _above(path))
    return {path: item for path, item in items.items()
            if path in kept or (item.kind == DIRECTORY and path not in emptied)}  # fmt: skip


def _above(path: str) -> Iterator[str]:
    while '/' in path:
        path = posixpath.dirname(path)
        yield path


def _in_egg(egg: Path, path: str, info: str | None) -> str:
    """Return where a file that `RECORD` has at `path` lies in the egg.

    zc.buildout renames the directory of the metadata, setuptools makes `EGG-INFO` of it, and
    moves what is in the `.data` directory, if that has the name of the wheel.
    """
    top, slash, rest = path.partition('/')
    if slash and top.endswith('.dist-info'):
        if info is not None:
            return f'{info}/{rest}'
        return f'{EGG_INFO}/{"PKG-INFO" if rest == "METADATA" else rest}'
    data = _DATA.fullmatch(path) if info is None else None
    if data is None or os.path.lexists(egg / path):
        return path
    return f'{EGG_INFO}/scripts/{data[2]}' if data[1] == 'scripts' else data[2]


def _may_be_missing(
    egg: Egg, path: str, row: Row, declarations: set[str], counts: Mapping[str, int]
) -> bool:
    # What pip has put beside the egg; what it would have compiled has no digest.
    if path.startswith(('../', '/')) or not row.digest:
        return True
    if path.startswith('bin/') and 'bin' not in egg.items and _has_scripts(egg):
        return True  # zc.buildout removes all of it.
    directory, name = posixpath.split(path)
    return (
        name == '__init__.py'
        and not counts[directory]
        and _has_packages(egg, directory)
        and (path in declarations or _number(row.size) in _DECLARATION_SIZES)
    )


def _is_as_listed(path: str, row: Row, item: Item) -> bool:
    name, _, digest = row.digest.partition('=')
    if not name:  # None has a digest of itself.
        return re.fullmatch(r'[^/]+/RECORD(\.jws|\.p7s)?', path) is not None
    if name != 'sha256':
        raise CacheError(f'its RECORD has no sha256 of {path}, but {name}')
    with suppress(ValueError):
        return base64.urlsafe_b64decode(digest + '=' * (-len(digest) % 4)).hex() == item.sha256
    return False


def _is_declaration(path: Path) -> bool:
    return files.read(path).strip().replace(b'\r\n', b'\n') in _DECLARATIONS


def _is_compiled(egg: Egg, path: str, listed: Mapping[str, Row]) -> bool:
    """Tell whether `path` was compiled from its source: by the time and size that it names."""
    match = _COMPILED.fullmatch(path)
    if match is None:
        return False
    source = f'{match[1]}{match[2]}.py'
    if source not in egg.items:
        return source in listed  # A namespace: Python doesn't look at it.
    with files.opened(str(egg.path / path)) as descriptor:
        head = next(files.chunks(descriptor), b'')[4:16]
    kind, first, second = (int.from_bytes(head[n : n + 4], 'little') for n in (0, 4, 8))
    item = egg.items[source]
    if len(head) < 12:
        return False
    if kind == 3:  # By the digest of its source, as with SOURCE_DATE_EPOCH.
        return head[4:] == source_hash(files.read(egg.path / source))
    return (kind, first, second) == (0, _seconds(item.mtime_ns), item.size % 2**32)


def _seconds(mtime_ns: int) -> int:
    """Return the time as Python writes it down: rounded as a float before."""
    seconds, rest = divmod(mtime_ns, 10**9)
    return int(seconds + 1e-9 * rest) % 2**32


def _has_scripts(egg: Egg) -> bool:
    with suppress(OSError):
        return re.search(rb'(console|gui)_scripts',
                         files.read(egg.metadata / 'entry_points.txt')) is not None  # fmt: skip
    return False


def _has_packages(egg: Egg, directory: str) -> bool:
    """Tell whether there is anything in a directory but what was compiled."""
    return any(
        path.startswith(f'{directory}/') and not path.startswith(f'{directory}/__pycache__')
        for path in egg.items
    )


def _number(text: str) -> int:
    return int(text) if re.fullmatch('[0-9]{1,9}', text) else -1
