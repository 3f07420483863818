"""What does a build of this source need, before it runs?

`build-system` in `pyproject.toml` says it (PEP 517, PEP 518). A backend may ask for more while it
runs; of that only `setup_requires` is a matter of each project.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any

#: What pip takes where nothing is said.
LEGACY = ('setuptools>=40.8.0',)
_LEGACY_BACKEND = 'setuptools.build_meta:__legacy__'


@dataclass(frozen=True)
class BuildSystem:
    """The `requires` of a source, its `backend`, and a digest of what asks for more, or ''."""

    requires: tuple[str, ...] = LEGACY
    backend: str = _LEGACY_BACKEND
    setup_requires: str = ''

    @property
    def is_setuptools(self) -> bool:
        return self.backend.partition(':')[0].partition('.')[0] == 'setuptools'

    def describe(self) -> dict[str, object]:
        return {
            'requires': list(self.requires),
            'build-backend': self.backend,
            'setup-requires': self.setup_requires,
        }


def read(directory: str) -> BuildSystem:
    """Return what the source in `directory` says; what can't be read counts as missing.

    pip itself says what is wrong with it.
    """
    asking = [_text(directory, name) for name in ('setup.py', 'setup.cfg')]
    more = '\n'.join(text for text in asking if 'setup_requires' in text)
    setup_requires = hashlib.sha256(more.encode()).hexdigest()[:32] if more else ''
    found = table(directory, 'build-system')
    requires = found.get('requires')
    if not isinstance(requires, list):
        return BuildSystem(setup_requires=setup_requires)
    backend = found.get('build-backend')
    return BuildSystem(
        tuple(sorted(map(str, requires))),
        backend if isinstance(backend, str) else _LEGACY_BACKEND,
        setup_requires,
    )


def table(directory: str, name: str) -> dict[str, Any]:
    """Return a table of the `pyproject.toml` in `directory`, empty if there is none to be read."""
    text = _text(directory, 'pyproject.toml')
    if not text:
        return {}
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10. pip has it for just this purpose.
        from pip._vendor import tomli as tomllib  # type: ignore[no-redef]
    try:
        found = tomllib.loads(text).get(name)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(directory: str, name: str) -> str:
    try:
        with open(os.path.join(directory, name), encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''
