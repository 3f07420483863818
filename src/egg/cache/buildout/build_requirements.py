"""How does a build that pip isolates get from the egg cache what it requires?

The first build of a kind gets it from pip's indexes; `pip_reports` tells what that was, and the
archives are kept. Later ones get these archives, and no index is asked.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from egg.cache.buildout import copying, storing
from egg.cache.buildout.damaged_entries import DamagedEntries
from egg.cache.buildout.pip_reports import VARIABLE, Installed
from egg.cache.buildout.session import Session
from egg.cache.common import files
from egg.cache.common.errors import CacheError, DamagedError
from egg.cache.common.linking import Linker
from egg.cache.lookup import build_requirements, origins
from egg.cache.lookup.build_requirements import BuildOrigin
from egg.cache.store.entry import Entry
from egg.cache.store.layout import ARCHIVES
from egg.cache.store.manifest import Archive, Build, Manifest
from egg.cache.store.store import Store


class BuildRequirements:
    """What one kind of build requires, as the cache of a session has it."""

    def __init__(self, session: Session, origin: BuildOrigin) -> None:
        self._session = session
        self._origin = origin
        self._store = Store(session.layout, ARCHIVES)
        self._damaged = DamagedEntries(
            self._store, session.recorder, lambda: session.settings.writes
        )
        self._umask = storing.umask()

    def lay_out(self, directory: Path) -> list[Entry]:
        """Copy the archives into `directory`; return their entries, or none if one is missing."""
        if not self._session.settings.reads:
            return []
        with self._session.trouble('read'):
            entries = build_requirements.find(self._session.layout, self._origin)
            for entry in entries:
                try:
                    self._copy(entry, directory)
                except DamagedError as fault:
                    self._damaged.set_aside(entry, fault)
                    return []
            return entries
        return []

    def _copy(self, entry: Entry, directory: Path) -> None:
        with tempfile.TemporaryDirectory(dir=directory) as temporary:
            copy = copying.copy(entry, Path(temporary), self._umask, Linker('copy'))
            name = copy.manifest.archive.name
            os.rename(copy.egg / name, directory / name)
        entry.touch()

    def keep(self, installed: Iterable[Installed]) -> None:
        """Store these archives, and that such a build requires them."""
        if not self._session.settings.writes:
            return
        with self._session.trouble('write to'), tempfile.TemporaryDirectory() as temporary:
            started = time.monotonic()
            archives = _fetched(list(installed), Path(temporary))
            self._store.prepare()
            self._store.describe({'archives': 'what builds require'})
            seconds = (time.monotonic() - started) / max(1, len(archives))
            entries = [self._stored(one, path, seconds) for one, path in archives.items()]
            build_requirements.remember(self._session.layout, self._origin, entries)

    def _stored(self, one: Installed, path: Path, seconds: float) -> Entry:
        sha256 = files.sha256(str(path))
        if one.sha256 not in ('', sha256):
            raise CacheError(f'{path.name} is not what pip installed')
        builder = self._session.builder
        at = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
        manifest = Manifest(
            project=one.project, version=one.version, egg=path.name,
            archive=Archive(path.name, sha256, origins.public_url(one.url)),
            build=Build(round(seconds, 3), at, builder.buildout, builder.python, builder.pip),
            umask=self._umask, items=(),
        )  # fmt: skip
        entry = self._store.entry(one.project, one.version, sha256)
        return entry if entry.exists() else self._store.add(manifest, path.parent)


def _fetched(installed: list[Installed], directory: Path) -> dict[Installed, Path]:
    """Download archives, each into a directory of its own: {archive: path}.

    pip does it: it has just had them, and knows who may. Raises `CacheError`.
    """
    found = {}
    for number, one in enumerate(installed):
        target = directory / str(number)
        target.mkdir()
        found[one] = target / one.name
        if not origins.is_remote(one.url):
            shutil.copyfile(url2pathname(urlsplit(one.url).path), found[one])
    remote = [one for one in installed if origins.is_remote(one.url)]
    if remote:
        got = directory / 'got'
        _download([one.url for one in remote], got)
        for one in remote:
            os.rename(got / one.name, found[one])
    return found


def _download(urls: list[str], directory: Path) -> None:
    spec = importlib.util.find_spec('pip')
    if spec is None or spec.origin is None:
        raise CacheError('there is no pip')
    paths = [os.path.dirname(os.path.dirname(spec.origin)), os.environ.get('PYTHONPATH', '')]
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '-d', str(directory), *urls],
        env={**environ, 'PYTHONPATH': os.pathsep.join(filter(None, paths))},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors='replace',
    )  # fmt: skip
    if done.returncode:
        raise CacheError(f"pip can't download {', '.join(urls)}: {done.stdout[-500:]}")
