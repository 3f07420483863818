"""How does a run write down what it does?

Each run has a file of its own in `stats/`, and appends one line an event, in one write: nothing
is locked, and a killed run loses at most its last line. Where nothing can be written, nothing
is, and nobody is told: a record is worth neither a warning nor an exception of any kind.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from egg.cache.common import files
from egg.cache.configuration.settings import Settings
from egg.cache.stats import run_record
from egg.cache.store import permissions
from egg.cache.store.layout import DIGEST_LENGTH
from egg.cache.store.manifest import Archive, Manifest
from egg.cache.store.store import Entry, Store, siblings

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
# A disk in trouble tells so for each egg.
_MOST_TROUBLES = 20


class Recorder:
    """Writes down what happens in one session.

    `header` is what is known of the run, as in `run_record.Run`.

    Nothing is written before `start`, nor before the first event: buildout may start itself
    anew before it does anything.
    """

    def __init__(
        self, store: Store, settings: Settings, header: Mapping[str, object]
    ) -> None:
        self._store = store
        self._settings = settings
        self._damaged: set[Path] = set()
        self._trouble_count = 0
        self._has_trouble = False
        self._file = _File(
            store, {'mode': settings.mode, **header, 'environment': store.key}
        )

    def start(self) -> None:
        """Let events be written from now on."""
        self._file.is_started = True

    def join(self, other: Recorder) -> None:
        """Write to the same record as `other`: it is the same run."""
        self._file = other._file

    def hit(self, manifest: Manifest, how: str, copy_seconds: float, origin: str) -> None:
        """Note that an egg was copied, with its entry, too: it is used now."""
        self._has_trouble = False
        if not self._file.is_started:
            return
        with suppress(Exception):
            project, version, archive = manifest.project, manifest.version, manifest.archive
            self._store.entry(project, version, archive.sha256).touch()
            self._note(
                run_record.HIT, project, version, how, archive, origin, bytes=manifest.size,
                build_seconds=manifest.build.seconds, copy_seconds=round(copy_seconds, 4),
            )  # fmt: skip

    def miss(
        self, project: str, version: str, archive: Archive, seconds: float, origin: str,
        is_stored: bool = True,
    ) -> None:
        """Note that an egg was built, in so many seconds, and why; before it is stored, if it
        ever `is_stored`."""
        if self._file.is_started:
            reason = 'trouble'
            with suppress(Exception):
                reason = self._reason(project, version, archive, is_stored)
            self._note(
                run_record.MISS, project, version, reason, archive, origin,
                build_seconds=round(seconds + archive.seconds, 3),
            )  # fmt: skip
        self._has_trouble = False

    def stored(self, entry: Entry) -> None:
        with suppress(Exception):
            manifest = entry.manifest
            self._note(
                run_record.STORED, manifest.project, manifest.version, '', manifest.archive,
                bytes=manifest.size,
            )  # fmt: skip

    def damaged(self, entry: Entry, file: str) -> None:
        if entry.path not in self._damaged:
            self._damaged.add(entry.path)
            project, version = entry.path.parent.parent.name, entry.path.parent.name
            self._note(run_record.DAMAGED, project, version, file, sha256=entry.path.name)

    def trouble(self, verb: str, error: Exception) -> None:
        self._has_trouble = True
        self._trouble_count += 1
        if self._trouble_count <= _MOST_TROUBLES:
            self._note(run_record.TROUBLE, detail=f'{verb}: {type(error).__name__}: {error}'[:500])

    def end(self) -> None:
        """Note that the run came to its end: its record is complete."""
        if not self._file.is_over:
            self._file.is_over = True
            self._file.append({'event': run_record.END, 'time': round(time.time(), 3)})

    def leave(self) -> None:
        """Note that the process ends, if anything happened in it."""
        if self._file.has_begun:
            self.end()

    def _reason(
        self, project: str, version: str, archive: Archive, is_stored: bool
    ) -> str:
        """Return the first of `run_record.MISSES` that holds; the last ones look at the disk."""
        path = self._store.entry(project, version, archive.sha256).path
        if self._settings.excludes(project, version):
            return 'excluded'
        if self._settings.is_off and not is_stored:
            return 'no-sdists'
        if not self._settings.reads:
            return 'refresh'
        if any(damaged.parent == path.parent for damaged in self._damaged):
            return 'damaged'
        if self._has_trouble:
            return 'trouble'
        if not is_stored:
            return 'no-sdists'
        keys = {entry.environment_key for entry in siblings(self._store.layout, project, version)}
        if self._store.key in keys:
            return 'other-archive'
        return 'other-environment' if keys else 'never-built'

    def _note(
        self, kind: str, project: str = '', version: str = '', detail: str = '',
        archive: Archive | None = None, origin: str = '', **fields: Any,
    ) -> None:
        row = {'event': kind, 'time': round(time.time(), 3), 'project': project,
               'version': version, 'detail': detail, 'origin': origin, **fields}  # fmt: skip
        if archive is not None:
            row.update(archive=archive.name, sha256=archive.sha256[:DIGEST_LENGTH])
        if self._store.key != self._file.header['environment']:
            row.update(environment=self._store.key)
        self._file.append({name: value for name, value in row.items() if value != ''})


class _File:
    """The file of one run."""

    def __init__(self, store: Store, header: dict[str, object]) -> None:
        self.is_started = self.is_over = False
        self.header = header
        self._store = store
        self._path: Path | None = None
        self._is_cut = False

    @property
    def has_begun(self) -> bool:
        return self._path is not None

    def append(self, row: Mapping[str, object]) -> None:
        if not self.is_started:
            return
        with suppress(Exception):
            line = run_record.line(row)
            if self._path is not None:
                with suppress(FileNotFoundError):
                    self._write(self._path, line)
                    return
                # Somebody removed it; what comes now is not another run.
                self.header['continues'] = True
                self._path = None
            self._create(line)

    def _create(self, line: bytes) -> None:
        directory = self._store.layout.stats
        self._store.check(directory)
        root = self._store.layout.root
        permissions.make_directories(root, directory)
        now = time.time()
        stamp = time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))
        path = directory / f'{stamp}-{os.getpid()}-{secrets.token_hex(8)}.jsonl'
        header = run_record.line({'event': 'run', 'time': round(now, 3), **self.header})
        try:
            files.create(path, header + line, permissions.of(root).open_file)
        except OSError:
            # Without its first line nothing of it could be read.
            with suppress(OSError):
                os.unlink(path)
            raise
        self._path, self._is_cut = path, False

    def _write(self, path: Path, line: bytes) -> None:
        """Write in one step; after a part of a line, the next one begins anew."""
        descriptor = os.open(path, _APPEND, files.FILE_MODE)
        try:
            data = b'\n' + line if self._is_cut else line
            self._is_cut = True
            self._is_cut = os.write(descriptor, data) < len(data)
        finally:
            os.close(descriptor)
