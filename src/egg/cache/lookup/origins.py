"""May a pin be answered without asking an index?

For an exact `==` the cache remembers which archive it resolved to: a pointer below the origin,
that is, the places that were asked. The same pin in another origin may be another archive.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from egg.cache.common import files
from egg.cache.store import permissions
from egg.cache.store.layout import ORIGIN, Layout
from egg.cache.store.manifest import UNKNOWN

_FILE = re.compile('file:', re.I)
_REMOTE = re.compile(r'(?!file:)[a-z0-9+.-]+:', re.I)


@dataclass(frozen=True)
class Origin:
    """Where distributions come from: an index, find-links and the hosts that are allowed.

    And who asks: an index may offer an archive to some releases of `python` only (PEP 503,
    `data-requires-python`).
    """

    index: str
    find_links: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ('*',)
    python: str = platform.python_version()

    @cached_property
    def key(self) -> str:
        """The name of the directory that holds this origin's pointers, as it was first asked for.

        User names and passwords don't count. Of a local directory only that there is one: what
        lies in it is looked at each time. A local page of links counts with its content, a link
        with its query and its fragment, which may be the digest of an archive.
        """
        links = [_link_key(link) for link in self.find_links]
        text = json.dumps([public_url(self.index), links, self.allow_hosts, self.python])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def has_pointers(self) -> bool:
        """Whether pins are remembered: a local index costs no network, so it is asked."""
        return is_remote(self.index)

    def describe(self) -> dict[str, object]:
        """Return what the key was made of, for `origin.json`."""
        return {
            'index': public_url(self.index),
            'find-links': [public_url(link) for link in self.find_links],
            'allow-hosts': list(self.allow_hosts),
            'python': self.python,
        }


@dataclass(frozen=True)
class Everywhere(Origin):
    """All origins, as far as they have no pointer of their own: for adopted eggs alone."""

    index: str = ''

    @cached_property
    def key(self) -> str:
        return 'all'

    @property
    def has_pointers(self) -> bool:
        return True

    def describe(self) -> dict[str, object]:
        return {'all-origins': True}


EVERYWHERE = Everywhere()


@dataclass(frozen=True)
class Pointer:
    """What a pin resolved to.

    `local` are the sha256 of archives for the same pin that lay in local directories then, in
    the order of their paths; those in the download cache have a mark before the digest.
    `was_local` tells whether the chosen one was among them.
    """

    name: str
    sha256: str
    version: str
    local: tuple[str, ...] = ()
    was_local: bool = False

    def holds(self, local: Sequence[str]) -> bool:
        """Tell whether the pin still resolves to this, given the `local` archives of today.

        Among archives of the same version buildout prefers those with the greater path, and
        remote ones to local ones. So a local copy of an archive that was chosen from the index
        changes nothing (a download cache holds such copies); any other change may.
        """
        if self.was_local:
            return tuple(local) == self.local
        return self._others(local) == self._others(self.local)

    def _others(self, local: Sequence[str]) -> list[str]:
        return [sha256 for sha256 in local if not sha256.endswith(self.sha256)]

    @property
    def is_adopted(self) -> bool:
        """Whether this is an egg of which nobody knows the archive."""
        return self.name.endswith(UNKNOWN)

    @property
    def was_seen(self) -> bool:
        """Whether the chosen archive is remote, or one of those that are looked at each time."""
        return not self.was_local or self._others(self.local) != list(self.local)


def read(layout: Layout, key: str, origin: Origin, project: str, pin: str) -> Pointer | None:
    """Return the pointer of a pin, None if there is none that can be read."""
    try:
        row = json.loads(files.read(layout.pin(key, origin.key, project, pin)))
        pointer = Pointer(
            str(row['name']),
            str(row['sha256']),
            str(row['version']),
            tuple(map(str, row['local'])),
            bool(row['was-local']),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return pointer if re.fullmatch('[0-9a-f]{64}', pointer.sha256) else None


def write(
    layout: Layout, key: str, origin: Origin, project: str, pin: str, pointer: Pointer
) -> None:
    """Remember what a pin resolved to. Raises `OSError`."""
    path = layout.pin(key, origin.key, project, pin)
    permissions.make_directories(layout.root, path.parent)
    open_file = permissions.of(layout.root).open_file
    if not (path.parent / ORIGIN).exists():
        files.replace_json(path.parent / ORIGIN, origin.describe(), layout.tmp, open_file)
    row = {
        'name': pointer.name,
        'sha256': pointer.sha256,
        'version': pointer.version,
        'local': list(pointer.local),
        'was-local': pointer.was_local,
    }
    files.replace_json(path, row, layout.tmp, open_file)


def exact_pin(specifier: SpecifierSet) -> str | None:
    """Return the version if `specifier` is for one version alone, such as `==1.0`."""
    if len(specifier) != 1:
        return None
    [only] = specifier
    return only.version if only.operator == '==' and not only.version.endswith('.*') else None


def can_be_pinned(version: str) -> bool:
    """Tell whether a version stays what it is: a `.dev` version is rebuilt under its name."""
    try:
        return not Version(version).is_devrelease
    except ValueError:  # InvalidVersion, or too many digits.
        return False


def allows(pin: str, version: str) -> bool:
    """Tell whether `version` is one of those that `==pin` stands for: `1.0` allows `1.0+local`."""
    try:
        return SpecifierSet(f'=={pin}').contains(Version(version), prereleases=True)
    except ValueError:  # InvalidSpecifier, InvalidVersion, or too many digits.
        return False


def is_remote(place: str) -> bool:
    """Tell whether a path or URL is anywhere but in the local file system."""
    return _REMOTE.match(place) is not None


def concerns(url: str, index: str, project: str) -> bool:
    """Tell whether a page may be about `project`: it isn't the `index`'s page of another one."""
    name = url[len(index) :].partition('/')[0] if url.startswith(index) else ''
    return not name or canonicalize_name(name) == canonicalize_name(project)


def public_url(url: str) -> str:
    """Return `url` without what may be secret: user, password, query and fragment."""
    if not is_remote(url):
        return url.partition('#')[0]
    scheme, netloc, path, _, _ = urlsplit(url)
    return urlunsplit((scheme, netloc.rpartition('@')[2], path, '', ''))


def local_path(place: str) -> str:
    """Return the path of a local path or `file:` URL."""
    return url2pathname(urlsplit(place).path) if _FILE.match(place) else place


def _link_key(link: str) -> str:
    if is_remote(link):
        parts = urlsplit(link)
        return parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl()
    with suppress(OSError):
        path = local_path(link)
        if os.path.isfile(path):
            return f'file {files.sha256(path)}'
        page = os.path.join(path, 'index.html')
        if _FILE.match(link) and os.path.isfile(page):
            return f'directory {files.sha256(page)}'  # buildout reads it as a page of links.
    return 'directory'
