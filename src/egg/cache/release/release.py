"""What is in a release? Its `RELEASE.json`, read as if a stranger had written it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.standalone import install
from egg.cache.standalone.install import to_bytes

FORMAT = 1
NAME, SINCE, RECORD = install.DOCUMENT, install.CHANGES, install.RECORD

_DIGITS = 12
_ADVICE = f'Name the archive of a release that egg-cache pack has written, or its {NAME}.'


@dataclass(frozen=True)
class Release:
    """One version of an application, for one environment.

    `eggs` are {name of the egg: what is known of it}, `files` {path: sha256, size, mode and time,
    or where the link leads}, `directories` the paths of the empty ones.
    """

    name: str
    version: str
    environment: Mapping[str, str]
    eggs: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Mapping[str, Any]]
    directories: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f'{self.name}-{self.version}'

    @property
    def document(self) -> dict[str, Any]:
        """What `RELEASE.json` says."""
        return {
            'format': FORMAT,
            'name': self.name,
            'version': self.version,
            'environment': dict(self.environment),
            'eggs': {name: dict(egg) for name, egg in self.eggs.items()},
            'files': {path: dict(file) for path, file in self.files.items()},
            'directories': sorted(self.directories),
        }

    @property
    def digest(self) -> str:
        """The sha256 of `RELEASE.json`: two releases with the same one are the same."""
        return hashlib.sha256(to_bytes(self.document)).hexdigest()

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.get('size', 0) for file in self.files.values())


def version_of(release: Release) -> str:
    """Return the version that a release has when nobody gives it one: a digest of all else."""
    document = release.document
    del document['version']
    return hashlib.sha256(to_bytes(document)).hexdigest()[:_DIGITS]


def parse(data: bytes, where: str) -> Release:
    """Return the release that a `RELEASE.json` describes.

    Raises `CacheError` for what can't be a release; `where` is the name of the file.
    """
    try:
        document = install.read_release(data, where).document
    except install.Failure as error:
        raise CacheError(f'{error}\n{_ADVICE}') from error
    eggs = document.get('eggs')
    if not isinstance(eggs, dict):
        raise CacheError(f'{where} does not say which eggs it has.\n{_ADVICE}')
    return Release(
        document['name'], document['version'], document['environment'], eggs, document['files'],
        tuple(document['directories']),
    )  # fmt: skip


def read(path: Path) -> Release:
    """Return the release that an archive, or a `RELEASE.json`, is of. Raises `CacheError`."""
    try:
        with open(path, 'rb') as file:
            data = file.read(files.LARGEST) if file.read(1) == b'{' else None
        if data is not None:
            return parse(b'{' + data, str(path))
        name, data = install.read_document(str(path))
    except install.Failure as error:
        raise CacheError(f'{error}\n{_ADVICE}') from error
    except OSError as error:
        raise CacheError(f"{path} can't be read: {error.strerror or error}.\n{_ADVICE}") from error
    if name.partition('/')[2] == SINCE:
        raise CacheError(
            f'{path} holds only what changed since another release.\n'
            f'Name a full archive, or the {NAME} of where it is installed.'
        )
    return parse(data, f'{path}: {name}')
