"""Where and with what was this buildout built?

`.buildinfo.json` in the directory of a buildout says it. `bootstrap.py` reads it where the
buildout has come to, and `egg-cache pack` where it was built.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egg.cache.common import files
from egg.cache.common.errors import CacheError

NAME = '.buildinfo.json'
FORMAT = 1
#: What eggs with compiled modules depend on, as `standalone.bootstrap.environment` has it.
ENVIRONMENT = ('implementation', 'python', 'soabi', 'platform', 'libc')


@dataclass(frozen=True)
class BuildInfo:
    """`directory` is the buildout, `directories` are relative to it where they are in it.

    `buildout_eggs` are the names of the eggs that `bin/buildout` runs from, in the order in which
    they are on its `sys.path`; `executable` is the interpreter of the build, `egg_cache` the
    egg cache, if there was one; `configuration` is the file that buildout was given with `-c`,
    relative to the buildout.
    """

    environment: Mapping[str, str]
    directories: Mapping[str, str]
    buildout_eggs: Sequence[str]
    directory: str = ''
    executable: str = ''
    egg_cache: str = ''
    configuration: str = ''

    @property
    def text(self) -> str:
        """The file, byte for byte; what is empty is left out."""
        document = {
            'format': FORMAT,
            'directory': self.directory,
            'environment': dict(self.environment),
            'executable': self.executable,
            'directories': dict(self.directories),
            'buildout_eggs': list(self.buildout_eggs),
            'egg_cache': self.egg_cache,
            'configuration': self.configuration,
        }
        known = {name: value for name, value in document.items() if value != ''}
        return json.dumps(known, indent=1, ensure_ascii=False) + '\n'


def write(info: BuildInfo, directory: Path) -> None:
    """Write the file, if it is not there as it should be."""
    path = directory / NAME
    files.ensure(path, info.text.encode('utf-8', 'surrogateescape'), directory)


def read(directory: Path) -> BuildInfo | None:
    """Return what the file in `directory` says, None if there is none.

    Raises `CacheError` for one that is none of ours.
    """
    path = directory / NAME
    try:
        document = json.loads(files.read(path))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise CacheError(f'{path} is damaged: {error}.\n{_ADVICE}') from error
    try:
        return _parsed(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CacheError(f'{path} is damaged: {_described(error)}.\n{_ADVICE}') from error


_ADVICE = 'Run buildout again, with egg.cache among its extensions: it writes that file.'


def _parsed(document: Any) -> BuildInfo:
    if document['format'] != FORMAT:
        raise ValueError(f'its format is {document["format"]!r}, not {FORMAT}')
    environment = {name: _text(document['environment'][name]) for name in ENVIRONMENT}
    directories = {name: _text(path) for name, path in document['directories'].items()}
    eggs = tuple(map(_text, document['buildout_eggs']))
    wrong = [name for name in eggs if os.path.basename(name) != name or not name.endswith('.egg')]
    if wrong:
        raise ValueError(f'{wrong[0]!r} is not the name of an egg')
    rest = (_text(document.get(name, ''))
            for name in ('directory', 'executable', 'egg_cache', 'configuration'))  # fmt: skip
    return BuildInfo(environment, directories, eggs, *rest)


def _text(value: Any) -> str:
    if not isinstance(value, str) or '\0' in value:
        raise TypeError(f'{value!r} is no text')
    return value


def _described(error: Exception) -> str:
    return f'{error} is missing' if isinstance(error, KeyError) else str(error)
