"""What does a source say of itself, as far as it can be read without running it?

`pyproject.toml` (PEP 621), `setup.cfg` and what `setup.py` says literally. Where an earlier build
left an `.egg-info`, that says all.
"""

from __future__ import annotations

import ast
import configparser
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

from egg.cache.common import files
from egg.cache.environment import build_system


@dataclass(frozen=True)
class SourceMetadata:
    """The `name` and `version` of a source, or '', and its requirements as they are written.

    An extra is a marker of a requirement. `requires` is None if only a build can tell.
    """

    name: str = ''
    version: str = ''
    requires: tuple[str, ...] | None = None


def read(directory: Path) -> SourceMetadata:
    """Return what the source in `directory` says; what can't be read counts as missing."""
    found = [reader(directory) for reader in (_egg_info, _pyproject, _setup_cfg, _setup_py)]
    names = (one.name for one in found if one.name)
    versions = (one.version for one in found if one.version)
    requires = (one.requires for one in found if one.requires is not None)
    return SourceMetadata(next(names, ''), next(versions, ''), next(requires, None))


def _egg_info(directory: Path) -> SourceMetadata:
    for path in [*sorted(directory.glob('*.egg-info')), *sorted(directory.glob('src/*.egg-info'))]:
        with suppress(OSError, ValueError, KeyError):
            found = PathDistribution(path)
            if found.metadata['Name']:
                return SourceMetadata(found.metadata['Name'], found.version,
                                      tuple(found.requires or ()))  # fmt: skip
    return SourceMetadata()


def _pyproject(directory: Path) -> SourceMetadata:
    project = build_system.table(str(directory), 'project')
    if not isinstance(project.get('name'), str):
        return SourceMetadata()
    dynamic = project.get('dynamic')
    is_dynamic = isinstance(dynamic, list) and 'dependencies' in dynamic
    extras = project.get('optional-dependencies')
    requires = [*_texts(project.get('dependencies')), *_marked(extras)]
    version = project.get('version')
    return SourceMetadata(
        project['name'],
        version if isinstance(version, str) else '',
        None if is_dynamic else tuple(requires),
    )


def _setup_cfg(directory: Path) -> SourceMetadata:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(files.read(directory / 'setup.cfg').decode('utf-8', 'replace'))
        return _of(parser, directory)
    except (OSError, configparser.Error):
        return SourceMetadata()


def _of(parser: configparser.RawConfigParser, directory: Path) -> SourceMetadata:
    name, version = (parser.get('metadata', key, fallback='') for key in ('name', 'version'))
    listed = parser.get('options', 'install_requires', fallback=None)
    requires = None
    if listed is not None:
        extras = {}
        if parser.has_section('options.extras_require'):
            extras = dict(parser.items('options.extras_require'))
        requires = (*_listed(directory, listed), *_marked(extras))
    is_plain = not version.startswith(('attr:', 'file:'))
    return SourceMetadata(name.strip(), version.strip() if is_plain else '', requires)


def _listed(directory: Path, text: str) -> list[str]:
    """Return the requirements that `text` lists, or the files that it names (`file: a, b`)."""
    if not text.strip().startswith('file:'):
        return _lines(text)
    names = text.strip().removeprefix('file:').split(',')
    found = (files.read(directory / name.strip()).decode('utf-8', 'replace') for name in names)
    return [line for text in found for line in _lines(text) if not line.startswith('#')]


def _setup_py(directory: Path) -> SourceMetadata:
    try:
        tree = ast.parse(files.read(directory / 'setup.py'))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return SourceMetadata()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) == 'setup':
            given: dict[str, Any] = {}
            for keyword in node.keywords:
                given[keyword.arg or ''] = _literal(keyword.value)
            # What is given as `**keywords`, or by a variable, nobody knows without running it.
            is_known = '' not in given and None not in (
                given.get('install_requires', ()), given.get('extras_require', ()))  # fmt: skip
            requires = (*_texts(given.get('install_requires')),
                        *_marked(given.get('extras_require')))  # fmt: skip
            return SourceMetadata(
                _text(given.get('name')), _text(given.get('version')),
                requires if is_known else None,
            )  # fmt: skip
    return SourceMetadata()


def _called(function: ast.expr) -> str:
    return getattr(function, 'id', getattr(function, 'attr', ''))


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _marked(extras: Any) -> Iterable[str]:
    """Yield the requirements of extras, each with the extra as its marker."""
    for extra, texts in extras.items() if isinstance(extras, Mapping) else ():
        for text in _texts(texts):
            requirement, _, marker = text.partition(';')
            condition = f'extra == "{extra}"'
            yield f'{requirement}; ({marker}) and {condition}' if marker.strip() else (
                f'{requirement}; {condition}')  # fmt: skip


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return _lines(value)
    is_list = isinstance(value, (list, tuple))
    return [one for one in value if isinstance(one, str)] if is_list else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ''


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
