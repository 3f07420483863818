"""Which eggs does a buildout use?"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from egg.cache.common.errors import SettingError

INSTALLED = '.installed.cfg'

#: What is larger is no script, and no configuration that a recipe wrote.
LARGEST = 4 << 20

_EGG = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+!-]*\.egg(?![\w-])')


def eggs(directory: Path, without: Collection[str] = ()) -> frozenset[str]:
    """Return the names of the eggs that the buildout in `directory` uses.

    They are looked for in `.installed.cfg`, in the scripts, and in all else that the parts
    have installed, so it doesn't matter where the eggs are. Parts named in `without` don't count,
    nor do scripts that are not listed there then. Raises `SettingError` where no buildout has
    run, and for what can't be read.
    """
    path = directory / INSTALLED
    try:
        text = path.read_text('utf-8', 'surrogateescape')
        sections = _sections(text)
        places = [] if without else [directory / 'bin']
        names = set() if without else set(_EGG.findall(text))
        for name, section in sections.items():
            if name not in without:
                places += _installed(section, has_all_scripts=not without)
                names.update(*(_EGG.findall(value or '') for value in section.values()))
        for place in places:
            for file in _files(place):
                names.update(_EGG.findall(_text(file)))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SettingError(
            f'{directory} is not a buildout that has run: there is no {path}.\n'
            'Allowed are directories in which buildout has installed its parts.'
        ) from error
    except (OSError, configparser.Error) as error:
        raise SettingError(
            f'What the buildout in {directory} uses is unknown: {error}.\n'
            'Mend that, or leave that buildout out.'
        ) from error
    return frozenset(names)


def _sections(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=('=',), allow_no_value=True)
    parser.read_string(text)
    return parser


def _installed(section: Mapping[str, str | None], has_all_scripts: bool) -> Iterator[Path]:
    """Yield the paths that a part has installed, and the directory of its scripts."""
    options = ['__buildout_installed__', *(['bin-directory'] if has_all_scripts else [])]
    for option in options:
        for line in (section.get(option) or '').splitlines():
            # Blanks at either end are written as %(__buildout_space_n__)s: none of ours.
            if os.path.isabs(line.strip()):
                yield Path(line.strip())


def _files(place: Path) -> Iterator[Path]:
    """Yield the files in `place`, or that file itself; eggs and links to directories are not
    entered."""
    if not place.is_dir():
        yield place
        return
    for directory, names, files in os.walk(place, onerror=_fail):
        names[:] = [name for name in names if not name.endswith('.egg')]
        for name in files:
            yield Path(directory, name)


def _fail(error: OSError) -> None:
    raise error


def _text(path: Path) -> str:
    """Return the text of a script, none of what is gone or can't be one."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return ''
        return path.read_text('utf-8', 'replace')
    except FileNotFoundError:
        return ''
