"""What did the last run of a buildout write down of its parts?"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

from egg.cache.common.errors import CacheError
from egg.cache.portable.buildout_paths import INSTALLED

#: Where zc.buildout writes what a part installed, a path a line.
PATHS = '__buildout_installed__'

# How zc.buildout writes blanks at the ends of a line.
_BLANKS = {
    '%(__buildout_space__)s': ' ',
    '%(__buildout_space_n__)s': '\n',
    '%(__buildout_space_r__)s': '\r',
    '%(__buildout_space_f__)s': '\f',
    '%(__buildout_space_v__)s': '\v',
}


def read(directory: Path) -> Mapping[str, Mapping[str, str]]:
    """Return the sections of `.installed.cfg`. Raises `CacheError` where no buildout has run."""
    path = directory / INSTALLED
    parser = configparser.RawConfigParser(
        strict=False, delimiters=('=',), comment_prefixes=(), allow_no_value=True
    )
    # Names keep their case: configparser's own way, which mypy takes for a mistake.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(path.read_text('utf-8', 'surrogateescape'))
    except FileNotFoundError as error:
        raise CacheError(
            f'{directory} is not a buildout that has run: there is no {path}.\n'
            'Run buildout there, to its end.'
        ) from error
    except configparser.Error as error:
        raise CacheError(
            f'{path} is damaged: {" ".join(str(error).split())}.\nRun buildout there, to its end.'
        ) from error
    return {
        section: {name: _plain(value or '') for name, value in parser.items(section)}
        for section in parser.sections()
    }


def parts(sections: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return the names of the parts that were installed, in their order."""
    names = sections.get('buildout', {}).get('parts', '').split()
    return tuple(name for name in names if name in sections)


def paths(options: Mapping[str, str]) -> list[str]:
    """Return what a part has installed."""
    return [path for path in options.get(PATHS, '').split('\n') if path]


def _plain(value: str) -> str:
    for written, blank in _BLANKS.items():
        value = value.replace(written, blank)
    return value
