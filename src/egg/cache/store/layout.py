"""Where is what, below the cache directory?

    <egg-cache>/
      CACHEDIR.TAG
      v1/<environment key>/
        environment.json
        eggs/<project>/<version>/<sha256 of the archive, shortened>/
          entry.json
          <name of the egg>
        origins/<origin key>/
          origin.json
          <project>-<pin>
      tmp/  locks/  stats/  trash/

All functions here are pure: they make paths, they don't look at the disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from egg.cache.common.errors import CacheError

#: Another format version is another directory, and neither looks into the other's.
FORMAT = 1

MANIFEST = 'entry.json'
ORIGIN = 'origin.json'
ENVIRONMENT = 'environment.json'
#: Instead of an environment key: archives as they are, of which no egg is made.
ARCHIVES = 'archives'
DIGEST_LENGTH = 16

#: https://bford.info/cachedir/: backup programs leave such a directory out.
CACHEDIR_TAG = (
    'Signature: 8a477f597d28d172789f06886806bc55\n'
    '# This directory holds eggs that can be built again: the egg cache of zc.buildout.\n'
)

_SAFE = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+!-]*')


@dataclass(frozen=True)
class Layout:
    """The paths below one cache directory."""

    root: Path

    @property
    def tag(self) -> Path:
        return self.root / 'CACHEDIR.TAG'

    @property
    def environments(self) -> Path:
        return self.root / f'v{FORMAT}'

    @property
    def tmp(self) -> Path:
        return self.root / 'tmp'

    @property
    def locks(self) -> Path:
        return self.root / 'locks'

    @property
    def stats(self) -> Path:
        return self.root / 'stats'

    @property
    def trash(self) -> Path:
        return self.root / 'trash'

    def environment(self, key: str) -> Path:
        return self.environments / component(key)

    def eggs(self, key: str) -> Path:
        return self.environment(key) / 'eggs'

    def project(self, key: str, project: str) -> Path:
        return self.eggs(key) / component(canonicalize_name(project))

    def entry(self, key: str, project: str, version: str, sha256: str) -> Path:
        return self.project(key, project) / version_name(version) / sha256[:DIGEST_LENGTH]

    def origin(self, key: str, origin_key: str) -> Path:
        return self.environment(key) / 'origins' / component(origin_key)

    def pin(self, key: str, origin_key: str, project: str, pin: str) -> Path:
        name = f'{canonicalize_name(project)}-{version_name(pin)}'
        return self.origin(key, origin_key) / component(name)

    def lock(self, key: str, sha256: str) -> Path:
        return self.locks / f'{component(key)}-{sha256[:DIGEST_LENGTH]}.lock'


def version_name(version: str) -> str:
    """Return `version` in its normal form (PEP 440), which is safe as a file name.

    Raises `CacheError` for what is not a version.
    """
    try:
        return component(str(Version(version)))
    except ValueError as error:  # InvalidVersion, or too many digits.
        raise CacheError(f'{version!r} is not a version that the egg cache can keep.') from error


def component(name: str) -> str:
    """Return `name` if it is one safe component of a path, else raise `CacheError`."""
    if not is_component(name):
        raise CacheError(f'{name!r} is not a name that the egg cache can keep.')
    return name


def is_component(name: str) -> bool:
    """Tell whether `name` is one safe component of a path."""
    return _SAFE.fullmatch(name) is not None and len(name) <= 200
