"""Which absolute paths does this text mention?"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator

#: What the operating system provides, wherever the buildout goes.
SYSTEM = frozenset(
    {'bin', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'proc', 'run', 'sbin', 'sys', 'usr'}
)
#: Directories that are too general to mean anything when they are mentioned as such.
_PLACES = frozenset({'home', 'media', 'mnt', 'opt', 'root', 'srv', 'tmp', 'var', *SYSTEM})

_QUOTED = re.compile(r"""(['"])(/[^'"\n]*)\1""")
_WORD = re.compile(
    r"""(?:(?<=file://)|(?<=-[ILR])|(?<![\w.~$}%*/\\@+-]))/(?!/)[^\s'"`<>|;:,()\[\]{}=\\]*"""
)
_PACKAGES = re.compile(r'/(?:site|dist)-packages(?:/|$)')
_EGG = re.compile(r'/[^/]+\.(?:egg|egg-link)(?:/|$)')
_PYTHON = re.compile(r'/bin/(?:python|pypy)[\d.]*t?$')
_STANDARD_LIBRARY = re.compile(r'.*/lib(?:64)?/(?:python|pypy)\d[\d.]*t?(?:\.zip|/lib-dynload)?')


def absolute_paths(text: str, own: Collection[str] = ()) -> Iterator[tuple[int, str]]:
    """Yield (line number, path) for each absolute path that `text` mentions, each once a line.

    What is below one of the directories `own` is left out.
    """
    mine = _below(own)
    for number, line in enumerate(text.splitlines(), 1):
        if '/' in line:
            for path in dict.fromkeys(_words(mine.sub(_mark, line) if mine else line)):
                yield number, path


def is_outside_help(path: str) -> bool:
    """Tell whether an absolute path is what only this machine has: eggs, modules, existing files.

    Files of the operating system are not, unless they are Python packages. A file that is still
    to be written counts where its directory is there already.
    """
    if is_packages(path) or _EGG.search(path):
        return True
    parts = [part for part in path.split('/') if part]
    if not parts or (len(parts) == 1 and parts[0] in _PLACES):
        return False
    if is_of_system(path) or _STANDARD_LIBRARY.fullmatch(path):
        return False
    return _exists(path) or (len(parts) > 2 and _exists(os.path.dirname(path.rstrip('/'))))


def is_plausible(path: str) -> bool:
    """Tell whether an absolute path can be one of this machine: comments hold any."""
    top = path.lstrip('/').partition('/')[0]
    return _exists(path) or (not is_of_system(path) and _exists(f'/{top}'))


def is_of_system(path: str) -> bool:
    """Tell whether an absolute path is of the operating system; `/usr/local` is not."""
    parts = [part for part in path.split('/') if part]
    return bool(parts) and parts[0] in SYSTEM and parts[:2] != ['usr', 'local']


def is_packages(path: str) -> bool:
    """Tell whether `path` is a `site-packages` (Debian: `dist-packages`) or in one."""
    return bool(_PACKAGES.search(path))


def is_python(path: str) -> bool:
    """Tell whether `path` is an interpreter, by its name."""
    return bool(_PYTHON.search(path))


def _words(line: str) -> Iterator[str]:
    """Yield what looks like an absolute path; in quotes, there may be blanks in it."""
    for quoted in _QUOTED.finditer(line):
        path = quoted[2]
        if ' ' in path and is_outside_help(path):
            yield path
            line = line.replace(quoted[0], ' ')
    for word in _WORD.finditer(line):
        path = word[0].rstrip('.,')
        if path.strip('/'):
            yield path


def _below(directories: Collection[str]) -> re.Pattern[str] | None:
    names = sorted((re.escape(name) for name in directories if name != '/'), key=len, reverse=True)
    if not names:
        return None
    return re.compile(rf"""(?<![\w.-])(?:{'|'.join(names)})(?P<rest>/[^\s'"`:;,]*)?(?![\w.-])""")


def _mark(match: re.Match[str]) -> str:
    """Make a path relative, so that it is no longer found, unless it goes up again."""
    rest = match['rest'] or ''
    return match[0] if '..' in rest.split('/') else f'.{rest}'


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:
        return False
