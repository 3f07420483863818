"""Where does this buildout have what?"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from egg.cache.common.errors import SettingError

CONFIGURATION, INSTALLED = 'buildout.cfg', '.installed.cfg'

#: The directories of a buildout: the names of their options, what they are by default.
DIRECTORIES = {
    'eggs-directory': 'eggs',
    'bin-directory': 'bin',
    'develop-eggs-directory': 'develop-eggs',
    'parts-directory': 'parts',
}
# zc.recipe.egg writes them with short names, too.
_OPTION = re.compile(r'(?P<name>[\w-]+-directory|_[bde]) *= *(?P<value>.*\S)\s*')
_SHORT = {'_e': 'eggs-directory', '_b': 'bin-directory', '_d': 'develop-eggs-directory'}
_INSTALLED = re.compile(r'(?:__buildout_installed__|installed_develop_eggs) *=(?P<value>.*)')


@dataclass(frozen=True)
class BuildoutPaths:
    """A buildout in `directory`, and the directories in it, or elsewhere, as options have them.

    `installed` are (line number, path) of all that `.installed.cfg` says was installed.
    """

    directory: Path
    directories: Mapping[str, Path]
    is_built: bool = True
    installed: tuple[tuple[int, str], ...] = ()
    _known: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The path of the buildout as it was given, and without links."""
        return tuple(dict.fromkeys((str(self.directory), os.path.realpath(self.directory))))

    def holds(self, path: str | Path) -> bool:
        """Tell whether the absolute `path` is in the buildout, perhaps by another name."""
        text = os.path.normpath(path)
        if text not in self._known:
            self._known[text] = any(_is_below(text, name) for name in self.names) or (
                _is_below(_real(text), self.names[-1])
            )
        return self._known[text]

    def relative(self, path: str) -> str:
        """Return `path` as people read it: relative, where it is in the buildout."""
        name = str(self.directory)
        return os.path.relpath(path, name) if _is_below(path, name) else path


def find(
    directory: Path, read: Callable[[Path], Mapping[str, str]] | None = None
) -> BuildoutPaths:
    """Return the places of the buildout in `directory`; raise `SettingError` if there is none.

    `.installed.cfg` says where parts were built. Only where it doesn't, `read` is asked for the
    options of `[buildout]`: that takes its time, and may need a network.
    """
    directory = Path(os.path.abspath(directory))
    text = _text(directory / INSTALLED)
    has_configuration = (directory / CONFIGURATION).is_file()
    if text is None and not has_configuration:
        raise SettingError(
            f'{directory} is no buildout: it has neither buildout.cfg nor .installed.cfg.\n'
            'Name the directory of one. Of a copy without them, check what it was copied from.'
        )
    options = _directories(text or '')
    if has_configuration and read is not None and len(options) < 3:
        options = {**_given(read, directory), **options}
    return BuildoutPaths(
        directory,
        {
            name: Path(os.path.normpath(directory / options.get(name, default)))
            for name, default in DIRECTORIES.items()
        },
        text is not None,
        tuple(_installed(text or '')),
    )


def stale(places: BuildoutPaths, read: Callable[[Path], Mapping[str, str]]) -> frozenset[str]:
    """Return the options of directories that were elsewhere in the last run, and are not now.

    `.installed.cfg` says the one, and the configuration, as `read` gives it, the other.
    """
    directory = places.directory
    outside = {name for name, path in places.directories.items() if not places.holds(path)}
    if not outside or not places.is_built or not (directory / CONFIGURATION).is_file():
        return frozenset()
    given = _given(read, directory)
    return frozenset(
        name for name in outside & given.keys() if places.holds(directory / given[name])
    )


def _given(read: Callable[[Path], Mapping[str, str]], directory: Path) -> Mapping[str, str]:
    """Return the directories that the configuration names, as far as that can be understood."""
    options = {
        name: os.path.expanduser(value.replace('${buildout:directory}', str(directory)))
        for name, value in read(directory).items()
    }
    # What refers to other options is known to buildout alone.
    return {
        name: value for name, value in options.items()
        if name in DIRECTORIES and value and '${' not in value
    }  # fmt: skip


def _directories(text: str) -> dict[str, str]:
    """Return the directories that parts were built with."""
    matches = (_OPTION.fullmatch(line) for line in text.splitlines())
    found = {_SHORT.get(m['name'], m['name']): m['value'] for m in matches if m}
    return {name: value for name, value in found.items() if name in DIRECTORIES}


def _installed(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, path) for all that parts and develop eggs installed."""
    is_inside = False
    for number, line in enumerate(text.splitlines(), 1):
        match = _INSTALLED.match(line)
        is_inside = match is not None or (is_inside and line[:1].isspace())
        value = (match['value'] if match else line).strip()
        if is_inside and os.path.isabs(value):
            yield number, value


def _text(path: Path) -> str | None:
    try:
        return path.read_text('utf-8', 'surrogateescape')
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip('/') + '/')


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path
