"""What does pip's own configuration say?

pip has its options from files, and from variables such as `PIP_BUILD_CONSTRAINT`
(https://pip.pypa.io/en/stable/topics/configuration/). The files are read here as pip reads them:
`pip config list` would take half a second, as long as a small build.
"""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Iterable, Mapping

from egg.cache.common.errors import CacheError

_PREFIX = 'PIP_'
# Later ones win; what a variable says, wins over all of them.
_SECTIONS = ('global', 'install')


def options(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the options of `pip install`, as text, by their long names: `build-constraint`.

    Empty values count as none, as they do for pip. Raises `CacheError` for a file that pip
    can't read either.
    """
    sections: dict[str, dict[str, str]] = {name: {} for name in _SECTIONS}
    for path in files(environ):
        if os.path.exists(path):
            for section, values in _read(path).items():
                sections.get(section, {}).update(values)
    found: dict[str, str] = {}
    for values in (*sections.values(), _normalised(_variables(environ))):
        found.update((name, value) for name, value in values.items() if value)
    return found


def files(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the paths of the files that pip would read, the later ones win.

    That of `PIP_CONFIG_FILE` replaces the user's own, if it is there; `/dev/null` stands for no
    file at all.
    """
    named = environ.get('PIP_CONFIG_FILE')
    if named == os.devnull:
        return []
    own = [] if named and os.path.exists(named) else _of_user(environ)
    directories = [*_of_all(environ), *own, sys.prefix]
    return [os.path.join(directory, 'pip.conf') for directory in directories] + (
        [named] if named else []
    )


def _of_all(environ: Mapping[str, str]) -> list[str]:
    if sys.platform == 'darwin':
        return ['/Library/Application Support/pip']
    places = environ.get('XDG_CONFIG_DIRS', '').strip() or '/etc/xdg'
    return [*(os.path.join(place, 'pip') for place in places.split(os.pathsep)), '/etc']


def _of_user(environ: Mapping[str, str]) -> list[str]:
    home = environ.get('HOME') or os.path.expanduser('~')
    place = environ.get('XDG_CONFIG_HOME', '').strip() or os.path.join(home, '.config')
    if sys.platform == 'darwin':
        place = os.path.join(home, 'Library/Application Support')
        if not os.path.isdir(os.path.join(place, 'pip')):
            place = os.path.join(home, '.config')
    return [os.path.join(home, '.pip'), os.path.join(place, 'pip')]


def _read(path: str) -> dict[str, dict[str, str]]:
    # Imported late: most hosts have no such file.
    import configparser

    parser = configparser.RawConfigParser()
    encoding = 'utf-8' if sys.flags.utf8_mode else locale.getpreferredencoding(False)
    try:
        parser.read(path, encoding)
    except (UnicodeDecodeError, configparser.Error) as error:
        raise CacheError(f"{path} can't be read: {' '.join(str(error).split())}") from error
    return {section: _normalised(parser.items(section)) for section in parser.sections()}


def _variables(environ: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return (
        (name[len(_PREFIX) :], value) for name, value in environ.items()
        if name.startswith(_PREFIX)
    )  # fmt: skip


def _normalised(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return items by the names that pip makes of `PRE`, `pre`, `no_binary` and `--no-binary`."""
    return {
        name.lower().replace('_', '-').removeprefix('--'): value for name, value in items
    }
