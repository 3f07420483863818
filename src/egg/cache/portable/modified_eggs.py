"""Which files of an egg are not as it was built?

`RECORD` tells, and where there is none, an egg of the same name in the egg cache. What Python
compiled doesn't count, and neither does what zc.buildout itself does to the eggs that it makes.
"""

from __future__ import annotations

import importlib.machinery
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.eggs import metadata, record_check
from egg.cache.eggs.record_check import ADDED, CHANGED, MISSING, Fault
from egg.cache.portable import buildinfo
from egg.cache.portable.findings import Report
from egg.cache.store import integrity, store
from egg.cache.store.layout import Layout
from egg.cache.store.manifest import DIRECTORY, FILE, LINK, Item

#: What an egg was compared with; '' if there was nothing.
RECORD, EGG_CACHE = 'RECORD', 'egg cache'

#: What may be wrong with a file, as documents have it.
KINDS = (CHANGED, MISSING, ADDED)

# How many eggs one remark names.
_MOST = 5
# The format of eggs in which `installed` accepts all that any zc.buildout does to namespaces.
_ANY_FORMAT = 4
# pip notes there how it installed an egg, and whoever makes it anew of what is installed may not.
_NOTES = re.compile(r'[^/]+\.dist-info/(direct_url\.json|INSTALLER|REQUESTED)')
# zc.buildout would take the copies that setuptools brings for eggs, so a bootstrap hides them.
_VENDORED = re.compile(r'(setuptools/_vendor/[^/]+\.dist-info)/.+')
_ADVICE = (
    '- Files in eggs are not as they were built. Move these eggs away and run buildout, which',
    '  makes them anew. What was added is in no release, and what was changed in none without',
    '  egg-cache pack --allow-changed.',
)
_IMPORTABLE = tuple(importlib.machinery.all_suffixes())


@dataclass(frozen=True)
class Modified:
    """What of an egg is not as it was built: paths in the egg.

    `against` is what it was compared with: RECORD, EGG_CACHE, or '' where nobody can tell.
    """

    egg: str
    against: str = ''
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def is_modified(self) -> bool:
        """Whether something that was built is not there as it was."""
        return bool(self.changed or self.missing)

    @property
    def is_fit(self) -> bool:
        """Whether a program does the same with what was built: no module was added, either."""
        return not self.is_modified and not any(path.endswith(_IMPORTABLE) for path in self.added)

    @property
    def paths(self) -> dict[str, list[str]]:
        """The paths as documents have them, by what is wrong with them; only what there is."""
        found = zip(KINDS, (self.changed, self.missing, self.added))
        return {kind: list(paths) for kind, paths in found if paths}

    @property
    def faults(self) -> Iterator[Fault]:
        """Each file with what is wrong with it, in the order of their names."""
        yield from sorted(Fault(path, kind) for kind, paths in self.paths.items()
                          for path in paths)  # fmt: skip


def eggs(paths: Iterable[Path], layout: Layout | None = None) -> list[Modified]:
    """Return what `of` says of each directory among these paths."""
    return [of(path, layout) for path in paths if path.is_dir()]


def of(egg: Path, layout: Layout | None = None) -> Modified:
    """Return what is not as it was built in the directory `egg`. Raises `OSError`.

    The egg cache at `layout` is looked at where there is no `RECORD`; trouble with it is as if it
    knew nothing.
    """
    items = {item.path: item for item in _items(egg)}
    info = next((path for path in sorted(items) if re.fullmatch(r'[^/]+\.dist-info', path)), None)
    with suppress(CacheError):
        listed = record_check.record(egg, info)
        if listed is not None:
            checked = record_check.Egg(egg, info, items)
            found = list(record_check.faults(checked, listed, _ANY_FORMAT))
            return _modified(egg, RECORD, found, items)
    best = min(_compared_with_cache(egg, items, layout), key=len, default=None)
    return Modified(egg.name) if best is None else _modified(egg, EGG_CACHE, best, items)


def in_buildout(report: Report, cache: str | None) -> list[Modified]:
    """Return what `of` says of the eggs in a buildout; those elsewhere are none of its own.

    `cache` is the directory of the egg cache, None for the one that the buildout has used. The
    `report` is told of what can't be read.
    """
    directory = report.places.directories['eggs-directory']
    if not report.places.holds(directory):
        return []
    info = buildinfo.read(report.places.directory)
    path = cache or (info.egg_cache if info is not None else '')
    layout = Layout(Path(path)) if path else None
    found = []
    for egg in sorted((*directory.glob('*.egg'), *directory.glob('v5/*.egg'))):
        try:
            found += eggs([egg], layout)
        except OSError as error:
            where = report.places.relative(str(error.filename or egg))
            report.unread[where] = error.strerror or str(error)
    return found


def explained(found: Iterable[Modified]) -> Iterator[str]:
    """Yield lines that name all files that are not as they were built, and say what to do."""
    wrong = [one for one in found if one.paths]
    for one in wrong:
        yield one.egg
        yield from (f'  {fault}' for fault in one.faults)
    if wrong:
        yield from _ADVICE


def remark(found: Iterable[Modified]) -> str:
    """Return which eggs nobody can tell anything of, '' for none."""
    names = [one.egg for one in found if not one.against]
    if not names:
        return ''
    more = f' and {len(names) - _MOST} more' if len(names) > _MOST else ''
    return ('Nobody can tell whether these are as they were built, as they have no RECORD and the '
            f'egg cache does not know them: {", ".join(names[:_MOST])}{more}.')  # fmt: skip


def verdict(found: Iterable[Modified]) -> str:
    """Return how many files are not as they were built, as the end of a line; '' for none."""
    counts = [len(list(one.faults)) for one in found if one.paths]
    if not counts:
        return ''
    total = sum(counts)
    text = ' 1 file in its eggs is' if total == 1 else f' {total} files in its eggs are'
    return f'{text} not as built' + (f', in {len(counts)} of them.' if len(counts) > 1 else '.')


def document(found: Iterable[Modified]) -> dict[str, Any]:
    """Return what answers of commands have of eggs that are not as they were built."""
    eggs = list(found)
    return {
        'modified': [
            {
                'egg': one.egg, 'compared_with': one.against, 'changed': list(one.changed),
                'missing': list(one.missing), 'added': list(one.added),
            }
            for one in eggs if one.paths
        ],
        'incomparable': [one.egg for one in eggs if not one.against],
    }  # fmt: skip


def surplus(egg: Path, added: Iterable[str]) -> frozenset[str]:
    """Return the paths of added files, with those of directories that hold nothing else."""
    items = {path: Item(path, kind) for path, kind in integrity.walk(egg)}
    return frozenset(items.keys() - record_check.without(items, frozenset(added)))


def _modified(
    egg: Path, against: str, faults: Iterable[Fault], items: Mapping[str, Item]
) -> Modified:
    found = defaultdict(list)
    for fault in faults:
        vendored = _VENDORED.fullmatch(fault.path)
        is_hidden = vendored is not None and vendored[1] not in items
        if not (fault.kind == MISSING and (is_hidden or _NOTES.fullmatch(fault.path))) and (
                not _is_compiled(fault.path, items)):  # fmt: skip
            found[fault.kind].append(fault.path)
    return Modified(egg.name, against, *(tuple(sorted(found[kind])) for kind in KINDS))


def _is_compiled(path: str, items: Mapping[str, Item]) -> bool:
    """Tell whether Python has compiled that, or is about to: no release has it."""
    name = posixpath.basename(path)
    is_cached = posixpath.basename(posixpath.dirname(path)) == '__pycache__'
    return (is_cached and '.pyc' in name) or (path.endswith('.pyc') and path[:-1] in items)


def _items(egg: Path) -> Iterator[Item]:
    """Yield all that is in an egg, whatever that is; what can't be read has no digest."""
    for path, kind in integrity.walk(egg):
        place = egg if path == '.' else egg / path
        info = os.lstat(place)
        if kind == LINK:
            yield Item(path, kind, target=os.readlink(place))
        else:
            digest = files.sha256(str(place)) if kind == FILE else ''
            yield Item(path, kind, info.st_mode & 0o777, info.st_mtime_ns, info.st_size, digest)


def _compared_with_cache(
    egg: Path, items: Mapping[str, Item], layout: Layout | None
) -> Iterator[list[Fault]]:
    """Yield what differs from each egg of that name in the cache: one archive may have several."""
    if layout is None:
        return
    here = _content(items.values())
    with suppress(CacheError, OSError):
        for entry in store.siblings(layout, *metadata.name_and_version(egg)):
            with suppress(CacheError, OSError):
                if entry.manifest.egg == egg.name:
                    yield list(_differences(_content(entry.manifest.items), here))


def _differences(
    stored: Mapping[str, tuple[str, ...]], here: Mapping[str, tuple[str, ...]]
) -> Iterator[Fault]:
    for path in stored.keys() | here.keys():
        if stored.get(path) != here.get(path):
            is_here, was = path in here, path in stored
            yield Fault(path, CHANGED if is_here and was else ADDED if is_here else MISSING)


def _content(items: Iterable[Item]) -> dict[str, tuple[str, ...]]:
    return {item.path: (item.kind, item.sha256, item.target)
            for item in items if item.kind != DIRECTORY}  # fmt: skip
