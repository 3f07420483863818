"""From which archive was this egg made?

pip writes the digest of the archive into each egg that it makes (`direct_url.json`, PEP 610), and
the egg cache keeps where an archive came from. Nothing is guessed: what nobody knows is absent.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from egg.cache.common import files, validation
from egg.cache.eggs import contents, metadata
from egg.cache.lookup import origins
from egg.cache.store import store
from egg.cache.common.errors import CacheError
from egg.cache.store.layout import Layout
from egg.cache.store.manifest import DIRECTORY, Archive, Item

#: How it is known: by what pip wrote into the egg, or by an egg of the same files in the cache.
DIRECT_URL, EGG_CACHE = 'direct_url.json', 'egg cache'

# zc.buildout puts the platform into its name, but not in the eggs that it runs from itself.
_INFO = re.compile(r'[^/]+\.dist-info/')


@dataclass(frozen=True)
class Provenance:
    """Which archive an egg was made from; what isn't known is empty.

    `name` is that of the archive's file, `sha256` its digest in hexadecimal digits, `url` where
    it was downloaded from, without user name, password, query and fragment. `source` is how the
    archive is known: `DIRECT_URL` or `EGG_CACHE`.
    """

    project: str
    version: str
    name: str = ''
    sha256: str = ''
    url: str = ''
    source: str = ''

    @property
    def archive(self) -> dict[str, str]:
        """What is known of the archive, as documents have it: `name`, `sha256`, `url`."""
        known = {'name': self.name, 'sha256': self.sha256, 'url': self.url}
        return {field: value for field, value in known.items() if value}


def of(egg: Path, layout: Layout | None = None) -> Provenance:
    """Return the provenance of the directory `egg`, with what the egg cache at `layout` knows.

    All environments of the cache are looked at, and trouble with it is as if it knew nothing.
    Raises `CacheError` for an egg without metadata.
    """
    try:
        project, version = metadata.name_and_version(egg)
    except OSError as error:
        raise CacheError(f"{egg} can't be read: {error.strerror or error}.") from error
    known = direct(egg)
    if known is None or not known.sha256:
        found = _alike(layout, project, version, egg)
        if found is not None:
            url = _remote(found.url)
            return Provenance(project, version, found.name, found.sha256, url, EGG_CACHE)
    if known is None:
        return Provenance(project, version)
    url = known.url or _url(layout, project, version, known)
    return Provenance(project, version, known.name, known.sha256, url, DIRECT_URL)


def direct(egg: Path) -> Archive | None:
    """Return the archive that pip says it made the directory `egg` from, None if it doesn't.

    Of a local archive the directory is left out: buildout downloads to temporary ones. Old
    releases of pip wrote no digest.
    """
    for path in sorted(egg.glob('*.dist-info/direct_url.json')):
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return _archive(json.loads(files.read(path)))
    return None


def _archive(document: Any) -> Archive:
    """Return the archive in a `direct_url.json`; raise for what is no archive."""
    info, url = document['archive_info'], validation.filled(document['url'])
    digest = (info.get('hashes') or {}).get('sha256')
    if digest is None:  # As the first releases of the specification have it.
        algorithm, _, digest = validation.text(info.get('hash', '')).partition('=')
        digest = digest if algorithm == 'sha256' else ''
    name = validation.name(unquote(posixpath.basename(urlsplit(url).path)))
    return Archive(name, validation.digest(digest) if digest else '', _remote(url))


def _remote(url: str) -> str:
    """Return where everybody can get it: paths of the build host mean nothing elsewhere."""
    with suppress(ValueError):
        return origins.public_url(url) if origins.is_remote(url) else ''
    return ''


def _archives(
    layout: Layout | None, project: str, version: str
) -> Iterator[tuple[store.Entry, Archive]]:
    """Yield the entries of a version in all environments, whose archives are known."""
    if layout is None:
        return
    with suppress(CacheError, OSError):
        for entry in store.siblings(layout, project, version):
            with suppress(CacheError, OSError):
                if entry.manifest.archive.is_known:
                    yield entry, entry.manifest.archive


def _url(layout: Layout | None, project: str, version: str, known: Archive) -> str:
    """Return where the cache says that an archive came from."""
    urls = {
        _remote(archive.url)
        for _, archive in _archives(layout, project, version)
        if archive.sha256 == known.sha256
    }
    return min(urls - {''}, default='')


def _alike(layout: Layout | None, project: str, version: str, egg: Path) -> Archive | None:
    """Return the archive that gave an egg of the same name and files, if it is only one."""
    candidates = [
        (entry, archive) for entry, archive in _archives(layout, project, version)
        if entry.manifest.egg == egg.name
    ]  # fmt: skip
    if not candidates:
        return None
    try:
        here = _content(contents.contents(egg))
    except (CacheError, OSError):
        return None
    found = [
        archive for entry, archive in candidates if _content(entry.manifest.items) == here
    ]  # fmt: skip
    # The same archive may have come from several places.
    found.sort(key=lambda archive: (not _remote(archive.url), archive.url))
    return found[0] if len({archive.sha256 for archive in found}) == 1 else None


def _content(items: Iterable[Item]) -> set[tuple[str, ...]]:
    """Return what is in an egg, but for what Python compiled and the name of its metadata."""
    return {
        (_place(item.path), item.kind, item.sha256, item.target)
        for item in items
        if item.kind != DIRECTORY and not item.path.endswith('.pyc')
    }


def _place(path: str) -> str:
    match = _INFO.match(path)
    return path if match is None else f'.dist-info/{path[match.end() :]}'
