"""What did pip install, also for the builds that it isolates?

`pip install --report` tells it, and each pip that a pip starts for a build has the same option
from the variable `PIP_REPORT`. All write to one named pipe: a file would be that of the last.
"""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

VARIABLE = 'PIP_REPORT'


@dataclass(frozen=True)
class Installed:
    """An archive that pip installed. `sha256` is in hexadecimal digits, '' if no index told it."""

    project: str
    version: str
    url: str
    sha256: str

    @property
    def name(self) -> str:
        """The name of the file."""
        return unquote(posixpath.basename(urlsplit(self.url).path))


class Reports:
    """Collects, while it is entered, the reports of each pip that has `variables`.

    Without a pipe, or where somebody else wants the report, there are none.
    """

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.text = b''
        self._directory = ''
        self._writer = -1
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Reports:
        if VARIABLE in os.environ:
            return self
        with suppress(OSError):
            self._directory = tempfile.mkdtemp()
            path = os.path.join(self._directory, 'report')
            os.mkfifo(path, 0o600)
            reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            # The reader gets no end of file before this one is closed.
            self._writer = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            os.set_blocking(reader, True)
            self._thread = threading.Thread(target=self._read, args=(reader,), daemon=True)
            self._thread.start()
            self.variables = {VARIABLE: path}
        return self

    def __exit__(self, *exception: object) -> None:
        if self._writer >= 0:
            os.close(self._writer)
        if self._thread is not None:
            # A process that a build left behind may still have the pipe.
            self._thread.join(10)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _read(self, reader: int) -> None:
        with open(reader, 'rb', buffering=0) as stream:
            while True:
                data = stream.read(65536)
                if not data:
                    return
                self.text += data

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield the reports, in the order in which they were written."""
        text, decoder = self.text.decode('utf-8', 'replace').strip(), json.JSONDecoder()
        while text:
            document, end = decoder.raw_decode(text)
            yield document
            text = text[end:].strip()

    def installed(self) -> list[Installed]:
        """Return all archives; but for what is made of a directory.

        Raises `ValueError` for what is no report, or tells of something from a repository.
        """
        found: dict[Installed, None] = {}
        for document in self.documents():
            try:
                rows = [row for row in document['install']
                        if 'dir_info' not in row['download_info']]  # fmt: skip
                found.update(dict.fromkeys(map(_installed, rows)))
            except (KeyError, TypeError, AttributeError) as error:
                raise ValueError(f'this report can\'t be read: {error!r}') from error
        return list(found)


def _installed(row: dict[str, Any]) -> Installed:
    info, metadata = row['download_info'], row['metadata']
    if 'archive_info' not in info:
        raise ValueError(f'{metadata["name"]} has no archive')
    sha256 = (info['archive_info'].get('hashes') or {}).get('sha256', '')
    return Installed(metadata['name'], metadata['version'], info['url'], sha256)
