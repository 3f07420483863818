"""What did the user ask for?

Options of the `[buildout]` section become one immutable `Settings`. A wrong value is a
`SettingError` that names the option, the value and what is allowed.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from egg.cache.common import linking, units
from egg.cache.common.errors import SettingError

OPTIONS = (
    'egg-cache',
    'egg-cache-mode',
    'egg-cache-exclude',
    'egg-cache-key',
    'egg-cache-link-mode',
    'egg-cache-lock-timeout',
    'egg-cache-max-size',
    'egg-cache-self-contained',
)

#: What each mode does: (are hits served?, are eggs stored?, does storing replace an entry?)
MODES = {
    'read-write': (True, True, False),
    'read-only': (True, False, False),
    'refresh': (False, True, True),
    'off': (False, False, False),
}

#: What is done for a buildout that can live on its own: all, a report at the end, nothing.
SELF_CONTAINED = ('yes', 'check', 'no')

#: Seconds after which a buildout no longer waits for another one that builds the same egg.
LOCK_TIMEOUT = 30 * 60.0

_EXCLUSION = re.compile(r'(?P<name>[A-Za-z0-9*?][A-Za-z0-9._*?-]*?)(?P<specifier>[<>=!~].*)?')


@dataclass(frozen=True)
class Exclusion:
    """A pattern for distributions that are neither stored nor served.

    `name` is a normalised project name (PEP 503) in which `*` and `?` are wildcards.
    """

    name: str
    specifier: SpecifierSet

    @classmethod
    def parse(cls, text: str) -> Exclusion:
        """Return the exclusion that `text`, such as `my.*` or `other==2.*`, stands for."""
        match = _EXCLUSION.fullmatch(text)
        try:
            if match is None:
                raise InvalidSpecifier(text)
            return cls(canonicalize_name(match['name']), SpecifierSet(match['specifier'] or ''))
        except InvalidSpecifier as error:
            raise SettingError(
                f'egg-cache-exclude holds {text!r}, which is not a pattern.\n'
                'Allowed are names with wildcards, each with or without a version specifier '
                'and without blanks in it, such as: my.private.* other==2.*'
            ) from error

    def matches(self, project: str, version: str) -> bool:
        """Tell whether a distribution is excluded."""
        return fnmatch.fnmatchcase(canonicalize_name(project), self.name) and (
            not self.specifier or self.specifier.contains(version, prereleases=True)
        )


@dataclass(frozen=True)
class Settings:
    """The egg cache that one buildout uses; `directory` is None when it is switched off."""

    directory: Path | None
    mode: str = 'read-write'
    exclusions: tuple[Exclusion, ...] = ()
    key: str = ''
    lock_timeout: float = LOCK_TIMEOUT
    max_size: int | None = None
    link_mode: str = 'auto'
    self_contained: str = 'yes'

    @property
    def is_off(self) -> bool:
        return self.directory is None or self.mode == 'off'

    @property
    def reads(self) -> bool:
        return MODES[self.mode][0]

    @property
    def writes(self) -> bool:
        return MODES[self.mode][1]

    @property
    def replaces(self) -> bool:
        return MODES[self.mode][2]

    def excludes(self, project: str, version: str) -> bool:
        """Tell whether a distribution is neither stored nor served."""
        return any(exclusion.matches(project, version) for exclusion in self.exclusions)

    def shares(self, project: str, version: str) -> bool:
        """Tell whether a distribution is both stored and served."""
        return self.reads and self.writes and not self.excludes(project, version)


def parse(options: Mapping[str, str], buildout_directory: str) -> Settings:
    """Return the settings that buildout `options` stand for.

    Every option is looked at even if the cache is off: a wrong value is wrong there too, and
    buildout reports options that nobody looks at as unused.
    """
    return Settings(
        directory=_directory(options.get('egg-cache'), buildout_directory),
        mode=_one_of(MODES, 'egg-cache-mode', options, 'read-write'),
        exclusions=tuple(map(Exclusion.parse, options.get('egg-cache-exclude', '').split())),
        key=options.get('egg-cache-key', '').strip(),
        lock_timeout=_parsed(
            units.parse_duration, 'egg-cache-lock-timeout', options, LOCK_TIMEOUT
        ),
        # 0 is no limit, too.
        max_size=int(_parsed(units.parse_size, 'egg-cache-max-size', options, 0)) or None,
        link_mode=_one_of(linking.MODES, 'egg-cache-link-mode', options, 'auto'),
        self_contained=_one_of(SELF_CONTAINED, 'egg-cache-self-contained', options, 'yes'),
    )


def is_listed(extensions: str, project: str = 'egg.cache') -> bool:
    """Tell whether an extension is among `extensions`, with or without extras or a version."""
    names = (re.match(r'[\w.-]*', spec) for spec in extensions.split())
    listed = {canonicalize_name(match[0]) for match in names if match}
    return canonicalize_name(project) in listed


def default_directory() -> Path:
    """Return the platform's user cache directory for eggs, as platformdirs has it."""
    # Imported late: a buildout that sets `egg-cache` does not pay for it.
    from platformdirs import user_cache_path

    return user_cache_path('egg-cache', appauthor=False)


def expand(text: str, base: str) -> Path:
    """Return `text` as an absolute path; `~` is understood, `base` is for relative paths.

    Raises `SettingError` for the home of somebody whom nobody knows, and for what is no path.
    """
    expanded = os.path.expanduser(text)
    if expanded.startswith('~') or '\0' in expanded:
        raise SettingError(
            f'{text!r} is not the path of a directory: '
            + ('no path has a NUL in it.' if '\0' in expanded else 'there is no such user.')
            + '\nAllowed are absolute and relative paths, ~ and the ~name of a user.'
        )
    return Path(os.path.normpath(os.path.join(base, expanded)))


def _directory(text: str | None, base: str) -> Path | None:
    if text is None:
        return default_directory()
    text = text.strip()
    if not text:
        return None
    if '\n' in text:
        raise SettingError(
            f'egg-cache has several lines: {text!r}.\nAllowed is the path of one directory.'
        )
    try:
        path = expand(text, base)
    except SettingError as error:
        raise SettingError(f'egg-cache = {error}') from error
    if os.path.exists(path) and not os.path.isdir(path):
        raise SettingError(
            f'egg-cache = {text} is not a directory.\n'
            'Allowed is the path of a directory, which is created when it is missing.'
        )
    return path


def _parsed(
    parse: Callable[[str], float], name: str, options: Mapping[str, str], default: float
) -> float:
    """Return what option `name` stands for: a duration or a size, as `units` reads them."""
    text = options.get(name, '').strip()
    try:
        return parse(text) if text else default
    except SettingError as error:
        remark, _, allowed = str(error).partition('\n')
        raise SettingError(f'{name} = {text}{remark[len(repr(text)):]}\n{allowed}') from error


def _one_of(
    modes: Collection[str], name: str, options: Mapping[str, str], default: str
) -> str:
    text = options.get(name, default).strip()
    if text not in modes:
        raise SettingError(f'{name} = {text} is not a mode.\nAllowed are: {", ".join(modes)}.')
    return text
