"""Which absolute paths does this text mention?"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence

#: What the operating system provides, wherever the buildout goes.
SYSTEM = frozenset(
    {'bin', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'proc', 'run', 'sbin', 'sys', 'usr'}
)
#: Directories that are too general to mean anything when they are mentioned as such.
_PLACES = frozenset({'home', 'media', 'mnt', 'opt', 'root', 'srv', 'tmp', 'var', *SYSTEM})

# Directories in which services have directories of their own, for data and logs.
_FOR_DATA = frozenset(('var', name) for name in ('cache', 'lib', 'log', 'spool'))

#: Longer than any path can be.
_MAXIMUM_LENGTH = 4096

_END = r"""\s'"`<>|;:,()\[\]{}=\\"""
_QUOTED = re.compile(r"""(['"])(/[^'"\n]*)\1""")
_SPECIAL = re.compile(f'[{_END}]')
# No absolute path begins after one of these: `~/x`, `$(pwd)/x`, `${y}/x`, ...
_WITHIN = r'\w.~$)\]}%*\\@+-'
# ... but in `-L/x`, `${y:-/x}`, and `\n/x` in a text. `unix:///x` has one, `http://x` has none;
# three slashes of SQLite are two and a relative path.
_WORD = re.compile(
    rf'/(?:(?<![/{_WITHIN}]/)(?!(?<=:/)/)|(?<=:///)(?!(?<=sqlite:///)[^/])'
    rf'|(?<=:-/)|(?<=-[A-Za-z]/)(?<![\w./-]-[A-Za-z]/)|(?<=\\[nrt]/))[^{_END}]*'
)
# What follows a name with a blank in it, or another character that ends a path.
_MORE = re.compile(rf"""(?P<name>[^/'"\n]{{1,80}})(?<![\s:;,(=])/[^{_END}]*""")
_PACKAGES = re.compile(r'/(?:site|dist)-packages(?:/|$)')
_EGG = re.compile(r'/[^/]+\.(?:egg|egg-link)(?:/|$)')
_PYTHON = re.compile(r'/bin/(?:python|pypy)[\d.]*t?$')
_STANDARD_LIBRARY = re.compile(r'.*/lib(?:64)?/(?:python|pypy)\d[\d.]*t?(?:\.zip|/lib-dynload)?')


def absolute_paths(text: str, own: Collection[str] = ()) -> Iterator[tuple[int, str]]:
    """Yield (line number, path) for each absolute path that `text` mentions, each once a line.

    What is below one of the directories `own` is left out.
    """
    own = sorted((name for name in own if name != '/'), key=len, reverse=True)
    mine = _below(own)
    for number, line in enumerate(text.splitlines(), 1):
        if '/' in line:
            for path in dict.fromkeys(_paths(line, own, mine)):
                yield number, path


def is_outside_help(path: str) -> bool:
    """Tell whether an absolute path is what only this machine has: eggs, modules, existing files.

    Files of the operating system are not, unless they are Python packages. A file that is still
    to be written counts where its directory is there already, but for those that all systems
    have for data and logs: `/var/lib/shop` may be a name for any machine.
    """
    if is_packages(path) or _EGG.search(path):
        return True
    parts = [part for part in path.split('/') if part not in ('', '.')]
    if not parts or (len(parts) == 1 and parts[0] in _PLACES):
        return False
    if is_of_system(path) or _STANDARD_LIBRARY.fullmatch(path):
        return False
    if len(parts) < 3 or (len(parts) == 3 and tuple(parts[:2]) in _FOR_DATA):
        return _exists(path)
    return _exists(path) or _exists(os.path.dirname(path.rstrip('/')))


def is_plausible(path: str) -> bool:
    """Tell whether an absolute path can be one of this machine: comments hold any."""
    top = path.lstrip('/').partition('/')[0]
    return _exists(path) or (not is_of_system(path) and _exists(f'/{top}'))


def is_of_system(path: str) -> bool:
    """Tell whether an absolute path is of the operating system; `/usr/local` is not."""
    parts = [part for part in path.split('/') if part]
    if parts[:2] in (['var', 'run'], ['var', 'lock']):
        return True
    return bool(parts) and parts[0] in SYSTEM and parts[:2] != ['usr', 'local']


def is_packages(path: str) -> bool:
    """Tell whether `path` is a `site-packages` (Debian: `dist-packages`) or in one."""
    return bool(_PACKAGES.search(path))


def is_python(path: str) -> bool:
    """Tell whether `path` is an interpreter, by its name."""
    return bool(_PYTHON.search(path))


def _paths(line: str, own: Sequence[str], mine: re.Pattern[str] | None) -> list[str]:
    """Return what looks like an absolute path; in quotes, there may be blanks in it."""
    found = []

    def quoted(match: re.Match[str]) -> str:
        path = match[2].rstrip('\\')
        # If another path begins in it, it is no path, but a list, or a command.
        if not _SPECIAL.search(path) or _WORD.search(path, 1):
            return match[0]
        if '..' not in path.split('/') and any(path.startswith(f'{name}/') for name in own):
            return ' '
        if not is_outside_help(path):
            return match[0]
        found.append(path)
        return ' '

    def inside(match: re.Match[str]) -> str:
        """Make a path relative, so that it is no longer found, unless it goes up again."""
        rest = match['rest'] or ''
        more = None if rest else _MORE.match(line, match.end())
        if more and _exists(match[0] + more['name']):
            found.append(match[0] + more[0])
        return match[0] if '..' in rest.split('/') else f'.{rest}'

    # In JSON, a slash may be escaped.
    line = _QUOTED.sub(quoted, line.replace('\\/', '/'))
    rest = mine.sub(inside, line) if mine else line
    words = (match[0].rstrip('.,') for match in _WORD.finditer(rest))
    found += [f'/{word.lstrip("/")}' for word in words if word.strip('/')]
    return [path for path in found if len(path) <= _MAXIMUM_LENGTH]


def _below(directories: Collection[str]) -> re.Pattern[str] | None:
    if not directories:
        return None
    names = '|'.join(map(re.escape, directories))
    # `/srv/shop+old` and `/srv/shop\ old` are not below `/srv/shop`.
    return re.compile(
        rf'(?:(?<![{_WITHIN}])(?<![{_WITHIN}]/)|(?<=:-)|(?<=-[A-Za-z])|(?<=\\[nrt]))'
        rf"""(?:{names})(?:(?P<rest>/[^\s'"`:;,]*)|(?=[{_END}]|$)(?!\\ ))"""
    )


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:
        return False
